"""Who asks, and may they: tokens in both header forms, the socket of a machine, and what their holders may do."""

import hmac
import re
from contextlib import suppress

from quart import request

from flylab.errors import RuleError
from flylab.local.api_requests import Control
from flylab.local.uvicorn_server import MACHINE
from flylab.rules.rights import Holder
from flylab.rules.waiting import Wanted
from flylab.wire.machine import MachineState

_HEARD = 2.0  # seconds (our choice); the word comes within milliseconds


def admit_request(control: Control, app: str, machine: str) -> tuple[Holder, ...]:
    """The holders of the request's tokens; raises ``RuleError`` when none of them may do what it asks for."""
    holders = _holders(control)
    reads = request.method in ("GET", "HEAD") and control.platform.settings.machine_reads_app
    exists = _exists(control, app)
    refused: RuleError | None = None
    for holder in holders:
        try:
            holder.permit(request.endpoint or "", app, machine, app_exists=exists, reads=reads)
        except RuleError as exc:
            refused = refused or exc
        else:
            return holders
    assert refused is not None  # there is at least one holder
    raise refused


def _holders(control: Control) -> tuple[Holder, ...]:
    if machine_id := request.scope.get(MACHINE):
        life = control.platform.fleet.find(str(machine_id))
        if life is None or not _exists(control, life.app):
            raise RuleError("unauthenticated", "Authenticate: the machine of this socket is gone")
        return (Holder(token_id="machine", app=life.app, machine=life.id),)
    return authenticate(request.headers.get("authorization", ""), control)


async def settled(control: Control) -> None:
    """Wait until the platform has heard that the machine runs whose socket the request came through.

    Its process may ask for something before the word of its own start has arrived; it would be refused as `starting`.
    """
    life = control.platform.fleet.find(str(request.scope.get(MACHINE, "")))
    if life is not None and life.state is MachineState.STARTING:
        wanted = Wanted(states=frozenset(MachineState) - {MachineState.STARTING})
        with suppress(RuleError):
            await control.platform.wait(life, wanted, _HEARD)


def refuse_rebinding() -> None:
    """Refuse a host that only a page in a browser would name here: one whose name was made to point at this computer.

    What needs no token could be read by such a page. An address is no name, and nobody else can give out the others.
    """
    host = request.host.lower()
    if not _OF_HERE.fullmatch(host) and not request.scope.get(MACHINE):
        raise RuleError("forbidden", f"host '{host[:80]}' is none of this computer's: ask for 127.0.0.1 or localhost")


_OF_HERE = re.compile(r"(?:[0-9.]*|\[[0-9a-f:.]+\]|(?:[a-z0-9_.-]+\.)?(?:localhost|internal)\.?)(?::[0-9]*)?")


def authenticate(header: str, control: Control) -> tuple[Holder, ...]:
    """Accept ``Bearer <token>``, ``FlyV1 <token>[,<token>]`` and, as scripts put it together, ``Bearer FlyV1 <token>``.

    The last one comes of a token whose text has the scheme in it, as `fly tokens create` prints it.
    """
    scheme, _, given = header.partition(" ")
    if scheme.lower() not in ("bearer", "flyv1"):
        raise RuleError("unauthenticated", "Authenticate: no token, send 'Authorization: Bearer <token>'")
    found = [_holder(part.strip(), control) for part in given.strip().removeprefix("FlyV1 ").split(",")]
    if holders := tuple(holder for holder in found if holder):
        return holders
    if given.strip() and control.platform.settings.api.any_token:
        return (Holder(token_id="organization"),)
    raise RuleError("unauthenticated", "Authenticate: token validation error, it is none of this platform's or too old")


def owner(header: str, control: Control, what: str) -> None:
    """Raise unless the token is the organisation's; ``what`` it is wanted for is the beginning of the refusal."""
    if all(holder.app for holder in authenticate(header, control)):
        raise RuleError("forbidden", f"{what} with the token of the organisation, not with that of an app")


def _holder(text: str, control: Control) -> Holder | None:
    if hmac.compare_digest(text.encode(), control.token.encode()):
        return Holder(token_id="organization")
    token = control.platform.fleet.belongings.tokens.find(text, control.platform.clock.wall())
    return Holder(token_id=token.id, app=token.app) if token else None


def _exists(control: Control, app: str) -> bool:
    try:
        return bool(control.platform.fleet.app(app))
    except RuleError:
        return False

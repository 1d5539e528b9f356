"""Faults at the door of the Machines API: before an operation it may be refused, after it its answer may be changed."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from quart import Response, g, request

from flylab.errors import ParseError, RuleError
from flylab.rules.admission import Catalogue, choose_region
from flylab.rules.fault_refusals import HOST_DOWN, no_room, refusals, refused
from flylab.rules.faults import Struck, Subject
from flylab.rules.life import Life
from flylab.wire.codes import refuse
from flylab.wire.machine import MachineState as S

if TYPE_CHECKING:
    from flylab.local.troubles import Troubles

CUT = "flylab.cut"  # in the scope of a request: ends its connection without an answer
HEADER = "x-flylab-fault"  # on an answer that a fault has made or changed
_LISTS = frozenset({"Machines_list", "Machines_org_list"})
_MAKES = frozenset({"Machines_create", "Volumes_create"})
_HOUSEHOLD = frozenset({"GET", "HEAD", "OPTIONS"})
_FULL = ("region_full", "region_deprecated")


class Gate:
    """Stands in every request below ``/v1``; with nothing armed it lets all pass at once."""

    def __init__(self, troubles: "Troubles") -> None:
        self._troubles = troubles

    async def before(self, operation: str, named: dict[str, Any]) -> None:
        """Return when the operation may go on; raises what the fault says, a ``RuleError``."""
        if not self._troubles.on:
            return
        app, machine_id = str(named.get("app_name", "")), str(named.get("machine_id", ""))
        life = self._troubles.life(machine_id) if machine_id else None
        body = await _body() if operation in _MAKES else {}
        mounts = bool(_mount(body))
        volume = self._volume(app, _mount(body)) or str(named.get("volume_id", ""))
        region = life.region if life else self._wanted_region(body)
        here = Subject(app=app, region=region, machine=machine_id, volume=volume)
        possible = refusals(operation, mounts=mounts)
        if struck := self._troubles.strikes(possible, here):
            names = {"app": app, "region": region, "machine": machine_id, "volume": volume or _mount(body)}
            self._note(struck)
            raise refused(possible[struck.name], struck, names)
        if operation == "Machines_wait":
            self._strict_wait(here)
        if life is not None:
            await self._machine(operation, life)
        if request.method not in _HOUSEHOLD:
            self._doubt(here)

    async def after(self, response: Response) -> Response:
        """The answer that leaves, whatever came of the operation."""
        if not self._troubles.on:
            return response
        operation = request.endpoint or ""
        if response.status_code < 300:
            doubt: Struck | None = g.get("doubt")
            if doubt is not None:
                response = await _lost() if doubt.name == "lost_response" else _late()
            elif bend := self._bends().get(operation):
                said = json.loads(await response.get_data(as_text=True))
                if (bent := bend(said)) is not None:
                    response.set_data(json.dumps(bent))
        if told := g.get("faults"):
            response.headers[HEADER] = ", ".join(told)
        return response

    def region(self, text: str, catalogue: Catalogue, app: str, *, volume: bool = False) -> str:
        """``choose_region`` among those that have room and are not deprecated by a fault."""
        left, full = catalogue, ""
        while True:
            try:
                if not left.regions:
                    raise RuleError("invalid_argument", "no region is left")
                code = choose_region(text, left)
            except RuleError:
                if full:
                    raise no_room(full, volume=volume) from None
                raise
            struck = self._troubles.strikes(_FULL, Subject(app=app, region=code))
            if struck is None:
                return code
            self._note(struck)
            left = replace(left, regions=tuple(each for each in left.regions if each != code))
            if struck.name == "region_full":
                full = full or code
            else:
                left = replace(left, deprecated=left.deprecated | {code})

    def roomy(self, catalogue: Catalogue) -> Catalogue:
        """For placements: without the regions that have no room."""
        threatens = self._troubles.threatens
        full = {code for code in catalogue.regions if any(threatens(name, Subject(region=code)) for name in _FULL)}
        left = tuple(code for code in catalogue.regions if code not in full)
        return replace(catalogue, regions=left, published=catalogue.published | full) if full else catalogue

    # ── before ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _machine(self, operation: str, life: Life) -> None:
        troubles = self._troubles
        forced = {"force", "kill"} & {key for key, value in request.args.items() if value == "true"}
        writes = request.method not in _HOUSEHOLD and not (operation == "Machines_delete" and forced)
        if writes and (struck := troubles.strikes_machine("host_down", life, once="host")):
            self._note(struck)
            raise RuleError("ambiguous_timeout", HOST_DOWN)
        if operation != "Machines_start":
            return
        if life.state is S.STOPPED and life.log:
            stopped, _ = life.log[-1]
            struck = troubles.strikes_machine("slow_stop", life, once=stopped.id)
            if struck and troubles.platform.clock.wall() - stopped.timestamp / 1000 < struck.seconds:
                self._note(struck)
                raise RuleError("still_active", "unable to start machine from current state: it is still active")
        g.migrated = await troubles.before_start(life)

    def _strict_wait(self, here: Subject) -> None:
        states = ",".join(request.args.getlist("state")).split(",")
        versioned = request.args.get("version") or request.args.get("instance_id")
        if "stopped" in states and not versioned and (struck := self._troubles.strikes("strict_wait", here)):
            self._note(struck)
            raise RuleError("invalid_argument", "version is missing: to wait for state 'stopped' it is required")

    def _doubt(self, here: Subject) -> None:
        struck = self._troubles.strikes(("ambiguous_408", "lost_response"), here)
        if struck is None:
            return
        self._note(struck)
        if struck.word == "not" or (struck.word == "either" and struck.chance < 0.5):
            raise RuleError("ambiguous_timeout", "request timed out")
        g.doubt = struck

    def _wanted_region(self, body: dict[str, Any]) -> str:
        """The first that a request to make something names."""
        text = body.get("region")
        if not isinstance(text, str):
            return ""
        return text.split(",")[0].strip().lower()

    def _volume(self, app: str, word: str) -> str:
        """The id of the volume that a mount names by id or by name."""
        if not word:
            return ""
        with suppress(RuleError):
            for each in self._troubles.platform.fleet.volumes.volumes(app):
                if word in (each.id, each.name):
                    return each.id
        return word

    def _note(self, struck: Struck) -> None:
        g.faults = [*g.get("faults", ()), struck.name]

    # ── after ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _bends(self) -> dict[str, Callable[[Any], Any]]:
        return {
            "Machines_list": self._list,
            "Machines_org_list": lambda said: said | {"machines": self._list(said["machines"])},
            "Machines_show": self._shown,
            "Machines_start": lambda said: (
                said | {"migrated": True, "new_host": "moved"} if g.get("migrated") else None
            ),
            "Platform_regions_get": self._regions,
        }

    def _list(self, said: list[dict[str, Any]]) -> list[dict[str, Any]]:
        here = Subject(app=str((request.view_args or {}).get("app_name", "")))
        if struck := self._troubles.strikes("empty_list", here):
            self._note(struck)
            return []
        return [self._shown(each) for each in said]

    def _shown(self, said: dict[str, Any]) -> dict[str, Any]:
        """A machine; of one whose host is down the configuration is told as an incomplete one (fly-go)."""
        life = self._troubles.life(str(said.get("id", "")))
        if life is None or not self._troubles.strikes_machine("host_down", life, once="host"):
            return said
        self._note(Struck("host_down"))
        if "config" not in said:  # a summary
            return said
        return said | {"incomplete_config": said.pop("config"), "host_status": "unreachable"}

    def _regions(self, said: dict[str, Any]) -> dict[str, Any]:
        for key in ("regions", "Regions"):
            for each in said.get(key) or []:
                if self._troubles.threatens("region_deprecated", Subject(region=str(each.get("code", "")))):
                    each["deprecated"] = True
        return said


async def _body() -> dict[str, Any]:
    """The JSON of the request, which the operation reads again; whatever is wrong with it is said there."""
    with suppress(ValueError, RecursionError, ParseError):
        said = json.loads(await request.get_data(as_text=False))
        if isinstance(said, dict):
            return said
    return {}


def _mount(body: dict[str, Any]) -> str:
    """What the first mount of a configuration names."""
    config = body.get("config")
    mounts = config.get("mounts") if isinstance(config, dict) else None
    first = mounts[0] if isinstance(mounts, list) and mounts else None
    if not isinstance(first, dict):
        return ""
    return str(first.get("volume") or first.get("name") or "")


def _late() -> Response:
    status, body = refuse("ambiguous_timeout", "request timed out")
    return Response(json.dumps(body), status, content_type="application/json")


async def _lost() -> Response:
    """End the connection; what is answered after that reaches nobody."""
    cut: Any = request.scope.get(CUT)
    if cut is None:  # through a machine's own socket; there it looks as a proxy in between would have it
        return Response("bad gateway\n", 502, content_type="text/plain")
    cut()
    await asyncio.sleep(0)  # the server hears of the end in the next turn of the loop, and then writes nothing
    return Response(b"", 502)

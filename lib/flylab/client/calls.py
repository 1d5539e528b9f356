"""The requests of the Machines API as values: path, query, body and what a repeat would do; nothing is sent here.

Field names and paths are those of Fly's documentation (machines/api/apps-resource, machines/api/machines-resource).
"""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from flylab.client.retry import Repeat
from flylab.client.transport import Call
from flylab.wire.duration import format_duration
from flylab.wire.lease import NONCE_HEADER
from flylab.wire.machine import MachineConfig


def app_path(app: str) -> str:
    """The path of one app."""
    return f"/apps/{part(app)}"


def machine_path(app: str, machine_id: str) -> str:
    """The path of one machine."""
    return f"/apps/{part(app)}/machines/{part(machine_id)}"


def words_for(app: str, machine_id: str) -> str:
    """How errors name a machine."""
    return f"machine {machine_id} of app {app}"


def create_app(name: str, *, org: str, network: str | None, key: str) -> Call:
    """``key`` lets the API recognise a repeat of the same request."""
    body = {"name": name, "org_slug": org, "idempotency_key": key}
    if network is not None:
        body["network"] = network
    return Call(asked=f"create app {name}", method="POST", path="/apps", body=body, repeat=Repeat.AFTER_LOOKING)


def get_app(name: str) -> Call:
    return Call(asked=f"look at app {name}", method="GET", path=f"/apps/{part(name)}")


def list_apps(org: str, *, cursor: str) -> Call:
    query = {"org_slug": org} | ({"cursor": cursor} if cursor else {})
    return Call(asked=f"list the apps of {org}", method="GET", path="/apps", query=query)


def delete_app(name: str, *, force: bool) -> Call:
    query = _true(force=force)
    return Call(asked=f"delete app {name}", method="DELETE", path=f"/apps/{part(name)}", query=query)


def create_machine(
    app: str,
    config: MachineConfig,
    *,
    region: str | None,
    name: str | None,
    skip_launch: bool,
    skip_service_registration: bool,
    min_secrets_version: int | None = None,
) -> Call:
    body: dict[str, object] = {"config": config.to_json()}
    if region:  # an empty region is answered like a full one (flyctl issue 2871), so it is not sent
        body["region"] = region
    if name:
        body["name"] = name
    body |= _true(skip_launch=skip_launch, skip_service_registration=skip_service_registration)
    if min_secrets_version is not None:
        body["min_secrets_version"] = min_secrets_version
    asked = f"create machine {name} in app {app}" if name else f"create a machine in app {app}"
    path = f"/apps/{part(app)}/machines"
    return Call(asked=asked, method="POST", path=path, body=body, repeat=Repeat.AFTER_LOOKING)


def list_machines(
    app: str, *, region: str | None, state: str | None, metadata: Mapping[str, str], include_deleted: bool
) -> Call:
    query: dict[str, str | int | bool] = {f"metadata.{key}": value for key, value in metadata.items()}
    if region:
        query["region"] = region
    if state:
        query["state"] = state
    query |= _true(include_deleted=include_deleted)
    path = f"/apps/{part(app)}/machines"
    return Call(asked=f"list the machines of app {app}", method="GET", path=path, query=query)


def get_machine(app: str, machine_id: str) -> Call:
    return Call(asked=f"look at {words_for(app, machine_id)}", method="GET", path=machine_path(app, machine_id))


def update_machine(
    app: str,
    machine_id: str,
    config: MachineConfig,
    *,
    current_version: str | None,
    skip_launch: bool,
    nonce: str | None = None,
) -> Call:
    """Only ``current_version`` tells afterwards whether a doubtful update counted; without it there is no repeat."""
    body: dict[str, object] = {"config": config.to_json()}
    if current_version:
        body["current_version"] = current_version
    body |= _true(skip_launch=skip_launch)
    repeat = Repeat.AFTER_LOOKING if current_version else Repeat.NEVER
    asked = f"update {words_for(app, machine_id)}"
    path, headers = machine_path(app, machine_id), _with(nonce)
    return Call(asked=asked, method="POST", path=path, body=body, repeat=repeat, headers=headers)


def act(app: str, machine_id: str, verb: str, *, nonce: str | None = None) -> Call:
    """``start``, ``cordon`` and others that need no body."""
    path = f"{machine_path(app, machine_id)}/{verb}"
    return Call(asked=f"{verb} {words_for(app, machine_id)}", method="POST", path=path, headers=_with(nonce))


def send_signal(app: str, machine_id: str, signal: str) -> Call:
    path = f"{machine_path(app, machine_id)}/signal"
    # A second SIGKILL may meet the process that took the place of the first.
    return Call(
        asked=f"send {signal} to {words_for(app, machine_id)}",
        method="POST",
        path=path,
        body={"signal": signal},
        repeat=Repeat.NEVER,
    )


def processes(app: str, machine_id: str) -> Call:
    return Call(
        asked=f"list the processes of {words_for(app, machine_id)}",
        method="GET",
        path=f"{machine_path(app, machine_id)}/ps",
    )


def stop(app: str, machine_id: str, *, signal: str | None, timeout: float | None, nonce: str | None = None) -> Call:
    given = {"signal": signal, "timeout": None if timeout is None else format_duration(timeout)}
    body = {key: value for key, value in given.items() if value}
    path = f"{machine_path(app, machine_id)}/stop"
    return Call(
        asked=f"stop {words_for(app, machine_id)}", method="POST", path=path, body=body or None, headers=_with(nonce)
    )


def destroy(app: str, machine_id: str, *, force: bool, nonce: str | None = None) -> Call:
    query = _true(force=force)
    asked = f"destroy {words_for(app, machine_id)}"
    path = machine_path(app, machine_id)
    return Call(asked=asked, method="DELETE", path=path, query=query, headers=_with(nonce))


def take_lease(app: str, machine_id: str, *, ttl: int, description: str, nonce: str | None) -> Call:
    """A repeat of the first one would meet its own lease; with the nonce it lasts longer, as often as one likes."""
    body = {"ttl": ttl} | ({"description": description} if description else {})
    asked = f"{'refresh' if nonce else 'take'} the lease on {words_for(app, machine_id)}"
    path, repeat = f"{machine_path(app, machine_id)}/lease", Repeat.SAFE if nonce else Repeat.NEVER
    return Call(asked=asked, method="POST", path=path, body=body, repeat=repeat, headers=_with(nonce))


def release_lease(app: str, machine_id: str, *, nonce: str) -> Call:
    asked = f"release the lease on {words_for(app, machine_id)}"
    return Call(asked=asked, method="DELETE", path=f"{machine_path(app, machine_id)}/lease", headers=_with(nonce))


def execute(app: str, machine_id: str, command: Sequence[str], *, stdin: str, timeout: int) -> Call:
    body = {"command": list(command), "timeout": timeout} | ({"stdin": stdin} if stdin else {})
    asked = f"run a command in {words_for(app, machine_id)}"
    path = f"{machine_path(app, machine_id)}/exec"
    return Call(asked=asked, method="POST", path=path, body=body, repeat=Repeat.NEVER, patience=timeout)


def wait(app: str, machine_id: str, wanted: Sequence[str], *, version: str | None, window: int) -> Call:
    """``window`` in seconds, 1 to 60; the answer is waited for longer than that."""
    query: dict[str, str | int | bool] = {"state": ",".join(wanted), "timeout": window}
    if version:
        query["version"] = version
    asked = f"wait for {words_for(app, machine_id)} to be {' or '.join(wanted)}"
    path = f"{machine_path(app, machine_id)}/wait"
    return Call(asked=asked, method="GET", path=path, query=query, patience=window)


def list_events(app: str, machine_id: str, *, limit: int | None) -> Call:
    query = {} if limit is None else {"limit": limit}
    path = f"{machine_path(app, machine_id)}/events"
    return Call(asked=f"list the events of {words_for(app, machine_id)}", method="GET", path=path, query=query)


def get_metadata(app: str, machine_id: str) -> Call:
    path = f"{machine_path(app, machine_id)}/metadata"
    return Call(asked=f"read the metadata of {words_for(app, machine_id)}", method="GET", path=path)


def set_metadata(app: str, machine_id: str, key: str, value: str) -> Call:
    asked = f"set metadata {key} of {words_for(app, machine_id)}"
    path = f"{machine_path(app, machine_id)}/metadata/{part(key)}"
    return Call(asked=asked, method="POST", path=path, body={"value": value})


def delete_metadata(app: str, machine_id: str, key: str) -> Call:
    asked = f"delete metadata {key} of {words_for(app, machine_id)}"
    return Call(asked=asked, method="DELETE", path=f"{machine_path(app, machine_id)}/metadata/{part(key)}")


def list_secrets(app: str) -> Call:
    return Call(asked=f"list the secrets of app {app}", method="GET", path=f"/apps/{part(app)}/secrets")


def set_secrets(app: str, values: Mapping[str, str | None]) -> Call:
    """Safe to repeat: it ends in the same place, at a later version. Errors name the secrets, never their values."""
    asked = f"set the secrets {', '.join(values)} of app {app}"
    path = f"/apps/{part(app)}/secrets"
    return Call(asked=asked, method="POST", path=path, body={"values": dict(values)})


def list_regions() -> Call:
    return Call(asked="list the regions", method="GET", path="/platform/regions")


def _with(nonce: str | None) -> dict[str, str]:
    return {NONCE_HEADER: nonce} if nonce else {}


def _true(**switches: bool) -> dict[str, bool]:
    return {name: True for name, on in switches.items() if on}


def part(text: str) -> str:
    """A name as one part of a path; an empty one would silently address what is above it."""
    return quote(text, safe="").replace(".", "%2E") if set(text) <= {"."} and text else quote(text, safe="") or "%20"

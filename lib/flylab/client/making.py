"""Making things exactly once: apps, machines and versions of machines, each with the look that finds a lost answer."""

from collections.abc import Mapping
from dataclasses import replace

from flylab.client import calls
from flylab.client.errors import AlreadyExists, NotFound, Unauthorized
from flylab.client.session import Session
from flylab.errors import ClientError
from flylab.wire.machine import App, Machine, MachineConfig

# Metadata of every machine that this client creates: finds it again when the answer to its creation was lost.
CREATE_MARK = "flylab_create"


async def make_app(session: Session, name: str, *, org: str, network: str | None) -> App:
    """An app that may be used at once; one that was made by a request whose answer was lost is taken for it."""

    async def look(_: ClientError) -> App | None:
        try:
            return (await session.send(calls.get_app(name))).read(App.from_json)
        except NotFound:
            return None

    call = calls.create_app(name, org=org, network=network, key=session.fresh_id())
    # The answer itself has only an id and a date.
    return await session.send_once(call, lambda _: None, look) or await _appeared(session, name)


async def make_machine(
    session: Session,
    app: str,
    config: MachineConfig,
    *,
    region: str | None,
    name: str | None,
    skip_launch: bool,
    skip_service_registration: bool,
    min_secrets_version: int | None = None,
) -> Machine:
    """One machine with a mark of its own in its metadata, by which it is recognised under its name and in a list."""
    mark = session.fresh_id()

    async def look(error: ClientError) -> Machine | None:
        if isinstance(error, AlreadyExists) and error.machine_id:
            holder = (await session.send(calls.get_machine(app, error.machine_id))).read(Machine.from_json)
            return holder if holder.config.metadata.get(CREATE_MARK) == mark else None
        found = await session.send(
            calls.list_machines(app, region=None, state=None, metadata={CREATE_MARK: mark}, include_deleted=False)
        )
        return next(iter(found.read_each(Machine.from_json)), None)

    call = calls.create_machine(
        app,
        replace(config, metadata={**config.metadata, CREATE_MARK: mark}),
        region=region,
        name=name,
        skip_launch=skip_launch,
        skip_service_registration=skip_service_registration,
        min_secrets_version=min_secrets_version,
    )
    return await session.send_once(call, lambda answer: answer.read(Machine.from_json), look)


async def make_version(
    session: Session,
    app: str,
    machine_id: str,
    config: MachineConfig,
    *,
    current_version: str | None,
    skip_launch: bool,
    nonce: str | None,
) -> Machine:
    """The machine with the new configuration; only a known ``current_version`` tells whether a lost update counted."""

    async def look(_: ClientError) -> Machine | None:
        machine = (await session.send(calls.get_machine(app, machine_id))).read(Machine.from_json)
        moved_on = current_version is not None and machine.version != current_version
        return machine if moved_on and _within(config.to_json(), machine.config.to_json()) else None

    call = calls.update_machine(
        app, machine_id, config, current_version=current_version, skip_launch=skip_launch, nonce=nonce
    )
    return await session.send_once(call, lambda answer: answer.read(Machine.from_json), look)


async def _appeared(session: Session, name: str) -> App:
    """Read an app that was just made; it may be 404 or 401 for a moment (fly-go retries both)."""
    tries = 0
    while True:
        try:
            return (await session.send(calls.get_app(name))).read(App.from_json)
        except (NotFound, Unauthorized):
            tries += 1
            if tries >= session.policy.appearing_attempts:
                raise
        await session.clock.sleep(session.policy.appearing_pause)


def _within(part: object, whole: object) -> bool:
    """Whether everything that was sent is there; the API adds defaults of its own."""
    if isinstance(part, Mapping):
        return isinstance(whole, Mapping) and all(_within(value, whole.get(key)) for key, value in part.items())
    return part == whole

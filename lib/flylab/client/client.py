"""The Machines API as typed, asynchronous calls; the same ones for the local platform and for Fly.

Each method is one call with the care it needs: what is safe to repeat is repeated, what must happen once is looked for
before it is sent again, and waiting goes on for longer than the API's own limit.
"""

import os
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Self

import httpx

from flylab.client import calls
from flylab.client.answers import Executed, PlatformRegion, SecretInfo, parse_regions
from flylab.client.errors import Conflict, NotFound, PreconditionFailed
from flylab.client.faults import Faults
from flylab.client.links import Links
from flylab.client.logs import follow, logs_call
from flylab.client.making import make_app, make_machine, make_version
from flylab.client.ports import ports_call
from flylab.client.retry import DEFAULT, RetryPolicy
from flylab.client.session import Session
from flylab.client.transport import Call, Transport
from flylab.client.volumes import Volumes
from flylab.client.waiting import wait_for
from flylab.clock import Clock, SystemClock
from flylab.errors import UsageError
from flylab.wire.entrance import OpenPort
from flylab.wire.lease import Lease
from flylab.wire.log import LogLine
from flylab.wire.machine import App, Event, Machine, MachineConfig

FLY = "https://api.machines.dev"  # machines/api/working-with-machines-api


class Client:
    """One connection to one Machines API with one token; use it in ``async with`` or call ``close``."""

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
        retry: RetryPolicy = DEFAULT,
        rng: random.Random | None = None,
    ) -> None:
        self.retry = retry
        self._transport = Transport(base_url, token, policy=retry, transport=transport)
        self._clock = clock or SystemClock()
        self._session = Session(self._transport, policy=retry, clock=self._clock, rng=rng or random.SystemRandom())
        self.volumes = Volumes(self._session)
        self.faults = Faults(self._session)  # of the local platform, as the next
        self.links = Links(self._session)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """The API that ``FLY_API_HOSTNAME`` names (Fly's own without it), with the token in ``FLY_API_TOKEN``."""
        environ = os.environ if environ is None else environ
        if not environ.get("FLY_API_TOKEN", "").strip():
            raise UsageError("FLY_API_TOKEN is not set: a token of the Machines API is needed")
        return cls(environ.get("FLY_API_HOSTNAME") or FLY, environ["FLY_API_TOKEN"])

    @property
    def base_url(self) -> str:
        """The address with the version, ``http://127.0.0.1:4280/v1``."""
        return self._transport.base_url

    def __repr__(self) -> str:
        return f"Client({self.base_url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; the client cannot be used after it."""
        await self._transport.close()

    # Apps

    async def create_app(self, name: str, org: str = "personal", network: str | None = None) -> App:
        """Make an app; raises NameTaken when somebody has that name."""
        return await make_app(self._session, name, org=org, network=network)

    async def app(self, name: str) -> App:
        """One app; raises NotFound for a free name and Forbidden for another organisation's."""
        return (await self._session.send(calls.get_app(name))).read(App.from_json)

    async def apps(self, org: str = "personal") -> list[App]:
        """All apps of an organisation, from as many pages as there are."""
        found: list[App] = []
        cursor = ""
        while True:
            answer = await self._session.send(calls.list_apps(org, cursor=cursor))
            found += answer.read_each(App.from_json, within="apps")
            following = str(answer.object().get("next_cursor") or "")
            if following in ("", cursor):
                return found
            cursor = following

    async def delete_app(self, name: str, *, force: bool = False) -> None:
        """Remove an app, with its machines if ``force``; a missing app is removed already."""
        await self._until_gone(calls.delete_app(name, force=force))

    # Machines

    async def create_machine(
        self,
        app: str,
        config: MachineConfig,
        *,
        region: str | None = None,
        name: str | None = None,
        skip_launch: bool = False,
        skip_service_registration: bool = False,
        min_secrets_version: int | None = None,
    ) -> Machine:
        """Make one machine, and never two: a lost answer is followed by a look for the machine it made.

        ``region`` may be a list such as ``"lhr,eu"``. With a unique ``name`` a second one is impossible; without, a
        list that lags behind could still let one through. Raises AlreadyExists when another machine has the name.
        """
        return await make_machine(
            self._session,
            app,
            config,
            region=region,
            name=name,
            skip_launch=skip_launch,
            skip_service_registration=skip_service_registration,
            min_secrets_version=min_secrets_version,
        )

    async def machines(
        self,
        app: str,
        *,
        region: str | None = None,
        state: str | None = None,
        metadata: Mapping[str, str] | None = None,
        include_deleted: bool = False,
    ) -> list[Machine]:
        """The machines of an app; ``state`` may be a comma list, all of ``metadata`` must match.

        The list may lag behind, and has once come back empty by mistake: it is no proof that nothing exists.
        """
        call = calls.list_machines(
            app, region=region, state=state, metadata=metadata or {}, include_deleted=include_deleted
        )
        return (await self._session.send(call)).read_each(Machine.from_json)

    async def machine(self, app: str, machine_id: str) -> Machine:
        """One machine as it is now; a destroyed one can be seen for a while, then it is NotFound."""
        return (await self._session.send(calls.get_machine(app, machine_id))).read(Machine.from_json)

    async def update_machine(
        self,
        app: str,
        machine_id: str,
        config: MachineConfig,
        *,
        current_version: str | None = None,
        skip_launch: bool = False,
        nonce: str | None = None,
    ) -> Machine:
        """Replace the whole configuration; with ``current_version`` only if that is still the machine's (409 else)."""
        return await make_version(
            self._session,
            app,
            machine_id,
            config,
            current_version=current_version,
            skip_launch=skip_launch,
            nonce=nonce,
        )

    async def start(self, app: str, machine_id: str, *, nonce: str | None = None) -> bool:
        """Start a machine; false when it was starting or started already. It may take a while to be ``started``.

        A start is refused for some seconds after a stop or an update; that is waited out as the policy says.
        """
        call = calls.act(app, machine_id, "start", nonce=nonce)
        began, refused = self._clock.now(), 0
        while True:
            try:
                await self._session.send(call)
                return True
            except (Conflict, PreconditionFailed) as error:
                if self.retry.is_starting(error):
                    return False
                refused += 1
                delay = self.retry.settling_delay(error, waited=self._clock.now() - began, failed=refused)
                if delay is None:
                    raise
            await self._clock.sleep(delay)

    async def stop(
        self,
        app: str,
        machine_id: str,
        *,
        signal: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the machine's, not ours
        nonce: str | None = None,
    ) -> None:
        """Ask a machine to stop, by ``signal`` and killed after ``timeout`` seconds; a stopped one stays stopped."""
        await self._session.send(calls.stop(app, machine_id, signal=signal, timeout=timeout, nonce=nonce))

    async def suspend(self, app: str, machine_id: str) -> None:
        """Ask a machine to stop where it is; one that cannot be suspended is stopped, so wait for either state."""
        await self._session.send(calls.act(app, machine_id, "suspend"))

    async def signal(self, app: str, machine_id: str, signal: str) -> None:
        """Send a signal such as SIGKILL to the processes of a started machine."""
        await self._session.send(calls.send_signal(app, machine_id, signal))

    async def processes(self, app: str, machine_id: str) -> list[int]:
        """The process ids inside a started machine, the first that was started first."""
        answer = await self._session.send(calls.processes(app, machine_id))
        return answer.read_each(lambda process: int(process["pid"]))

    async def cordon(self, app: str, machine_id: str) -> None:
        """Take a machine out of routing."""
        await self._session.send(calls.act(app, machine_id, "cordon"))

    async def uncordon(self, app: str, machine_id: str) -> None:
        """Put a machine back into routing."""
        await self._session.send(calls.act(app, machine_id, "uncordon"))

    async def destroy(self, app: str, machine_id: str, *, force: bool = False, nonce: str | None = None) -> None:
        """Remove a machine, a running one only with ``force``; a missing one is removed already."""
        await self._until_gone(calls.destroy(app, machine_id, force=force, nonce=nonce))

    async def wait(
        self,
        app: str,
        machine_id: str,
        state: str | Sequence[str] = "started",
        *,
        version: str | None = None,
        timeout: float = 60.0,  # noqa: ASYNC109 - on the client's own clock, in windows of the API
    ) -> str:
        """Wait until the machine is in one of the states, ``timeout`` seconds in all, and return which.

        ``version`` makes sure that the old version's state is not mistaken for that of an update under way. Raises
        WaitTimeout.
        """
        wanted = (str(state),) if isinstance(state, str) else tuple(str(word) for word in state)
        reached = await wait_for(self._session, app, machine_id, wanted, version=version, timeout=timeout)
        if reached is None:
            reached = wanted[0] if len(wanted) == 1 and wanted != ("settled",) else None
        return reached or str((await self.machine(app, machine_id)).state)

    async def events(self, app: str, machine_id: str, *, limit: int | None = None) -> list[Event]:
        """What happened to a machine, newest first; the API gives 20 without a ``limit`` and 50 at most."""
        return (await self._session.send(calls.list_events(app, machine_id, limit=limit))).read_each(Event.from_json)

    async def ports(self, app: str = "") -> list[OpenPort]:
        """Where each edge of the local platform has the public ports of apps. Raises UsageError for Fly."""
        return (await self._session.send(ports_call(self._transport, app))).read_each(OpenPort.from_json)

    async def logs(
        self,
        app: str,
        *,
        machine: str | None = None,
        region: str | None = None,
        since: str | None = None,
        limit: int | None = None,
    ) -> list[LogLine]:
        """What machines of the local platform printed, by time: the last ``limit`` lines, or those from ``since`` on.

        ``since`` is a moment such as ``2026-10-05T07:00:00Z``. Raises UsageError for Fly, whose API has no logs.
        """
        call = logs_call(self._transport, app, machine=machine, region=region, since=since, limit=limit)
        return (await self._session.send(call)).read_each(LogLine.from_json)

    def follow_logs(
        self,
        app: str,
        *,
        machine: str | None = None,
        region: str | None = None,
        since: str | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[LogLine]:
        """The same, and then each line as it comes, until the app or the platform is gone."""
        call = logs_call(self._transport, app, machine=machine, region=region, since=since, limit=limit, follow=True)
        return follow(self._transport, call)

    async def metadata(self, app: str, machine_id: str) -> dict[str, str]:
        """All metadata of a machine."""
        answer = await self._session.send(calls.get_metadata(app, machine_id))
        return {key: str(value) for key, value in answer.object().items()}

    async def set_metadata(self, app: str, machine_id: str, key: str, value: str) -> None:
        """Set one key; no new version, no reboot."""
        await self._session.send(calls.set_metadata(app, machine_id, key, value))

    async def delete_metadata(self, app: str, machine_id: str, key: str) -> None:
        """Remove one key."""
        await self._session.send(calls.delete_metadata(app, machine_id, key))

    async def take_lease(
        self, app: str, machine_id: str, *, ttl: int = 13, description: str = "", nonce: str | None = None
    ) -> Lease:
        """The sole right to change a machine for ``ttl`` seconds (flyctl takes 13 and refreshes every 4).

        Later calls prove it with the lease's ``nonce``; here the nonce makes the lease last longer. Raises Conflict
        when somebody else holds it.
        """
        call = calls.take_lease(app, machine_id, ttl=ttl, description=description, nonce=nonce)
        return (await self._session.send(call)).read(Lease.from_json)

    async def release_lease(self, app: str, machine_id: str, nonce: str) -> None:
        """Give a lease back; one that has ended by itself is given back already."""
        await self._until_gone(calls.release_lease(app, machine_id, nonce=nonce))

    async def execute(
        self,
        app: str,
        machine_id: str,
        command: Sequence[str],
        *,
        stdin: str = "",
        timeout: int = 30,  # noqa: ASYNC109 - the command's, not ours
    ) -> Executed:
        """Run a command in a started machine and return how it ended; AmbiguousTimeout after ``timeout`` seconds."""
        call = calls.execute(app, machine_id, command, stdin=stdin, timeout=timeout)
        return (await self._session.send(call)).read(Executed.from_json)

    # Secrets

    async def secrets(self, app: str) -> list[SecretInfo]:
        """The secrets of an app, without their values."""
        return (await self._session.send(calls.list_secrets(app))).read_each(SecretInfo.from_json, within="secrets")

    async def set_secrets(self, app: str, values: Mapping[str, str | None]) -> int:
        """Set secrets, unset those with None, and return the version of the app's secrets after it.

        Machines read them when they start; give the version to ``create_machine`` to be sure that it reads these.
        """
        answer = await self._session.send(calls.set_secrets(app, values))
        return int(answer.object().get("version") or answer.object().get("Version") or 0)

    async def regions(self) -> tuple[PlatformRegion, ...]:
        """The regions on offer; deprecated ones are included and say so."""
        return (await self._session.send(calls.list_regions())).read(parse_regions)

    async def _until_gone(self, call: Call) -> None:
        try:
            await self._session.send(call)
        except NotFound:
            return

"""The fleet behind the Machines API. Imported by the first visitor who needs it: the client brings httpx, 0.3 s."""

from app.fleet import FleetDown, NotMade
from flylab.client import Client, RetryPolicy
from flylab.client.client import FLY
from flylab.client.errors import AlreadyExists, BadRequest, NotFound, StatusError, Unprocessable, WaitTimeout
from flylab.client.health import healthy
from flylab.errors import ClientError
from flylab.wire.codes import Capacity
from flylab.wire.machine import Machine, MachineConfig, MachineState

# A visitor waits for the answer, so little is repeated; the API lets one create a second pass (all our choice).
PATIENCE = RetryPolicy(attempts=2, create_attempts=2, rate_attempts=4, answer_timeout=5.0, connect_timeout=2.0)
# Until a machine that was made has started; a stopped one can be woken by the proxy.
START_TIMEOUT = 20.0
# Until the checks of its services pass, before which the proxy sends nobody there.
CHECKS_TIMEOUT = 10.0
_REACHABLE = (MachineState.STARTED, MachineState.STOPPED, MachineState.SUSPENDED)


class Machines:
    """A `Fleet`: the machines of one app."""

    def __init__(self, client: Client, app: str) -> None:
        self._client = client
        self._app = app

    @classmethod
    def open(cls, app: str, *, token: str, hostname: str) -> "Machines":
        """With Fly's public API unless ``hostname`` names another."""
        return cls(Client(hostname or FLY, token, retry=PATIENCE), app)

    async def machines(self) -> list[Machine]:
        try:
            return await self._client.machines(self._app)
        except ClientError as exc:
            raise FleetDown(str(exc)) from exc

    async def make(self, name: str, region: str, config: MachineConfig) -> str:
        try:
            return (await self._client.create_machine(self._app, config, region=region, name=name)).id
        except AlreadyExists as exc:  # another lobby was first: its machine will do
            return exc.machine_id or await self._named(name)
        except StatusError as exc:
            # A region that is full, closed to us or going away; which of these, the statuses do not tell reliably.
            if exc.capacity is Capacity.REGION or isinstance(exc, BadRequest | Unprocessable):
                raise NotMade(str(exc)) from exc
            raise FleetDown(str(exc)) from exc
        except ClientError as exc:
            raise FleetDown(str(exc)) from exc

    async def started(self, machine: str) -> None:
        try:
            await self._client.wait(self._app, machine, _REACHABLE, timeout=START_TIMEOUT)
            fails = await healthy(self._client, self._app, machine, patience=CHECKS_TIMEOUT)
        except (WaitTimeout, NotFound) as exc:
            raise NotMade(str(exc)) from exc
        except ClientError as exc:
            raise FleetDown(str(exc)) from exc
        if fails:
            raise NotMade(f"machine {machine} has started, but its checks do not pass: {', '.join(fails)}")

    async def close(self) -> None:
        await self._client.close()

    async def _named(self, name: str) -> str:
        for machine in await self.machines():
            if machine.name == name:
                return machine.id
        raise NotMade(f"machine {name} of app {self._app} exists, and is not in the list")

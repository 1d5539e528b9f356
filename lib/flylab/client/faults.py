"""The faults of the local platform as typed calls: `client.faults`. Fly's Machines API has nothing of the kind."""

from dataclasses import replace

from flylab.client.calls import part
from flylab.client.retry import Repeat
from flylab.client.session import Session
from flylab.client.transport import Call
from flylab.errors import UsageError
from flylab.wire.fault import Fault, Value

_NOT_HERE = "faults are armed on the local platform only, and FLY_API_HOSTNAME names another service"


class Faults:
    """Each method is one call below ``/_flylab/faults``; raises UsageError for Fly."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def armed(self) -> list[Fault]:
        """What is armed, with how often each has struck."""
        return (await self._session.send(self._call("look at the faults", "GET"))).read_each(
            Fault.from_json, within="faults"
        )

    async def arm(
        self,
        name: str,
        *,
        app: str = "",
        region: str = "",
        machine: str = "",
        volume: str = "",
        probability: float = 1.0,
        count: int = 0,
        seed: int | None = None,
        seconds: float = 0.0,
        value: Value | None = None,
    ) -> Fault:
        """Arm one for whom it is aimed at, everybody without a target; docs/faults.md has the names.

        It strikes ``count`` times at most and for ``seconds`` at most, 0 for ever. Raises BadRequest.
        """
        fault = Fault(
            name=name,
            app=app,
            region=region,
            machine=machine,
            volume=volume,
            probability=probability,
            count=count,
            seed=seed,
            seconds=seconds,
            value=value,
        )
        call = replace(self._call(f"arm fault {name}", "POST"), body=fault.to_json(), repeat=Repeat.NEVER)
        return (await self._session.send(call)).read(Fault.from_json)

    async def disarm(self, which: str) -> list[Fault]:
        """One by its id, or all of a name; returns what was taken away. Raises NotFound."""
        call = self._call(f"disarm fault {which}", "DELETE", f"/{part(which)}")
        return (await self._session.send(call)).read_each(Fault.from_json, within="faults")

    async def clear(self) -> list[Fault]:
        """Disarm all."""
        return (await self._session.send(self._call("disarm all faults", "DELETE"))).read_each(
            Fault.from_json, within="faults"
        )

    def _call(self, asked: str, method: str, more: str = "") -> Call:
        transport = self._session.transport
        if not transport.near:
            raise UsageError(_NOT_HERE)
        path = f"{transport.base_url.removesuffix('/v1')}/_flylab/faults{more}"
        return Call(asked=asked, method=method, path=path)

"""The links and time-outs of the local platform's edges as typed calls: `client.links`. Fly's API has neither."""

from flylab.client.calls import part
from flylab.client.retry import Repeat
from flylab.client.session import Session
from flylab.client.transport import Call
from flylab.errors import ParseError, UsageError
from flylab.wire.link import Link

_NOT_HERE = "links are disturbed on the local platform only, and FLY_API_HOSTNAME names another service"


class Links:
    """Each method is one call below ``/_flylab/``; raises UsageError for Fly."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def disturbed(self) -> list[Link]:
        """Those that are slow or cut."""
        return await self._links("look at the links", "GET")

    async def slow(self, a: str, b: str, added_ms: float) -> Link:
        """Between the edge of either region and the machines of the other. Raises BadRequest."""
        return await self._disturb(Link(a=a, b=b, added_ms=added_ms))

    async def cut(self, a: str, b: str) -> Link:
        """The same, for nothing to pass. Raises BadRequest."""
        return await self._disturb(Link(a=a, b=b, cut=True))

    async def mend(self, a: str, b: str) -> list[Link]:
        """One; raises NotFound when it was as it should be."""
        return await self._links(f"mend the link {a}–{b}", "DELETE", f"/{part(a)}/{part(b)}")

    async def mend_all(self) -> list[Link]:
        return await self._links("mend all links", "DELETE")

    async def timeouts(self) -> dict[str, float]:
        """Those of all edges, in seconds."""
        return (await self._session.send(self._call("look at the time-outs", "GET", "timeouts"))).read(_seconds)

    async def set_timeouts(self, **seconds: float) -> dict[str, float]:
        """Change some, for whatever begins from now on. Raises BadRequest."""
        call = self._call("set time-outs", "PATCH", "timeouts", dict(seconds))
        return (await self._session.send(call)).read(_seconds)

    async def _disturb(self, link: Link) -> Link:
        call = self._call(f"disturb the link {link.a}–{link.b}", "POST", "links", link.to_json())
        return (await self._session.send(call)).read(Link.from_json)

    async def _links(self, asked: str, method: str, more: str = "") -> list[Link]:
        answer = await self._session.send(self._call(asked, method, f"links{more}"))
        return answer.read_each(Link.from_json, within="links")

    def _call(self, asked: str, method: str, path: str, body: dict[str, object] | None = None) -> Call:
        transport = self._session.transport
        if not transport.near:
            raise UsageError(_NOT_HERE)
        where = f"{transport.base_url.removesuffix('/v1')}/_flylab/{path}"
        repeat = Repeat.NEVER if method == "DELETE" else Repeat.SAFE
        return Call(asked=asked, method=method, path=where, body=body, repeat=repeat)


def _seconds(value: object) -> dict[str, float]:
    if not isinstance(value, dict):
        raise ParseError("time-outs", value, "an object is expected")
    return {str(name): float(seconds) for name, seconds in value.items()}

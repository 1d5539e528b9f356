"""What is kept of a request that became a pipe until that is over: its record and the place at its machine."""

from typing import TYPE_CHECKING

from flylab.local.http1 import RequestHead
from flylab.local.trace import Json, Record
from flylab.rules.hops import Hop
from flylab.rules.piped import Piped
from flylab.rules.rows import Loads

if TYPE_CHECKING:
    from flylab.local.downstream import Downstream
    from flylab.local.edge import Edge


class Spliced(Piped):
    """Called when the pipe is over. Most pipes are idle and there are many, so this is all that is left meanwhile."""

    __slots__ = ("_app", "_began", "_client", "_edge", "_method", "_request_id", "_started_at", "_target")

    def __init__(
        self,
        edge: "Edge",
        client: "Downstream",
        head: RequestHead,
        piped: tuple[tuple[Hop, ...], Loads],
        app: str | None,
        known: tuple[float, float, bytes],
    ) -> None:
        """``known`` are the moments by both clocks at which the request began, and its id."""
        super().__init__(*piped)
        self._edge = edge
        self._client = client
        self._method, self._target = head.method, head.target
        self._app = app
        self._began, self._started_at, self._request_id = known

    def __call__(self) -> None:
        edge, hops = self._edge, list(self.hops)
        now = edge.clock.now()
        edge.websockets.remove(self.machine, self)
        self.finished(now)
        edge.count(self._app, 101, now - self._began, hops, self._client)
        edge.report(self._record(now, hops))

    def opened(self) -> Json:
        """What is told of it when it becomes a pipe; its ``total_ms`` and those of its last hop are until then."""
        return self._record(self._edge.clock.now(), list(self.hops))() | {"open": True}

    def _record(self, now: float, hops: list[Hop]) -> Record:
        edge = self._edge
        return Record(
            self._request_id.decode(),
            edge.region,
            self._app,
            self._method,
            self._target,
            101,
            self._started_at,
            self._began,
            now,
            hops,
            edge.latency,
            None,
            edge.notes,
        )

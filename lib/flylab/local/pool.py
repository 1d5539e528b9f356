"""Connections to machines that wait for their next request, and all that are open; it opens none."""

from flylab.local.upstream import Upstream


class Pool:
    """Connections that wait for their next request, the latest first, and all that are open."""

    def __init__(self, *, idle: float) -> None:
        self._idle = idle
        self._waiting: dict[object, list[Upstream]] = {}
        self.open: set[Upstream] = set()

    def take(self, key: object) -> Upstream | None:
        waiting = self._waiting.get(key)
        if not waiting:
            return None
        upstream = waiting.pop()
        upstream.reused = True
        return upstream

    def put(self, upstream: Upstream) -> None:
        upstream.rest()
        waiting = self._waiting.get(upstream.key)
        if waiting is None:
            self._waiting[upstream.key] = [upstream]
        else:
            waiting.append(upstream)

    def opened(self, upstream: Upstream) -> None:
        self.open.add(upstream)

    def closed(self, upstream: Upstream) -> None:
        self.open.discard(upstream)
        waiting = self._waiting.get(upstream.key, [])
        if upstream in waiting:
            waiting.remove(upstream)
            if not waiting:
                del self._waiting[upstream.key]

    def sweep(self, now: float) -> None:
        """Close what has waited too long."""
        for waiting in list(self._waiting.values()):
            for upstream in [one for one in waiting if now - one.idle_since > self._idle]:
                upstream.close()

    def close(self) -> None:
        for upstream in list(self.open):
            upstream.close()

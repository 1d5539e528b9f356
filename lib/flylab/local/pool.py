"""Connections to machines that wait for their next request, and all that are open; it opens none."""

from flylab.local.upstream import Upstream


class Line(list[Upstream]):
    """Those with one key that wait, the latest last; ``open`` is how many of them there are, waiting or not.

    It is the same list for as long as there is any, so whoever asks often keeps it.
    """

    __slots__ = ("key", "open")

    def __init__(self, key: object) -> None:
        super().__init__()
        self.key = key
        self.open = 0


class Pool:
    """Connections that wait for their next request, the latest first, and all that are open."""

    def __init__(self, *, idle: float) -> None:
        self._idle = idle
        self.next_sweep = 0.0  # when it is; to ask the loop for the time costs more than it is worth
        self._lines: dict[object, Line] = {}
        self.open: set[Upstream] = set()

    def line(self, key: object) -> Line | None:
        """Who waits under this key; None when no such connection is open."""
        return self._lines.get(key)

    def take(self, key: object) -> Upstream | None:
        line = self._lines.get(key)
        return line.pop() if line else None

    def opened(self, upstream: Upstream) -> None:
        self.open.add(upstream)
        if upstream.key is not None:
            line = self._lines.get(upstream.key)
            if line is None:
                line = self._lines[upstream.key] = Line(upstream.key)
            line.open += 1
            upstream.line = line

    def closed(self, upstream: Upstream) -> None:
        """Of one that was never open, or was told of before, this is nothing new."""
        if upstream not in self.open:
            return
        self.open.remove(upstream)
        line = upstream.line
        if line is None:
            return
        if upstream in line:
            line.remove(upstream)
        line.open -= 1
        if not line.open:
            del self._lines[line.key]

    def sweep(self, now: float, later: float) -> None:
        """Close what has waited too long; the next time is after so many seconds."""
        self.next_sweep = now + later
        for line in list(self._lines.values()):
            for upstream in [one for one in line if now - one.idle_since > self._idle]:
                upstream.close()

    def close(self) -> None:
        for upstream in list(self.open):
            upstream.close()

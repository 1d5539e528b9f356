"""When a machine without work ends: pure, fed with what it has to do and the time."""


class Idle:
    """Tells a machine to end once it has had no room and no connection for ``after`` seconds; 0 means never."""

    def __init__(self, *, after: float, now: float) -> None:
        self._after = after
        self._since: float | None = now

    def look(self, now: float, *, rooms: int, connections: int) -> bool:
        """Whether to end now; call it about once a second."""
        if rooms or connections:
            self._since = None
        elif self._since is None:
            self._since = now
        return bool(self._after) and self._since is not None and now - self._since >= self._after

"""How many messages a connection may send, how many rooms a machine may make: a token bucket; pure."""


class Bucket:
    """Refills at ``rate`` tokens a second up to ``burst``; starts full, and may be overdrawn."""

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, *, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = float(burst)
        self._at = now

    def take(self, now: float, count: float = 1.0) -> float:
        """Take tokens; returns for how many seconds nothing more should be read (0 while there are some)."""
        tokens = self._tokens + (now - self._at) * self._rate
        tokens = (tokens if tokens < self._burst else self._burst) - count
        self._tokens = tokens
        self._at = now
        return 0.0 if tokens >= 0.0 else -tokens / self._rate

    def admit(self, now: float) -> bool:
        """Take a token if there is a whole one; else nothing."""
        if self.take(now) == 0.0:
            return True
        self._tokens += 1.0
        return False

"""How much of what costs work and brings nobody anything a connection may send: a bucket that fills again with time.

HTTP/2 has many such frames: requests that are taken back at once (CVE-2023-44487), pings, settings, empty frames.
"""


class Patience:
    """``burst`` at once and ``rate`` a second after that."""

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, burst: int, rate: float, now: float) -> None:
        self._burst = burst
        self._rate = rate
        self._left = float(burst)
        self._at = now

    def spend(self, now: float) -> bool:
        """Take one; False when there is none left."""
        self._left = min(self._left + (now - self._at) * self._rate, self._burst)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

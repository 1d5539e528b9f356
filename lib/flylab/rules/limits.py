"""The numbers that bound one request, each with where it comes from."""

from dataclasses import dataclass, field

from flylab.rules.replay_cache import CacheSettings
from flylab.rules.replay_settings import ReplaySettings
from flylab.rules.statuses import StatusSettings
from flylab.rules.upgrades import UpgradeSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeSettings:
    """The proxy's limits; page names are those of Fly's documentation."""

    replays: int = 10  # monitoring/error-codes, PA02: more than ten replays
    replay_limit: int = 1_048_576  # bytes; networking/dynamic-request-routing says 1 MB, the exact count is our choice
    retry_limit: int = (
        10_485_760  # bytes kept to send again what a closed connection lost; monitoring/error-codes: 10 MB
    )
    attempts: int = 40  # choices per request; monitoring/error-codes says 90, public logs since 2025-12 say 40
    connect_tries: int = 15  # to one machine, then PM05; public logs of 2026
    switch_after: int = 6  # tries, then another running machine is preferred; PC07 in public logs of 2026-05
    first_pause: float = 0.05  # with these three, 15 tries take 8.5 s; public logs say 8.1 to 9.1 s
    pause_factor: float = 1.4
    longest_pause: float = 1.2
    # Reported 2026-09-29: after PM05 the only machine is woken and tried once more for the same request, which got its
    # 200 after 18.8 s. With 1 the request fails then with PR03, as many logs since 2026-01 end.
    wakes: int = 2
    # reference/fly-proxy-autostop-autostart: when all are over their soft limit, one is started in the nearest region
    # that has one; reference/load-balancing, which counts here: a soft limit never moves a request to another region.
    start_abroad: bool = False
    wake_timeout: float = 60.0  # PM03; not published, our choice
    queue_timeout: float = 8.0  # wait at the hard limit before the 503; not published, our choice
    cross_network: bool = False  # networking/dynamic-request-routing: off unless the organisation allows it
    replay: ReplaySettings = field(default_factory=ReplaySettings)
    statuses: StatusSettings = field(default_factory=StatusSettings)
    upgrades: UpgradeSettings = field(default_factory=UpgradeSettings)
    cache: CacheSettings = field(default_factory=CacheSettings)

    def pause(self, number: int) -> float:
        """Seconds to wait after try ``number``, counted from 1."""
        return min(self.first_pause * self.pause_factor ** (number - 1), self.longest_pause)

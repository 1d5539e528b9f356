"""The limits of one edge, each with where it comes from."""

from dataclasses import dataclass, field

from flylab.local.h2_front import Http2Settings
from flylab.rules.limits import ExchangeSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeSettings:
    """An edge's own limits; those of one request are in ``exchange``."""

    head_limit: int = 65_536  # bytes of a request's head; our choice
    head_timeout: float = 15.0  # seconds for a complete head; Fly publishes no default, our choice
    idle_timeout: float = 60.0  # seconds between requests; older pages of Fly's name 60 s
    body_timeout: float = 60.0  # seconds without a byte of a request's body that is waited for; as idle_timeout
    continue_after: float = 1.0  # seconds without a machine's 100, then the proxy sends its own; as long as curl waits
    connections: int = 32_768  # of clients at once, and no more than half the files that may be open; our choice
    connect_timeout: float = 3.0  # seconds; our choice, on one computer it takes microseconds
    h2_timeout: float = 10.0  # seconds for the settings of a machine with h2_backend, then PU01; our choice
    half_open: float = 30.0  # seconds for the second end of a pipe after the first; our choice
    pool_idle: float = 4.0  # seconds; reference/load-balancing: connections to a machine are kept about 4 s
    # reference/load-balancing: concurrency of type "connections" opens one per request, "requests" uses them again
    always_reuse: bool = False
    # An edge hears of machines, and of the load that others put on them, at most so many seconds late. Fly says that
    # there is such a delay and not how long it is. With 0, our choice, nothing is late and runs can be repeated.
    propagation: float = 0.0
    trace: bool = False  # answer every request with x-flylab-trace
    exchange: ExchangeSettings = field(default_factory=ExchangeSettings)
    http2: Http2Settings = field(default_factory=Http2Settings)

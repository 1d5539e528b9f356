"""What the codes of the proxy mean, and when an edge of the local platform says so; statuses are in ``codes.py``.

The codes are Fly's (monitoring/error-codes), the words are ours. A code without ``here`` belongs to something that a
platform on one computer does not do; docs/codes.md shows it only of those that the rules or edges really say.
"""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How a line of the log is marked."""

    INFO = "info"
    WARN = "warn"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyCode:
    name: str
    meaning: str
    here: str = ""
    setting: str = ""
    level: Level = Level.ERROR


_TLS = "a TLS handshake or certificate between client and proxy, or proxy and machine, failed"

_ALL = (
    ProxyCode(
        name="PA01",
        meaning="the request is larger than what is kept of it to send it again",
        here="a body over the replay limit was to be replayed",
        setting="[exchange] replay_limit",
    ),
    ProxyCode(
        name="PA02",
        meaning="more than ten replays",
        here="the eleventh replay of a request, or a replay of one that had fallen back",
        setting="[exchange] replays",
    ),
    ProxyCode(
        name="PA03",
        meaning="the replay that a machine asked for makes no sense",
        here="a fly-replay that cannot be read, or names a machine of another app",
    ),
    ProxyCode(name="PA04", meaning="the app of a replay does not exist", here="a replay to an app that is not there"),
    ProxyCode(
        name="PA05",
        meaning="the app of a replay may not be replayed to",
        here="a replay to another organisation, or another network",
        setting="[exchange] cross_network",
    ),
    ProxyCode(
        name="PC01",
        meaning="nobody listens on the port",
        here="the connection was refused",
        setting="[exchange] connect_tries",
    ),
    ProxyCode(name="PC02", meaning="the connection was refused"),
    ProxyCode(name="PC03", meaning="the connection was reset"),
    ProxyCode(name="PC04", meaning="the connection was aborted"),
    ProxyCode(
        name="PC05",
        meaning="the connection was not made in time",
        here="no connection within the time-out",
        setting="[edge] connect_timeout",
    ),
    ProxyCode(name="PC06", meaning="the connection failed for another reason", here="any other error of a connect"),
    ProxyCode(
        name="PC07",
        meaning="one machine refused too often",
        here="a machine was left for another one after some tries",
        setting="[exchange] switch_after",
    ),
    ProxyCode(name="PC08", meaning="a time-out could not be set on the connection"),
    ProxyCode(name="PE01", meaning="the app could not be found at the edge", here="no app answers to the host: 404"),
    ProxyCode(name="PE02", meaning="the organisation could not be found at the edge"),
    ProxyCode(
        name="PL01",
        meaning="a machine has as many connections as its hard limit",
        here="every machine was at its hard limit for as long as a request waits",
        setting="[exchange] queue_timeout",
        level=Level.WARN,
    ),
    ProxyCode(
        name="PL02",
        meaning="a machine has as many requests as its hard limit",
        here="the same, for concurrency of type requests",
        setting="[exchange] queue_timeout",
        level=Level.WARN,
    ),
    ProxyCode(
        name="PM01",
        meaning="the Machines API refused to start a machine",
        here="the machine is leased, its starts are over the rate limit, or a fault says so",
        setting="[lease] refuses_autostart, [platform] autostart_counts",
    ),
    ProxyCode(name="PM02", meaning="waking a machine failed inside the proxy"),
    ProxyCode(
        name="PM03",
        meaning="a machine did not start in time",
        here="the wake took longer than its time-out",
        setting="[exchange] wake_timeout, [platform] wake_timeout",
    ),
    ProxyCode(name="PM04", meaning="the answer to a start could not be read"),
    ProxyCode(
        name="PM05",
        meaning="a machine was started and its port took no connection",
        here="a woken machine did not listen within the tries",
        setting="[exchange] connect_tries, [exchange] wakes",
    ),
    ProxyCode(name="PM06", meaning="the name of the app is missing at a start"),
    ProxyCode(
        name="PM07",
        meaning="the machine did not change its state",
        here="a start ended in another state",
    ),
    ProxyCode(
        name="PM08",
        meaning="the machine is in no state from which it can be started",
        here="a machine that is gone, or ended before it listened",
    ),
    ProxyCode(name="PM09", meaning="the state of the machine is unknown"),
    ProxyCode(name="PM10", meaning="the start was cancelled", here="a stop overtook the start"),
    ProxyCode(
        name="PM11",
        meaning="the machine was stopped a moment ago",
        here="the edge had an old view of the machine",
        setting="[edge] propagation",
        level=Level.WARN,
    ),
    ProxyCode(name="PP01", meaning="an option could not be set on a socket"),
    ProxyCode(
        name="PR01",
        meaning="no healthy machine",
        here="none is there, or has the service, or passes its checks",
    ),
    ProxyCode(
        name="PR02",
        meaning="the machine is unknown where it should run",
        here="the edge had an old view of a machine that is gone or cordoned",
        setting="[edge] propagation",
    ),
    ProxyCode(
        name="PR03",
        meaning="no machine could be had after all attempts",
        here="nobody could take the request; the text has the last reason",
        setting="[exchange] attempts",
    ),
    ProxyCode(
        name="PR04",
        meaning="no machine could be had after all attempts",
        here="the machine that was asked for is not there",
        setting="[exchange] attempts",
    ),
    ProxyCode(name="PR05", meaning="statics could not be served"),
    *(ProxyCode(name=f"PT{number:02d}", meaning=_TLS) for number in range(1, 10)),
    ProxyCode(
        name="PU01",
        meaning="the h2c handshake with the machine failed",
        here="the port has h2_backend, and what listens behind it does not speak HTTP/2",
        setting="[edge] h2_timeout",
    ),
    ProxyCode(
        name="PU02",
        meaning="the request could not be completed at the machine",
        here="the machine closed the connection without an answer, or in the middle of one",
    ),
    ProxyCode(name="PU03", meaning="the host of the machine cannot be reached"),
    ProxyCode(name="PU04", meaning="the request for the machine could not be put together"),
)

PROXY_CODES = {code.name: code for code in _ALL}

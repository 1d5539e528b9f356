"""A load as data: whom to ask, when, for what mix of deeds; the same plan and seed make the same requests anywhere."""

import math
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

from flylab.errors import UsageError
from flylab.measure import arrivals

HTTP, ROOM = frozenset({"get", "post"}), frozenset({"say", "draw", "cursor", "join"})
MOST_DEEDS, MOST_REQUESTS = 255, 50_000_000  # our choice: a kind is one byte, and a request some 40 in memory
_PATH, _NAME, _VALUE = re.compile(r"/[!-~]*"), re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"), re.compile(r"[\t -~]*")
# The length is that of the body, and a request is written in one piece.
_OWN = frozenset({"content-length", "transfer-encoding", "connection", "upgrade", "expect"})
LONGEST = 3_600.0  # seconds that an answer is waited for; our choice
_LIMITS = {
    "closed": "it is 0 for an open loop, or that many workers",
    "most_open": "it is a number of connections, from 1 on",
    "timeout": "it is in seconds, above 0 and at most an hour",
    "grain": "it is in seconds, 0 to 1",
}
MOST_ROOMS, MOST_MEMBERS = 10_000, 60_000  # our choice: what one computer's ports and memory bear


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One kind of thing to do, as often as its weight says among all weights.

    ``get`` and ``post`` are HTTP requests. The others are done in rooms: ``say`` and ``draw`` until the member's own
    entry comes back, ``cursor`` until another member sees it or a later one, ``join`` until a newcomer's welcome.
    """

    do: str
    weight: float = 1.0
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    size: int = 20  # characters of a line

    def __post_init__(self) -> None:
        if self.do not in HTTP | ROOM:
            raise UsageError(f"a mix has {', '.join(sorted(HTTP | ROOM))}, and not {self.do!r}")
        if not 0 < self.weight < math.inf:
            raise UsageError(f"{self.do!r} needs a weight above 0, and not {self.weight!r}")
        if not 1 <= self.size <= 2_000:
            raise UsageError(f"a line has 1 to 2,000 characters, and not {self.size!r}")
        if not _PATH.fullmatch(self.path):
            raise UsageError(f"a path begins with / and has no spaces, and is not {self.path!r}: write others as %20")
        if any("\ud800" <= letter <= "\udfff" for letter in self.body):
            raise UsageError("a body with half of a character (a lone surrogate) cannot be sent")
        for name, value in self.headers.items():
            if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
                raise UsageError(f"a header cannot be {name!r}: {value!r}")
            if name.lower() in _OWN:
                raise UsageError(f"the header {name!r} is written by the load itself")

    @property
    def what(self) -> str:
        return f"{self.do} {self.path}" if self.do in HTTP else self.do


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """Where deeds in rooms are done: so many rooms with so many members each; ``path`` has ``{room}``."""

    count: int = 1
    members: int = 2
    path: str = "/rooms/{room}/ws"
    name: str = "load-{n}"
    dialect: str = "flylab"  # or "echo": whatever is sent comes back


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """``closed`` 0 is an open loop; else so many workers each send their next request once the last is answered.

    ``grain`` is for how many seconds the generator may sleep between sends: see ``pace.keep``.
    """

    target: str
    arrivals: Mapping[str, Any]
    mix: tuple[Deed, ...]
    rooms: Rooms = field(default_factory=Rooms)
    seed: int = 0
    closed: int = 0
    timeout: float = 10.0
    grain: float = 0.0
    most_open: int = 2_000  # connections of HTTP; below the usual limit of open files

    def __post_init__(self) -> None:
        if not _is_address(self.target):
            raise UsageError(f"a load needs an http or https address without a path, and not {self.target!r}")
        if not self.mix:
            raise UsageError("a load needs something to do: the mix is empty")
        if len(self.mix) > MOST_DEEDS:
            raise UsageError(f"a mix of {len(self.mix)} deeds is more than the {MOST_DEEDS} that can be told apart")
        if not (1 <= self.rooms.count <= MOST_ROOMS and 1 <= self.rooms.members * self.rooms.count <= MOST_MEMBERS):
            raise UsageError(f"{self.rooms.count} rooms of {self.rooms.members} members are more than can be opened")
        if self.rooms.dialect not in ("flylab", "echo"):
            raise UsageError(f"rooms are spoken to in 'flylab' or 'echo', and not in {self.rooms.dialect!r}")
        if any(deed.do == "cursor" for deed in self.mix) and self.rooms.members < 2:
            raise UsageError("a cursor is seen by another member: rooms need 2 of them")
        if not _PATH.fullmatch(self.rooms.path.replace("{room}", self.rooms.name)):
            raise UsageError(f"rooms cannot be at {self.rooms.path!r} with names as {self.rooms.name!r}")
        if self.in_rooms and self.rooms.count > 1 and "{n}" not in self.rooms.name:
            raise UsageError(f"{self.rooms.count} rooms need names of their own, with {{n}} in {self.rooms.name!r}")
        for name, value, good in (
            ("closed", self.closed, 0 <= self.closed <= MOST_MEMBERS),
            ("most_open", self.most_open, 1 <= self.most_open <= MOST_MEMBERS),
            ("timeout", self.timeout, 0 < self.timeout <= LONGEST),
            ("grain", self.grain, 0 <= self.grain <= 1),
        ):
            if not good:
                raise UsageError(f"{name} cannot be {value!r}: {_LIMITS[name]}")
        arrivals.check(self.arrivals)
        if (most := arrivals.most(self.arrivals)) > MOST_REQUESTS:
            raise UsageError(f"{most:,.0f} requests are more than the {MOST_REQUESTS:,} that can be kept")

    @property
    def seconds(self) -> float:
        """How long it goes on."""
        return arrivals.length(self.arrivals)

    @property
    def in_rooms(self) -> bool:
        return any(deed.do in ROOM for deed in self.mix)

    def moments(self) -> Iterator[float]:
        """When something is due."""
        return arrivals.moments(self.arrivals, seed=self.seed)

    def deeds(self) -> Iterator[int]:
        """Without end: which of the mix is next."""
        rng, weights = random.Random(f"{self.seed} mix"), [deed.weight for deed in self.mix]
        places = range(len(self.mix))
        while True:
            yield from rng.choices(places, weights, k=1000)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def _is_address(target: str) -> bool:
    try:
        parts = urlsplit(target)
        plain = parts.path in ("", "/") and not parts.query and not parts.fragment and bool(_VALUE.fullmatch(target))
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and plain
    except ValueError:  # a port that is no number, an address of IPv6 that is none
        return False

"""A load as data: whom to ask, when, for what mix of deeds; the same plan and seed make the same requests anywhere."""

import json
import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flylab.errors import ParseError, UsageError
from flylab.measure.pacing import constant, poisson, ramp, recorded

HTTP, ROOM = frozenset({"get", "post"}), frozenset({"say", "draw", "cursor", "join"})
MOST_DEEDS, MOST_REQUESTS = 255, 50_000_000  # our choice: a kind is one byte, and a request some 40 in memory
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
        parts = urlsplit(self.target)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"a load needs an http or https address, not {self.target!r}")
        if not self.mix:
            raise UsageError("a load needs something to do: the mix is empty")
        if len(self.mix) > MOST_DEEDS:
            raise UsageError(f"a mix of {len(self.mix)} deeds is more than the {MOST_DEEDS} that can be told apart")
        for deed in self.mix:
            if deed.do not in HTTP | ROOM:
                raise UsageError(f"a mix has {', '.join(sorted(HTTP | ROOM))}, and not {deed.do!r}")
            if not 0 < deed.weight < math.inf or not 1 <= deed.size <= 2_000:
                raise UsageError(f"{deed.do!r} needs a weight above 0 and 1 to 2,000 characters")
        if not (1 <= self.rooms.count <= MOST_ROOMS and 1 <= self.rooms.members * self.rooms.count <= MOST_MEMBERS):
            raise UsageError(f"{self.rooms.count} rooms of {self.rooms.members} members are more than can be opened")
        if self.rooms.dialect not in ("flylab", "echo"):
            raise UsageError(f"rooms are spoken to in 'flylab' or 'echo', and not in {self.rooms.dialect!r}")
        if any(deed.do == "cursor" for deed in self.mix) and self.rooms.members < 2:
            raise UsageError("a cursor is seen by another member: rooms need 2 of them")
        if self.closed < 0 or self.most_open < 1 or not 0 < self.timeout < math.inf or not 0 <= self.grain <= 1:
            raise UsageError(
                "closed, most_open and timeout are numbers above 0 (closed may be 0), a grain is at most 1"
            )
        next(self.moments(), None)
        most = max(float(self.arrivals.get(name, 0)) for name in ("rate", "first", "last"))
        if most * self.seconds > MOST_REQUESTS:
            raise UsageError(f"{most:g} a second for {self.seconds:g} s are more requests than can be kept")

    @property
    def seconds(self) -> float:
        """How long it goes on, as far as that is known beforehand."""
        if self.arrivals.get("kind") == "recorded":
            return max(recorded(self.arrivals["moments"], speed=self.arrivals.get("speed", 1.0)), default=0.0)
        return float(self.arrivals["seconds"])

    @property
    def in_rooms(self) -> bool:
        return any(deed.do in ROOM for deed in self.mix)

    def moments(self) -> Iterator[float]:
        """When something is due."""
        given = dict(self.arrivals)
        kind = given.pop("kind", None)
        try:
            match kind:
                case "constant":
                    return constant(**_numbers(given))
                case "poisson":
                    return poisson(**_numbers(given), rng=random.Random(f"{self.seed} arrivals"))
                case "ramp":
                    return ramp(**_numbers(given))
                case "recorded":
                    return recorded(list(map(float, given.pop("moments"))), **_numbers(given))
        except (TypeError, KeyError, ValueError) as exc:
            raise UsageError(f"arrivals {kind!r} cannot be made of {given}: {exc}") from exc
        raise UsageError(f"arrivals are constant, poisson, ramp or recorded, and not {kind!r}")

    def deeds(self) -> Iterator[int]:
        """Without end: which of the mix is next."""
        rng, weights = random.Random(f"{self.seed} mix"), [deed.weight for deed in self.mix]
        places = range(len(self.mix))
        while True:
            yield from rng.choices(places, weights, k=1000)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> "Plan":
        """Read a plan; raises ParseError for what is no plan, UsageError for one that cannot be carried out."""
        if not isinstance(value, Mapping):
            raise ParseError("load", value, "an object is expected")
        try:
            given = dict(value)
            given["mix"] = tuple(Deed(**deed) for deed in given["mix"])
            given["rooms"] = Rooms(**given.get("rooms", {}))
            return cls(**given)
        except (KeyError, TypeError, AttributeError) as exc:
            raise ParseError("load", dict(value), f"{type(exc).__name__} {exc}") from exc

    @classmethod
    def read(cls, path: Path) -> "Plan":
        """Read a file of JSON."""
        try:
            return cls.from_json(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as exc:
            raise ParseError("load", str(path), str(exc)) from exc


def _numbers(given: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in given.items()}

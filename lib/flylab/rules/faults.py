"""Whether an armed fault strikes: by name, target, chance, count and time; somebody else does what it then means.

    arm ─► armed ──┬── count used up, time over, disarm ─► gone
                   └── asked: name? target? time? count? chance? ─► strikes, and is counted

Every armed fault has a source of chance of its own, made from its seed, so that others do not disturb its order.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from random import Random

from flylab.errors import RuleError
from flylab.rules.fault_names import KNOWN, Known, Unit
from flylab.wire.fault import Fault, Value
from flylab.wire.moment import format_moment

MOST = 100  # armed at a time; our choice
_LONGEST = 86_400.0  # seconds of a value or of being armed; our choice
_DECIDED = 10_000  # decisions of one fault that are remembered; our choice
_STATUSES = (500, 599)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom something is about to happen to; what does not apply is empty."""

    app: str = ""
    region: str = ""
    machine: str = ""
    volume: str = ""


@dataclass(frozen=True, slots=True)
class Struck:
    """A fault that strikes now, with its value."""

    name: str
    value: Value | None = None
    chance: float = 0.0  # uniform in [0, 1), for what else is left to chance

    @property
    def seconds(self) -> float:
        return self.value if isinstance(self.value, float) else 0.0

    @property
    def word(self) -> str:
        return self.value if isinstance(self.value, str) else ""


@dataclass(slots=True)
class _Armed:
    fault: Fault
    rng: Random
    until: float | None
    struck: int = 0
    decided: OrderedDict[str, bool] = field(default_factory=OrderedDict)

    def shown(self) -> Fault:
        return replace(self.fault, struck=self.struck)


class Faults:
    """All armed faults of one platform; ``now`` is in seconds since the epoch."""

    def __init__(self) -> None:
        self._armed: dict[str, _Armed] = {}
        self._number = 0
        self.past: deque[Fault] = deque(maxlen=MOST)  # the last that struck and are not armed any more

    def arm(self, fault: Fault, seed: int, now: float) -> Fault:
        """Arm it and return it with its id; ``seed`` is used when it brings none. Raises ``invalid_argument``."""
        known = KNOWN.get(fault.name)
        if known is None:
            raise _bad(f"fault '{fault.name[:80]}' is unknown; known are {', '.join(armable())}")
        if not known.armable:
            raise _bad(f"fault '{fault.name}' is not armed but produced: {known.how}")
        _check(fault, known)
        self.armed(now)
        if len(self._armed) >= MOST:
            raise _bad(f"{MOST} faults are armed, that is the most; disarm some")
        self._number += 1
        key, seed = f"f{self._number}", seed if fault.seed is None else fault.seed
        until = now + fault.seconds if fault.seconds else None
        whole = replace(
            fault,
            id=key,
            seed=seed,
            struck=0,
            value=known.value if fault.value is None else fault.value,
            until=format_moment(until) if until else "",
        )
        self._armed[key] = _Armed(whole, Random(f"{seed}:{fault.name}"), until)
        return whole

    def disarm(self, which: str) -> list[Fault]:
        """Take away one by its id, or all of a name; raises ``not_found``."""
        keys = [key for key, each in self._armed.items() if which in (key, each.fault.name)]
        if not keys:
            raise RuleError("not_found", f"no fault '{which[:80]}' is armed")
        return self._drop(keys)

    def clear(self) -> list[Fault]:
        """Take away all."""
        return self._drop(list(self._armed))

    def armed(self, now: float) -> list[Fault]:
        """What is armed, in the order of arming, with how often each has struck; what is over is forgotten."""
        self._drop([key for key, each in self._armed.items() if each.until is not None and each.until <= now])
        return [each.shown() for each in self._armed.values()]

    @property
    def names(self) -> frozenset[str]:
        """The names of what is armed, spent or not."""
        return frozenset(each.fault.name for each in self._armed.values())

    def next_end(self) -> float | None:
        """When the first of them is over by time."""
        return min((each.until for each in self._armed.values() if each.until is not None), default=None)

    def struck(self, names: str | Iterable[str], subject: Subject, now: float, *, once: str = "") -> Struck | None:
        """The first fault of these names that strikes the subject now; it is counted.

        With ``once`` chance decides only the first time it is asked with that text, and that is what is counted: for
        what lasts, such as one start of a machine.
        """
        wanted = {names} if isinstance(names, str) else set(names)
        for each in self._armed.values():
            if each.fault.name in wanted and _meant(each.fault, subject) and _strikes(each, now, once):
                return Struck(each.fault.name, each.fault.value, each.rng.random())
        return None

    def _drop(self, keys: list[str]) -> list[Fault]:
        gone = [self._armed.pop(key).shown() for key in keys]
        self.past.extend(fault for fault in gone if fault.struck)
        return gone

    def threatens(self, name: str, subject: Subject, now: float) -> bool:
        """Whether a fault of that name would strike the subject, if chance has it so; nothing is counted."""
        return any(
            each.fault.name == name and _meant(each.fault, subject) and _ready(each, now)
            for each in self._armed.values()
        )


def armable() -> list[str]:
    """The names that can be armed."""
    return sorted(name for name, known in KNOWN.items() if known.armable)


def _ready(each: _Armed, now: float) -> bool:
    over = each.until is not None and each.until <= now
    spent = each.fault.count and each.struck >= each.fault.count
    return not over and not spent


def _strikes(each: _Armed, now: float, once: str) -> bool:
    if once and once in each.decided and (each.until is None or now < each.until):
        return each.decided[once]
    if not _ready(each, now):
        return False
    hit = each.fault.probability >= 1 or each.rng.random() < each.fault.probability
    if once:
        each.decided[once] = hit
        if len(each.decided) > _DECIDED:
            each.decided.popitem(last=False)
    each.struck += hit
    return hit


def _meant(fault: Fault, subject: Subject) -> bool:
    return (
        fault.app in ("", subject.app)
        and fault.region in ("", subject.region)
        and fault.machine in ("", subject.machine)
        and fault.volume in ("", subject.volume)
    )


def _check(fault: Fault, known: Known) -> None:
    for kind in ("app", "region", "machine", "volume"):
        if getattr(fault, kind) and kind not in known.targets:
            raise _bad(f"fault '{fault.name}' cannot be aimed at a {kind}, only at {', '.join(known.targets)}")
    if not 0 < fault.probability <= 1:
        raise _bad(f"probability {fault.probability:g} is not above 0 and at most 1")
    if not 0 <= fault.count < 2**31:
        raise _bad(f"count {fault.count} is not between 0 (no limit) and {2**31 - 1}")
    if not 0 <= fault.seconds <= _LONGEST:
        raise _bad(f"seconds {fault.seconds:g} is not between 0 (no limit) and {_LONGEST:g}")
    value = fault.value
    if value is None:
        return
    match known.unit:
        case Unit.NONE:
            raise _bad(f"fault '{fault.name}' takes no value")
        case Unit.WORD if value not in known.words:
            raise _bad(f"value {str(value)[:80]!r} of fault '{fault.name}' is none of {', '.join(known.words)}")
        case Unit.SECONDS if not isinstance(value, float) or not 0 <= value <= _LONGEST:
            raise _bad(f"value {str(value)[:80]!r} of fault '{fault.name}' is not seconds between 0 and {_LONGEST:g}")
        case Unit.STATUS if not isinstance(value, float) or int(value) != value or not _is_status(value):
            raise _bad(f"value {str(value)[:80]!r} of fault '{fault.name}' is not a status between 500 and 599")


def _is_status(value: float) -> bool:
    return _STATUSES[0] <= value <= _STATUSES[1]


def _bad(text: str) -> RuleError:
    return RuleError("invalid_argument", text)

"""Who is in a room, where they point, what they drag and have selected: never stored, only the latest counts; pure.

Members are known by their id; a small number ``n`` stands for them while they are here, and for somebody else later.
Cursors, drags and selections that changed are gathered until they are taken, so that each is told once however often it
changed meanwhile.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from typing import Generic, TypeVar

import msgspec

from app.entries import Change
from app.protocol import Changed, Joined, Left, Member
from app.shaping import Refused, clean_change

# Twelve hues a twelfth of the circle apart: neighbours stay tellable, and the page picks lightness for its theme.
HUES = 12
# Nearer ones are told apart only side by side, as red and orange (our choice).
APART = 60
# A round trip is told again when it differs from what was told by more than this share and this many milliseconds.
RTT_SHARE = 0.1
RTT_MILLISECONDS = 1.0
# What all members together may drag, and what they may have selected, in bytes of JSON: every newcomer is told all of
# it (our choice).
MOST_SHOWN = 262_144

_T = TypeVar("_T")
_encode = msgspec.json.Encoder()


class _Here:
    """One member with at least one connection; counts them by role."""

    __slots__ = ("editing", "member", "n", "viewing")

    def __init__(self, member: Member) -> None:
        self.member = member
        self.n = member.n
        self.editing = 0
        self.viewing = 0

    def count(self, role: str, change: int) -> None:
        if role == "edit":
            self.editing += change
        else:
            self.viewing += change

    def alter(self, *, name: str | None = None, region: str | None = None, rtt: float | None = None) -> Changed | None:
        """Bring the member up to date. Their role is the best of their connections: all hold the same secret."""
        was = self.member
        now = Member(
            id=was.id,
            n=was.n,
            name=was.name if name is None else name,
            hue=was.hue,
            region=was.region if region is None else region,
            role="edit" if self.editing else "view",
            rtt=was.rtt if rtt is None else rtt,
        )
        if now == was:
            return None
        self.member = now
        return Changed(member=now)


class _Shown(Generic[_T]):
    """What members show of one kind: a list each, the latest, and all of them together within a bound."""

    __slots__ = ("_changed", "_held_bytes", "_kind", "_lists", "_sizes")

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._lists: dict[int, list[_T]] = {}
        self._sizes: dict[int, int] = {}
        self._changed: set[int] = set()
        self._held_bytes = 0

    def show(self, n: int, shown: list[_T], size: int) -> None:
        """In place of what they showed before, which also ends when this is `Refused`: it is not so any more."""
        held = self._held_bytes - self._sizes.get(n, 0)
        refused = bool(shown) and held + size > MOST_SHOWN
        if refused or not shown:
            if n in self._lists:
                self.forget(n)
                self._changed.add(n)
        else:
            self._lists[n] = shown
            self._sizes[n] = size
            self._held_bytes = held + size
            self._changed.add(n)
        if refused:
            rule = f"all {self._kind} in a room may have {MOST_SHOWN} bytes together"
            raise Refused("limit", f"{rule}; with these {size} they would have {held + size}")

    def forget(self, n: int) -> None:
        """They are not here any more."""
        self._lists.pop(n, None)
        self._held_bytes -= self._sizes.pop(n, 0)
        self._changed.discard(n)

    def get(self, n: int) -> list[_T]:
        return self._lists.get(n, [])

    def take(self) -> list[tuple[int, list[_T]]]:
        """Those that changed since the last call; one that is over is empty."""
        changed = [(n, self._lists.get(n, [])) for n in self._changed]
        self._changed.clear()
        return changed

    def all(self) -> list[tuple[int, list[_T]]]:
        return list(self._lists.items())


class Presence:
    """Everybody in one room. Methods change only this, and return the news that all others must be told, if any."""

    def __init__(self) -> None:
        self._here: dict[str, _Here] = {}
        self._hues: Counter[int] = Counter()
        self._free: list[int] = []
        self._numbers = 0
        self._cursors: dict[int, list[int]] = {}
        self._moved: set[int] = set()
        self._drags: _Shown[Change] = _Shown("drags")
        self._selections: _Shown[str] = _Shown("selections")

    def __len__(self) -> int:
        return len(self._here)

    # Members -------------------------------------------------------------------

    def enter(self, member: str, name: str, *, region: str, role: str) -> tuple[Member, Joined | Changed | None]:
        """A connection of this member opened. A further one counts, and brings its name and region."""
        here = self._here.get(member)
        if here is None:
            shade = free_hue(hue(member), self._hues)
            self._hues[shade] += 1
            fresh = Member(id=member, n=self._take_number(), name=name, hue=shade, region=region, role=role)
            here = self._here[member] = _Here(fresh)
            here.count(role, 1)
            return fresh, Joined(member=fresh)
        here.count(role, 1)
        news = here.alter(name=name, region=region)
        return here.member, news

    def leave(self, member: str, role: str) -> Left | Changed | None:
        """A connection of this member, which had this role, closed; the member left when it was the last."""
        here = self._here[member]
        here.count(role, -1)
        if here.editing or here.viewing:
            return here.alter()
        del self._here[member]
        self._hues[here.member.hue] -= 1
        n = here.n
        self._cursors.pop(n, None)
        self._moved.discard(n)
        self._drags.forget(n)
        self._selections.forget(n)
        heappush(self._free, n)
        return Left(id=member, n=n)

    def assign(self, member: str, was: str, now: str) -> Changed | None:
        """A connection of this member has another role than it had."""
        here = self._here[member]
        here.count(was, -1)
        here.count(now, 1)
        return here.alter()

    def rename(self, member: str, name: str) -> Changed | None:
        return self._here[member].alter(name=name)

    def measured(self, member: str, rtt: float) -> Changed | None:
        """The member measured this round trip (ms); news when it is notably another one than was told before."""
        here = self._here[member]
        told = here.member.rtt
        if abs(rtt - told) <= max(RTT_MILLISECONDS, RTT_SHARE * told):
            return None
        return here.alter(rtt=round(rtt, 1))

    def member(self, member: str) -> Member:
        """The member as they are now; KeyError when they are not here."""
        return self._here[member].member

    def members(self) -> list[Member]:
        """Everybody, in order of arrival."""
        return [here.member for here in self._here.values()]

    # Cursors -------------------------------------------------------------------

    def point(self, member: str, x: int | None, y: int | None) -> None:
        """The member points here, or nowhere."""
        n = self._here[member].n
        if x is None or y is None:
            self._cursors.pop(n, None)
        else:
            self._cursors[n] = [n, x, y]
        self._moved.add(n)

    def take_cursors(self) -> list[list[int]]:
        """The cursors that changed since the last call: [n, x, y], or [n] for one that points nowhere now."""
        cursors = self._cursors
        moves = [cursors.get(n) or [n] for n in self._moved]
        self._moved.clear()
        return moves

    def cursors(self) -> list[list[int]]:
        """Every cursor that points somewhere."""
        return list(self._cursors.values())

    # Drags and selections ------------------------------------------------------

    def drag(self, member: str, changes: Sequence[Change]) -> None:
        """The member is dragging these shapes; none: no longer. `Refused` when all drags together are too large."""
        cleaned = [clean_change(change) for change in changes]
        self._drags.show(self._here[member].n, cleaned, len(_encode.encode(cleaned)) if cleaned else 0)

    def take_drags(self) -> list[tuple[int, list[Change]]]:
        """The drags that changed since the last call; one that is over has no changes."""
        return self._drags.take()

    def drags(self) -> list[tuple[int, list[Change]]]:
        """Every drag that goes on."""
        return self._drags.all()

    def select(self, member: str, ids: Sequence[str]) -> None:
        """The member has these shapes selected. `Refused` when all selections together are too large."""
        n = self._here[member].n
        selected = list(dict.fromkeys(ids))
        if selected != self._selections.get(n):
            self._selections.show(n, selected, sum(map(len, selected)) + 3 * len(selected))

    def take_selected(self) -> list[tuple[int, list[str]]]:
        """The selections that changed since the last call; one that is over has no ids."""
        return self._selections.take()

    def selected(self) -> list[tuple[int, list[str]]]:
        """Every selection that is not empty."""
        return self._selections.all()

    def _take_number(self) -> int:
        if self._free:
            return heappop(self._free)
        self._numbers += 1
        return self._numbers


def member_id(key: str) -> str:
    """The public id of the member who holds this secret; the same on every machine and after every reconnect."""
    return hashlib.blake2b(key.encode(), digest_size=8).hexdigest()


def hue(member: str) -> int:
    """The colour of a member, as long as nobody else has it: degrees of the circle, the same everywhere."""
    return int(member, 16) % HUES * (360 // HUES)


def free_hue(own: int, used: Mapping[int, int]) -> int:
    """``own`` where it can be told from those that so many members have, else one that is farthest from all of them."""

    def between(one: int, other: int) -> int:
        return min((one - other) % 360, (other - one) % 360)

    def apart(one: int) -> int:
        return min((between(one, other) for other, members in used.items() if members), default=360)

    if apart(own) >= APART:
        return own
    return max(range(0, 360, 360 // HUES), key=lambda one: (-used.get(one, 0), apart(one), -between(one, own)))

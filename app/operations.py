"""Exactly once: which operations of which client are in the log; pure.

A client (one life of a member's page) numbers its operations 1, 2, 3, …. Whether a number may be acted upon follows
from the log alone, so that the next machine that takes the room answers the same way:

    above the last one     apply; numbers in between are *skipped*: they may still come
    one that was skipped   apply; it is skipped no longer
    any other              it is in the log already

Refused operations leave skipped numbers behind. More than `WINDOW` are not remembered: what is at or below the highest
one that was forgotten and comes again is refused, because nobody can tell any more whether it counted.

A memory that is full forgets a client of the member of whom it has the most: whoever makes up clients without end
pushes out their own alone.
"""

from collections.abc import Iterable
from heapq import heappop, heappush, heapreplace

from msgspec import Struct

# Numbers a client may be ahead of the last one that counted, and skipped ones that are remembered (our choice: a page
# has far fewer operations on their way).
WINDOW = 64
# What `Operations.find` says about a number that cannot be acted upon.
TOO_FAR = -1
TOO_OLD = -2


class Counted(Struct, array_like=True):
    """What is known of one client: its ``last`` number in the log, at ``seq``; ``skipped`` numbers below it, ascending.

    At or below ``floor`` nothing is known.
    """

    by: str
    client: str
    last: int
    seq: int
    skipped: list[int]
    floor: int = 0


class _Crowd:
    """Who has how many clients in a memory that is full, so that the one to forget is found without looking at all.

    What is on a heap may have gone up since, as numbers of entries do; it is put right when it comes to the top.
    """

    def __init__(self, counted: Iterable[Counted]) -> None:
        self._own: dict[
            str, list[tuple[int, str, Counted]]
        ] = {}  # of each member, the client that rested longest first
        self._ranks: dict[int, list[tuple[int, str]]] = {}  # who has, or had, so many clients, and since when one rests
        self._ranked: set[tuple[int, str]] = set()
        self._most = 0
        for one in counted:
            self.add(one)

    def add(self, one: Counted) -> None:
        """A client that is new."""
        own = self._own.setdefault(one.by, [])
        heappush(own, (one.seq, one.client, one))
        self._rank(one.by, len(own))
        self._most = max(self._most, len(own))

    def pop(self) -> Counted:
        """Take out the client to forget; there is one."""
        while True:
            rank = self._ranks.get(self._most)
            if not rank:
                self._ranks.pop(self._most, None)
                self._most -= 1
                continue
            since, by = rank[0]
            own = self._own.get(by, [])
            if len(own) != self._most:
                heappop(rank)
                self._ranked.discard((self._most, by))
            elif (rests := self._rests(own)) != since:
                heapreplace(rank, (rests, by))
            else:
                break
        heappop(rank)
        self._ranked.discard((self._most, by))
        one = heappop(own)[2]
        if own:
            self._rank(by, len(own))
        else:
            del self._own[by]
        return one

    def _rank(self, by: str, clients: int) -> None:
        if (clients, by) not in self._ranked:
            self._ranked.add((clients, by))
            heappush(self._ranks.setdefault(clients, []), (self._rests(self._own[by]), by))

    @staticmethod
    def _rests(own: list[tuple[int, str, Counted]]) -> int:
        """When the client that rested longest did something, which is then on top."""
        while (one := own[0][2]).seq != own[0][0]:
            heapreplace(own, (one.seq, one.client, one))
        return one.seq


class Operations:
    """The operations of all clients, of at most ``most`` of them.

    When there are more, a client of the member who has the most of them is forgotten: the one that did nothing for
    longest, of several such members the one whose client that is. So it follows from the log.
    """

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._clients: dict[tuple[str, str], Counted] = {}
        self._crowd: _Crowd | None = None  # there as soon as one has to be forgotten, which hardly a room ever comes to

    def __len__(self) -> int:
        return len(self._clients)

    def find(self, by: str, client: str, op: int) -> int:
        """0 when the operation may be acted upon, and where it is at the latest when it is in the log already.

        Else `TOO_FAR` past the last one, or `TOO_OLD`.
        """
        known = self._clients.get((by, client))
        if known is None:
            return 0 if op <= WINDOW + 1 else TOO_FAR
        if op > known.last:
            return 0 if op <= known.last + WINDOW + 1 else TOO_FAR
        if op in known.skipped:
            return 0
        return TOO_OLD if op <= known.floor else known.seq

    def count(self, by: str, client: str, op: int, seq: int) -> None:
        """The operation is in the log at ``seq``; to be called once for each, in the order of the log."""
        clients = self._clients
        key = (by, client)
        known = clients.get(key)
        if known is None:
            known = clients[key] = Counted(by, client, 0, seq, [])
            if self._crowd is not None:
                self._crowd.add(known)
            if len(clients) > self._most:
                self._forget_one()
        known.seq = seq
        last = known.last
        if op == last + 1:
            known.last = op
        elif op > last:
            known.last = op
            known.skipped.extend(range(max(last + 1, op - WINDOW), op))
            self._forget(known, last)
        elif op in known.skipped:
            known.skipped.remove(op)

    def known(self, by: str, client: str) -> tuple[int, list[int]]:
        """The last number of the client that is in the log, and those below it that are not."""
        known = self._clients.get((by, client))
        return (0, []) if known is None else (known.last, list(known.skipped))

    def all(self) -> list[Counted]:
        """Everything, the client that did nothing for longest first."""
        return [
            Counted(one.by, one.client, one.last, one.seq, list(one.skipped), one.floor)
            for one in sorted(self._clients.values(), key=lambda one: one.seq)
        ]

    def restore(self, counted: Iterable[Counted]) -> None:
        """Take up what `all` gave."""
        self._crowd = None
        for one in counted:
            self._clients[one.by, one.client] = Counted(
                one.by, one.client, one.last, one.seq, list(one.skipped), one.floor
            )

    def _forget_one(self) -> None:
        if self._crowd is None:
            self._crowd = _Crowd(self._clients.values())
        one = self._crowd.pop()
        del self._clients[one.by, one.client]

    @staticmethod
    def _forget(known: Counted, last: int) -> None:
        skipped = known.skipped
        if known.last > last + WINDOW + 1:  # only in a log that was written under another rule
            known.floor = max(known.floor, known.last - WINDOW - 1)
        if len(skipped) > WINDOW:
            known.floor = max(known.floor, skipped[-WINDOW - 1])
            del skipped[:-WINDOW]

"""Exactly once: which operations of which client are in the log; pure.

A client (one life of a member's page) numbers its operations 1, 2, 3, …. Whether a number may be acted upon follows
from the log alone, so that the next machine that takes the room answers the same way:

    above the last one     apply; numbers in between are *skipped*: they may still come
    one that was skipped   apply; it is skipped no longer
    any other              it is in the log already

Refused operations leave skipped numbers behind. More than `WINDOW` are not remembered: what is at or below the highest
one that was forgotten and comes again is refused, because nobody can tell any more whether it counted.
"""

from collections import OrderedDict
from collections.abc import Iterable

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


class Operations:
    """The operations of all clients, of at most ``most`` of them: the one that did nothing for longest is forgotten."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._clients: OrderedDict[tuple[str, str], Counted] = OrderedDict()

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
            if len(clients) > self._most:
                clients.popitem(last=False)
        else:
            clients.move_to_end(key)
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
            for one in self._clients.values()
        ]

    def restore(self, counted: Iterable[Counted]) -> None:
        """Take up what `all` gave."""
        for one in counted:
            self._clients[one.by, one.client] = Counted(
                one.by, one.client, one.last, one.seq, list(one.skipped), one.floor
            )

    @staticmethod
    def _forget(known: Counted, last: int) -> None:
        skipped = known.skipped
        if known.last > last + WINDOW + 1:  # only in a log that was written under another rule
            known.floor = max(known.floor, known.last - WINDOW - 1)
        if len(skipped) > WINDOW:
            known.floor = max(known.floor, skipped[-WINDOW - 1])
            del skipped[:-WINDOW]

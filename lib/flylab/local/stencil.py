"""What the heads on one connection have in common: the lines before and behind a gap, in which those are that differ.

Who asks again changes a target and a cookie; who answers again, a date and a length. Only what is in the gap is looked
at. A head that does not fit is read, and from then on the gap is wide enough for it.

    accept: */*      before
    cookie: n=7      in the gap
    dnt: 1           after, with the empty line
"""


class Stencil:
    """``before`` and ``after`` are whole lines of a head, with their line ends."""

    __slots__ = ("after", "before")

    def __init__(self, before: bytes, after: bytes) -> None:
        self.before = before
        self.after = after

    def gap(self, data: bytes, begin: int, end: int) -> bytes | None:
        """What of a head is in the gap, with the line end before it; None if it does not fit."""
        first, last = begin + len(self.before), end - len(self.after)
        if first > last or not data.startswith(self.before, begin) or not data.startswith(self.after, last):
            return None
        return data[first - 2 : last]


def widened(before: bytes, after: bytes, head: bytes) -> tuple[bytes, bytes]:
    """What is before and after the gap when this head is to fit as well; the first time, a former head is both."""
    lines = head.split(b"\r\n")[:-2]
    same = _equal(lines, before.split(b"\r\n"))
    behind = _equal(lines[same:][::-1], after.split(b"\r\n")[-3::-1])
    return b"".join([line + b"\r\n" for line in lines[:same]]), b"\r\n".join([*lines[len(lines) - behind :], b"", b""])


def _equal(some: list[bytes], others: list[bytes]) -> int:
    """How many are the same from the first on."""
    pairs = enumerate(zip(some, others, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(some), len(others)))

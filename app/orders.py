"""When a member may move a room or put it to sleep by hand, which sends everybody away for a moment; pure.

    who asks                        may
    ────────────────────────────    ─────────────────────────────────────────────────────────────
    holds an edit link              always
    nobody else is in the room      always
    edits because everybody may     once, and again when `pause` seconds have passed since the last order of anybody

So the first order in a public room works at once, and nobody can keep throwing everybody out.
"""

from math import ceil


def seconds_left(*, by_link: bool, others: bool, ordered: float, pause: float, now: float) -> int:
    """Whole seconds until the order may be given; 0: now.

    ``ordered`` is when the room was last moved or put to sleep by hand, as its log says (0: never), by the clock of the
    machine that wrote it: one that goes ahead of ours makes nobody wait longer than ``pause``.
    """
    if by_link or not others:
        return 0
    return ceil(max(0.0, min(ordered + pause - now, pause)))


def too_soon(room: str, left: int) -> str:
    """The sentence for somebody who has to wait."""
    return f"room {room} was moved or put to sleep lately: without an edit link, that can be done again in {left} s"

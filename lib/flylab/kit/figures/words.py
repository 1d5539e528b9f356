"""Names as they are written into a figure: letter by letter, on two lines at most, and how much room they take."""

import textwrap
from collections.abc import Sequence

_NAME = 42  # letters of a row's name that fit beside it on one line; our choice
_LINE = 20  # the height of a line of the legend, in pixels


def plain(text: str) -> str:
    """A name as plotly shows it letter by letter: it reads some HTML in all texts."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


def two_lines(name: str) -> str:
    """A name of a row on one line, or on two that are about as long as each other."""
    if len(name) <= _NAME:
        return name
    even = textwrap.wrap(name, max(len(name) // 2 + 5, 12))
    parts = even if len(even) == 2 and max(map(len, even)) <= _NAME else textwrap.wrap(name, _NAME)
    if len(parts) > 2:
        parts = textwrap.wrap(name, _NAME, max_lines=2, placeholder=" …")
    return "<br>".join(parts)


def legend_height(names: Sequence[str], width: int) -> int:
    """How many pixels the legend of a notebook's figure takes, at that width."""
    # Plotly gives each entry of a legend that lies across the width of the longest one.
    widest = max(map(len, names), default=0) * 7 + 52
    return _LINE * -(-len(names) // max(width // widest, 1)) + 10 if names else 0

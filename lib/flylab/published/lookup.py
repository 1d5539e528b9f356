"""The rows of a table of this package, and the error for an id that is not among them: it names the nearest ones."""

import csv
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from importlib.resources import files

from flylab.errors import UsageError

_NEAREST = 3  # as many as a sentence can hold; our choice


def rows(name: str) -> Iterator[dict[str, str]]:
    """The rows of one CSV file of this package, as text."""
    return csv.DictReader(files(__package__).joinpath(name).read_text(encoding="utf-8").splitlines())


def unknown(what: str, given: str, known: Iterable[str]) -> UsageError:
    """``there is no published claim 'c161'; the nearest are 'c160', 'c016' and 'c116'``."""
    there = list(known)
    # What begins with it was cut off, most likely; only where nothing does, what looks alike is named.
    near = [each for each in there if given and each.casefold().startswith(given.casefold())]
    near = near or get_close_matches(given, there, n=_NEAREST, cutoff=0.5)
    shown = [repr(each) for each in near[:_NEAREST]]
    if not shown:
        return UsageError(f"there is no published {what} {given!r}")
    listed = " and ".join([", ".join(shown[:-1]), shown[-1]] if shown[:-1] else shown)
    return UsageError(f"there is no published {what} {given!r}; the nearest {'are' if shown[1:] else 'is'} {listed}")

"""What a parameter may be, as its line in the notebook says at the end: ``# how often (1 to 500)``.

The words are for the reader and are read here as well, so that neither can differ from the other:

- ``(1 to 500)``: a number in between
- ``(2 to 18 regions)``: so many different regions
- ``(1 to 8 numbers, each 1 to 10000)``, or ``whole numbers``: so many of them
- ``(a region)``
- ``("local" or "fly")``: one of these words
"""

import math
import re
from collections.abc import Callable, Mapping
from functools import cache

from flylab.errors import UsageError
from flylab.published.network import regions

_NUMBER = r"-?\d+(?:\.\d+)?"
_WORDS = re.compile(r'\("([^"]+)"((?: or "[^"]+")*)\)$')
_REGION = re.compile(r"\(a region\)$")
_REGIONS = re.compile(r"\((\d+) to (\d+) regions\)$")
_NUMBERS = re.compile(rf"\((\d+)(?: to (\d+))? (whole )?numbers, each ({_NUMBER}) to ({_NUMBER})\)$")
_BETWEEN = re.compile(rf"\(({_NUMBER}) to ({_NUMBER})\)$")


def check(name: str, value: object, words: str) -> None:
    """UsageError, with name, value and rule, when the value is not what the words at the end of ``words`` allow."""
    for pattern, judge in _RULES.items():
        if match := pattern.search(words):
            wrong = judge(value, *match.groups())
            if wrong:
                raise UsageError(f"parameter {name} is {value!r}; {wrong}")
            return


def stated(words: str) -> bool:
    """Whether the words end in a rule that is understood here."""
    return any(pattern.search(words) for pattern in _RULES)


@cache
def _known() -> tuple[str, ...]:
    return tuple(region.code for region in regions())


def _between(value: object, low: str, high: str) -> str:
    fits = isinstance(value, int | float) and math.isfinite(value) and float(low) <= value <= float(high)
    return "" if fits else f"it can be {low} to {high}"


def _one_of(value: object, first: str, others: str) -> str:
    words = [first, *re.findall(r'"([^"]+)"', others)]
    return "" if value in words else f"it can be {' or '.join(map(repr, words))}"


def _region(value: object) -> str:
    return "" if value in _known() else f"it can be one of {', '.join(_known())}"


def _regions(value: object, low: str, high: str) -> str:
    if not isinstance(value, list) or not int(low) <= len(value) <= int(high):
        return f"it is a list of {low} to {high} regions"
    for each in value:
        if wrong := _region(each):
            return f"{each!r} is not a region: {wrong}"
    return "" if len(set(value)) == len(value) else "a region can be in it once"


def _numbers(value: object, low: str, high: str | None, whole: str | None, least: str, most: str) -> str:
    many = low if high is None else f"{low} to {high}"
    if not isinstance(value, list) or not int(low) <= len(value) <= int(high or low):
        return f"it is a list of {many} numbers"
    for each in value:
        if isinstance(each, bool) or _between(each, least, most) or (whole and not isinstance(each, int)):
            return f"each {whole or ''}number in it can be {least} to {most}, and {each!r} is not"
    return "" if len(set(value)) == len(value) or not whole else "a number can be in it once"


_RULES: Mapping[re.Pattern[str], Callable[..., str]] = {
    _WORDS: _one_of,
    _REGION: _region,
    _REGIONS: _regions,
    _NUMBERS: _numbers,
    _BETWEEN: _between,
}

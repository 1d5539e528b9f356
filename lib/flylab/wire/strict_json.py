"""JSON as Go's decoder takes it, from somebody who may mean harm: what Python reads beyond that is refused."""

import json
import math
import re

DEPTH = 100  # of objects and lists in each other; our choice, far above any configuration and far below Python's limit
_LARGEST = 2**63  # Go keeps whole numbers in 64 bits
_SHOWN = 40  # characters of a number that is refused; our choice
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")  # may be half of a surrogate pair


def read_json(data: bytes) -> object:
    """The value in a body; raises ``ValueError`` with the rule that it breaks."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise ValueError(f"it is not UTF-8 (byte {exc.start})") from None
    try:
        value = json.loads(text, parse_constant=_constant, parse_float=_float, parse_int=_integer)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if data.count(b"[") + data.count(b"{") > DEPTH:
        _check_depth(value)
    if _HALF.search(data):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("a text in it has half of a surrogate pair, which is no character") from None
    return value


_TOO_DEEP = f"objects and lists in it lie deeper in each other than {DEPTH} levels"


def _constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")  # NaN and Infinity, which Python would read


def _float(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"the number {_short(text)} is too large")
    return number


def _integer(text: str) -> int:
    if len(text) > _SHOWN or not -_LARGEST <= (number := int(text)) < 2 * _LARGEST:
        raise ValueError(f"the number {_short(text)} does not fit into 64 bits")
    return number


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)"


def _check_depth(value: object) -> None:
    level, depth = [value], 0
    while level:
        if (depth := depth + 1) > DEPTH:
            raise ValueError(_TOO_DEEP)
        inside: list[object] = []
        for each in level:
            inside += each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
        level = [each for each in inside if isinstance(each, dict | list)]

"""Identifiers in Fly's shapes, made from a given source of chance so that tests can repeat them."""

from collections.abc import Container
from functools import lru_cache
from random import Random

# Crockford's base 32, the alphabet of a ULID (github.com/ulid/spec).
_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(first + second for first in _BASE32 for second in _BASE32)
_BYTE_PAIRS = tuple(pair.encode() for pair in _PAIRS)
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_MOODS = (
    "autumn bold calm dawn dry frosty green hidden late lively misty old polished quiet red silent still "
    "wild winter young"
)
_THINGS = (
    "bird brook cloud dew dream field fire flower fog forest glade haze hill lake leaf meadow moon pine "
    "pond rain river sea sky snow star sun surf tree water wave wind wood"
)


def machine_id(rng: Random) -> str:
    """14 hex digits, as in ``148e21d4b2c0a1`` (networking/private-networking)."""
    return f"{rng.getrandbits(56):014x}"


def ulid(rng: Random, wall: float) -> str:
    """26 characters: 48 bits of milliseconds since the epoch, then 80 bits of chance; sorts by time."""
    # Every request of an edge has one, many of them in the same millisecond: two characters at a time.
    p, value = _PAIRS, rng.getrandbits(80)
    return (
        f"{_moment(int(wall * 1000))}{p[value >> 70]}{p[value >> 60 & 1023]}{p[value >> 50 & 1023]}"
        f"{p[value >> 40 & 1023]}{p[value >> 30 & 1023]}{p[value >> 20 & 1023]}{p[value >> 10 & 1023]}{p[value & 1023]}"
    )


@lru_cache(maxsize=4)
def _moment(milliseconds: int) -> str:
    return "".join(_PAIRS[milliseconds >> shift & 1023] for shift in range(40, -1, -10))


def request_id(rng: Random, wall: float, region: str) -> str:
    """A ULID, a hyphen and the region, as ``Fly-Request-Id`` reads."""
    return f"{ulid(rng, wall)}-{region}"


class RequestIds:
    """The same for every request of one edge, whose ids share what they may: most are of one millisecond."""

    def __init__(self, rng: Random, region: str) -> None:
        self._rng = rng
        self._end = f"-{region}".encode()
        self._since = self._until = 0.0  # the moment, which is a millisecond
        self._number = 1024
        self._begin = b""

    def make(self, wall: float) -> bytes:
        """The next one: the moment, 70 bits of chance, and a number that counts from 0 as long as both hold."""
        number = self._number
        if number > 1023 or not self._since <= wall < self._until:
            moment, chance = int(wall * 1000), self._rng.getrandbits(70)
            letters = "".join([_PAIRS[chance >> shift & 1023] for shift in range(60, -1, -10)])
            self._begin = f"{_moment(moment)}{letters}"[:24].encode()
            self._since, self._until, number = moment / 1000, (moment + 1) / 1000, 0
        self._number = number + 1
        return self._begin + _BYTE_PAIRS[number] + self._end


def machine_name(rng: Random, *, taken: Container[str] = ()) -> str:
    """Two words and a number, as Fly names a machine that came without a name; none that the app has already."""
    # Of a thousand machines two have the same name in every twelfth app, and the second would be refused.
    while True:
        name = f"{rng.choice(_MOODS.split())}-{rng.choice(_THINGS.split())}-{rng.randrange(1, 10_000)}"
        if name not in taken:
            return name


def volume_id(rng: Random) -> str:
    """``vol_`` and 16 small letters and digits, as in ``vol_ke628r677pwwmnpv`` (machines/api/volumes-resource)."""
    return f"vol_{''.join(rng.choices(_BASE36, k=16))}"


def snapshot_id(rng: Random) -> str:
    """``vs_`` and 16 small letters and digits; on Fly the second part also has capitals."""
    return f"vs_{''.join(rng.choices(_BASE36, k=16))}"


def token(rng: Random, length: int = 40) -> str:
    """Hex digits for a token or nonce."""
    return f"{rng.getrandbits(4 * length):0{length}x}"

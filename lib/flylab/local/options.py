"""What `flylab up` was asked for, checked; nothing is opened or started here but files that are only read."""

import csv
import tomllib
from dataclasses import dataclass
from pathlib import Path

from flylab.errors import ParseError, UsageError
from flylab.published.network import Region, Rtt, regions, rtt
from flylab.rules.proximity import RoundTrip
from flylab.wire.fault import Fault

API_PORT = 4280  # the port of Fly's own API inside its private network
EDGE_PORT = 4300
TLS_PORT = 4400


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The flags of `flylab up` as they were given; 0 stands for any free port.

    ``parent`` is the process whose death is the platform's end, 0 for nobody.
    """

    regions: str = ""
    state: Path | None = None
    api_port: int = API_PORT
    edge_port: int = EDGE_PORT
    tls: bool = False
    tls_port: int = TLS_PORT
    dns_port: int = 0
    dns_answers: str = "6pn"
    latency: str = "measured"
    rate_limits: bool = False
    seed: int | None = None
    settings: Path | None = None
    faults: Path | None = None
    images: tuple[Path, ...] = ()
    json: bool = False
    trace: bool = False
    ws_replay: tuple[str, ...] = ()
    parent: int = 0


def choose_regions(text: str) -> tuple[Region, ...]:
    """The regions of ``ams,iad,…`` in that order; all that are not deprecated when nothing is said."""
    known = {region.code: region for region in regions()}
    codes = [word.strip().lower() for word in text.split(",") if word.strip()]
    for code in codes:
        if code not in known:
            raise UsageError(f"unknown region '{code}'; known are {', '.join(known)}")
    return tuple(known[code] for code in dict.fromkeys(codes)) or tuple(
        region for region in known.values() if not region.deprecated
    )


def read_latency(text: str) -> RoundTrip | None:
    """The round trips for ``--latency``: the published table, none, or a CSV file with the columns a, b and rtt_ms."""
    if text == "off":
        return None
    published = rtt()
    if text == "measured":
        return published
    try:
        rows = list(csv.DictReader(Path(text).read_text(encoding="utf-8").splitlines()))
        pairs = {frozenset((row["a"], row["b"])): float(row["rtt_ms"]) for row in rows}
    except (OSError, UnicodeDecodeError) as exc:
        raise UsageError(f"cannot read the latency file {text}: {exc}") from exc
    except (KeyError, TypeError, ValueError) as exc:
        raise UsageError(f"{text} is not a latency file: the columns a, b and rtt_ms are expected ({exc})") from exc
    return Rtt(pairs=published.pairs | pairs, places=published.places)


def read_faults(path: Path | None) -> tuple[Fault, ...]:
    """The tables ``[[fault]]`` of a TOML file; which names there are is the rules' to say."""
    if path is None:
        return ()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise UsageError(f"cannot read the faults file {path}: {exc}") from exc
    listed = document.pop("fault", [])
    for name in document:
        raise UsageError(f"{path}: '{name}' is unknown, tables [[fault]] are expected")
    if not isinstance(listed, list):
        raise UsageError(f"{path}: 'fault' is not a list, tables [[fault]] are expected")
    try:
        return tuple(Fault.from_json(each, f"fault[{i}]") for i, each in enumerate(listed))
    except ParseError as exc:
        raise UsageError(f"{path}: {exc}") from exc

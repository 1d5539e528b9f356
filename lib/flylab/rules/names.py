"""What a name below ``.internal`` and ``.flycast`` stands for: (question, asker, directory) → answer.

    <app>, global.<app>, <region>.<app>, top<n>.nearest.of.<app>, <id>.vm.<app>,
    <group>.process.<app>, <value>.<key>.kv._metadata.<app>          AAAA, started machines only
    vms.<app>, all.vms.<app>, regions.<app>, all.regions.<app>,
    _apps, _instances, all._instances, _peer                         TXT
    _api                                                             the Machines API, with ``loopback`` alone

All documented in networking/private-networking. Of the texts only ``vms`` has its form there; that of ``_instances`` is
what clients in public repositories read. A name that exists without a record of the wanted type is answered with
NOERROR and nothing (NODATA), any other with NXDOMAIN (RFC 2308), also above names that exist (RFC 8020).

With ``loopback`` the answers are for processes of this computer, where no 6PN is: A records with 127.0.0.1 instead of
AAAA, and ``_<internal port>._tcp.<name>`` as SRV with the port on which each machine really listens.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from flylab.rules.proximity import RoundTrip

LOOPBACK = "127.0.0.1"
_TOP = re.compile(r"top([1-9][0-9]{0,3})")
_PORT = re.compile(r"_([1-9][0-9]{0,4})")
_TEXT_MOST = 60_000  # bytes; our choice: a message holds 65,535, what is beyond is left out and the answer says so
# Names that have nothing themselves but carry others, by what stands left of the app.
_CARRIERS = frozenset(
    {("vm",), ("process",), ("all",), ("of",), ("nearest", "of"), ("_metadata",), ("kv", "_metadata")}
)


class Code(StrEnum):
    """How a question ends."""

    NOERROR = "NOERROR"
    NXDOMAIN = "NXDOMAIN"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class Question:
    """``labels`` from left to right, in small letters and without the root; ``type`` is ``AAAA``, ``TXT`` …"""

    labels: tuple[str, ...]
    type: str


@dataclass(frozen=True, slots=True)
class Asker:
    """Where a question comes from: names are those of its network, and near is what is near to its region."""

    region: str
    network: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One answer; ``port`` belongs to SRV, whose value is the target's name."""

    type: str
    value: str
    port: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """``cut`` says that a text was too long for a message."""

    code: Code
    records: tuple[Record, ...] = ()
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A machine as names know it; ``ports`` are where it listens on loopback, by internal port."""

    id: str
    app: str
    region: str
    address: str
    started: bool
    group: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Flycast:
    """Private addresses of an app as one asker sees them; ``ports`` are where they are on loopback, by public port."""

    addresses: tuple[str, ...] = ()
    ports: Mapping[int, int] = field(default_factory=dict)


class Directory(Protocol):
    """What names are made of."""

    def apps(self, network: str) -> Iterable[str]:
        """The names of a network's apps."""

    def machines(self, app: str) -> Iterable[Named]:
        """An app's machines that are not destroyed and not left out of DNS."""

    def flycast(self, app: str, asker: Asker) -> Flycast:
        """The private addresses of an app that lead the asker through the proxy."""

    def api(self) -> Flycast:
        """Where the Machines API is, if this computer can reach it at an address that a name may have."""


@dataclass(frozen=True, slots=True)
class _Name:
    """A name that exists: the machines it stands for, addresses of nobody in particular, and its text."""

    machines: tuple[Named, ...] = ()
    addresses: tuple[str, ...] = ()
    ports: Mapping[int, int] = field(default_factory=dict)  # of those addresses
    text: tuple[str, ...] = ()
    separator: str = ","


def resolve(question: Question, asker: Asker, directory: Directory, *, rtt: RoundTrip, loopback: bool) -> Answer:
    """Answer one question."""
    labels = question.labels
    if not labels or labels[-1] not in ("internal", "flycast"):
        return Answer(Code.REFUSED)  # nothing is passed on to other servers
    if loopback and len(labels) > 2 and labels[1] == "_tcp" and (port := _PORT.fullmatch(labels[0])):
        return _service(int(port[1]), _find(labels[2:], asker, directory, rtt), question)
    name = _find(labels[1:] if loopback and labels[0] == "_tcp" else labels, asker, directory, rtt)
    if name is None:
        return Answer(Code.NXDOMAIN)
    if labels[0] == "_tcp":
        return Answer(Code.NOERROR)
    records, cut = [], False
    started = [machine for machine in name.machines if machine.started]
    if question.type in ("AAAA", "ANY") and not loopback:
        records += [Record("AAAA", text) for text in (*(machine.address for machine in started), *name.addresses)]
    if question.type in ("A", "ANY") and loopback and (started or name.addresses):
        records.append(Record("A", LOOPBACK))
    if question.type in ("TXT", "ANY") and name.text:
        text, cut = _joined(name.text, name.separator)
        records.append(Record("TXT", text))
    return Answer(Code.NOERROR, tuple(records), cut)


def _service(port: int, name: _Name | None, question: Question) -> Answer:
    if name is None:
        return Answer(Code.NXDOMAIN)
    if question.type not in ("SRV", "ANY"):
        return Answer(Code.NOERROR)
    if port in name.ports:
        return Answer(Code.NOERROR, (Record("SRV", ".".join(question.labels[2:]), name.ports[port]),))
    found = [
        Record("SRV", f"{machine.id}.vm.{machine.app}.internal", machine.ports[port])
        for machine in name.machines
        if machine.started and port in machine.ports
    ]
    return Answer(Code.NOERROR, tuple(found))


def _joined(parts: tuple[str, ...], separator: str) -> tuple[str, bool]:
    """As many whole parts as fit into a message, and whether some did not."""
    size = 0
    for i, part in enumerate(parts):
        size += len(part.encode()) + len(separator)
        if size > _TEXT_MOST:
            return separator.join(parts[:i]), True
    return separator.join(parts), False


def _find(labels: tuple[str, ...], asker: Asker, directory: Directory, rtt: RoundTrip) -> _Name | None:
    apps = sorted(directory.apps(asker.network))
    *left, zone = labels
    if not left:
        return _Name()
    if zone == "flycast":
        found = directory.flycast(left[0], asker) if len(left) == 1 else Flycast()
        exists = found.addresses or (len(left) == 1 and left[0] in apps)
        return _Name(addresses=found.addresses, ports=found.ports) if exists else None
    match left:
        case [*_, "_peer"]:
            return _Name()  # WireGuard peers, and there are none
        case ["_api"]:  # machines/api/working-with-machines-api: http://_api.internal:4280
            found = directory.api()
            return _Name(addresses=found.addresses, ports=found.ports)
        case ["_apps"]:
            return _Name(text=tuple(apps))
        case ["_instances"] | ["all", "_instances"]:
            machines = [machine for app in apps for machine in directory.machines(app)]
            listed = [machine for machine in machines if machine.started or left[0] == "all"]
            return _Name(text=tuple(_instance(machine) for machine in listed), separator=";")
        case [*rest, app] if app in apps:
            return _below(tuple(rest), tuple(directory.machines(app)), asker, rtt)
        case _:
            return None


def _instance(machine: Named) -> str:
    return f"instance={machine.id},app={machine.app},ip={machine.address},region={machine.region}"


def _below(rest: tuple[str, ...], machines: tuple[Named, ...], asker: Asker, rtt: RoundTrip) -> _Name | None:
    """The name ``rest`` below an app's own."""
    started = tuple(machine for machine in machines if machine.started)
    match rest:
        case () | ("global",):
            return _Name(machines)
        case ("vms",) | ("all", "vms"):
            listed = machines if rest[0] == "all" else started
            return _Name(text=tuple(f"{machine.id} {machine.region}" for machine in listed))
        case ("regions",) | ("all", "regions"):
            listed = machines if rest[0] == "all" else started
            return _Name(text=tuple(sorted({machine.region for machine in listed})))
        case (top, "nearest", "of") if number := _TOP.fullmatch(top):
            near = sorted(started, key=lambda machine: (rtt(asker.region, machine.region), machine.region))
            return _Name(tuple(near[: int(number[1])]))
        case (machine_id, "vm"):
            return _some(machine for machine in machines if machine.id == machine_id)
        case (group, "process"):
            return _some(machine for machine in machines if machine.group.lower() == group)
        case (*pair, "kv", "_metadata") if pair:
            return _labelled(".".join(pair), machines)
        case (region,) if found := _some(machine for machine in machines if machine.region == region):
            return found
        case _ if rest in _CARRIERS:
            return _Name()
        case _:
            return None


def _labelled(name: str, machines: tuple[Named, ...]) -> _Name | None:
    """Machines by ``<value>.<key>``; values and keys may have dots themselves, and names know no capitals."""
    spelt = [(machine, {f"{value}.{key}".lower() for key, value in machine.metadata.items()}) for machine in machines]
    above = any(full.endswith(f".{name}") for _, names in spelt for full in names)
    return _some(machine for machine, names in spelt if name in names) or (_Name() if above else None)


def _some(machines: Iterable[Named]) -> _Name | None:
    found = tuple(machines)
    return _Name(found) if found else None

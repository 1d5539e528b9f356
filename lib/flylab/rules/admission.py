"""Whether a request to create or update a machine can be taken: image, region, size, names; and what is filled in."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from flylab.errors import RuleError
from flylab.rules.checks import read_checks
from flylab.rules.contents import check_contents, check_name
from flylab.rules.mounts import check_mounts
from flylab.rules.schedules import check_schedule
from flylab.wire.config import Guest, Init, MachineConfig
from flylab.wire.config_types import check_types
from flylab.wire.fields import Fields
from flylab.wire.regions import ALIASES, ANY, regions_of

# Memory in MB: the default is 256 for each shared CPU and 2048 for each performance CPU, and so
# is the step (fly-go machine_types.go, machines/guides-examples/machine-sizing).
_CPUS = {"shared": (1, 2, 4, 6, 8), "performance": (1, 2, 4, 6, 8, 10, 12, 14, 16)}
_LEAST = {"shared": 256, "performance": 2048}
_MOST = {"shared": 2048, "performance": 8192}  # for each CPU; the preset table agrees up to performance-16x


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """What this platform offers: regions in order of preference, all published codes, images by name.

    ``images`` maps a name to what keeps the image from running here, an empty text when nothing does; those in
    ``bare`` have no command of their own.
    """

    regions: tuple[str, ...]
    published: frozenset[str]
    deprecated: frozenset[str]
    images: Mapping[str, str]
    bare: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A create or update request whose configuration was found good; ``region`` is still as it was written."""

    config: MachineConfig
    region: str
    name: str
    launch: bool
    cordoned: bool
    current_version: str
    min_secrets_version: int
    skip_secrets: bool
    lease_ttl: int = 0  # seconds; 0 takes none


def admit(body: object, catalogue: Catalogue) -> Asked:
    """Read the body of a create or update request; raises ``ParseError`` or ``RuleError``."""
    check_types(body)
    f = Fields(body, "")
    config = MachineConfig.from_json(f.take("config") or {}, "config")
    check_name(name := f.text("name"))
    return Asked(
        config=admit_config(config, catalogue),
        region=f.text("region"),
        name=name,
        launch=not f.flag("skip_launch"),
        cordoned=f.flag("skip_service_registration"),
        current_version=f.text("current_version"),
        min_secrets_version=f.integer("min_secrets_version"),
        skip_secrets=f.flag("skip_secrets"),
        lease_ttl=f.integer("lease_ttl"),
    )


def admit_config(config: MachineConfig, catalogue: Catalogue) -> MachineConfig:
    """The configuration with its defaults filled in."""
    here = f"images here: {', '.join(sorted(catalogue.images))}"
    if not config.image:
        raise RuleError("invalid_argument", f"config.image is missing; {here}")
    if config.image not in catalogue.images:
        raise RuleError("invalid_argument", f"config.image '{config.image}' is unknown; {here}")
    if obstacle := catalogue.images[config.image]:
        raise RuleError("invalid_argument", f"config.image '{config.image}' cannot run on this computer: {obstacle}")
    init = config.init
    if config.image in catalogue.bare and not (init and (init.exec or init.entrypoint or init.cmd)):
        text = f"config.image '{config.image}' has no command of its own; give config.init.exec, or entrypoint and cmd"
        raise RuleError("invalid_argument", text)
    for port in {service.internal_port for service in config.services}:
        same = [service.protocol for service in config.services if service.internal_port == port]
        if len(same) != len(set(same)):
            raise RuleError("invalid_argument", f"config.services names internal_port {port} twice")
    check_contents(config)
    check_mounts(config)
    check_schedule(config)
    read_checks(config)
    if config.extra.get("standbys") and config.services:
        raise RuleError("invalid_argument", "config.standbys is only for machines without services")
    if config.extra.get("size") and config.guest:
        raise RuleError("invalid_argument", "config.size and config.guest say the same, give one of them")
    guest = admit_guest(config.guest, config.extra.get("size") or None)
    # The older way of saying the size is answered as guest alone, so that what was read can be sent back.
    extra = {"dns": {}} | {key: value for key, value in config.extra.items() if key != "size"}
    # flyctl's output in the documentation and fly-go's types have `init` in every answer, `{}` when nothing was said.
    return replace(config, guest=guest, init=config.init or Init(), extra=extra)


def admit_guest(guest: Guest | None, size: object = None) -> Guest:
    """A size that Fly sells; ``size`` is the older way of saying it, as ``shared-cpu-2x`` or ``performance-1x``."""
    preset = size if size is not None else guest.extra.get("size") if guest else None
    if preset is not None:
        return _preset(preset)
    guest = guest or Guest()
    if guest.cpu_kind not in _CPUS:
        raise RuleError("unprocessable", f"config.guest.cpu_kind '{guest.cpu_kind}' is none of performance, shared")
    if guest.cpus not in _CPUS[guest.cpu_kind]:
        allowed = ", ".join(map(str, _CPUS[guest.cpu_kind]))
        raise RuleError("unprocessable", f"config.guest.cpus {guest.cpus} is none of {allowed} for {guest.cpu_kind}")
    step = _LEAST[guest.cpu_kind]
    least, most = _bounds(guest.cpu_kind, guest.cpus)
    if not least <= guest.memory_mb <= most or guest.memory_mb % step:
        text = f"config.guest.memory_mb {guest.memory_mb} is not between {least} and {most} in steps of {step}"
        raise RuleError("unprocessable", text)
    return guest


def _bounds(kind: str, cpus: int) -> tuple[int, int]:
    return _LEAST[kind] * (1 if kind == "shared" else cpus), _MOST[kind] * cpus


def _preset(size: object) -> Guest:
    kind, _, count = str(size).replace("-cpu", "").partition("-")
    number = count.removesuffix("x")
    if kind not in _CPUS or not number.isdecimal() or int(number) not in _CPUS[kind]:
        raise RuleError("unprocessable", f"config.size '{size}' is not a size such as shared-cpu-1x or performance-2x")
    return Guest(cpu_kind=kind, cpus=int(number), memory_mb=_LEAST[kind] * int(number))


def choose_region(text: str, catalogue: Catalogue) -> str:
    """The first region of a list such as ``lhr,eu`` that this platform has; the first of all when nothing is said."""
    words = [word.strip().lower() for word in text.split(",") if word.strip()]
    if not words:
        return catalogue.regions[0]
    for word in words:
        for code in regions_of(word, catalogue.regions):
            if code in catalogue.regions:
                return code
    here = ", ".join(catalogue.regions)
    for word in words:
        if word in catalogue.deprecated:
            raise RuleError("invalid_argument", f"region '{word}' is deprecated; regions here: {here}")
        if word in catalogue.published or word in ALIASES or word == ANY:
            raise RuleError("invalid_argument", f"region '{word}' was not switched on here; regions here: {here}")
    raise RuleError("invalid_argument", f"region '{text}' is unknown; regions here: {here}")


def parse_signal(value: object, names: Mapping[str, int]) -> str:
    """A signal by name or, as fly-go sends it, by number; ``names`` are those of this computer."""
    if isinstance(value, int) and not isinstance(value, bool):
        found = [name for name, number in names.items() if number == value]
        if found:
            return found[0]
    if isinstance(value, str):
        name = value.upper() if value.upper().startswith("SIG") else f"SIG{value.upper()}"
        if name in names:
            return name
    raise RuleError("invalid_argument", f"signal {value!r} is unknown")

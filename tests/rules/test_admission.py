"""Which requests for machines are taken, and what is filled in."""

import signal
from typing import Any

import pytest

from flylab.errors import ParseError, RuleError
from flylab.rules.admission import Catalogue, admit, admit_guest, choose_region, parse_signal
from flylab.wire.machine import Guest
from flylab.wire.signals import SIGNALS

CATALOGUE = Catalogue(
    regions=("ams", "iad", "lhr"),
    published=frozenset({"ams", "iad", "lhr", "nrt", "bom"}),
    deprecated=frozenset({"bom"}),
    images={"local/sleep": "", "local/process": "", "local/room": "/nowhere/app is not there"},
    bare=frozenset({"local/process"}),
)


def config(**fields: Any) -> dict[str, Any]:
    return {"config": {"image": "local/sleep", **fields}}


def test_defaults_are_filled_in() -> None:
    asked = admit(config(), CATALOGUE)
    assert asked.config.to_json() == {
        "image": "local/sleep",
        "init": {},
        "guest": {"cpu_kind": "shared", "cpus": 1, "memory_mb": 256},
        "dns": {},
    }
    assert (asked.region, asked.name, asked.launch, asked.cordoned, asked.current_version) == ("", "", True, False, "")


def test_everything_that_is_asked_is_read() -> None:
    body = config() | {"name": "n", "region": "iad", "skip_launch": True, "skip_service_registration": True}
    asked = admit(body | {"current_version": "v", "lsvd": True}, CATALOGUE)
    assert (asked.region, asked.name, asked.launch, asked.cordoned, asked.current_version) == (
        "iad",
        "n",
        False,
        True,
        "v",
    )


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ({}, "invalid_argument", "config.image is missing; images here: local/process, local/room, local/sleep"),
        (config(image="nginx"), "invalid_argument", "config.image 'nginx' is unknown here|images here"),
        (config(image="local/room"), "invalid_argument", "cannot run on this computer: /nowhere/app is not there"),
        (config(image="local/process"), "invalid_argument", "config.init.exec"),
        (config(image="local/process", init={"tty": True}), "invalid_argument", "config.init.exec"),
        (config(services=[{"internal_port": 80}, {"internal_port": 80}]), "invalid_argument", "internal_port 80 twice"),
        (config(guest={"cpu_kind": "gpu"}), "unprocessable", "config.guest.cpu_kind 'gpu'"),
        (config(guest={"cpus": 3}), "unprocessable", "config.guest.cpus 3"),
        (config(guest={"memory_mb": 100}), "unprocessable", "config.guest.memory_mb 100 is not between 256 and 2048"),
        (config(guest={"memory_mb": 300}), "unprocessable", "in steps of 256"),
        (config(size="shared-cpu-2x", guest={"cpus": 2}), "invalid_argument", "config.size and config.guest"),
        (
            config(standbys=["m"], services=[{"internal_port": 80}]),
            "invalid_argument",
            "config.standbys is only for machines without services",
        ),
        (config(size="huge"), "unprocessable", "config.size 'huge'"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_one_sentence(body: dict[str, Any], code: str, says: str) -> None:
    with pytest.raises(RuleError, match=says) as caught:
        admit(body, CATALOGUE)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (config() | {"skip_launch": "yes"}, "cannot read skip_launch 'yes': true or false is expected"),
        (config() | {"lsvd": 1}, "cannot read lsvd 1: true or false is expected"),
        ({"config": []}, r"cannot read config \[\]: an object is expected"),
        (config(stop_config={"signal": "SIGWINCH"}), "config.stop_config.signal 'SIGWINCH': SIGHUP, .* is expected"),
        (config(metrics={"port": "9091"}), "config.metrics.port '9091': a whole number is expected"),
        (config(dns={"nameservers": "1.1.1.1"}), "config.dns.nameservers '1.1.1.1': a list is expected"),
    ],
)
def test_malformed_bodies_are_named(body: dict[str, Any], says: str) -> None:
    with pytest.raises(ParseError, match=says):
        admit(body, CATALOGUE)


@pytest.mark.parametrize("init", [{"exec": ["x"]}, {"entrypoint": ["x"]}, {"cmd": ["x"]}])
def test_an_image_without_command_takes_one_from_init(init: dict[str, Any]) -> None:
    assert admit(config(image="local/process", init=init), CATALOGUE).config.init is not None


def test_two_protocols_may_share_a_port() -> None:
    services = [{"internal_port": 53, "protocol": "tcp"}, {"internal_port": 53, "protocol": "udp"}]
    assert len(admit(config(services=services), CATALOGUE).config.services) == 2


# fly-go machine_types.go: preset, default and largest memory.
@pytest.mark.parametrize(
    ("size", "memory", "most"),
    [
        ("shared-cpu-1x", 256, 2048),
        ("shared-cpu-2x", 512, 4096),
        ("shared-cpu-4x", 1024, 8192),
        ("shared-cpu-6x", 1536, 12288),
        ("shared-cpu-8x", 2048, 16384),
        ("performance-1x", 2048, 8192),
        ("performance-2x", 4096, 16384),
        ("performance-4x", 8192, 32768),
        ("performance-6x", 12288, 49152),
        ("performance-8x", 16384, 65536),
        ("performance-10x", 20480, 81920),
        ("performance-12x", 24576, 98304),
        ("performance-14x", 28672, 114688),
        ("performance-16x", 32768, 131072),
    ],
)
def test_presets(size: str, memory: int, most: int) -> None:
    """OBSERVED-IN-CLIENT fly-go machine_types.go: every size with its default and its largest memory."""
    guest = admit_guest(None, size)
    assert guest.memory_mb == memory
    assert admit_guest(Guest(extra={"size": size})) == guest
    assert admit_guest(Guest(cpu_kind=guest.cpu_kind, cpus=guest.cpus, memory_mb=most)).memory_mb == most
    with pytest.raises(RuleError, match="memory_mb"):
        admit_guest(Guest(cpu_kind=guest.cpu_kind, cpus=guest.cpus, memory_mb=most + 2048))


@pytest.mark.parametrize("size", ["shared-cpu-3x", "performance-x", "gpu-1x", 7])
def test_sizes_that_nobody_sells(size: object) -> None:
    with pytest.raises(RuleError, match=r"config\.size"):
        admit_guest(None, size)


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("", "ams"),
        ("iad", "iad"),
        (" IAD ", "iad"),
        ("nrt,eu", "ams"),
        ("nrt,any", "ams"),
        ("us", "iad"),
        ("xxx,lhr", "lhr"),
    ],
)
def test_the_first_region_that_is_here(text: str, region: str) -> None:
    assert choose_region(text, CATALOGUE) == region


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("xxx", "region 'xxx' is unknown; regions here: ams, iad, lhr"),
        ("nrt", "region 'nrt' was not switched on here"),
        ("sa", "region 'sa' was not switched on here"),
        ("bom", "region 'bom' is deprecated; regions here: ams, iad, lhr"),
    ],
)
def test_other_regions_name_those_that_are(text: str, says: str) -> None:
    with pytest.raises(RuleError, match=says):
        choose_region(text, CATALOGUE)


@pytest.mark.parametrize(("value", "name"), [("SIGTERM", "SIGTERM"), ("term", "SIGTERM"), (9, "SIGKILL")])
def test_signals_by_name_or_number(value: object, name: str) -> None:
    assert parse_signal(value, SIGNALS) == name


@pytest.mark.parametrize("value", ["SIGNOPE", 99, True, None, ["SIGTERM"]])
def test_unknown_signals(value: object) -> None:
    with pytest.raises(RuleError, match=r"signal .* is unknown"):
        parse_signal(value, SIGNALS)


def test_signals_exist_on_this_computer() -> None:
    assert all(hasattr(signal, name) for name in SIGNALS)


def test_what_was_admitted_can_be_sent_back() -> None:
    first = admit({"config": config()["config"] | {"size": "shared-cpu-2x", "standbys": ["m"]}}, CATALOGUE)
    assert first.config.guest is not None
    assert (first.config.guest.cpus, first.config.extra["standbys"]) == (2, ["m"])
    assert admit({"config": first.config.to_json()}, CATALOGUE).config == first.config

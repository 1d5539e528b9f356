"""What cannot be in a machine is refused when it is asked for, with the field and the reason."""

from typing import Any

import pytest

from flylab.errors import RuleError
from flylab.rules.contents import check_contents, check_name
from flylab.wire.machine import MachineConfig


def check(**fields: Any) -> None:
    check_contents(MachineConfig.from_json({"image": "local/sleep", **fields}))


def file(path: str, **fields: Any) -> dict[str, Any]:
    return {"files": [{"guest_path": path, **({"raw_value": "eA=="} | fields)}]}


@pytest.mark.parametrize(
    "fields",
    [
        {"env": {"A": "", "B": "a=b\nc", "Ü": "ü€😀"}},
        {"init": {"exec": ["/bin/sh", "-c", ""]}},
        file("/etc/x", raw_value="", mode=0o755),
        file("/a/../b/./c//d"),
        file("/" + "n" * 255),
    ],
)
def test_what_can_be(fields: dict[str, Any]) -> None:
    check(**fields)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"env": {"": "x"}}, r"config\.env '': a variable's name is not empty"),
        ({"env": {"A=B": "x"}}, r"config\.env 'A=B'"),
        ({"env": {"A\0": "x"}}, r"config\.env 'A\\x00'"),
        ({"env": {"A": "x\0y"}}, r"config\.env\.A 'x\\x00y': .* zero character"),
        ({"env": {"A": "\ud800"}}, r"config\.env\.A '\\ud800': half of a surrogate pair"),
        ({"init": {"exec": ["a", "\0"]}}, r"config\.init\.exec '\\x00'"),
        ({"init": {"entrypoint": ["\0"]}}, r"config\.init\.entrypoint"),
        ({"init": {"cmd": ["\0"]}}, r"config\.init\.cmd"),
        (file("/../x"), r"config\.files\[0\]\.guest_path '/\.\./x': it leads out of the machine"),
        (file("/a/../../a/x"), "leads out"),
        (file("/"), "names a folder"),
        (file("/a/.."), "names a folder"),
        (file("/a/b/.."), "names a folder"),
        (file("/a/"), "names a folder"),
        (file("/a\0b"), "zero character"),
        (file("/" + "n" * 256), "longer than 255 bytes"),
        (file("/x", raw_value=None), "has no raw_value and no secret_name; image_config"),
        (file("/x", raw_value=None, image_config="i"), "has no raw_value and no secret_name; image_config"),
        (file("/x", secret_name="s"), "has both raw_value and secret_name"),
        (file("/.fly/api"), "/.fly is the platform's own"),
        (file("/a/../.fly/x"), "/.fly is the platform's own"),
        (file("/x", raw_value="!!"), "raw_value of '/x' is not base64"),
        (file("/x", raw_value="ü"), "only ASCII"),
        (file("/x", mode=-1), r"config\.files\[0\]\.mode -1"),
    ],
)
def test_what_cannot_be(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(RuleError, match=says) as caught:
        check(**fields)
    assert caught.value.code == "invalid_argument"


@pytest.mark.parametrize("name", ["", "web-1", "bläu 2"])
def test_names(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("name", ["a\0", "a\nb", "\ud800"])
def test_names_that_nobody_could_see(name: str) -> None:
    with pytest.raises(RuleError, match="cannot be seen"):
        check_name(name)

"""What may be asked of the exec endpoint, and how the end of a command is told."""

from typing import Any

import pytest

from flylab.errors import FlylabError
from flylab.rules.commands import Command, ExecSettings, Ran, parse_command
from flylab.wire.fields import Fields

SETTINGS = ExecSettings()


@pytest.mark.parametrize(
    ("body", "command"),
    [
        ({"command": ["ls", "-l"]}, Command(argv=("ls", "-l"), timeout=60)),
        ({"cmd": "sh -c 'echo \"a b\"'"}, Command(argv=("sh", "-c", 'echo "a b"'), timeout=60)),
        ({"command": ["ls"], "cmd": "rm"}, Command(argv=("ls",), timeout=60)),
        ({"command": ["cat"], "stdin": "ä", "timeout": 5}, Command(argv=("cat",), stdin="ä", timeout=5)),
        ({"command": ["ls"], "timeout": 0, "stdin": None, "container": ""}, Command(argv=("ls",), timeout=60)),
        ({"command": ["echo", ""]}, Command(argv=("echo", ""), timeout=60)),
    ],
)
def test_a_command(body: dict[str, Any], command: Command) -> None:
    assert parse_command(Fields(body, ""), SETTINGS) == command


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "command is missing"),
        ({"command": []}, "command is missing"),
        ({"command": [""]}, "command is missing"),
        ({"cmd": "   "}, "command is missing"),
        ({"cmd": "echo 'a"}, "No closing quotation"),
        ({"command": "ls"}, "a list is expected"),
        ({"command": [1]}, r"command\[0\]"),
        ({"command": ["a\0b"]}, r"command\[0\] has a zero character"),
        ({"command": ["a", "\ud800"]}, r"command\[1\] has half of a surrogate pair"),
        ({"command": ["a"], "stdin": "\udfff"}, "stdin has half of a surrogate pair"),
        ({"command": ["a"], "timeout": -1}, "timeout -1 is not between 1 and 600 seconds"),
        ({"command": ["a"], "timeout": 601}, "timeout 601 is not between"),
        ({"command": ["a"], "timeout": "5"}, "a whole number is expected"),
        ({"command": ["a"], "container": "web"}, "container 'web' not found"),
    ],
)
def test_what_is_no_command(body: dict[str, Any], says: str) -> None:
    with pytest.raises(FlylabError, match=says):
        parse_command(Fields(body, ""), SETTINGS)


def test_a_zero_character_may_be_given_as_input() -> None:
    assert parse_command(Fields({"command": ["cat"], "stdin": "a\0"}, ""), SETTINGS).stdin == "a\0"


@pytest.mark.parametrize(
    ("ran", "told"),
    [
        (Ran(stdout=b"a", stderr=b"b"), {"exit_code": 0, "exit_signal": 0, "stdout": "a", "stderr": "b"}),
        (Ran(code=3), {"exit_code": 3, "exit_signal": 0, "stdout": "", "stderr": ""}),
        (Ran(signal=9), {"exit_code": 137, "exit_signal": 9, "stdout": "", "stderr": ""}),
        (Ran(stdout=b"\xff"), {"exit_code": 0, "exit_signal": 0, "stdout": "\ufffd", "stderr": ""}),
        (
            Ran(why="No such file or directory"),
            {"exit_code": 127, "exit_signal": 0, "stdout": "", "stderr": "No such file or directory\n"},
        ),
        (
            Ran(why="Permission denied"),
            {"exit_code": 126, "exit_signal": 0, "stdout": "", "stderr": "Permission denied\n"},
        ),
        (
            Ran(truncated=True),
            {"exit_code": 0, "exit_signal": 0, "stdout": "", "stderr": "", "truncated": True},
        ),
    ],
)
def test_an_end(ran: Ran, told: dict[str, object]) -> None:
    assert ran.to_json() == told

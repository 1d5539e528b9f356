"""Whether what a configuration puts into a machine can be there: environment, command, name and files.

The kernel would refuse most of it much later and in two words, when the process is made (execve(2)).
"""

import base64
import binascii
from collections.abc import Iterable

from flylab.errors import RuleError
from flylab.wire.machine import File, MachineConfig

_LONGEST_PART = 255  # bytes of one part of a path, on every file system in use (NAME_MAX)
_LONGEST_NAME = 255  # characters; our choice


def check_contents(config: MachineConfig) -> None:
    """Raise ``RuleError`` naming the first field that no process or file system can hold."""
    for key, value in config.env.items():
        if not key or "=" in key or "\0" in key:
            raise _invalid("config.env", key, "a variable's name is not empty and has neither '=' nor a zero character")
        _check_text(f"config.env.{key}", value)
    for where, words in _commands(config):
        for word in words:
            _check_text(where, word)
    for i, file in enumerate(config.files):
        _check_file(f"config.files[{i}]", file)


def check_name(name: str, where: str = "name") -> None:
    """A name is shown in lists, so it has to be seen and to end; our choice, Fly publishes no rule."""
    if name and not name.isprintable():
        raise _invalid(where, name[:_LONGEST_NAME], "it has characters that cannot be seen")
    if len(name) > _LONGEST_NAME:
        raise _invalid(where, f"{name[:40]}…", f"it is longer than {_LONGEST_NAME} characters")


def _commands(config: MachineConfig) -> Iterable[tuple[str, tuple[str, ...]]]:
    if config.init is not None:
        yield "config.init.exec", config.init.exec
        yield "config.init.entrypoint", config.init.entrypoint
        yield "config.init.cmd", config.init.cmd


def _check_text(where: str, text: str) -> None:
    if "\0" in text:
        raise _invalid(where, text, "a process cannot be given a zero character")
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise _invalid(where, text, "half of a surrogate pair is no character") from exc


def _check_file(where: str, file: File) -> None:
    path = f"{where}.guest_path"
    _check_text(path, file.guest_path)
    inside: list[str] = []
    parts = [part for part in file.guest_path.split("/") if part not in ("", ".")]
    for part in parts:
        if part != "..":
            inside.append(part)
        elif inside:
            inside.pop()
        else:
            raise _invalid(path, file.guest_path, "it leads out of the machine")
        if len(part.encode()) > _LONGEST_PART:
            raise _invalid(path, file.guest_path, f"a part of it is longer than {_LONGEST_PART} bytes")
    if not inside or parts[-1] == ".." or file.guest_path.endswith("/"):
        raise _invalid(path, file.guest_path, "it names a folder")
    if file.mode is not None and not 0 <= file.mode <= 0o7777:
        raise RuleError("invalid_argument", f"{where}.mode {file.mode} is not between 0 and 4095, which is octal 7777")
    if inside[0] == ".fly":
        raise _invalid(path, file.guest_path, "/.fly is the platform's own")
    if file.secret_name and file.raw_value is None:
        return  # it need not be there before the machine starts
    if file.raw_value is None:
        text = f"{where} '{file.guest_path}' has no raw_value and no secret_name; image_config is not emulated"
        raise RuleError("invalid_argument", text)
    if file.secret_name:
        text = f"{where} '{file.guest_path}' has both raw_value and secret_name, one of them is expected"
        raise RuleError("invalid_argument", text)
    try:
        base64.b64decode(file.raw_value, validate=True)
    except ValueError as exc:  # binascii.Error, or characters beyond ASCII
        why = str(exc) if isinstance(exc, binascii.Error) else "only ASCII is allowed"
        text = f"{where}.raw_value of '{file.guest_path}' is not base64: {why}"
        raise RuleError("invalid_argument", text) from exc


def _invalid(where: str, value: str, why: str) -> RuleError:
    return RuleError("invalid_argument", f"cannot use {where} {value!r}: {why}")

"""What may be asked of the exec endpoint: a command, its input and its time; and how the end of it is told."""

import shlex
from dataclasses import dataclass

from flylab.errors import RuleError
from flylab.wire.fields import Fields, Json

NOT_FOUND, NOT_EXECUTABLE = 127, 126  # exit codes that a shell gives, POSIX


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecSettings:
    """Fly publishes none of these numbers; its API was seen to give up after some time with 408."""

    default_timeout: int = 60  # seconds; our choice
    longest_timeout: int = 600  # seconds; our choice
    output_limit: int = 1_048_576  # bytes that are kept of each of stdout and stderr; our choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command to be run inside a machine; ``timeout`` in seconds."""

    argv: tuple[str, ...]
    stdin: str = ""
    timeout: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a command ended: by itself with ``code``, or by ``signal``; ``why`` when it could not be run at all."""

    code: int = 0
    signal: int = 0
    stdout: bytes = b""
    stderr: bytes = b""
    truncated: bool = False  # more was written than is kept
    timed_out: bool = False
    why: str = ""

    def to_json(self) -> Json:
        """As the endpoint answers; it is no error there that a command failed."""
        code, stderr = self.code, self.stderr.decode(errors="replace")
        if self.why:
            code = NOT_FOUND if "No such file" in self.why else NOT_EXECUTABLE
            stderr = f"{stderr}{self.why}\n"
        elif self.signal:
            code = 128 + self.signal  # as in exit events
        told: Json = {"exit_code": code, "exit_signal": self.signal}
        told |= {"stdout": self.stdout.decode(errors="replace"), "stderr": stderr}
        return told | ({"truncated": True} if self.truncated else {})


def parse_command(f: Fields, settings: ExecSettings) -> Command:
    """From the body of a request: ``command`` as a list, or the deprecated ``cmd``, split as a shell would."""
    argv, old = f.texts("command"), f.text("cmd")
    if not argv and old:
        try:
            argv = tuple(shlex.split(old))
        except ValueError as exc:
            raise RuleError("invalid_argument", f"cannot split cmd {old[:80]!r} into words: {exc}") from exc
    if not argv or not argv[0]:
        raise RuleError("invalid_argument", "command is missing: a list such as ['ls', '-l'] is expected")
    stdin, timeout, container = f.text("stdin"), f.integer("timeout"), f.text("container")
    if container:
        raise RuleError("invalid_argument", f"container '{container}' not found: machines here have none")
    for where, text in [*((f"command[{i}]", word) for i, word in enumerate(argv)), ("stdin", stdin)]:
        if where != "stdin" and "\0" in text:
            raise RuleError("invalid_argument", f"{where} has a zero character, which a process cannot be given")
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise RuleError("invalid_argument", f"{where} has half of a surrogate pair, which is no character")
    timeout = timeout or settings.default_timeout
    if not 1 <= timeout <= settings.longest_timeout:
        text = f"timeout {timeout} is not between 1 and {settings.longest_timeout} seconds"
        raise RuleError("invalid_argument", text)
    return Command(argv=argv, stdin=stdin, timeout=timeout)

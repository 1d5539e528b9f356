"""The error tree that every layer shares; it decides nothing and imports nothing.

FlylabError
├─ ParseError(what, value, why)     wire    someone wrote something we cannot read
├─ RuleError(code)                  rules   the platform refuses: NotFound, Conflict, IllegalTransition, Unroutable …
├─ ClientError                      client  TransportError, StatusError(code, status, request_id), WaitTimeout
├─ LocalError                       local   SpawnFailed, NeverReady, PortTaken, StateInUse …
└─ UsageError                       the command line and the kit: what was asked for cannot be done, in one sentence
"""

_SHOWN = 200  # characters of a value that cannot be read; the rest would hide the sentence around it; our choice


class FlylabError(Exception):
    """The root of everything that flylab raises on purpose; its text is one sentence for the user."""


class ParseError(FlylabError):
    """A value on the wire or in a file cannot be read; ``cannot read duration '10x': unknown unit``."""

    def __init__(self, what: str, value: object, why: str = "") -> None:
        self.what = what
        self.value = value
        self.why = why
        shown = repr(value)
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}… ({len(shown)} characters)"
        super().__init__(f"cannot read {what} {shown}" + (f": {why}" if why else ""))


class RuleError(FlylabError):
    """The platform's rules refuse; ``code`` is a key of ``wire/codes.py`` or a code of the proxy (PA02, PR03 …)."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        self.text = text
        super().__init__(text)


class ClientError(FlylabError):
    """A call to the Machines API did not succeed."""


class LocalError(FlylabError):
    """The local platform could not do what it decided to do."""


class UsageError(FlylabError):
    """What was asked for cannot be done; the text says which value breaks which rule."""

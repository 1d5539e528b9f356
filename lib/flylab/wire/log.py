"""A line of an app's log, as the local platform keeps and sends it: what a machine printed, or what the proxy says."""

from dataclasses import dataclass

from flylab.errors import ParseError
from flylab.wire.fields import Fields, Json

_STREAMS = {"o": "stdout", "e": "stderr"}
_PROXY = "p"  # a line of the proxy: level, region of the edge and machine stand before its text
_MOMENT = len("2026-10-05T07:00:00.123Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """``at`` is when the platform read it, RFC 3339 in UTC with milliseconds; ``stream`` is stdout or stderr.

    ``provider`` is ``app``, or ``proxy`` for a line with one of its codes, whose region is that of the edge and which
    has a ``level``.
    """

    at: str
    machine: str
    region: str = ""
    stream: str = "stdout"
    text: str = ""
    provider: str = "app"
    level: str = ""

    @classmethod
    def from_json(cls, value: object, where: str = "line") -> "LogLine":
        f = Fields(value, where)
        return cls(
            at=f.text("at"),
            machine=f.text("machine"),
            region=f.text("region"),
            stream=f.text("stream", "stdout"),
            text=f.text("text"),
            provider=f.text("provider", "app"),
            level=f.text("level"),
        )

    def to_json(self) -> Json:
        shown: Json = {"at": self.at, "machine": self.machine, "region": self.region, "stream": self.stream}
        shown |= {"text": self.text, "provider": self.provider}
        return shown | ({"level": self.level} if self.level else {})


def parse_record(record: bytes, machine: str, region: str) -> LogLine:
    """A line of a log file, ``2026-10-05T07:00:00.123Z o hello``; raises ParseError for one without that beginning."""
    at, mark, text = split_record(record)
    if mark == _PROXY:
        level, edge, of, said = (text.decode("utf-8", "replace").split(" ", 3) + [""] * 3)[:4]
        whose = "" if of == "-" else of
        return LogLine(at=at, machine=whose, region=edge, stream="", text=said, provider="proxy", level=level)
    return LogLine(at=at, machine=machine, region=region, stream=_STREAMS[mark], text=text.decode("utf-8", "replace"))


def split_record(record: bytes) -> tuple[str, str, bytes]:
    """Time, ``o``, ``e`` or ``p``, and what was printed, without the line feed."""
    at, mark = record[:_MOMENT], record[_MOMENT + 1 : _MOMENT + 2].decode("latin-1")
    if not at.isascii() or not at.endswith(b"Z") or mark not in (*_STREAMS, _PROXY):
        raise ParseError("record of a log", record[:80].decode("utf-8", "replace"))
    return at.decode("ascii"), mark, record[_MOMENT + 3 :].removesuffix(b"\n")

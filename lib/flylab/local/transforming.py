"""Puts a replay's transform into the head of a request; what it may contain was checked when it was read."""

from dataclasses import replace

from flylab.local.http1 import RequestHead, ResponseHead
from flylab.wire import headers
from flylab.wire.transform import Transform


def transformed(head: RequestHead, transform: Transform) -> RequestHead:
    """The head for the target: first headers go, then those that are set come, in place of others of their name."""
    given = [(name.encode(), value.encode("latin-1")) for name, value in transform.set_headers]
    gone = {name.encode() for name in transform.delete_headers} | {name for name, _ in given}
    fields = head.fields
    lines = [line for line in fields.kept.split(b"\r\n")[:-1] if line.partition(b":")[0].lower() not in gone]
    lines += [b"%b: %b" % pair for pair in given]
    kept = b"".join(line + b"\r\n" for line in lines)
    target = head.target if transform.path is None else transform.path.encode("ascii")
    return replace(head, target=target, fields=replace(fields, kept=kept))


def replay_lines(head: ResponseHead) -> bytes:
    """What an answer says to the proxy alone, for clients that shall see it all the same."""
    ears = headers.REPLAY.encode()
    return b"".join(b"%b: %b\r\n" % pair for pair in head.fields.values.items() if pair[0].startswith(ears))

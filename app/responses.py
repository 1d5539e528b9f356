"""Answers that are not a page: replays, refusals, and what every answer carries; for Quart and for bare ASGI."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from app.onward import Onward, Redirect, Refuse, ReplayTo
from flylab.wire import headers as names
from flylab.wire.replay import format_replay

# Everything comes from this server, nothing inline. A notebook may show the pages in a frame, other sites may not.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self';"
    " base-uri 'none'; form-action 'self';"
    " frame-ancestors 'self' http://localhost:* http://127.0.0.1:* http://*.localhost:*"
)  # fmt: skip
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, small enough to be one."""

    status: int
    text: str
    headers: dict[str, str] = field(default_factory=dict)
    mimetype: str = "text/plain"


def replay_answer(outcome: ReplayTo) -> Answer:
    """What Fly's proxy acts upon and no visitor sees; without the proxy it says what it wanted.

    409, the status that fly-ruby uses; the proxy looks at the header alone.
    """
    header = format_replay(outcome.replay)
    text = f"Another machine answers this: Fly's proxy is asked to replay the request ({names.REPLAY}: {header}).\n"
    return Answer(409, text, {names.REPLAY: header})


def refusal_answer(outcome: Refuse) -> Answer:
    """One sentence for the visitor; what may work in a moment says when to try again."""
    headers = {"X-Rooms-Reason": outcome.reason or "refused"}
    if outcome.after or outcome.status == 503:
        headers["Retry-After"] = str(outcome.after or 1)
    return Answer(outcome.status, outcome.why + "\n", headers)


def redirect_answer(outcome: Redirect) -> Answer:
    """The same address again: a request that came back to us may not be replayed a second time, its repetition may."""
    return Answer(
        307, outcome.why + "\n", {"Location": outcome.location, "X-Rooms-Reason": outcome.reason}
    )  # fmt: skip


def answer(outcome: Onward) -> Answer:
    """Whatever was decided for a request that is not served here."""
    match outcome:
        case ReplayTo():
            return replay_answer(outcome)
        case Refuse():
            return refusal_answer(outcome)
        case Redirect():
            return redirect_answer(outcome)


async def send_answer(
    said: Answer, send: Callable[[dict[str, Any]], Awaitable[None]], *, upgrade: bool = False
) -> None:
    """Send it over bare ASGI; for an upgrade in place of accepting (the extension ``websocket.http.response``)."""
    kind = "websocket.http.response" if upgrade else "http.response"
    body = said.text.encode()
    headers = {
        **HEADERS,
        "Content-Type": f"{said.mimetype}; charset=utf-8",
        "Content-Length": str(len(body)),
        **said.headers,
    }
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": f"{kind}.start", "status": said.status, "headers": raw})
    await send({"type": f"{kind}.body", "body": body})

"""Answers that are not a page: replays, refusals, and what every answer carries."""

from quart import Response

from app.placement import Refuse, ReplayTo
from flylab.wire import headers as names
from flylab.wire.replay import format_replay

# Everything comes from this server, nothing inline. A notebook may show the pages in a frame, other sites may not.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'self';"
    " frame-ancestors 'self' http://localhost:* http://127.0.0.1:* http://*.localhost:*"
)  # fmt: skip
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def replay_request(outcome: ReplayTo) -> Response:
    """The response that Fly's proxy acts upon and no visitor sees; without the proxy it says what it wanted.

    409, the status that fly-ruby uses; the proxy looks at the header alone.
    """
    header = format_replay(outcome.replay)
    text = f"Another machine answers this: Fly's proxy is asked to replay the request ({names.REPLAY}: {header}).\n"
    return Response(text, status=409, headers={names.REPLAY: header}, mimetype="text/plain")


def refuse_request(outcome: Refuse) -> Response:
    """One sentence for the visitor; what may work in a moment says when to try again."""
    headers = {"Retry-After": "1"} if outcome.status == 503 else {}
    return Response(outcome.why + "\n", status=outcome.status, headers=headers, mimetype="text/plain")

"""What machines of the local platform have printed; Fly's Machines API has nothing of the kind."""

from collections.abc import AsyncIterator

from flylab.client.calls import app_path
from flylab.client.errors import AnswerError
from flylab.client.transport import Call, Transport
from flylab.errors import ParseError, UsageError
from flylab.wire.log import LogLine

_NOT_HERE = "logs are read from the local platform only, and FLY_API_HOSTNAME names another service; use 'fly logs'"


def logs_call(
    transport: Transport,
    app: str,
    *,
    machine: str | None = None,
    region: str | None = None,
    since: str | None = None,
    limit: int | None = None,
    follow: bool = False,
) -> Call:
    """``since`` is a moment such as ``2026-10-05T07:00:00Z``; without it the last ``limit`` lines come."""
    if not transport.near:
        raise UsageError(_NOT_HERE)
    query: dict[str, str | int | bool] = {"machine": machine or "", "region": region or "", "since": since or ""}
    query |= {"limit": "" if limit is None else limit, "follow": follow or ""}
    return Call(
        asked=f"read the logs of app {app}",
        method="GET",
        path=f"{transport.base_url.removesuffix('/v1')}/_flylab{app_path(app)}/logs",
        query={key: value for key, value in query.items() if value != ""},
    )


async def follow(transport: Transport, call: Call) -> AsyncIterator[LogLine]:
    """Each line as it comes, until the platform ends; raises TransportError when it ends without a word."""
    async for value in transport.events(call):
        try:
            yield LogLine.from_json(value)
        except ParseError as exc:
            raise AnswerError(call.asked, str(exc)) from exc

"""Where the edges of the local platform have the public ports of apps; on Fly they are what they are called."""

from flylab.client.transport import Call, Transport
from flylab.errors import UsageError

_NOT_HERE = "on Fly a public port is what it is called; FLY_API_HOSTNAME does not name a local platform"


def ports_call(transport: Transport, app: str) -> Call:
    """Of one app, of all without a name."""
    if not transport.near:
        raise UsageError(_NOT_HERE)
    return Call(
        asked="list the ports of the edges",
        method="GET",
        path=f"{transport.base_url.removesuffix('/v1')}/_flylab/ports",
        query={"app": app} if app else {},
    )

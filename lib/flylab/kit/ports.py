"""``flylab ports``: where the edges of the local platform have the public ports of apps, beside the two of the web."""

import argparse
import asyncio

from flylab.client import Client
from flylab.wire.entrance import OpenPort


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="flylab ports",
        description="Where each edge has the public ports of apps; FLY_API_HOSTNAME and FLY_API_TOKEN say of whom.",
    )
    parser.add_argument("app", metavar="APP", nargs="?", default="", help="one app; all without it")
    return asyncio.run(_show(parser.parse_args(arguments).app))


async def _show(app: str) -> int:
    async with Client.from_env() as client:
        ports = await client.ports(app)
    for port in ports:
        print(shown(port))
    if not ports:
        print("no port but those of the web, which every edge has itself")
    return 0


def shown(port: OpenPort) -> str:
    """``blue :5432 tcp  ams 127.0.0.1:40123  iad 127.0.0.1:40124``, or why it is closed."""
    named = f"{port.app} :{port.port} {port.kind}"
    if port.network:
        named = f"{named} of network {port.network}"
    return "  ".join([named, *([port.closed] if port.closed else [f"{r} {at}" for r, at in port.edges.items()])])

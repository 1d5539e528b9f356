"""``flylab sweep``: finds the apps that a run left on Fly, or on a platform that others share, and removes them."""

import argparse
import asyncio
import os
import re
import sys

from flylab.client import Client
from flylab.errors import FlylabError
from flylab.kit.target import LABEL

NAME = re.compile(r"c\d\d(-[a-z]+)*-[0-9a-f]{6}")  # what Lab.name makes; each machine in such an app carries the label


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when nothing is left, 1 when something is, 2 when the API could not be asked."""
    parser = argparse.ArgumentParser(prog="flylab sweep", description="Find and remove what a run left on Fly.")
    parser.add_argument("--org", default=os.environ.get("FLYLAB_ORG", "personal"), help="the organisation to look in")
    parser.add_argument("--yes", action="store_true", help="remove what is found; without it, only list it")
    options = parser.parse_args(arguments)
    try:
        return asyncio.run(sweep(Client.from_env(), options.org, remove=options.yes))
    except FlylabError as error:
        print(f"flylab sweep: {error}", file=sys.stderr)
        return 2


async def sweep(client: Client, org: str, *, remove: bool) -> int:
    """List the leftovers in an organisation and remove them if told to."""
    async with client:
        found = await leftovers(client, org)
        for app, machines in found.items():
            if remove:
                await client.delete_app(app, force=True)
            print(f"{'removed' if remove else 'left behind:'} {app} ({machines} machines)")
    if not found:
        print("nothing was left behind")
    elif not remove:
        print("run `flylab sweep --yes` to remove them; a chapter that runs at this moment would lose its machines")
    return 1 if found and not remove else 0


async def leftovers(client: Client, org: str) -> dict[str, int]:
    """Apps with a name of ours whose machines all carry our label, and how many machines each has."""
    found = {}
    for app in await client.apps(org):
        if NAME.fullmatch(app.name):
            machines = await client.machines(app.name)
            if all(LABEL in machine.config.metadata for machine in machines):
                found[app.name] = len(machines)
    return found

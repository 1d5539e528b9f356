"""`flylab sweep`: finds the machines and apps that a run left behind, removes them and looks whether they are gone.

A machine belongs to a run when its metadata says so. An app is removed too when it is named after the run and holds
nothing else. Machines without the label, and whatever else the organisation has, are never touched.
"""

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flylab.client import Client
from flylab.client.errors import NotFound
from flylab.clock import Clock, SystemClock
from flylab.errors import ClientError
from flylab.kit.target import HOURS_AT_MOST, LABEL
from flylab.wire.machine import Machine, MachineState

GONE_SECONDS = 30.0  # our choice: how long a destroyed machine may take to disappear


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """An app with machines of one run; ``whole`` when the app is the run's own and holds nothing else."""

    app: str
    run: str
    machines: tuple[str, ...]
    whole: bool

    @property
    def text(self) -> str:
        number = len(self.machines)
        what = (
            f"{number} machine{'' if number == 1 else 's'} of run {self.run}" if number else f"empty, of run {self.run}"
        )
        return f"app {self.app}: {what}" + (", the app itself" if self.whole else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was found, and which of it is still there after it was to be removed."""

    found: tuple[Leftover, ...]
    left: tuple[str, ...] = ()


async def find(
    client: Client,
    org: str = "personal",
    *,
    run: str | None = None,
    older_than: float = 3600 * HOURS_AT_MOST,
    clock: Clock | None = None,
) -> tuple[Leftover, ...]:
    """What ``run`` left, whatever its age; or what any run left whose machines are all older than so many seconds.

    The age spares a run that is going on: no chapter takes as long as the hour that its costs are reckoned with.
    """
    now = (clock or SystemClock()).wall()
    found: list[Leftover] = []
    for app in await client.apps(org):
        try:
            live = [each for each in await client.machines(app.name) if each.state is not MachineState.DESTROYED]
        except NotFound:  # deleted since it was listed
            continue
        runs = {label for each in live if (label := each.config.metadata.get(LABEL))}
        if run is not None and app.name.endswith(f"-{run}"):
            runs.add(run)
        for label in sorted(runs if run is None else runs & {run}):
            ours = [each for each in live if each.config.metadata.get(LABEL) == label]
            if run is None and any(now - _born(each) < older_than for each in ours):
                continue
            whole = app.name.endswith(f"-{label}") and len(ours) == len(live)
            found.append(Leftover(app=app.name, run=label, machines=tuple(each.id for each in ours), whole=whole))
    return tuple(found)


async def sweep(
    client: Client,
    org: str = "personal",
    *,
    run: str | None = None,
    older_than: float = 3600 * HOURS_AT_MOST,
    clock: Clock | None = None,
) -> Report:
    """Remove what ``find`` finds and report what is still there; one failure does not keep the rest from going."""
    found = await find(client, org, run=run, older_than=older_than, clock=clock)
    left: list[str] = []
    for leftover in found:
        for machine_id in leftover.machines:
            if (why := await _destroy(client, leftover.app, machine_id)) is not None:
                left.append(f"machine {machine_id} of app {leftover.app}: {why}")
        if leftover.whole and (why := await _delete(client, leftover.app)) is not None:
            left.append(f"app {leftover.app}: {why}")
    return Report(found=found, left=tuple(left))


def main(argv: Sequence[str]) -> int:
    """The command line; the API is the one that FLY_API_HOSTNAME and FLY_API_TOKEN name."""
    parser = argparse.ArgumentParser(prog="flylab sweep", description="Find and remove what a run left behind.")
    parser.add_argument("--org", default="personal", help="the organisation (default: personal)")
    parser.add_argument("--run", help="only this run, whatever its age; without it every run that is old enough")
    parser.add_argument("--older-than", type=float, default=60.0, metavar="MINUTES", help="default: 60")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    options = parser.parse_args(argv)
    return asyncio.run(_main(options))


async def _main(options: argparse.Namespace) -> int:
    choice = {"run": options.run, "older_than": 60 * options.older_than}
    async with Client.from_env() as client:
        if options.dry_run:
            report = Report(found=await find(client, options.org, **choice))
        else:
            report = await sweep(client, options.org, **choice)
    for leftover in report.found:
        print(f"{'would remove' if options.dry_run else 'removed'}: {leftover.text}")
    for line in report.left:
        print(f"still there: {line}")
    if not report.found:
        print(f"nothing was left behind at {client.base_url}")
    return 1 if report.left else 0


async def _destroy(client: Client, app: str, machine_id: str) -> str | None:
    try:
        await client.destroy(app, machine_id, force=True)
        await client.wait(app, machine_id, MachineState.DESTROYED, timeout=GONE_SECONDS)
    except ClientError as error:
        return str(error)
    return None


async def _delete(client: Client, app: str) -> str | None:
    # Without force: an app that holds a machine which no list has shown is refused and not emptied.
    try:
        await client.delete_app(app)
    except ClientError as error:
        return str(error)
    return None


def _born(machine: Machine) -> float:
    """Seconds since the epoch; a machine that does not say when it was made counts as old."""
    try:
        return datetime.fromisoformat(machine.created_at).timestamp()
    except ValueError:
        return 0.0

"""``flylab faults``: arm, list and clear the faults of the local platform; and which of them a run has met."""

import argparse
import asyncio
import contextlib

import httpx

from flylab.client import Client
from flylab.errors import ParseError, UsageError
from flylab.kit.platform import shared_addresses
from flylab.rules.fault_names import KNOWN
from flylab.wire.duration import parse_duration
from flylab.wire.fault import Fault, Value


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    flags = _parser().parse_args(arguments)
    if flags.command == "names":
        for each in KNOWN.values():
            print(f"{each.name:20} {each.what}" if each.armable else f"{each.name:20} not armed: {each.how}")
        return 0
    return asyncio.run(_do(flags))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="flylab faults",
        description="Make the local platform fail; FLY_API_HOSTNAME and FLY_API_TOKEN say where it is."
        " docs/faults.md has the names.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("names", help="what can be armed, and what it does")
    commands.add_parser("list", help="what is armed, and how often each has struck")
    arm = commands.add_parser("arm", help="arm one")
    arm.add_argument("name", metavar="NAME")
    for target in ("app", "region", "machine", "volume"):
        arm.add_argument(f"--{target}", default="", help=f"this {target} alone")
    arm.add_argument("--probability", type=float, default=1.0, metavar="P", help="above 0 and at most 1, the default")
    arm.add_argument("--count", type=int, default=0, metavar="N", help="strike as often at most")
    arm.add_argument("--seed", type=int, metavar="N", help="makes chance repeatable")
    arm.add_argument("--for", dest="seconds", default="", metavar="TIME", help="disarm after a time such as 30s")
    arm.add_argument("--value", default="", help="what the fault takes: seconds, a status or a word")
    disarm = commands.add_parser("disarm", help="disarm one by its id, or all of a name")
    disarm.add_argument("which", metavar="ID|NAME")
    commands.add_parser("clear", help="disarm all")
    return parser


async def _do(flags: argparse.Namespace) -> int:
    async with Client.from_env() as client:
        match flags.command:
            case "arm":
                told = [
                    await client.faults.arm(
                        flags.name,
                        app=flags.app,
                        region=flags.region,
                        machine=flags.machine,
                        volume=flags.volume,
                        probability=flags.probability,
                        count=flags.count,
                        seed=flags.seed,
                        seconds=_seconds(flags.seconds),
                        value=_value(flags.value),
                    )
                ]
            case "disarm":
                told = await client.faults.disarm(flags.which)
            case "clear":
                told = await client.faults.clear()
            case _:
                told = await client.faults.armed()
    for fault in told:
        print(shown(fault))
    if not told:
        print("no faults are armed")
    return 0


def shown(fault: Fault) -> str:
    """``f1 slow_port for machine 148e… value 12, struck 0 of 1, seed 7``."""
    often = f" of {fault.count}" if fault.count else ""
    more = [f"value {fault.value:g}" if isinstance(fault.value, float) else fault.value and f"value {fault.value}"]
    more.append(f"probability {fault.probability:g}" if fault.probability < 1 else "")
    said = [f"struck {fault.struck}{often}", *more, f"until {fault.until}" if fault.until else "", f"seed {fault.seed}"]
    return f"{fault.id} {fault.name} for {fault.aimed}: {', '.join(each for each in said if each)}"


def known() -> dict[tuple[str, str], tuple[Fault, bool]]:
    """Every fault of the platforms which this process uses, by platform and id, and whether it is still armed."""
    found: dict[tuple[str, str], tuple[Fault, bool]] = {}
    for api in shared_addresses():
        with contextlib.suppress(httpx.HTTPError, ValueError, KeyError):
            told = httpx.get(f"{api}/_flylab/faults", timeout=5, trust_env=False).json()
            for which, armed in (("past", False), ("faults", True)):
                found |= {(api, each["id"]): (Fault.from_json(each), armed) for each in told[which]}
    return found


class Met:
    """Which faults were armed, or struck, between its making and the question."""

    def __init__(self) -> None:
        self._before = {key: fault.struck for key, (fault, _) in known().items()}

    def since(self) -> list[dict[str, object]]:
        return [
            fault.to_json()
            for key, (fault, armed) in known().items()
            if armed or fault.struck > self._before.get(key, 0)
        ]


def _seconds(text: str) -> float:
    if not text:
        return 0.0
    try:
        return parse_duration(text)
    except ParseError as exc:
        raise UsageError(f"--for '{text}' is not a time such as 30s") from exc


def _value(text: str) -> Value | None:
    try:
        return float(text) if text else None
    except ValueError:
        return text

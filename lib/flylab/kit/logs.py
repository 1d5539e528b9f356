"""``flylab logs``: what the machines of an app print, as ``flyctl logs`` shows it; of the local platform alone."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator

from flylab.client import Client
from flylab.clock import SystemClock
from flylab.errors import ParseError, UsageError
from flylab.wire.duration import parse_duration
from flylab.wire.log import LogLine
from flylab.wire.moment import format_moment, parse_moment

_INTERRUPTED = 130  # what shells say of a program that Ctrl-C ended


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 also when the platform ends while it is followed."""
    flags = _parser().parse_args(arguments)
    if flags.follow:
        # Every line has been flushed, so nothing is lost by leaving at once; a task that is cancelled while it takes a
        # line may go on instead.
        signal.signal(signal.SIGINT, lambda *_: os._exit(_INTERRUPTED))
    try:
        return asyncio.run(_show(flags))
    except BrokenPipeError:  # whoever read us has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="flylab logs", description="What machines print; FLY_API_HOSTNAME and FLY_API_TOKEN say where they are."
    )
    parser.add_argument("app", metavar="APP")
    parser.add_argument("machine", metavar="MACHINE", nargs="?", help="one machine; all of the app without it")
    parser.add_argument("--follow", "-f", action="store_true", help="go on until Ctrl-C or the end of the platform")
    parser.add_argument("--region", metavar="R", help="machines of one region")
    parser.add_argument("--since", metavar="WHEN", help="10m for the last ten minutes, or 2026-10-05T07:00:00Z")
    parser.add_argument("--limit", type=int, metavar="N", help="as many lines (200 without it)")
    return parser


async def _show(flags: argparse.Namespace) -> int:
    wanted = {
        "machine": flags.machine,
        "region": flags.region,
        "since": _moment(flags.since) if flags.since else None,
        "limit": flags.limit,
    }
    async with Client.from_env() as client:
        if flags.follow:
            await _print(client.follow_logs(flags.app, **wanted))
        else:
            for line in await client.logs(flags.app, **wanted):
                print(shown(line))
            sys.stdout.flush()
    return 0


async def _print(lines: AsyncIterator[LogLine]) -> None:
    async for line in lines:
        print(shown(line), flush=True)


def shown(line: LogLine) -> str:
    """``2026-10-05T07:00:00.123Z app[148e…] ams hello``; flyctl's form, with the level where a line has one."""
    level = f" [{line.level}]" if line.level else ""
    return f"{line.at} {line.provider}[{line.machine}] {line.region}{level} {line.text}"


def _moment(text: str) -> str:
    try:
        return format_moment(SystemClock().wall() - parse_duration(text))
    except ParseError:
        pass
    try:
        return format_moment(parse_moment(text))
    except ParseError as exc:
        raise UsageError(
            f"--since '{text}' is neither a duration such as 10m nor a time such as 2026-10-05T07:00:00Z"
        ) from exc

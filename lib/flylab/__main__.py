"""The `flylab` command: reads the flags, imports what the sub-command needs and nothing else."""

import argparse
import gc
import logging
import os
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from flylab import __version__
from flylab.errors import FlylabError, ParseError, UsageError

# Sub-commands that live in the kit, each with a ``main(arguments)`` of its own that knows its flags.
_KIT = {
    "suite": "run the chapters and keep their results",
    "site": "build the write-up from the executed chapters",
    "doctor": "check what this computer can do",
    "faults": "make the local platform fail: arm, list, clear",
    "load": "offer a load that is written down as data",
    "logs": "show what machines of the local platform print",
    "ports": "show where the edges of the local platform have the public ports of apps",
    "published": "show what others published: claims, prices, round trips, distributions",
    "rtt": "probe the round trips between regions",
    "runs": "list stored runs, show one, compare two",
    "wakes": "wake machines, and show where the time goes",
    "sweep": "find and remove what a run left on Fly",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status: 1 when it failed, 2 when it was asked wrongly."""
    parent = os.getppid()  # before anything slow: it may die while we start
    given = sys.argv[1:] if arguments is None else arguments
    logging.basicConfig(level=logging.WARNING, format="flylab: %(message)s")
    try:
        if given and given[0] in _KIT:
            return _kit(given[0], given[1:])
        return _up(_parser().parse_args(given), parent)
    except (UsageError, ParseError) as exc:
        print(f"flylab: {exc}", file=sys.stderr)
        return 2
    except FlylabError as exc:
        print(f"flylab: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 1


def _kit(name: str, arguments: list[str]) -> int:
    try:
        command = import_module(f"flylab.kit.{name}")
    except ModuleNotFoundError as exc:
        if (exc.name or "").startswith("flylab"):
            raise
        raise UsageError(f"'flylab {name}' needs the package {exc.name}; install flylab[all]") from exc
    status: int = command.main(arguments)
    return status


def _up(flags: argparse.Namespace, parent: int) -> int:
    for package, module in (
        ("quart", "quart"),
        ("uvicorn", "uvicorn"),
        ("dnspython", "dns"),
        ("cryptography", "cryptography"),
        ("h2", "h2"),
    ):
        if find_spec(module) is None:
            raise UsageError(f"'flylab up' needs the package {package}; install flylab[local]")
    gc.disable()  # what is imported stays: to look through it again and again takes a quarter of the time to be ready
    from flylab.local.options import Options
    from flylab.local.server import run

    gc.freeze()
    # What is frozen does not count when it is decided whether to look at everything, so that would be done too often:
    # a list of a thousand machines took half as long again.
    gc.set_threshold(5_000, 20, 20)
    gc.enable()
    options = Options(
        regions=flags.regions,
        state=flags.state,
        api_port=flags.api_port,
        edge_port=flags.edge_port,
        tls=flags.tls,
        tls_port=flags.tls_port,
        dns_port=flags.dns_port,
        dns_answers=flags.dns_answers,
        latency=flags.latency,
        rate_limits=flags.rate_limits == "on",
        seed=flags.seed,
        settings=flags.settings,
        faults=flags.faults,
        images=tuple(flags.images),
        json=flags.json,
        trace=flags.trace,
        ws_replay=tuple(flags.ws_replay),
        parent=parent if flags.parent is None else flags.parent,
    )
    return run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="flylab", description="Fly Machines on one computer: run, measure and explain rooms that move."
    )
    parser.add_argument("--version", action="version", version=f"flylab {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, about in _KIT.items():
        commands.add_parser(name, help=about, add_help=False)
    up = commands.add_parser("up", help="run the local platform in the foreground", description=_UP)
    up.add_argument("--regions", default="", metavar="CODES", help="comma-separated; all current ones by default")
    up.add_argument("--state", type=Path, metavar="DIR", help="keep apps and machines here (default: a new folder)")
    up.add_argument("--api-port", type=_port, default=4280, metavar="N", help="4280 by default, 0 for any free port")
    up.add_argument("--edge-port", type=_port, default=4300, metavar="N", help="of the first edge, the others follow")
    up.add_argument("--tls", action="store_true", help="https at the edges too, with an authority of this computer")
    up.add_argument("--tls-port", type=_port, default=4400, metavar="N", help="of the first edge, the others follow")
    up.add_argument(
        "--dns-port", type=_port, default=0, metavar="N", help="for .internal names; any free one by default"
    )
    up.add_argument(
        "--dns-answers", choices=("6pn", "loopback"), default="6pn", help="addresses as on Fly, or such that connect"
    )
    up.add_argument("--latency", default="measured", metavar="measured|off|FILE", help="round trips between regions")
    up.add_argument("--rate-limits", choices=("on", "off"), default="off", help="Fly's limits of the API (default off)")
    up.add_argument("--seed", type=int, metavar="N", help="makes ids and choices repeatable")
    up.add_argument("--settings", type=Path, metavar="FILE", help="TOML with other numbers than the documented ones")
    up.add_argument("--faults", type=Path, metavar="FILE", help="TOML with faults that are armed from the start")
    up.add_argument("--images", type=Path, action="append", default=[], metavar="FILE", help="TOML with more images")
    up.add_argument(
        "--parent", type=int, metavar="PID", help="end with this process, which started us (found by itself)"
    )
    up.add_argument("--json", action="store_true", help="print one line of JSON when ready, and nothing else")
    up.add_argument(
        "--ws-replay",
        action="append",
        default=[],
        metavar="[A-B=]MODE",
        help="replays of upgrades: any, only_101, only_plain or refuse, for all or between two regions",
    )
    up.add_argument("--trace", action="store_true", help="print every exchange and answer with x-flylab-trace")
    return parser


_UP = "The Machines API and one edge per region on loopback; Ctrl-C stops every machine."
_MOST_PORT = 65535


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= _MOST_PORT):
        raise argparse.ArgumentTypeError(f"'{text}' is not a port between 0 and {_MOST_PORT}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())

"""``flylab published``: claims, prices, round trips and distributions of others, each with its source and its mark."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date as Day
from typing import Any

from flylab.costs import TODAY
from flylab.errors import UsageError
from flylab.kit.rtt import published
from flylab.kit.table import layout
from flylab.published.claims import MARKS, Claim, claim, claims
from flylab.published.conflicts import pairs
from flylab.published.distributions import Curve, distribution, distributions, lambda_init
from flylab.published.lookup import unknown
from flylab.published.network import regions
from flylab.published.prices import Price, price, prices
from flylab.published.rtt_sources import of_pair


def main(arguments: list[str] | None = None) -> int:
    """The command; what is asked for and is not there is a UsageError that names the nearest ids."""
    flags = _parser().parse_args(arguments)
    data: object
    match flags.command:
        case "claims":
            data, lines = _claims(flags)
        case "prices":
            data, lines = _prices(flags)
        case "rtt":
            data, lines = _rtt(flags.a, flags.b)
        case "lambda":
            data, lines = _lambda(flags)
        case _:
            data, lines = _distributions(flags.group)
    print(json.dumps(data, default=str) if flags.json else "\n".join(lines))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="flylab published", description="What others published, with its source.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="claims|prices|rtt|distributions|lambda")
    found = commands.add_parser("claims", help="figures about starts, wakes, replays and limits")
    found.add_argument("id", nargs="*", help="such as c016; all of them without one")
    found.add_argument("--status", help="how they were checked: the beginning of one of " + ", ".join(MARKS))
    found.add_argument("--topic", help="such as fly-replay")
    cost = commands.add_parser("prices", help="list prices; of two tables the newer one wins")
    cost.add_argument("id", nargs="*", help="such as p001; without one all that hold on the day")
    cost.add_argument("--provider", help="such as Fly.io")
    cost.add_argument("--on", type=_day, default=TODAY, metavar="DATE", help=f"a day (default {TODAY})")
    cost.add_argument("--all", action="store_true", help="also those that no longer hold")
    cost.add_argument("--conflicts", action="store_true", help="where the two tables of Fly's prices disagree")
    trip = commands.add_parser("rtt", help="the round trip between two regions")
    trip.add_argument("a", metavar="A")
    trip.add_argument("b", metavar="B")
    curves = commands.add_parser("distributions", help="percentiles and phases to imitate")
    curves.add_argument("group", nargs="?", metavar="GROUP", help="such as openstatus-2024; their names without one")
    inits = commands.add_parser("lambda", help="init durations on AWS Lambda")
    inits.add_argument("--runtime", help="such as python3.13")
    inits.add_argument("--memory", type=int, metavar="MB")
    inits.add_argument("--package", help="zip or image")
    inits.add_argument("--arch", help="arm64 or x86_64")
    for command in (found, cost, trip, curves, inits):
        command.add_argument("--json", action="store_true", help="print JSON and nothing else")
    return parser


def _day(text: str) -> Day:
    try:
        return Day.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a date such as {TODAY}") from None


def _claims(flags: argparse.Namespace) -> tuple[list[dict[str, Any]], list[str]]:
    found = [claim(each) for each in flags.id] or list(claims().values())
    if flags.status is not None:
        wanted = [status for status in MARKS if status.startswith(flags.status)]
        if not wanted or not flags.status:
            raise unknown("status", flags.status, MARKS)
        found = [each for each in found if each.status in wanted]
    if flags.topic is not None:
        topics = dict.fromkeys(each.topic for each in claims().values())
        if flags.topic not in topics:
            raise unknown("topic", flags.topic, topics)
        found = [each for each in found if each.topic == flags.topic]
    data = [asdict(each) | {"verified": each.verified, "mark": each.mark} for each in found]
    if flags.id:
        return data, [line for each in found for line in _claim(each)]
    return data, _table(("id", "topic", "value", "claim", "source"), [_claim_row(each) for each in found])


def _claim_row(row: Claim) -> tuple[str, ...]:
    return row.id, row.topic, row.text, _short(row.claim), row.source


def _claim(row: Claim) -> list[str]:
    lines = [f"{row.id}: {row.claim}: {row.text}", f"  {row.kind}, {row.status}; topic {row.topic}"]
    lines += [f"  {text}" for text in (row.statistic, row.conditions, row.source, row.source_address) if text]
    return lines


def _prices(flags: argparse.Namespace) -> tuple[list[dict[str, Any]], list[str]]:
    if flags.conflicts:
        both = [pair for pair in pairs() if pair.differs(flags.on)]
        data = [
            {"older": asdict(pair.older), "newer": [row.id for row in pair.newer], "asked": pair.asked(flags.on)}
            for pair in both
        ]
        return data, [*(pair.text(flags.on) for pair in both), f"{len(both)} of {len(pairs())} differ on {flags.on}."]
    found = [price(each) for each in flags.id] or [
        each for each in prices().values() if flags.all or each.holds(flags.on)
    ]
    if flags.provider is not None:
        providers = dict.fromkeys(each.provider for each in prices().values())
        if flags.provider not in providers:
            raise unknown("price of", flags.provider, providers)
        found = [each for each in found if each.provider == flags.provider]
    data = [asdict(each) | {"verified": each.verified, "mark": each.mark} for each in found]
    if flags.id:
        return data, [line for each in found for line in _price(each, flags.on)]
    head = ("id", "provider", "service", "item", "price", "scope", "date")
    return data, _table(head, [_price_row(each) for each in found])


def _price_row(row: Price) -> tuple[str, ...]:
    return row.id, row.provider, row.service, _short(row.item), row.text, row.scope, row.date


def _price(row: Price, on: Day) -> list[str]:
    since, until = row.effective_from or "always", row.effective_to or "now"
    lines = [f"{row.id}: {row.provider} {row.service}, {row.item} ({row.scope}): {row.text}"]
    lines.append(f"  from {since} to {until}; confidence {row.confidence}; read {row.date} in {row.source}")
    lines += [f"  included: {row.included}"] if row.included else []
    lines += [f"  {row.note}"] if row.note else []
    for pair in pairs():
        if pair.older.id == row.id:
            lines.append(f"  {pair.text(on)}")
    return lines


def _rtt(a: str, b: str) -> tuple[dict[str, Any], list[str]]:
    codes = {region.code for region in regions()}
    for code in (a, b):
        if code not in codes:
            raise unknown("region", code, sorted(codes))
    found = published(a, b)
    data = {"a": a, "b": b, "rtt_ms": found.published, "low_ms": found.low, "high_ms": found.high,
            "estimated": found.estimated}  # fmt: skip
    lines = [f"{a} and {b}: {found.published:.1f} ms" + (" (estimated)" if found.estimated else "")]
    if found.low is not None and not found.estimated:
        lines.append(f"  {found.low:.1f} to {found.high:.1f} ms over the sources")
    of = of_pair(a, b)
    for each in of:
        between = "" if each.min_ms is None else f" ({each.min_ms:.1f} to {each.max_ms:.1f})"
        note = f"; {each.note}" if each.note else ""
        lines.append(f"  {each.a}→{each.b} {each.rtt_ms:g} ms{between}, {each.table.table} {each.table.date}{note}")
    for table in {each.table.table: each.table for each in of}.values():
        lines.append(
            f"  {table.table}: {table.title}, {table.address} ({table.statistic}; {table.kind}, {table.status})"
        )
    return data | {"sources": [asdict(each) for each in of]}, lines


def _distributions(group: str | None) -> tuple[Any, list[str]]:
    if group is None:
        counts = {name: list(curves) for name, curves in distributions().items()}
        return counts, _table(("group", "curves"), [(name, ", ".join(curves)) for name, curves in counts.items()])
    curves = distribution(group)
    lines = []
    for curve in curves.values():
        lines += [f"{curve.name} ({curve.kind}, {curve.status})", f"  {curve.source}, {curve.date}, {curve.address}"]
        lines.append("  " + ", ".join(f"{_name(point.name)} {point.value:g} {curve.unit}" for point in curve.points))
        lines += [f"  {note}" for note in dict.fromkeys(point.note for point in curve.points) if note]
    return [_curve(curve) for curve in curves.values()], lines


def _curve(curve: Curve) -> dict[str, Any]:
    return asdict(curve) | {"points": {point.name: point.value for point in curve.points}}


def _lambda(flags: argparse.Namespace) -> tuple[list[dict[str, Any]], list[str]]:
    if flags.memory is not None and flags.memory < 1:
        raise UsageError(f"--memory is {flags.memory}; it is a number of MB")
    found = lambda_init(runtime=flags.runtime, memory=flags.memory, package=flags.package, arch=flags.arch)
    head = ("runtime", "package", "MB", "arch", "median", "least", "most", "n")
    rows = [
        (each.runtime, each.package, str(each.memory_mb), each.arch, f"{each.median_ms:.1f} ms", f"{each.min_ms:.1f}",
         f"{each.max_ms:.1f}", str(len(each.samples_ms)))
        for each in found
    ]  # fmt: skip
    return [asdict(each) for each in found], _table(head, rows)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    return [*layout([head, *rows]), f"{len(rows)} rows"]


def _name(name: str) -> str:
    return f"p{name}" if name.replace(".", "", 1).isdecimal() else name


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59].rstrip(' ,')}…"

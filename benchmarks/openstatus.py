"""The one-region rows of the openstatus table of 2024, from round trips alone: `python benchmarks/openstatus.py`.

Nothing is measured and nothing is fitted: each site's prediction is a number of round trips that the protocols fix,
times what others published for the distance. The tables go to stdout, every predicted value as a sample of a stored run
to build/data; `--write docs/published.md` makes the page's section as well.
"""

import argparse
import statistics
import sys
from pathlib import Path

from roomload.peer import ROOT

from flylab.measure import runs
from flylab.measure.sample import Sample
from flylab.published.openstatus import (
    AT_AN_EDGE,
    DIRECT,
    ONE_REGION,
    STATISTICS,
    errors,
    first_byte_errors,
    predicted,
    published,
    sites,
    summary,
    unaccounted,
)

BEGIN, END = "<!-- openstatus: written by benchmarks/openstatus.py --write -->", "<!-- end of openstatus -->"
NAMES = {"fra": "Frankfurt", "pdx": "Portland, Oregon"}
WAYS = {DIRECT: "3 round trips", AT_AN_EDGE: "1 round trip"}


def samples() -> list[Sample]:
    """Every predicted request as a sample; what it is compared with is in its detail."""
    return [
        Sample(
            what=f"{curve}, {WAYS[many]}",
            where=f"{site}→{sites(curve)[0].app_region}",
            scheduled=0,
            sent=0,
            finished=trip.ms / 1000,
            detail={"low_ms": trip.low_ms, "high_ms": trip.high_ms, "provenance": "simulated"},
        )
        for curve in ONE_REGION
        for many in WAYS
        for site, trip in predicted(curve, many).items()
    ]


def rows_table() -> list[str]:
    """One line for each row and statistic: published, and predicted with its error in both ways."""
    lines = [
        "| row | statistic | published, ms | 3 round trips, ms | error | 1 round trip, ms | error |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for curve in ONE_REGION:
        found = {}
        for many in WAYS:
            trips = predicted(curve, many).values()
            found[many] = [summary(values) for values in ((each.ms for each in trips), (each.low_ms for each in trips),
                                                          (each.high_ms for each in trips))]  # fmt: skip
        off = {many: errors(curve, many) for many in WAYS}
        for name in STATISTICS:
            cells = [f"| {curve} ({NAMES[sites(curve)[0].app_region]})", name if name == "mean" else f"p{name}"]
            cells.append(f"{published(curve).at(name):,.0f}")
            for many in WAYS:
                middle, low, high = (each[name] for each in found[many])
                cells += [f"{middle:,.0f} ({low:,.0f}–{high:,.0f})", f"{off[many][name]:+.0%}"]
            lines.append(" | ".join(cells) + " |")
    return lines


def sites_table() -> list[str]:
    """One line for each row and site: the first byte against one round trip, and the whole against three."""
    lines = [
        "| row | site | connect and TLS, ms | first byte, ms | 1 round trip, ms | off by, ms | whole, ms"
        " | 3 round trips, ms | error |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for curve in ONE_REGION:
        off = first_byte_errors(curve)
        for site in sites(curve):
            once = predicted(curve, AT_AN_EDGE)[site.site].ms
            whole, direct = site.total_ms - site.dns_ms, predicted(curve, DIRECT)[site.site].ms
            lines.append(
                f"| {curve} | {site.site} | {site.connect_ms:.0f} + {site.tls_ms:.0f} | {site.first_byte_ms:.0f} |"
                f" {once:.0f} | {off[site.site]:+.0f} | {whole:.0f} | {direct:.0f} | {direct / whole - 1:+.0%} |"
            )
    return lines


def verdict() -> list[str]:
    """The errors in a sentence each, as they came out."""
    means = {curve: errors(curve, DIRECT)["mean"] for curve in ONE_REGION}
    every = [abs(share) for curve in ONE_REGION for share in errors(curve, DIRECT).values()]
    edge = [abs(share) for curve in ONE_REGION for share in errors(curve, AT_AN_EDGE).values()]
    said = ", ".join(f"{curve} {share:+.0%}" for curve, share in means.items())
    railway = first_byte_errors("Railway")
    near = statistics.fmean(abs(ms) for ms in railway.values())
    own = max(abs(unaccounted(curve)) for curve in ("Koyeb", "Railway"))
    return [
        f"With three round trips the mean of a row is off by {said}; over all statistics of the three rows the error is"
        f" {statistics.median(every):.0%} at the median and {max(every):.0%} at most.",
        f"With one it is {statistics.median(edge):.0%} at the median and always too little: a request alone does not"
        " explain the table, although three rows show connections to somewhere beside most sites.",
        f"Railway's wait for the first byte is one round trip to Portland within {near:.0f} ms on"
        f" average ({min(railway.values()):+.0f} to {max(railway.values()):+.0f}); its connections end on the way.",
        "The tail is not in the model: p99 of a row is made by waiting, and each site here always has the same value.",
        "The page's table of Render's phases cannot be right: its first bytes are those of Koyeb's table, to the digit,"
        f" and add up to {-unaccounted('Render'):.0f} ms more than the mean that the page gives for Render, while"
        f" Koyeb's and Railway's add up to theirs within {own:.0f} ms."
        " So its lines by site say nothing about Render.",
    ]  # fmt: skip


def section(run: str) -> str:
    """Everything between the marks."""
    return "\n".join([
        "## The openstatus table from round trips alone",
        "",
        "Six sites (Amsterdam, Ashburn, Hong Kong, Johannesburg, São Paulo, Sydney) asked an app in one region"
        " every ten minutes for two weeks of February 2024. Predicted is what a new connection costs in round"
        " trips: one for TCP, one for TLS 1.3, one for the request, all to the app's region (3), or the request"
        " alone where somebody beside the site ends TCP and TLS (1). These numbers come from the protocols, the"
        " round trips from published tables; nothing is fitted. DNS, the app itself and everything that waits are"
        " left out. In parentheses: with the least and with the most that any source has for each pair.",
        "",
        *rows_table(),
        "",
        *(f"- {line}" for line in verdict()),
        "",
        "By site there are means alone, no percentiles. The whole is without DNS:",
        "",
        *sites_table(),
        "",
        f"Stored as `{run}`. Again: `python benchmarks/openstatus.py --write docs/published.md`",
    ])  # fmt: skip


def place(page: str, text: str) -> str:
    """The page with this section instead of the earlier one; at the end of a page that has none."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    written = f"{BEGIN}\n{text}\n{END}"
    return before + written + after if begin and end else f"{page.rstrip()}\n\n{written}\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="The openstatus table from round trips alone.")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="also write the page's section")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "data", help="where the run is stored")
    asked = parser.parse_args()
    run = runs.begin("openstatus", target="published", seed=0, settings={"fitted": "nothing"}, project=ROOT)
    runs.save(run, samples(), asked.folder)
    text = section(run.id)
    print(text)
    if asked.write:
        asked.write.write_text(place(asked.write.read_text(), text))
    return 0


if __name__ == "__main__":
    sys.exit(main())

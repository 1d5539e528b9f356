"""The published figures as a chart, and the configured distances between regions: inputs, and drawn as such."""

import html
from collections.abc import Mapping, Sequence

from flylab.kit.figures import Figure, basis, comparison
from flylab.published import claims
from flylab.published.claims import Claim
from flylab.published.network import rtt

ROUND_TRIPS = "Round trips: medians of public tables of 2020 and 2026 (WonderNetwork, Microsoft Azure, IBM Cloud)."


def times(*topics: str) -> list[Claim]:
    """The claims about how long something takes on these topics, shortest first; limits are left out."""
    found = [
        claim
        for topic in topics
        for claim in claims.about(topic)
        if claim.unit in ("ms", "s") and claim.value is not None and claim.statistic != "limit"
    ]
    return sorted(found, key=lambda claim: claim.seconds)


def chart(title: str, shown: Sequence[Claim], owners: Mapping[str, str] | None = None) -> Figure:
    """Each claim as an open diamond, its range as a line, on a logarithmic scale of seconds.

    ``owners`` says by id whose each is, where several are compared.
    """
    dates = sorted(claim.source_date[:4] for claim in shown if claim.source_date[:4].isdigit())
    between = " to ".join(dict.fromkeys((dates[0], dates[-1]))) if dates else "undated"
    about = basis("published", n=len(shown) or None, unit="s", date=between)
    rows = [
        {
            "name": f"{owners[claim.id]}: {claim.claim}" if owners else claim.claim,
            "value": claim.seconds,
            "high": claim.seconds_high,
            "source": claim.source_title,
            "date": claim.source_date,
            "status": claim.status,
            "text": f"{html.escape(claim.claim)}: {claim.text}<br>{html.escape(claim.source)}<br>{claim.kind}",
        }
        for claim in shown
    ]
    return comparison(rows, about, title=title, x="seconds, on a logarithmic scale", log=True)


def distances(home: str, regions: Sequence[str]) -> dict[str, float]:
    """The round trip from one region to each other one, in milliseconds."""
    table = rtt()
    return {region: table(home, region) for region in regions if region != home}

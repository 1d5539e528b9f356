"""What a member gets and what a month costs, by architecture: reckoned from published round trips and prices."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from ipywidgets import Button, FloatLogSlider

from flylab import costs
from flylab.costs import Offer, Setup, Workload
from flylab.kit.record import Record
from flylab.kit.widgets import AUTO, Panel, rows
from flylab.measure.sample import Sample
from flylab.published.network import rtt
from flylab.sim.traffic import Stay

# Where each architecture lets a room be. Durable Objects are where the first member is, as far as their hints go; for
# want of a table of their places they are given Fly's regions, which is generous.
ONE, SOME, FIRST = "one region", "nearest of a few regions", "the first member's region"
WHO = {
    ONE: "Lambda, Fargate, EC2, Vultr",
    SOME: "Fly, machines in a few regions",
    FIRST: "Durable Objects, Fly everywhere",
}
# Offers that are drawn: one of each architecture that holds a room, so that a curve can be told from the next.
SHOWN = (Offer.FLY_STOP, Offer.FLY_ALWAYS, Offer.HIBERNATING, Offer.LAMBDA, Offer.FARGATE, Offer.VULTR)


def edits(record: Record, stays: Iterable[Stay], *, home: str, regions: Sequence[str]) -> dict[str, list[float]]:
    """For each placement the ms from a member's edit to every other member of their visit; stored as samples.

    Half a round trip to the room and half a one from it; nothing is added for computers on the way.
    """
    way = rtt()
    visits: dict[str, list[Stay]] = {}
    for stay in stays:
        visits.setdefault(stay.room, []).append(stay)
    for visit in visits.values():
        first = min(visit, key=lambda stay: stay.begins).region
        places = {ONE: home, SOME: min(regions, key=lambda region: (way(first, region), region)), FIRST: first}
        for placement, room in places.items():
            for one in visit:
                for other in visit:
                    if one is not other:
                        seconds = (way(one.region, room) + way(room, other.region)) / 2000
                        record.samples.append(_sample(placement, f"{one.region}→{other.region}", seconds))
    return {placement: record.ms(f"edit: {placement}") for placement in WHO}


def curves(work: Workload, setup: Setup, visits: Sequence[float]) -> list[dict[str, object]]:
    """Monthly costs of the shown offers over visits of each room, for ``figures.cost_curves``."""
    return [
        {
            "offer": offer.value,
            "visits": at,
            "usd": usd,
            "provenance": "simulated",
            "verified": _sure(offer, work, setup),
        }
        for offer in SHOWN
        for at, usd in costs.curve(offer, work, "visits", visits, setup)
    ]


def break_evens(work: Workload, setup: Setup, visits: Sequence[float]) -> list[dict[str, object]]:
    """Where another shown offer crosses Fly with machines that stop, which may be more than once.

    A stretch in which both cost the same is none: machines that are needed at any time do not stop.
    """
    found: list[dict[str, object]] = []
    for other in SHOWN[1:]:
        for low, high in pairwise(visits):
            ends = [_gap(Offer.FLY_STOP, other, replace(work, visits=end), setup) for end in (low, high)]
            at = costs.break_even(Offer.FLY_STOP, other, work, "visits", low, high, setup)
            if at is not None and ends[0] * ends[1] < 0:
                usd = costs.bill(other, replace(work, visits=at), setup).usd
                found.append({"visits": at, "usd": usd, "between": (Offer.FLY_STOP.value, other.value)})
    return found


def _gap(one: Offer, other: Offer, work: Workload, setup: Setup) -> float:
    return costs.bill(one, work, setup).usd - costs.bill(other, work, setup).usd


def cheapest(lines: Sequence[Mapping[str, object]]) -> str:
    """Who costs least where, in a sentence: ``Cheapest: A up to 2 visits of each room a month, B from 5 on``."""
    best: dict[float, tuple[float, str]] = {}
    for line in lines:
        at, usd = float(str(line["visits"])), float(str(line["usd"]))
        best[at] = min(best.get(at, (usd, str(line["offer"]))), (usd, str(line["offer"])))
    stretches = [(name, [at for at, _ in group]) for name, group in _stretches(best)]
    if len(stretches) == 1:
        return f"Cheapest at any number of visits: {stretches[0][0]}"
    (first, few), *middle, (last, many) = stretches
    parts = [f"{first} up to {few[-1]:g} visits of each room a month"]
    parts += [f"{name} from {ats[0]:g} to {ats[-1]:g}" for name, ats in middle]
    return f"Cheapest: {', '.join([*parts, f'{last} from {many[0]:g} on'])}"


def _stretches(best: Mapping[float, tuple[float, str]]) -> list[tuple[str, list[tuple[float, str]]]]:
    ordered = [(at, best[at][1]) for at in sorted(best)]
    return [(name, list(group)) for name, group in groupby(ordered, key=lambda each: each[1])]


def scenario(work: Workload, setup: Setup) -> list[list[object]]:
    """Every offer's month, the cheapest first: what it costs, for each room, and what is left out."""
    return [
        [each.offer, f"{each.usd:,.2f}", f"{100 * each.usd / max(work.rooms, 1):,.2f}", "; ".join(each.left_out) or "–"]
        for each in costs.bills(work, setup)
    ]


SCENARIO = ["offer", "USD a month", "cents a room", "left out"]


def cost_panel(work: Workload, setup: Setup) -> Panel:
    """Sliders for a month of rooms, and every offer's bill below them."""
    sliders: Mapping[str, FloatLogSlider] = {
        name: FloatLogSlider(
            value=getattr(work, name), min=low, max=high, step=0.1, description=text, readout_format=".1f"
        )
        for name, text, low, high in (
            ("rooms", "rooms", 0, 5),
            ("visits", "visits each", -1, 3),
            ("members", "members", 0, 2),
            ("sent", "messages/s", -2, 2),
        )
    }
    show = Button(description="Reckon", tooltip="Show what a month of this costs", layout=AUTO)
    panel = Panel("What a month costs", [*sliders.values(), show])

    async def do() -> str:
        chosen = replace(work, **{name: slider.value for name, slider in sliders.items()})
        panel.picture.value = rows(SCENARIO, scenario(chosen, setup))
        cheapest = costs.bills(chosen, setup)[0]
        return f"{chosen.awake:,.1f} rooms are awake on average; the cheapest month costs {cheapest.usd:,.2f} USD"

    panel.when_clicked("reckon", show, do)
    return panel


def _sure(offer: Offer, work: Workload, setup: Setup) -> bool:
    return not costs.bill(offer, work, setup).unverified


def _sample(placement: str, where: str, seconds: float) -> Sample:
    return Sample(what=f"edit: {placement}", where=where, scheduled=0.0, sent=0.0, finished=seconds)

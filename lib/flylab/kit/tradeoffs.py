"""What a member gets and what a month costs, by architecture: reckoned from published round trips and prices."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from ipywidgets import Button, FloatLogSlider

from flylab import costs
from flylab.costs import Offer, Setup, Workload
from flylab.kit.record import Record
from flylab.kit.widgets import AUTO, Panel, rows
from flylab.measure.sample import Sample
from flylab.published.network import regions, rtt
from flylab.sim.traffic import Stay, Traffic, stays

# Where each architecture lets a room be. Durable Objects are where the first member is, as far as their hints go; for
# want of a table of their places they are given Fly's regions, which is generous.
ONE, BEST, SOME, FIRST = "one region", "best one region", "nearest of a few regions", "the first member's region"
WHO = {
    ONE: "Lambda, Fargate, EC2, Vultr",
    BEST: "the same, well chosen",
    SOME: "Fly, machines in a few regions",
    FIRST: "Durable Objects, Fly everywhere",
}
SHORT = {
    Offer.FLY_STOP: "Fly (stop)",
    Offer.FLY_ALWAYS: "Fly (always on)",
    Offer.HIBERNATING: "Durable Objects (hibernate)",
    Offer.LAMBDA: "Lambda",
    Offer.FARGATE: "Fargate",
    Offer.VULTR: "Vultr",
}
# Offers that are drawn: one of each architecture that holds a room, so that a curve can be told from the next.
SHOWN = (Offer.FLY_STOP, Offer.FLY_ALWAYS, Offer.HIBERNATING, Offer.LAMBDA, Offer.FARGATE, Offer.VULTR)


def edits(record: Record, members: Iterable[Stay], *, home: str, places: Sequence[str]) -> dict[str, list[float]]:
    """For each placement the ms from a member's edit to every other member of their visit; stored as samples.

    Half a round trip to the room and half a one from it; nothing is added for computers on the way.
    """
    way, visits = rtt(), _visits(members)
    best = best_region(visits)
    for visit in visits:
        first = _first(visit)
        nearest = min(places, key=lambda region: (way(first, region), region))
        for placement, room in {ONE: home, BEST: best, SOME: nearest, FIRST: first}.items():
            for one in visit:
                for other in visit:
                    if one is not other:
                        seconds = (way(one.region, room) + way(room, other.region)) / 2000
                        record.samples.append(_sample(placement, f"{one.region}→{other.region}", seconds))
    return {placement: record.ms(f"edit: {placement}") for placement in WHO}


def best_region(visits: Iterable[Sequence[Stay]]) -> str:
    """The region in which one room server for all of these would give edits the shortest way, on average."""
    way = rtt()
    weights = Counter[str]()
    for visit in visits:
        for stay in visit:
            weights[stay.region] += len(visit) - 1  # as often is their way part of an edit's, there or back
    there = [region.code for region in regions() if not region.deprecated]
    return min(there, key=lambda code: (sum(many * way(code, region) for region, many in weights.items()), code))


def near_part(traffic: Traffic, seed: int) -> float:
    """The mean way of an edit with rooms near their first member, as a part of that to the best single region."""
    way, visits = rtt(), _visits(stays(traffic, seed))
    best = best_region(visits)
    near = far = 0.0
    for visit in visits:
        first = _first(visit)
        for stay in visit:
            near += (len(visit) - 1) * way(stay.region, first)
            far += (len(visit) - 1) * way(stay.region, best)
    return near / far


def near_parts(traffic: Traffic, seed: int, abroad: Sequence[float]) -> dict[float, float]:
    """``near_part`` of crowds of whom so many come from elsewhere."""
    return {each: near_part(replace(traffic, abroad=each), seed) for each in sorted(set(abroad))}


def _visits(members: Iterable[Stay]) -> list[list[Stay]]:
    found: dict[str, list[Stay]] = {}
    for stay in members:
        found.setdefault(stay.room, []).append(stay)
    return list(found.values())


def _first(visit: Sequence[Stay]) -> str:
    return min(visit, key=lambda stay: stay.begins).region


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
    """Who costs least where, in a sentence: ``Cheapest: A up to 2 visits a month, B from 5 on``."""
    best: dict[float, tuple[float, str]] = {}
    for line in lines:
        at, usd = float(str(line["visits"])), float(str(line["usd"]))
        name = _SHORT.get(str(line["offer"]), str(line["offer"]))
        best[at] = min(best.get(at, (usd, name)), (usd, name))
    stretches = [(name, [at for at, _ in group]) for name, group in _stretches(best)]
    if len(stretches) == 1:
        return f"Cheapest at any number of visits: {stretches[0][0]}"
    (first, few), *middle, (last, many) = stretches
    parts = [f"{first} up to {few[-1]:g} visits a month"]
    parts += [f"{name} at {' to '.join(dict.fromkeys((f'{ats[0]:g}', f'{ats[-1]:g}')))}" for name, ats in middle]
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


def left_out(setup: Setup) -> list[str]:
    """Whatever any bill leaves out, in the order of the offers; ``months`` has the numbers, from 1."""
    return list(dict.fromkeys(each for bill in costs.bills(Workload(), setup) for each in bill.left_out))


def months(seldom: Workload, often: Workload, setup: Setup) -> list[list[object]]:
    """Every offer's month of both kinds of rooms, the cheapest for seldom ones first, and what it leaves out."""
    gaps = left_out(setup)
    other = {each.offer: each for each in costs.bills(often, setup)}
    return [
        [
            each.offer,
            *(
                f"{bill.usd:,.2f} ({100 * bill.usd / work.rooms:,.2f})"
                for bill, work in ((each, seldom), (other[each.offer], often))
            ),
            ", ".join(str(gaps.index(gap) + 1) for gap in each.left_out) or "–",
        ]
        for each in costs.bills(seldom, setup)
    ]


_SHORT = {offer.value: name for offer, name in SHORT.items()}
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

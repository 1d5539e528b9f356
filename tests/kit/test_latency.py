"""What the latency chapter times, on members that are lists; and what it says of what was stored."""

import asyncio
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from flylab.errors import UsageError
from flylab.kit import felt, latency
from flylab.kit.figures import basis, comparison, cost_curves, ecdf, effects
from flylab.kit.record import Record
from flylab.kit.rooms import Person
from flylab.measure.matrix import Known, matrix
from flylab.measure.omission import CLOSED, OPEN
from flylab.measure.sample import Sample
from flylab.measure.turns import ROUND, VARIANT
from flylab.published.network import rtt


@dataclass
class Guest:
    """A member without a socket: what is sent goes to everybody in the room, at once or never."""

    n: int
    room: list["Guest"]
    deaf: bool = False
    person: Person = field(default_factory=Person)
    inbox: "asyncio.Queue[dict[str, Any]]" = field(default_factory=asyncio.Queue)

    @property
    def welcome(self) -> dict[str, Any]:
        return {"n": self.n, "region": "ams"}

    def _tell(self, message: dict[str, Any]) -> None:
        for guest in self.room:
            if not guest.deaf:
                guest.inbox.put_nowait(message)

    async def say(self, text: str) -> int:
        self.person.op += 1
        self._tell({"t": "said", "client": self.person.client, "op": self.person.op, "text": text})
        return self.person.op

    async def send(self, t: str, **fields: Any) -> None:
        self._tell({"t": "cursors", "c": [[self.n, fields["x"], fields["y"]], [99]]})

    async def any(self) -> dict[str, Any]:
        return await self.inbox.get()


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Record:
    monkeypatch.setenv("FLYLAB_BUILD", str(tmp_path))
    return Record("05-latency", target="local", seed=1)


WAYS = {(a, b): ms for a, b, ms in (("ams", "iad", 40.0), ("iad", "ams", 40.0), ("ams", "nrt", 120.0))}


@pytest.fixture
async def talk(record: Record) -> AsyncIterator[latency.Talk]:
    room: list[Any] = []
    room += [Guest(n, room) for n in range(3)]
    talk = latency.Talk(record, ["ams", "iad", "nrt"], room, WAYS)
    talk._listening += [asyncio.ensure_future(talk.listen(place)) for place in range(3)]
    yield talk
    for listening in talk._listening:
        listening.cancel()
    await asyncio.gather(*talk._listening, return_exceptions=True)


async def test_every_edit_is_timed_until_each_other_member_sees_it(talk: latency.Talk, record: Record) -> None:
    await latency.edits(talk, 3)
    for kind in (latency.LINE, latency.MOVE):
        found = record.of(kind)
        assert sorted(each.where for each in found) == [
            "ams→iad",
            "ams→nrt",
            "iad→ams",
            "iad→nrt",
            "nrt→ams",
            "nrt→iad",
        ]
        assert all(each.ok and each.finished >= each.sent >= each.scheduled for each in found)
        assert {each.where: felt.way(each) for each in found}["ams→nrt"] == 120.0
        assert [each.detail["part"] for each in found] == ["edits"] * 6


async def test_a_later_position_stands_for_earlier_ones_and_a_line_for_itself(
    talk: latency.Talk, record: Record
) -> None:
    talk.visits[1].deaf = talk.visits[2].deaf = True  # type: ignore[attr-defined]
    now = record.now()
    await talk.act(latency.MOVE, [now] * 4)  # the first and the last by the first member
    await talk.act(latency.LINE, [now] * 4)
    talk.heard(1, {"t": "cursors", "c": [[0, 4, 0]]})
    talk.heard(1, {"t": "said", "client": talk.visits[0].person.client, "op": 2})
    talk.heard(1, {"t": "said", "client": "a stranger", "op": 1})
    seen = [each.what for each in record.samples if each.where == "ams→iad"]
    assert seen == [latency.MOVE, latency.MOVE, latency.LINE]


async def test_what_nobody_sees_is_a_failure_and_is_kept(talk: latency.Talk, record: Record) -> None:
    talk.visits[2].deaf = True  # type: ignore[attr-defined]
    await talk.act(latency.LINE, [record.now()])
    await talk.settled(within=0.05)
    assert {each.where: each.outcome for each in record.samples} == {"ams→iad": "ok", "ams→nrt": "not seen"}
    await talk.settled()  # nothing is waited for any more


async def test_a_lost_connection_is_told(talk: latency.Talk, record: Record) -> None:
    async def lost() -> None:
        raise ConnectionError("gone")

    talk.visits[2].deaf = True  # type: ignore[attr-defined]
    talk._listening.append(asyncio.ensure_future(lost()))
    await talk.act(latency.LINE, [record.now()])
    with pytest.raises(ConnectionError, match="gone"):
        await talk.settled()


def test_a_load_changes_its_rate_from_turn_to_turn() -> None:
    first, *rest = latency.schedule([0, 100, 0, 400])
    begin = latency.LEAD + latency.TURN
    assert first == 0
    assert [moment for moment in rest if moment < begin + latency.TURN] == pytest.approx(
        [begin + count / 100 for count in range(35)]
    )
    assert len(rest) == 35 + 140
    assert rest == sorted(rest)
    assert min(moment for moment in rest[35:]) == pytest.approx(begin + 2 * latency.TURN)


def line(where: str, ms: float, way: float = 40.0, **detail: object) -> Sample:
    return Sample(
        what="line", where=where, scheduled=1.0, sent=1.0, finished=1.0 + ms / 1000, detail={latency.WAY: way, **detail}
    )


def test_the_configured_way_is_no_part_of_ours(record: Record) -> None:
    record.samples += [line("ams→nrt", 125.0, 120.0, part="edits"), line("ams→iad", 43.0, part="edits")]
    record.samples += [line("ams→iad", 99.0, variant="x"), Sample(**{**line_as(line("a→b", 9.0)), "what": "move"})]
    pairs, shown, last = felt.parts(felt.undisturbed(record, "line"))
    assert pairs == ["ams→iad", "ams→nrt"]
    assert shown["half of both round trips"] == ("configured", [40.0, 120.0])
    assert shown["our part"][1] == pytest.approx([3.0, 5.0])
    assert last == (120.0, pytest.approx(5.0))
    with pytest.raises(UsageError, match="nobody saw"):
        felt.parts([])


def line_as(sample: Sample) -> dict[str, Any]:
    return {**sample.to_json(), "detail": {"part": "edits"}}


def test_ours_of_every_edit(record: Record) -> None:
    record.samples += [line("ams→iad", 40 + ms, part="edits") for ms in (1.0, 2.0, 3.0)]
    record.samples.append(Sample(**{**line_as(line("ams→iad", 9.0)), "what": "move"}))
    middle, rows = felt.own(record)
    assert middle.value == pytest.approx(0.002)
    assert [row["ms"] for row in rows] == pytest.approx([1.0, 2.0, 3.0, 9.0])
    assert ecdf(rows, basis("measured", unit="ms"))


def test_what_a_load_adds_is_taken_within_rounds(record: Record) -> None:
    adds = {latency.ALONE: 0.0, latency.AGAIN: 0.1, latency.busy(100): 2.0, latency.WAKES: 7.0}
    for number in range(6):
        for name, ms in adds.items():
            # The drift of the rounds is larger than any effect, and cancels out.
            record.samples += [line("ams→iad", 45 + ms + 10 * number, **{VARIANT: name, ROUND: number})] * 3
    found, floor = felt.compared(record, [100])
    assert {name: round(1000 * each.difference, 3) for name, each in found.items()} == {
        latency.busy(100): 2.0,
        latency.WAKES: 7.0,
    }
    assert found[latency.WAKES].rounds == 6
    assert floor.effect == pytest.approx(0.0001)
    assert felt.told(found[latency.busy(100)], 5.0) is True
    assert felt.told(found[latency.WAKES], 5.0) is False
    assert effects(found, basis("measured", unit="ms"), floor=floor)


def test_an_effect_that_may_lie_on_either_side_of_a_bound_decides_nothing(record: Record) -> None:
    for number, ms in enumerate((0.0, 9.0, 2.0, 7.0, 1.0, 8.0)):
        record.samples += [line("a→b", 45, **{VARIANT: name, ROUND: number}) for name in (latency.ALONE, latency.AGAIN)]
        record.samples += [line("a→b", 45 + ms, **{VARIANT: latency.WAKES, ROUND: number})]
    found, _ = felt.compared(record, [])
    assert felt.told(found[latency.WAKES], 5.0) is None


def test_both_loops_have_a_p99(record: Record) -> None:
    for name, slow in ((CLOSED, 1), (OPEN, 20)):
        values = [10.0] * (200 - slow) + [300.0] * slow
        record.samples += [Sample(**{**line_as(line("x", ms)), "what": f"{name} loop"}) for ms in values]
    p99, rows = felt.loops(record)
    assert p99 == {CLOSED: pytest.approx(0.01), OPEN: pytest.approx(0.3)}
    assert len(rows) == 400


def test_off_is_from_what_was_configured_or_else_published() -> None:
    trips = [
        Sample(what="rtt", where=f"ams→{b}", scheduled=0, sent=0, finished=s)
        for b, s in (("ams", 0.002), ("iad", 0.09), ("nrt", 0.252))
    ]
    known = {
        ("ams", "ams"): Known(configured=1.0),
        ("ams", "iad"): Known(configured=85.0, published=80.0),
        ("ams", "nrt"): Known(configured=245.0, published=240.0),
    }
    assert felt.off(matrix(trips, known, {"ams": 1.0})) == pytest.approx(4.0)
    known = {pair: Known(published=each.published) for pair, each in known.items()}
    assert felt.off(matrix(trips, known, {"ams": 1.0})) == pytest.approx(9.0)


def test_how_wrong_estimates_are_is_computed() -> None:
    count, near, far, table = felt.estimated()
    assert count.startswith("estimated: ")
    assert "4,000 km" in near
    assert "4,000 km" in far
    assert "n = " in table


def test_a_near_room_catches_up_with_a_far_one() -> None:
    assert felt.catches_up(1400.0, 1.0, 71.0) == 20.0
    assert felt.catches_up(1400.0, 1.0, 1.0) == math.inf
    starts, way = {"started": 1400.0}, rtt()
    lines = felt.waited("ams", ["iad"], starts)
    near, far = (
        {row["trips"]: row["s"] for row in lines if row["offer"] == name} for name in ("ams (started)", "iad (awake)")
    )
    (meet,) = felt.crossings("ams", ["iad"], starts)
    assert meet["trips"] == pytest.approx(1400 / (way("ams", "iad") - way("ams", "ams")))
    assert near[10] > far[10]
    assert near[30] < far[30]
    assert felt.first([meet]).startswith(f"After {meet['trips']:.0f} round trips")
    assert felt.first([]) == "No two lines cross within 300 round trips"
    assert felt.crossings("ams", ["ams"], starts) == []
    made = cost_curves(lines, basis("simulated", unit="s"), load="trips", value="s", y="seconds", break_evens=[meet])
    assert "seconds" in [note.text for note in made.plot.layout.annotations]


def test_the_nearer_the_other_room_the_longer_it_takes() -> None:
    rows = felt.by_distance("ams", 1400.0, 500.0)
    assert [row["ms"] for row in rows] == sorted(row["ms"] for row in rows)
    assert rows[0]["name"].startswith("lhr")
    assert all(0 < row["low"] < row["value"] for row in rows)
    assert not {"ams"} & {row["name"][:3] for row in rows}
    assert comparison(rows, basis("simulated", unit="round trips"), log=True)

"""``flylab rtt`` on a platform of its own: what was configured comes out again, is stored, and shown beside others."""

import asyncio
import json
from itertools import product

import pytest

from flylab.errors import UsageError
from flylab.kit.rtt import CONFIGURED, figure_rows, main, prepare, published, read, read_regions, shown, with_configured
from flylab.measure import runs
from flylab.measure.rtt import WHAT, Entrance, where
from flylab.measure.sample import Sample
from flylab.published import network
from flylab.wire.machine import Machine, MachineConfig

REGIONS = ("ams", "iad", "nrt")


def samples(extra: dict[str, float] | None = None) -> list[Sample]:
    """One trip for each pair, exactly as configured and 2 ms dearer, plus what ``extra`` says."""
    table = network.rtt()
    return [
        Sample(
            what=WHAT,
            where=where(a, b),
            scheduled=0,
            sent=0,
            finished=(table(a, b) + 2 + (extra or {}).get(b, 0)) / 1000,
        )
        for a, b in product(REGIONS, REGIONS)
    ]


TABLE = {(a, b): network.rtt()(a, b) for a, b in product(REGIONS, REGIONS)}


def test_three_regions_end_to_end(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FLYLAB_BUILD", str(tmp_path))
    monkeypatch.delenv("FLYLAB_URL", raising=False)
    assert main(["--regions", ",".join(REGIONS), "--n", "2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    cells = {(cell["from"], cell["to"]): cell for cell in told["cells"]}
    assert set(cells) == set(TABLE)
    for pair, cell in cells.items():
        assert cell["configured_ms"] == TABLE[pair]
        assert cell["raw_ms"] >= TABLE[pair]  # a delay is never shorter than it was configured
        assert cell["ms"] == pytest.approx(cell["raw_ms"] - told["cost_ms"])
        assert cell["low_ms"] <= cell["ms"] <= cell["high_ms"]
        assert (cell["n"], cell["failed"]) == (2, 0)
    run, kept = runs.load(tmp_path / "data" / f"{told['run']}.json")
    assert (run.target, run.n, run.settings) == ("local", 18, {"regions": "ams,iad,nrt", "n": 2})
    assert [cell["ms"] for cell in told["cells"]] == [cell.observed for cell in read(kept).cells]


def test_the_matrix_is_shown_with_the_farthest_pairs():
    found = read(with_configured(samples({"nrt": 30.0}), TABLE))
    text = "\n".join(shown(found))
    assert "9 pairs, 9 trips, 0 failed. Taken off each: 2.00 ms" in text
    first = next(line for line in shown(found) if "off by" in line)
    assert "→nrt" in first
    assert "off by +30.0" in first
    assert "published 163.5 (140.5 to 170.8)" in text


def test_where_nothing_is_configured_the_published_values_are_what_is_compared():
    text = "\n".join(shown(read(samples({"iad": -5.0}))))
    assert "Farthest from what is published:" in text
    assert "off by -5.0" in text
    assert "configured" not in text


def test_rows_for_the_heat_map_say_that_they_were_measured():
    rows = figure_rows(read(with_configured(samples(), TABLE)))
    assert {(row["from"], row["to"]): row[CONFIGURED] for row in rows} == TABLE
    assert {row["provenance"] for row in rows} == {"measured"}
    assert all(row["ms"] == pytest.approx(row[CONFIGURED]) for row in rows)


def test_a_pair_that_nobody_published_is_marked_as_an_estimate(monkeypatch):
    assert not published("ams", "iad").estimated
    monkeypatch.setattr(network, "published_pairs", lambda: ())
    guess = published("ams", "iad")
    assert guess.estimated
    assert guess.low < 84.1 < guess.high
    assert guess.published == pytest.approx(network.estimate_ms(6208), rel=0.01)
    assert published("ams", "xyz").published is None


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--regions", "ams,amd"], "no published region 'amd'; the nearest are"),
        (["--n", "0"], "--n is 0; it is a number of trips from 1 to 1000"),
        (["--n", "1001"], "--n is 1001"),
        (["--at-once", "-1"], "--at-once is -1"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_starts(arguments, says):
    with pytest.raises(UsageError, match=says):
        main(arguments)


def test_regions_are_each_taken_once_and_none_are_named_by_nothing():
    assert read_regions("iad, ams,iad") == ("iad", "ams")
    assert read_regions("") == ()
    assert read_regions("bom") == ("bom",)


class FlyLab:
    """As much of a chapter's hold on Fly as the probe needs: it notes in which regions machines are made."""

    target = "fly"

    def __init__(self) -> None:
        self.api = self
        self.made: list[str] = []

    async def create_app(self, what: str) -> str:
        return f"crtt-{what}-123456"

    async def create_machine(self, app: str, config: MachineConfig, *, region: str) -> Machine:
        self.made.append(region)
        return Machine.from_json({"id": region, "state": "started", "region": region, "config": config.to_json()})

    async def wait(self, app: str, machine_id: str, state: str) -> None:
        assert state == "started"

    async def machine(self, app: str, machine_id: str) -> Machine:
        return Machine.from_json({"id": machine_id, "state": "started"})


@pytest.mark.parametrize(("edge", "made"), [("iad", ["ams", "iad"]), ("fra", ["ams", "iad", "fra"])])
def test_on_fly_one_edge_is_asked_and_a_machine_beside_it_is_made_if_there_is_none(monkeypatch, edge, made):
    async def led_to(entrance: Entrance) -> str:
        return edge

    monkeypatch.setattr("flylab.kit.rtt.here", led_to)
    lab = FlyLab()
    entrances = asyncio.run(prepare(lab, ["ams", "iad"]))
    name = "crtt-probe-123456.fly.dev"
    assert entrances == {edge: Entrance(host=name, port=443, name=name, tls=True)}
    assert lab.made == made

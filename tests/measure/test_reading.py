"""What is written as a load is read by name and type; what is none is refused in words that say where."""

import json

import pytest

from flylab.errors import ParseError, UsageError
from flylab.measure import runs
from flylab.measure.reading import from_json, mixes, read
from flylab.measure.sample import Sample

GET = {"do": "get"}
GIVEN = {"target": "http://x:1", "arrivals": {"kind": "constant", "rate": 5, "seconds": 2}, "mix": [GET]}


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "the plan is an object"),
        ([], "the plan is an object"),
        ({}, "the plan needs 'target'"),
        (GIVEN | {"sed": 1}, "cannot read load 'sed': the plan has no such field; it has target, arrivals"),
        (GIVEN | {"mix": 3}, "'mix' is a list of deeds, or one of chat, draw, cursors, join, meeting"),
        (GIVEN | {"mix": [GET, 3]}, r"cannot read load 3: mix\[1\] is an object"),
        (GIVEN | {"mix": [{"fly": 1}]}, r"'fly': mix\[0\] has no such field"),
        (GIVEN | {"mix": [{}]}, r"mix\[0\] needs 'do'"),
        (GIVEN | {"mix": [GET | {"weight": "x"}]}, r"'x': mix\[0\]: 'weight' is a number"),
        (GIVEN | {"mix": [GET | {"weight": True}]}, "is a number"),
        (GIVEN | {"mix": [GET | {"size": 1.5}]}, "is a whole number"),
        (GIVEN | {"mix": [GET | {"path": 1}]}, "is a text"),
        (GIVEN | {"mix": [GET | {"headers": {"x": 1}}]}, "is an object of texts"),
        (GIVEN | {"rooms": {"count": "3"}}, "rooms: 'count' is a whole number"),
        (GIVEN | {"rooms": []}, "rooms is an object"),
        (GIVEN | {"arrivals": 3}, "'arrivals' is an object"),
        (GIVEN | {"closed": None}, "the plan: 'closed' is a whole number"),
    ],
)
def test_what_is_no_plan_is_refused_by_the_place(value, why):
    with pytest.raises(ParseError, match=why):
        from_json(value)


def test_a_mix_has_a_name_or_is_written_out():
    for name, deeds in mixes().items():
        assert from_json(GIVEN | {"mix": name}) == from_json(GIVEN | {"mix": deeds})
    with pytest.raises(UsageError, match="chat, draw, cursors, join, meeting, and not 'noise'"):
        from_json(GIVEN | {"mix": "noise"})


def test_recorded_arrivals_are_read_from_a_list_or_from_a_stored_run(tmp_path):
    def arrivals(name, **more):
        plan = GIVEN | {"arrivals": {"kind": "recorded", "file": name, **more}}
        (tmp_path / "plan.json").write_text(json.dumps(plan))
        return list(read(tmp_path / "plan.json").moments())

    (tmp_path / "seen.json").write_text("[3, 3.5, 5]")
    assert arrivals("seen.json", speed=2) == [0, 0.25, 1]
    seen = [Sample(what="x", where="y", scheduled=due, sent=due, finished=due) for due in (7.0, 6.0, 9.0)]
    run = runs.begin("seen", target="x", seed=0, project=tmp_path)
    record = runs.save(run, seen, tmp_path / "data")
    assert arrivals(f"data/{record.name}") == [0, 1, 3]
    with pytest.raises(UsageError, match="not both"):
        arrivals("seen.json", moments=[1])
    for name, text in (("bad.json", "{}"), ("worse.json", "{"), ("none.json", None)):
        if text is not None:
            (tmp_path / name).write_text(text)
        with pytest.raises(ParseError, match=name):
            arrivals(name)
    with pytest.raises(UsageError, match="cannot be read from 3"):
        arrivals(3)
    with pytest.raises(UsageError, match=r"'seen\.json'"):  # no folder is known where it could be
        from_json(GIVEN | {"arrivals": {"kind": "recorded", "file": "seen.json"}})


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "\xff", '{"a": 1e999}'])
def test_a_file_that_is_no_plan_is_refused(text, tmp_path):
    path = tmp_path / "plan.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(ParseError, match="load"):
        read(path)


def test_what_was_stored_with_a_run_is_a_plan_again():
    plan = from_json(GIVEN | {"mix": "meeting", "rooms": {"count": 3}})
    assert from_json(json.loads(json.dumps(plan.to_json()))) == plan

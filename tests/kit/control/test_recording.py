"""A recording is what happened: it is saved small, read again, and refused when it is none."""

import json
from pathlib import Path

import pytest

from flylab.errors import UsageError
from flylab.kit.control.feed import Feed
from flylab.kit.control.picture import Picture
from flylab.kit.control.recording import LARGEST, MOST_FRAMES, Recording
from flylab.kit.control.thinning import gather, merge
from tests.kit.control.fake_platform import fake_platform
from tests.kit.control.told import event, exchange, hop, listed
from tests.support import until

REGIONS = ["ams", "nrt", "iad", "syd"]


def busy(seconds: int, *, machines: int = 40, rate: int = 20) -> Recording:
    """So many seconds of a platform on which something happens all the time, ten frames each."""
    picture = Picture()
    picture.world({"regions": REGIONS, "edges": REGIONS})
    picture.listed([listed(f"m{number}", region=REGIONS[number % 4]) for number in range(machines)])
    recording = Recording(began=1000.0)
    recording.hear(picture.whole(1000.0))
    picture.take(1000.0)
    for tenth in range(10 * seconds):
        for number in range(rate):
            edge, region = REGIONS[(tenth + number) % 4], REGIONS[number % 4]
            hops = [hop(region, f"m{number}"), hop(edge, f"m{number + 1}", cause="replay")]
            picture.exchange(exchange(f"x{tenth}-{number}", edge=edge, hops=hops))
        picture.machine(event(f"m{tenth % machines}", ("started", "stopped")[tenth // machines % 2]))
        recording.hear(picture.take(1000.1 + tenth / 10))
    return recording


async def test_it_begins_with_everything_and_ends_when_told() -> None:
    async with fake_platform("ams", machines=[listed()]) as platform, Feed(platform.lab) as feed:
        recording = feed.record()
        feed.say({"title": "Tokyo wakes", "text": "A visitor.", "step": 1, "of": 5})
        platform.tell("events", event(state="stopped"))
        await until(lambda: any(frame["batch"]["machines"] for frame in recording.frames[1:]))
        assert recording.end() is recording
        assert feed.recordings == []
        frames = len(recording.frames)
        platform.tell("events", event())
        await feed.until(lambda picture: picture.machines["m1"]["state"] == "started")
    assert recording.frames[0]["batch"]["machines"][0]["state"] == "started"
    assert (recording.captions[0]["title"], recording.captions[0]["of"]) == ("Tokyo wakes", 5)
    assert len(recording.frames) == frames


@pytest.mark.parametrize(("seconds", "machines", "rate"), [(1, 1, 1), (60, 40, 20), (30, 500, 20)])
def test_what_is_saved_is_small_and_tells_how_it_ended(tmp_path: Path, seconds: int, machines: int, rate: int) -> None:
    recording = busy(seconds, machines=machines, rate=rate)
    path = recording.save(tmp_path / "data" / "control-room.json")
    assert path.stat().st_size <= LARGEST
    told = json.loads(path.read_text())
    assert set(told["scene"]["places"]) == set(REGIONS)
    assert "configured inputs" in told["about"]

    def state(frames: list[dict[str, object]]) -> dict[str, str]:
        known: dict[str, str] = {}
        for frame in frames:
            batch: dict[str, list[dict[str, str]]] = frame["batch"]  # type: ignore[assignment]
            known.update({machine["id"]: machine["state"] for machine in batch.get("machines", [])})
        return known

    assert state(told["frames"]) == state(recording.frames)


def test_it_is_read_as_it_was_saved(tmp_path: Path) -> None:
    recording = busy(2)
    recording.say({"title": "One", "text": "Words.", "step": 1, "of": 1})
    again = Recording.load(recording.save(tmp_path / "one.json"))
    assert again.captions == recording.captions
    assert again.save(tmp_path / "two.json").read_bytes() == (tmp_path / "one.json").read_bytes()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "no recording"),
        ("[]", "version 1 is expected"),
        ('{"version": 2}', "version 1 is expected"),
        ('{"version": 1, "captions": []}', "no frames"),
        ('{"version": 1, "captions": [], "frames": [{}]}', "a frame has no time"),
        ('{"version": 1, "captions": [], "frames": [{"at": 2}]}', "the frame at 2 s has no batch"),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=why):
        Recording.load(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no recording at"):
        Recording.load(tmp_path / "none.json")


def test_what_cannot_be_made_small_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot be made as small as 12,000 bytes"):
        busy(5, machines=200).to_json(most=12_000)


def test_a_long_one_is_kept_coarser() -> None:
    recording = Recording(began=0.0)
    batch = {"platform": "live", "machines": [], "gone": [], "arcs": [], "exchanges": [], "gauges": {}, "faults": []}
    for number in range(3 * MOST_FRAMES):
        recording.hear({**batch, "at": number / 10})
    assert len(recording.frames) <= MOST_FRAMES
    assert recording.seconds > 0.9 * 3 * MOST_FRAMES / 10


def test_two_batches_as_one_say_what_both_said() -> None:
    def batch(machines: dict[str, str], gone: list[str], ways: list[tuple[str, str]]) -> dict[str, object]:
        told = [{"id": key, "state": state} for key, state in machines.items()]
        arcs = [{"kind": "serve", "from": a, "to": b, "n": 1} for a, b in ways]
        return {"at": 1.0, "machines": told, "gone": gone, "arcs": arcs, "exchanges": [], "gauges": {}}

    one = batch({"a": "started", "b": "started"}, ["c"], [("ams", "nrt")])
    other = batch({"a": "stopped", "c": "created"}, ["b"], [("ams", "nrt"), ("ams", "ams")])
    both = merge(one, other)
    assert {machine["id"]: machine["state"] for machine in both["machines"]} == {"a": "stopped", "c": "created"}
    assert both["gone"] == ["b"]
    assert [(arc["to"], arc["n"]) for arc in both["arcs"]] == [("nrt", 2), ("ams", 1)]


def test_a_whole_picture_is_never_merged_into_another_frame() -> None:
    frames = busy(1).frames
    assert gather(frames, 100.0)[0] is frames[0]
    assert len(gather(frames, 100.0)) == 2

"""What the widget sends to pages and makes of what they say; how it draws is tested in the browser."""

from typing import Any

import pytest

from flylab.errors import UsageError
from flylab.kit.control.feed import Feed
from flylab.kit.control.recording import Recording
from flylab.kit.control.view import AHEAD, World
from tests.kit.control.fake_platform import FakePlatform
from tests.kit.control.told import exchange, listed


class Seen(World):
    """A world whose messages can be looked at."""

    def __init__(self, source: Feed | Recording) -> None:
        self.sent: list[dict[str, Any]] = []
        super().__init__(source)

    def send(self, content: dict[str, Any], buffers: Any = None) -> None:
        self.sent.append(content)

    def say(self, **content: Any) -> None:
        self._message(self, content, [])


def quiet_feed() -> Feed:
    feed = Feed(FakePlatform(["ams"]).lab)
    feed.picture.world({"regions": ["ams"], "edges": ["ams"]})
    feed.picture.listed([listed()])
    return feed


def give(feed: Feed, times: int = 1) -> None:
    for _ in range(times):
        feed._give(feed.picture.take(1001.0))


def test_nothing_is_sent_before_a_page_begins_and_then_everything() -> None:
    feed = quiet_feed()
    world = Seen(feed)
    give(feed, 3)
    assert world.sent == []
    world.say(t="hello", view="a")
    (first,) = world.sent
    assert (first["for"], first["batch"]["whole"], len(first["batch"]["machines"])) == ("a", True, 1)
    feed.picture.exchange(exchange())
    give(feed)
    assert len(world.sent[1]["batch"]["arcs"]) == 1


def test_a_second_page_gets_everything_and_the_first_one_is_left_alone() -> None:
    feed = quiet_feed()
    world = Seen(feed)
    world.say(t="hello", view="a")
    world.say(t="hello", view="b")
    assert [message["for"] for message in world.sent] == ["a", "b"]


def test_a_page_that_falls_behind_is_waited_for_and_then_told_everything() -> None:
    feed = quiet_feed()
    world = Seen(feed)
    world.say(t="hello", view="a")
    give(feed, 10 * AHEAD)
    assert len(world.sent) == 1 + AHEAD
    world.say(t="seen", n=world.sent[-1]["n"])
    assert (world.sent[-1]["batch"]["whole"], world.sent[-1]["for"]) == (True, "")
    before = len(world.sent)
    give(feed)
    assert len(world.sent) == before + 1


def test_who_listens_hears_each_choice_once() -> None:
    world, chosen = Seen(quiet_feed()), list[str]()
    world.on_pick(chosen.append)
    world.say(t="pick", region="ams")
    world.say(t="pick", region="ams", machine="m1")
    world.say(t="pick", region="")
    assert chosen == ["ams", "m1", ""]


@pytest.mark.parametrize("content", [None, "hello", {}, {"t": "seen"}, {"t": "seen", "n": "x"}, {"t": 1}])
def test_what_no_page_of_ours_says_is_passed_over(content: Any) -> None:
    world = Seen(quiet_feed())
    world._message(world, content, [])
    assert world.sent == []


def test_a_closed_world_hears_nothing() -> None:
    feed = quiet_feed()
    world = Seen(feed)
    world.say(t="hello", view="a")
    world.close()
    world.close()
    give(feed)
    assert len(world.sent) == 1


def test_a_caption_goes_to_pages_and_recordings_and_is_checked() -> None:
    feed = quiet_feed()
    world, recording = Seen(feed), feed.record()
    world.caption = {"title": "Tokyo wakes", "text": "Words.", "step": 1, "of": 6}
    assert recording.captions[0]["title"] == "Tokyo wakes"
    with pytest.raises(UsageError, match="a caption has no 'titel'"):
        world.caption = {"titel": "x"}
    with pytest.raises(UsageError, match="the step of a caption is 'one': int is expected"):
        world.caption = {"step": "one"}
    assert world.caption["step"] == 1


def test_without_a_kernel_it_is_a_map_with_words() -> None:
    feed = quiet_feed()
    recording = feed.record()
    recording.say({"title": "A <b>", "text": "Words."})
    for world in (World(feed), World(recording.end())):
        bundle = world._repr_mimebundle_()
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        assert "application/vnd.jupyter.widget-view+json" in data
        assert "1 in Amsterdam" in data["text/html"]
    assert "<strong>A &lt;b&gt;.</strong> Words." in data["text/html"]
    assert "<script" not in data["text/html"]


async def test_when_the_feed_stops_pages_are_told_so() -> None:
    from tests.kit.control.fake_platform import fake_platform

    async with fake_platform("ams") as platform:
        feed = await Feed(platform.lab).start()
        world = Seen(feed)
        world.say(t="hello", view="a")
        await feed.stop()
        await feed.stop()
    assert world.sent[-1]["batch"]["platform"] == "ended"

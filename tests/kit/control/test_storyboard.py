"""A story is played, paused, gone on with and played again; whatever ends it early is said in a sentence."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from flylab.errors import FlylabError
from flylab.kit.control.storyboard import Halted, Now, Phase, Step, Storyboard, Unmet
from tests.support import until


class Stage:
    """As much of a stage as a story needs: it may end, and is set up anew."""

    def __init__(self) -> None:
        self.gone = False
        self.resets = 0
        self.did: list[str] = []

    async def reset(self) -> None:
        self.gone = False
        self.resets += 1
        self.did.clear()


def step(name: str, *, do: Callable[[Any], Any] | None = None, seen: str = "", seconds: float = 5.0) -> Step:
    async def act(stage: Any) -> None:
        stage.did.append(name)
        if do is not None:
            await do(stage)

    async def expect(stage: Any) -> str:
        return seen or f"{name} is so."

    return Step(title=name.title(), text=f"What {name} means.", do=act, expect=expect, seconds=seconds)


def story(*steps: Step, dwell: float = 0.0) -> tuple[Storyboard, Stage, list[Now]]:
    stage, said = Stage(), list[Now]()
    board = Storyboard(stage, steps, title="A story", dwell=dwell)  # type: ignore[arg-type]
    board.listen(said.append)
    return board, stage, said


async def test_it_plays_to_the_end_and_says_where_it_is() -> None:
    board, stage, said = story(step("one"), step("two"))
    assert board.now.caption == {"title": "A story", "text": "Press Play.", "step": 0, "of": 2}
    outcomes = await board.play()
    assert [outcome.seen for outcome in outcomes] == ["one is so.", "two is so."]
    assert stage.did == ["one", "two"]
    assert [(now.phase, now.number, now.seen) for now in said] == [
        (Phase.PLAYING, 1, ""),
        (Phase.PLAYING, 1, "one is so."),
        (Phase.PLAYING, 2, ""),
        (Phase.PLAYING, 2, "two is so."),
        (Phase.DONE, 2, "two is so."),
    ]
    assert board.now.caption == {"title": "Two", "text": "What two means. two is so.", "step": 2, "of": 2}
    assert len(await board.play()) == 2
    assert stage.resets == 2


async def test_it_goes_step_by_step_and_on_from_there() -> None:
    board, stage, _ = story(step("one"), step("two"), step("three"))
    assert len(await board.next()) == 1
    assert board.phase is Phase.PAUSED
    assert len(await board.next()) == 2
    assert len(await board.play()) == 3
    assert (board.phase, stage.did, stage.resets) == (Phase.DONE, ["one", "two", "three"], 1)
    assert len(await board.next()) == 1
    assert stage.resets == 2


async def test_a_pause_comes_after_the_step_and_ends_its_dwelling() -> None:
    board, stage, _ = story(step("one"), step("two"), dwell=3600.0)
    playing = asyncio.ensure_future(board.play())
    await until(lambda: board.outcomes)
    board.pause()
    assert len(await asyncio.wait_for(playing, 5)) == 1
    assert board.phase is Phase.PAUSED
    await asyncio.wait_for(board.next(), 5)
    assert stage.did == ["one", "two"]


async def test_it_is_not_played_twice_at_once() -> None:
    board, _, _ = story(step("one", do=lambda _: asyncio.sleep(3600)), step("two"))
    playing = asyncio.ensure_future(board.play())
    await asyncio.sleep(0)
    for again in (board.play, board.next, board.again):
        with pytest.raises(Halted, match="is playing already"):
            await again()
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
    assert (board.phase, board.now.text) == (Phase.PAUSED, "It was interrupted.")


async def fail(_: Any) -> None:
    raise FlylabError("the room is on the moon")


async def crash(_: Any) -> None:
    raise TimeoutError


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (step("two", do=fail), "ended early: the room is on the moon. Press Again to play from the beginning."),
        (step("two", do=crash), "ended early: TimeoutError. Press Again"),
        (
            step("two", do=lambda _: asyncio.sleep(3600), seconds=0.05),
            "ended early: it did not come about within 0.05 s.",
        ),
    ],
)
async def test_what_goes_wrong_is_said_with_the_step_and_can_be_played_again(bad: Step, why: str) -> None:
    board, stage, said = story(step("one"), bad)
    with pytest.raises(Halted, match=f"Step 2 of 2, “Two”, .*{why}"):
        await board.play()
    assert said[-1].phase is Phase.FAILED
    assert why in str(said[-1].caption["text"])
    with pytest.raises(Halted):
        await board.again()
    assert stage.resets == 2


async def test_a_platform_that_ends_in_the_middle_ends_the_step_that_waits_for_it() -> None:
    async def wait(stage: Any) -> None:
        if stage.resets == 1:
            stage.gone = True
            await asyncio.sleep(3600)

    board, stage, said = story(step("one"), step("two", do=wait), step("three"))
    with pytest.raises(Halted, match=r"“Two”, ended early: the platform has ended\. Press Again to start another"):
        await board.play()
    assert said[-1].phase is Phase.FAILED
    assert len(await board.again()) == 3  # its first step sets up another one
    assert stage.resets == 2


async def test_what_should_have_come_of_a_step_and_did_not_is_named() -> None:
    async def unmet(_: Any) -> str:
        raise Unmet("of 7 shapes 2 are lost")

    async def nothing(_: Any) -> None: ...

    board, _, _ = story(Step(title="Look", text="", do=nothing, expect=unmet))
    with pytest.raises(Halted, match="of 7 shapes 2 are lost"):
        await board.play()

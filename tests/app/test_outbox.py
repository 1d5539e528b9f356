"""What waits for one member is bounded, in order, and ends once."""

import asyncio

import pytest

from app.outbox import Close, Outbox
from app.protocol import SLOW


class Line:
    """An outbox and what its drop was told."""

    def __init__(self, frames: int = 3, size: int = 100) -> None:
        self.dropped: list[tuple[int, str]] = []
        self.outbox = Outbox(
            most_frames=frames, most_bytes=size, drop=lambda code, reason: self.dropped.append((code, reason))
        )


async def test_frames_come_out_in_order_and_a_taker_waits_for_them() -> None:
    line = Line()
    taker = asyncio.create_task(line.outbox.take())
    await asyncio.sleep(0)
    assert line.outbox.put("a")
    assert line.outbox.put("b")
    assert [await taker, await line.outbox.take()] == ["a", "b"]
    assert line.outbox.held_bytes == 0


@pytest.mark.parametrize("frames", [["a"] * 4, ["x" * 60, "y" * 60]])
async def test_a_member_too_far_behind_is_dropped_once_and_costs_nothing_more(frames: list[str]) -> None:
    line = Line()
    assert [line.outbox.put(frame) for frame in frames][-1] is False
    assert line.outbox.held_bytes == 0
    line.outbox.put("more")
    line.outbox.close(Close(1001, "bye"))
    assert [code for code, _ in line.dropped] == [SLOW]
    close = await line.outbox.take()
    assert isinstance(close, Close)
    assert close.code == SLOW


async def test_a_graceful_close_comes_after_the_last_word() -> None:
    line = Line()
    line.outbox.put("moved")
    line.outbox.close(Close(4001, "moved"))
    line.outbox.put("too late")
    assert await line.outbox.take() == "moved"
    assert await line.outbox.take() == Close(4001, "moved")
    assert await line.outbox.take() == Close(4001, "moved")
    assert line.dropped == []


async def test_moves_are_skipped_while_older_frames_wait() -> None:
    line = Line()
    line.outbox.put_moves("moves 1")
    assert line.outbox.missed_moves is False
    line.outbox.put_moves("moves 2")
    assert line.outbox.missed_moves is True
    assert await line.outbox.take() == "moves 1"

"""The gate in virtual time: never too many at once, never too many a second, first come, first served."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from app.gate import Gate
from tests.app.stores import run_virtually


async def pass_through(gate: Gate, stay: Callable[[], Awaitable[None]], began: list[tuple[int, float]], n: int) -> None:
    async with gate:
        began.append((n, asyncio.get_running_loop().time()))
        await stay()


def test_no_more_than_so_many_at_once_and_in_order() -> None:
    async def main() -> None:
        gate, inside, most = Gate(3, per_second=1e6), 0, 0
        began: list[tuple[int, float]] = []

        async def stay() -> None:
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(1)
            inside -= 1

        await asyncio.gather(*(pass_through(gate, stay, began, n) for n in range(10)))
        assert most == 3
        assert [n for n, _ in began] == list(range(10))
        assert began[-1][1] - began[0][1] == pytest.approx(3)

    run_virtually(main())


def test_no_more_than_so_many_a_second_after_a_burst() -> None:
    async def main() -> None:
        gate = Gate(100, per_second=10, burst=5)
        began: list[tuple[int, float]] = []
        await asyncio.gather(*(pass_through(gate, lambda: asyncio.sleep(0), began, n) for n in range(25)))
        start = began[0][1]
        assert [at - start for _, at in began[:5]] == [0] * 5
        assert began[-1][1] - start == pytest.approx(2.0, abs=0.01)
        assert [n for n, _ in began] == list(range(25))

    run_virtually(main())


def test_who_gives_up_leaves_no_place_taken() -> None:
    async def main() -> None:
        gate = Gate(1, per_second=1e6)
        began: list[tuple[int, float]] = []

        async def stay() -> None:
            await asyncio.sleep(0)

        async with gate:
            waiting = [asyncio.create_task(pass_through(gate, stay, began, n)) for n in (1, 2, 3)]
            await asyncio.sleep(0)
            waiting[0].cancel()
            await asyncio.sleep(0)
        waiting[1].cancel()  # it has its turn and has not begun
        await asyncio.gather(*waiting, return_exceptions=True)
        assert [n for n, _ in began] == [3]
        async with asyncio.timeout(1), gate:
            pass

    run_virtually(main())


def test_a_place_is_free_again_after_an_error() -> None:
    async def main() -> None:
        gate = Gate(1, per_second=1e6)
        with pytest.raises(KeyError):
            async with gate:
                raise KeyError
        async with asyncio.timeout(1), gate:
            pass

    run_virtually(main())


def test_once_it_is_lifted_only_the_number_at_a_time_counts() -> None:
    async def main() -> None:
        gate, inside, most = Gate(2, per_second=1, burst=1), 0, 0
        began: list[tuple[int, float]] = []

        async def stay() -> None:
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(1)
            inside -= 1

        passing = [asyncio.create_task(pass_through(gate, stay, began, n)) for n in range(21)]
        await asyncio.sleep(0.5)
        assert len(began) == 1
        gate.lift(5)  # those who wait already are let in too
        await asyncio.gather(*passing)
        assert most == 5
        assert [n for n, _ in began] == list(range(21))
        assert began[-1][1] - began[0][1] == pytest.approx(4.5, abs=0.6)

    run_virtually(main())

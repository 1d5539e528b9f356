"""See each peer work: `python benchmarks/peers/check.py [name …]`.

Each is installed and started; three members join a room and a fourth another one; ten chat lines and ten cursor moves
must reach the three, unchanged, once and in order, and not the fourth; then one leaves, and another comes and moves.
What cannot be had here is named and left out.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from roomload.dialect import TEXT, entrance
from roomload.peer import wait_until_open

from flylab.measure.connection import Connection
from peers.dialects import DIALECTS
from peers.servers import PEERS, TITLES, prepare, versions

clock = time.perf_counter
WITHIN = 5.0
HOLD = "--hold"


class Guest:
    """A member that writes down what it hears."""

    def __init__(self, name: str, room: str, port: int) -> None:
        self.dialect = DIALECTS[name]()
        self._room, self._port = room, port
        self._welcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.counted = 0
        self.lines: list[tuple[int, str]] = []
        self.latencies: list[float] = []
        self.cursors: list[tuple[int, int]] = []

    async def enter(self) -> None:
        dialect = self.dialect
        path = await entrance(dialect, self._room, self._port)
        _, self._connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(path, self._port, self._hear, clock=clock), "127.0.0.1", self._port
        )
        await self._connection.opened
        self.write = self._connection.write
        self.write(dialect.hello(binary=False))
        await self._welcome

    def leave(self) -> None:
        self._connection.transport.abort()

    def _hear(self, data: bytes, at: int, end: int, now: float) -> None:
        payload = data[at:end]
        if not self._welcome.done():
            if self.dialect.welcomed(payload) is not None:
                self._welcome.set_result(None)
            return
        self.counted += self.dialect.said(data, at, end)
        for line in self.dialect.lines(payload):
            self.lines.append(line)
            self.latencies.append(now - int(line[1].split()[1]) / 1e6)
        self.cursors += self.dialect.cursors(payload, binary=False)


async def until(done: Callable[[], object], what: str) -> None:
    deadline = clock() + WITHIN
    while not done():
        if clock() > deadline:
            raise AssertionError(f"not within {WITHIN:.0f} seconds: {what}")
        await asyncio.sleep(0.002)


async def look(name: str, port: int, spawned: float) -> str:
    """What was found, for one that works; else AssertionError."""
    first = Guest(name, "cold", port)
    await first.enter()
    first.write(first.dialect.say(1, TEXT % (0, clock() * 1e6)))
    await until(lambda: first.counted, "a first line")
    cold = clock() - spawned
    guests = [Guest(name, "blue", port) for _ in range(3)]
    other = Guest(name, "red", port)
    for guest in [*guests, other]:
        await guest.enter()
    said = []
    for number in range(10):
        said.append((0, TEXT % (number, clock() * 1e6) + ' "é"'))
        guests[number % 3].write(guests[0].dialect.say(number + 1, said[-1][1]))
        await until(lambda: all(len(guest.lines) == len(said) for guest in guests), f"line {number} at all")
    for x in range(10):
        guests[x % 3].write(guests[0].dialect.cursor(x, 40_000 + x % 3, binary=False))
        await asyncio.sleep(0.06)  # longer than Colyseus collects changes
    await until(lambda: all(guest.cursors[-1:] == [(9, 40_000)] for guest in guests), "the last move at all")
    for guest in guests:
        assert guest.lines == said, f"said {said}, heard {guest.lines}"
        assert guest.counted == 10, f"counted {guest.counted} of 10 lines"
        assert guest.cursors == [(x, 40_000 + x % 3) for x in range(10)], f"heard of moves {guest.cursors}"
    guests.pop().leave()
    guests.append(Guest(name, "blue", port))
    await guests[-1].enter()
    guests[-1].write(guests[0].dialect.cursor(32_767, 65_535, binary=False))
    await until(lambda: all(guest.cursors[-1:] == [(32_767, 65_535)] for guest in guests), "a newcomer's move at all")
    assert not other.lines, "another room heard of it"
    assert not other.cursors, "another room heard of it"
    for guest in [first, *guests, other]:
        guest.leave()
    late = sorted(1e3 * latency for guest in guests for latency in guest.latencies)[15]
    return f"first line {1e3 * cold:.0f} ms after its start, a line {late:.1f} ms on its way"


def check(name: str) -> str:
    with PEERS[name].running(0) as (port, pid, spawned):
        wait_until_open(port)
        found = asyncio.run(look(name, port, spawned))
    assert not runs(pid), "it runs on after its end"
    ends_with_us(name)
    return found


def ends_with_us(name: str) -> None:
    """Start it from a process that is then killed."""
    with subprocess.Popen([sys.executable, __file__, HOLD, name], stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        pid = int(holder.stdout.readline())
        holder.kill()
    deadline = clock() + WITHIN
    while runs(pid):
        if clock() > deadline:
            os.kill(pid, signal.SIGKILL)
            raise AssertionError("it outlives the process that started it")
        time.sleep(0.002)


def hold(name: str) -> None:
    with PEERS[name].running(0) as (port, pid, _):
        wait_until_open(port)
        print(pid, flush=True)
        signal.pause()


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def main(names: list[str]) -> int:
    failed = 0
    for name in names or PEERS:
        if why := prepare(name):
            print(why)
            continue
        try:
            found = check(name)
        except (AssertionError, OSError, ValueError, TimeoutError) as error:
            failed += 1
            found = f"FAILED: {error}"
        print(f"{TITLES[name]}, {versions(name)}: {found}")
    return min(failed, 1)


if __name__ == "__main__":
    os.chdir(Path(__file__).parents[1])
    if sys.argv[1:2] == [HOLD]:
        hold(sys.argv[2])
    sys.exit(main(sys.argv[1:]))

"""What the proxies are asked; each load takes one proxy and returns figures. Sizes in bytes, times in seconds.

Rates with 32 connections come from `wrk`, a closed loop, because the most that can be had is asked for. Where latency
is the figure, requests are planned at fixed moments and latency counts from the planned one.
"""

import asyncio
import re
import resource
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from roomload.peer import pinned

from proxies.contenders import OTHER_CORE, Running, started
from proxies.machine import BIG

Figures = dict[str, Any]  # numbers, and `latencies`: all of them
CONNECTIONS = 32
PIPES = 32
IDLE = 10_000  # pipes; each is two open files of the proxy
POST = 100_000
HEAD = (
    b"user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0\r\n"
    b"accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\naccept-language: en-GB,en;q=0.5\r\n"
    b"accept-encoding: gzip, deflate, br, zstd\r\ncookie: session=0123456789abcdef0123456789abcdef\r\n"
    b"sec-fetch-dest: document\r\nsec-fetch-mode: navigate\r\nsec-fetch-site: none\r\n"
)
_DIFFER = """
local n = 0
local each = wrk.headers
function request()
  n = n + 1
  each["Cookie"] = string.format("session=%032d", n)
  return wrk.format(nil, "/?" .. n, each)
end
"""
_POST = 'wrk.method = "POST"\nwrk.body = string.rep("x", {size})\n'
_WS = (
    b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
    b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
FRAME = b"\x82\xa0\x00\x00\x00\x00" + bytes(32)  # binary, masked with zeros


def plain(proxy: Running, seconds: float) -> Figures:
    """A 200-byte JSON answer, the same head from each connection every time."""
    return _wrk(proxy, seconds, "/")


def differing(proxy: Running, seconds: float) -> Figures:
    """The same, with a target and a cookie that no request shares with another."""
    return _wrk(proxy, seconds, "/", _DIFFER)


def traced(proxy: Running, seconds: float) -> Figures:
    """The same as plain, with the trace of every request in its answer."""
    return _wrk(proxy, seconds, "/", headers=("x-flylab-trace: 1",))


def replayed(proxy: Running, seconds: float) -> Figures:
    """One machine answers with a replay, another with the JSON."""
    return _wrk(proxy, seconds, proxy.replay)


def posted(proxy: Running, seconds: float) -> Figures:
    """A body of 100 kB each."""
    return _wrk(proxy, seconds, "/post", _POST.format(size=POST))


def one(proxy: Running, seconds: float) -> Figures:
    """One connection, one request at a time."""
    return _paced(proxy, seconds, "/")


def one_replayed(proxy: Running, seconds: float) -> Figures:
    """One connection, one replayed request at a time."""
    return _paced(proxy, seconds, proxy.replay)


def pipe(proxy: Running, seconds: float) -> Figures:
    """One WebSocket, one message at a time."""
    with _connected(proxy) as sock:
        _upgrade(proxy, sock)
        return _pace(sock, FRAME, len(FRAME), seconds)


def pipes(proxy: Running, seconds: float) -> Figures:
    """As many messages as go through 32 WebSockets, each sent back before the next."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        cpu = proxy.cpu()
        count = runner.run(_echo(proxy, seconds))
        return _rate(proxy, count, seconds, cpu)


def down(proxy: Running, seconds: float) -> Figures:
    """An answer of 100 MB, after a first one that is not counted."""
    return _body(proxy, _download)


def up(proxy: Running, seconds: float) -> Figures:
    """A request body of 100 MB, after a first one that is not counted."""
    return _body(proxy, _upload)


def idle(proxy: Running, seconds: float) -> Figures:
    """What a WebSocket costs that says nothing, in a process of its own, which has held nothing before."""
    with started([proxy.name]) as alone:
        return _idle(alone[proxy.name])


def _idle(proxy: Running) -> Figures:
    # The hard limit of open files may leave room for fewer: a proxy needs two for each, and some for itself.
    count = min(IDLE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 300) // 2)
    with _connected(proxy) as first:
        _upgrade(proxy, first)
    before = proxy.resident()
    socks: list[socket.socket] = []
    try:
        for _ in range(count):
            sock = _connected(proxy)
            socks.append(sock)
            _upgrade(proxy, sock)
        held = (proxy.resident() - before) / count
        others = _paced(proxy, 1, "/")  # who asks meanwhile is answered
        return {"bytes": held, "pipes": count, "others": others["p50"]}
    finally:
        for sock in socks:
            sock.close()


LOADS: dict[str, Callable[[Running, float], Figures]] = {
    one.__name__: one
    for one in (
        plain, differing, replayed, posted, traced, one, one_replayed, pipe, pipes, down, up, idle,
    )
}  # fmt: skip


def request(proxy: Running, path: str, method: bytes = b"GET", more: bytes = b"") -> bytes:
    return b"%b %b HTTP/1.1\r\nhost: %b\r\n%b%b\r\n" % (method, path.encode(), proxy.host.encode(), HEAD, more)


def _wrk(proxy: Running, seconds: float, path: str, script: str = "", headers: tuple[str, ...] = ()) -> Figures:
    lines = [line for line in HEAD.decode().split("\r\n") if line]
    words = [word for line in (f"Host: {proxy.host}", *lines, *headers) for word in ("-H", line)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "load.lua"
        file.write_text(script)
        if script:
            words += ["-s", str(file)]
        cpu = proxy.cpu()
        command = [
            *pinned(OTHER_CORE), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", *words,
            f"http://127.0.0.1:{proxy.port}{path}",
        ]  # fmt: skip
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    counted = re.search(r"(\d+) requests in ([\d.]+)(m?s)", said)
    assert counted is not None, said
    count, took = int(counted[1]), float(counted[2]) / (1000 if counted[3] == "ms" else 1)
    if "Non-2xx" in said or "Socket errors" in said:
        raise ValueError(said.splitlines()[-3:])
    return _rate(proxy, count, took, cpu)


def _rate(proxy: Running, count: int, took: float, cpu: float) -> Figures:
    used = proxy.cpu() - cpu
    return {"per_s": count / took, "cpu_us": 1e6 * used / count if count else 0.0, "busy": used / took}


def _connected(proxy: Running) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", proxy.port), timeout=20)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _upgrade(proxy: Running, sock: socket.socket) -> None:
    sock.sendall(request(proxy, "/ws", more=_WS))
    said = b""
    while not said.endswith(b"\r\n\r\n"):
        piece = sock.recv(65536)
        if not piece or not (said + piece).startswith(b"HTTP/1.1 101"):
            raise ValueError(f"no 101 but {said + piece!r}")
        said += piece


def _paced(proxy: Running, seconds: float, path: str) -> Figures:
    with _connected(proxy) as sock:
        sock.sendall(asked := request(proxy, path))
        size = 0
        first = sock.recv(65536)  # it fits, and comes in one piece
        if not first.startswith(b"HTTP/1.1 200"):
            raise ValueError(first[:200])
        size = len(first)
        return _pace(sock, asked, size, seconds)


def _pace(sock: socket.socket, asked: bytes, size: int, seconds: float) -> Figures:
    """Ask 500 times a second; what comes back has the same size each time."""
    pause, now = 1 / 500, time.perf_counter
    latencies: list[float] = []
    began = now() + pause
    for number in range(int(seconds / pause)):
        due = began + number * pause
        while now() < due:
            pass
        sock.sendall(asked)
        left = size
        while left > 0:
            left -= len(sock.recv(65536))
        latencies.append(now() - due)
    tail = statistics.quantiles(latencies, n=100)[98]
    return {"p50": statistics.median(latencies), "p99": tail, "latencies": latencies}


class _Echo(asyncio.Protocol):
    def __init__(self, head: bytes) -> None:
        self.count = 0
        self._head: bytes | None = head
        self._left = len(FRAME)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by name
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.transport.write(self._head or b"")

    def data_received(self, data: bytes) -> None:
        if self._head is not None:
            self._head = None
            if not data.startswith(b"HTTP/1.1 101"):
                raise ValueError(data[:200])
            self.transport.write(FRAME)
            return
        self._left -= len(data)
        if self._left == 0:
            self._left = len(FRAME)
            self.count += 1
            self.transport.write(FRAME)


async def _echo(proxy: Running, seconds: float) -> int:
    loop = asyncio.get_running_loop()
    head = request(proxy, "/ws", more=_WS)
    made = [await loop.create_connection(lambda: _Echo(head), "127.0.0.1", proxy.port) for _ in range(PIPES)]
    await asyncio.sleep(seconds)
    count = sum(protocol.count for _, protocol in made)
    for transport, _ in made:
        transport.abort()
    return count


def _body(proxy: Running, move: Callable[[socket.socket, Running], None]) -> Figures:
    with _connected(proxy) as sock:
        move(sock, proxy)
        proxy.forget_peak()
        before, cpu, began = proxy.resident(), proxy.cpu(), time.perf_counter()
        move(sock, proxy)
        took = time.perf_counter() - began
        return {
            "mb_per_s": BIG / took / 1e6,
            "cpu_ms": 1e3 * (proxy.cpu() - cpu),
            "growth": float(max(0, proxy.resident("VmHWM") - before)),
        }


def _download(sock: socket.socket, proxy: Running) -> None:
    sock.sendall(request(proxy, "/big"))
    left, into = BIG, bytearray(1 << 20)
    head = b""
    while b"\r\n\r\n" not in head:
        head += sock.recv(65536)
    if not head.startswith(b"HTTP/1.1 200"):
        raise ValueError(head[:200])
    left -= len(head.partition(b"\r\n\r\n")[2])
    while left > 0:
        got = sock.recv_into(into)
        if not got:
            raise ValueError(f"{left} bytes of the body are missing")
        left -= got


def _upload(sock: socket.socket, proxy: Running) -> None:
    sock.sendall(request(proxy, "/in", b"POST", b"content-length: %d\r\n" % BIG))
    piece, left = bytes(1_000_000), BIG
    while left:
        sock.sendall(piece)
        left -= len(piece)
    said = sock.recv(65536)
    if not said.startswith(b"HTTP/1.1 200"):
        raise ValueError(said[:200])


def missing() -> str:
    return "" if shutil.which("wrk") else "wrk is not here; Debian's package of that name has it"

"""The opening of a connection, over real sockets through uvicorn: all that can happen before it is accepted."""

import asyncio
import base64
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from app.transport import EXTENSION, Member, attend
from tests.app.connecting import DEADLINE, Ear, Raw, Server, Start, server, start, way

__all__ = ["server", "start", "way"]


async def test_a_refusal_is_a_plain_answer(server: Server) -> None:
    async def refuse(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.http.response.start", "status": 409, "headers": [(b"fly-replay", b"x")]})
        await send({"type": "websocket.http.response.body", "body": b"elsewhere"})

    server.app = refuse
    with pytest.raises(InvalidStatus) as refused:
        await server.connect()
    assert refused.value.response.status_code == 409
    assert refused.value.response.headers["fly-replay"] == "x"
    assert refused.value.response.body == b"elsewhere"
    assert refused.value.response.headers["Connection"] == "close"
    assert refused.value.response.headers["Content-Length"] == "9"
    assert refused.value.response.headers["Date"]


async def answered(member: Raw) -> tuple[int, dict[str, str], bytes]:
    """The plain answer after which the server closes: status, header fields, body."""
    head, _, body = (await member.rest()).partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
    assert headers["connection"] == "close"
    assert headers["content-length"] == str(len(body))
    assert headers["date"].endswith(" GMT")
    return int(line.split(" ")[1]), headers, body


async def quiet(server: Server) -> None:
    """Wait until uvicorn holds nothing of anybody."""
    state = server.uvicorn.server_state
    async with asyncio.timeout(DEADLINE):
        while state.connections or state.tasks:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)


async def test_a_close_in_place_of_accepting_is_a_403(server: Server) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert await receive() == {"type": "websocket.connect"}
        await send({"type": "websocket.close"})
        assert (await receive())["type"] == "websocket.disconnect"

    server.app = app
    assert (await answered(await Raw.ask(server)))[0] == 403
    await quiet(server)


async def test_a_refusal_may_come_in_pieces(server: Server) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        start = {"type": "websocket.http.response.start", "status": 307, "headers": [(b"location", b"/x")]}
        await send(start)
        await send({"type": "websocket.http.response.body", "body": b"else", "more_body": True})
        with pytest.raises(RuntimeError):
            await send(start)
        await send({"type": "websocket.http.response.body", "body": b"where"})
        with pytest.raises(OSError, match=r"^$"):
            await send({"type": "websocket.http.response.body", "body": b"more"})

    server.app = app
    status, headers, body = await answered(await Raw.ask(server))
    assert (status, headers["location"], body) == (307, "/x", b"elsewhere")
    await quiet(server)


@pytest.mark.parametrize("how", ["raises", "returns"])
async def test_an_app_that_fails_before_it_decides_is_a_500(
    server: Server, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if how == "raises":
            raise ValueError("a bug")

    server.app = app
    assert (await answered(await Raw.ask(server)))[0] == 500
    assert ("a bug" if how == "raises" else "returned without completing handshake") in caplog.text
    await quiet(server)


@pytest.mark.parametrize(
    "sends",
    [
        [{"type": "websocket.send", "text": "too early"}],
        [{"type": "websocket.http.response.start", "status": 101}],
        [{"type": "websocket.accept", "headers": [(b"x", b"a\r\ny: b")]}],
        [
            {"type": "websocket.http.response.start", "status": 200, "headers": [(b"x", b"a\nb")]},
            {"type": "websocket.http.response.body", "body": b""},
        ],
        [{"type": "websocket.http.response.start", "status": 200}, {"type": "websocket.accept"}],
    ],
)
async def test_what_an_app_may_not_send_is_a_500(server: Server, sends: list[Any]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in sends:
            await send(message)

    server.app = app
    assert (await answered(await Raw.ask(server)))[0] == 500
    await quiet(server)


@pytest.mark.parametrize("how", ["returns", "sends", "raises"])
async def test_an_app_that_accepts_and_does_not_detach_ends_the_connection(
    server: Server, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept", "headers": [(b"x-y", b"z")], "subprotocol": "chat"})
        if how == "sends":
            await send({"type": "websocket.send", "text": "x"})
        if how == "raises":
            raise ValueError("a bug")

    server.app = app
    async with server.connect(subprotocols=["other", "chat"]) as member:
        assert member.response.headers["x-y"] == "z"
        assert member.subprotocol == "chat"
        with pytest.raises(ConnectionClosed) as closed:
            await member.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1011
    assert {"returns": "without detaching", "sends": "is to be detached", "raises": "a bug"}[how] in caplog.text
    await quiet(server)


async def test_detaching_needs_an_accepted_connection_and_works_once(server: Server) -> None:
    said: list[str] = []
    ear = Ear()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        member: Member = scope["extensions"][EXTENSION]
        for moment in ("before", "at", "again"):
            try:
                member.detach(ear)
            except RuntimeError as exc:
                said.append(f"{moment}: {exc}")
            if moment == "before":
                await send({"type": "websocket.accept"})
                await asyncio.sleep(0)
        with pytest.raises(OSError, match=r"^$"):
            await send({"type": "websocket.close"})

    server.app = app
    async with server.connect() as member:
        await member.send("x")
        assert await ear.next() == (b"x", False)
    assert said == [
        "before: the connection must be accepted before it is detached",
        "again: the connection was detached already",
    ]


async def test_a_client_that_goes_away_during_the_decision_is_noticed(server: Server) -> None:
    asked: asyncio.Queue[Any] = asyncio.Queue()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert await receive() == {"type": "websocket.connect"}
        asked.put_nowait("asked")
        asked.put_nowait(await receive())
        try:
            await attend(scope, receive, send, Ear())
        except OSError:
            asked.put_nowait("gone")
            raise

    server.app = app
    member = await Raw.ask(server)
    async with asyncio.timeout(DEADLINE):
        assert await asked.get() == "asked"
        member.writer.transport.abort()
        assert await asked.get() == {"type": "websocket.disconnect", "code": 1006}
        assert await asked.get() == "gone"
    await quiet(server)


async def test_a_wait_for_the_end_may_be_given_up_and_begun_again(server: Server) -> None:
    asked: asyncio.Queue[Any] = asyncio.Queue()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await receive()
        asked.put_nowait("asked")
        asked.put_nowait(await receive())

    server.app = app
    member = await Raw.ask(server)
    async with asyncio.timeout(DEADLINE):
        assert await asked.get() == "asked"
        member.writer.transport.abort()
        assert await asked.get() == {"type": "websocket.disconnect", "code": 1006}
    await quiet(server)


@pytest.mark.parametrize("patient", [True, False])
async def test_the_end_of_the_server_ends_a_handshake(start: Start, patient: bool) -> None:
    server = await start() if patient else await start(timeout_graceful_shutdown=0)
    asked = asyncio.Event()
    met: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        asked.set()
        try:
            if patient:
                await receive()
                await receive()
                await send({"type": "websocket.accept"})
            else:
                await asyncio.Event().wait()
        except (OSError, asyncio.CancelledError) as exc:
            met.append(type(exc).__name__)
            raise

    server.app = app
    member = await Raw.ask(server)
    async with asyncio.timeout(DEADLINE):
        await asked.wait()
    await server.stop()
    assert (await answered(member))[0] == 503
    await quiet(server)
    assert met == ["ClientDisconnected" if patient else "CancelledError"]


async def test_a_cancelled_decision_is_answered(server: Server) -> None:
    asked = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        asked.set()
        await asyncio.Event().wait()

    server.app = app
    member = await Raw.ask(server)
    async with asyncio.timeout(DEADLINE):
        await asked.wait()
    (task,) = server.uvicorn.server_state.tasks
    task.cancel()
    assert (await answered(member))[0] == 503
    await quiet(server)


@pytest.mark.parametrize("http", ["httptools", "h11"])
async def test_what_the_app_is_told_is_what_was_asked(start: Start, http: str) -> None:
    server = await start(http=http, root_path="/root")
    scopes: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await server.attending(scope, receive, send)

    server.app = app
    address = f"ws://127.0.0.1:{server.port}/a%20b/%C3%A4?k=%20v"
    async with connect(
        address, compression=None, subprotocols=["a", "b"], additional_headers={"X-Odd": "\xe4"}
    ) as member:
        scope = scopes[0]
        assert scope["server"] == ("127.0.0.1", server.port)
        assert scope["client"] == member.local_address
    assert (scope["type"], scope["scheme"], scope["http_version"]) == ("websocket", "ws", "1.1")
    assert (scope["path"], scope["raw_path"]) == ("/root/a b/ä", b"/root/a%20b/%C3%A4")
    assert scope["query_string"] == b"k=%20v"
    assert scope["subprotocols"] == ["a", "b"]
    assert (b"host", f"127.0.0.1:{server.port}".encode()) in scope["headers"]
    assert b"x-odd" in dict(scope["headers"])


@pytest.mark.parametrize(
    ("line", "replace", "status", "name"),
    [
        ("POST / HTTP/1.1", {}, 405, "allow"),
        ("GET / HTTP/1.0", {}, 505, "date"),
        ("GET / HTTP/1.1", {"Sec-WebSocket-Version": "8"}, 426, "sec-websocket-version"),
        ("GET / HTTP/1.1", {"Sec-WebSocket-Key": "short"}, 400, "date"),
    ],
)
async def test_a_request_that_is_no_handshake_never_reaches_the_app(
    server: Server, line: str, replace: dict[str, str], status: int, name: str
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("asked")

    server.app = app
    fields = {
        "Host": "x", "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(), **replace,
    }  # fmt: skip
    member = Raw(*await asyncio.open_connection("127.0.0.1", server.port))
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    member.writer.write(f"{line}\r\n{head}\r\n".encode())
    found, headers, _ = await answered(member)
    assert found == status
    assert name in headers
    await quiet(server)

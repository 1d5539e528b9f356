"""Somebody who means harm, at every entrance of a real platform: no traceback, no 500, no hang, no growth."""

import base64
import gzip
import json
import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.local.up import Up, up
from tests.support import wait_until

MACHINES = "/v1/apps/app/machines"
PATIENCE = 20.0  # seconds for an answer, on a busy computer; each takes milliseconds
HEAD_TIME = 1.0  # the platform's, in this module
GROWTH = 150  # MB that the whole of this may cost, of which parallel connections take most
BIG = 100_000_000  # bytes


class Reply(NamedTuple):
    status: int
    text: str
    head: str


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "settings.toml").write_text(f"[api]\nhead_time = {HEAD_TIME}\nconnections = 1500\n")
    with up("--settings", str(folder / "settings.toml"), "--state", str(folder / "place" / "state")) as running:
        running.app()
        before = resident(running)
        yield running
        assert running.process.poll() is None
        assert resident(running) - before < GROWTH
        assert [each.name for each in (folder / "place").iterdir()] == ["state"], "something lies outside the state"
        assert running.end()[0] == 0
        said = running.process.stderr.read()
        assert "Traceback" not in said
        assert "Error" not in said


def resident(platform: Up) -> int:
    """MB that the platform's process holds."""
    text = Path(f"/proc/{platform.info['pid']}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+)", text)[0]) // 1024


def connect(platform: Up, entrance: str = "") -> socket.socket:
    address = platform.info["edges"][entrance] if entrance else platform.info["api"]
    host, _, port = address.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), PATIENCE)


def raw(platform: Up, data: bytes, entrance: str = "") -> Reply:
    """What comes back for these bytes until the connection ends."""
    with connect(platform, entrance) as opened:
        received = b""
        with suppress(ConnectionError):
            opened.sendall(data)
            while piece := opened.recv(65536):
                received += piece
    head, _, text = received.partition(b"\r\n\r\n")
    status = re.match(rb"HTTP/1\.1 (\d{3})", head)
    return Reply(int(status[1]) if status else 0, text.decode(), head.decode("latin-1"))


def head(platform: Up, line: str, *more: str) -> bytes:
    lines = [
        line,
        "Host: localhost",
        f"Authorization: Bearer {platform.info['token']}",
        "Connection: close",
        *more,
        "",
        "",
    ]
    return "\r\n".join(lines).encode("latin-1")


def post(platform: Up, path: str, body: bytes | str, *more: str, method: str = "POST") -> Reply:
    data = body if isinstance(body, bytes) else body.encode()
    return raw(platform, head(platform, f"{method} {path} HTTP/1.1", f"Content-Length: {len(data)}", *more) + data)


def refused(reply: Reply, *words: str, status: int = 400) -> None:
    assert reply.status == status, reply
    error = json.loads(reply.text)["error"]
    assert len(error) < 1000, "as long as what was sent"
    for word in words:
        assert word in error


def asked(config: dict[str, Any] | None = None, **more: Any) -> str:
    return json.dumps({"skip_launch": True, "config": {"image": "local/sleep", **(config or {})}, **more})


BODIES = {
    "lists in each other": (b'{"config":' + b"[" * 100_000, "100 levels"),
    "objects in each other": (b'{"a":' * 100_000, "100 levels"),
    "deep and whole": (b'{"a":' * 500 + b"1" + b"}" * 500, "100 levels"),
    "a number of 100,000 digits": (b'{"lease_ttl":' + b"9" * 100_000 + b"}", "64 bits"),
    "a whole number above 64 bits": (asked({"restart": {"max_retries": 10**30}}).encode(), "64 bits"),
    "a huge exponent": (b'{"config":{"image":"local/sleep","x":1e400}}', "1e400 is too large"),
    "not a number": (b'{"config":{"x":NaN}}', "NaN"),
    "infinity": (b'{"config":{"x":-Infinity}}', "-Infinity"),
    "half a pair": (rb'{"config":{"image":"local/sleep","metadata":{"\ud800":"a"}}}', "surrogate"),
    "UTF-16": ('{"config":{}}'.encode("utf-16"), "UTF-8"),
    "no text at all": (bytes(range(256)), "UTF-8"),
    "a list": (b"[]", "an object is expected"),
    "a text": (b'"x"', "an object is expected"),
    "cut off": (b'{"config":', "JSON"),
}


@pytest.mark.parametrize(("body", "why"), BODIES.values(), ids=BODIES)
def test_bodies_that_are_no_honest_json(platform: Up, body: bytes, why: str) -> None:
    for path in (MACHINES, "/v1/apps", "/v1/apps/app/secrets", "/v1/apps/app/volumes"):
        refused(post(platform, path, body), why)


def test_what_looks_wrong_and_is_fine(platform: Up) -> None:
    assert post(platform, MACHINES, asked(), "Content-Type: text/xml; charset=utf-16").status == 200
    assert post(platform, MACHINES, asked(), "Content-Type:").status == 200
    twice = json.loads(post(platform, MACHINES, asked()[:-1] + ', "name": "a", "name": "twice"}').text)
    assert twice["name"] == "twice"  # the last one counts, as in Go


def test_a_compressed_body_is_refused_by_its_name(platform: Up) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    refused(post(platform, MACHINES, bomb, "Content-Encoding: gzip"), "content-encoding 'gzip'")


@pytest.mark.parametrize("path", [MACHINES, "/v1/apps/app", "/nowhere"])
@pytest.mark.parametrize("way", ["Content-Length: 104857600", "Transfer-Encoding: chunked"])
def test_a_body_of_100_mb(platform: Up, path: str, way: str) -> None:
    block = b"a" * 1_048_576
    piece = block if "Length" in way else b"100000\r\n" + block + b"\r\n"
    before = resident(platform)
    with connect(platform) as opened:
        opened.sendall(head(platform, f"POST {path} HTTP/1.1", way))
        with suppress(ConnectionError):
            for _ in range(100):
                opened.sendall(piece)
        status = int(opened.recv(12)[9:] or 0)
    assert status in (413, 404, 405)
    assert resident(platform) - before < 20


def test_heads_without_end(platform: Up) -> None:
    before = resident(platform)
    for start, piece in (
        ("GET / HTTP/1.1\r\nX: ", b"a" * 65536),
        ("GET /", b"a" * 65536),
        ("GET / HTTP/1.1\r\n", b"X: y\r\n" * 10_000),
    ):
        with connect(platform) as opened:
            received = b""
            try:
                opened.sendall(start.encode())
                for _ in range(BIG // 65536):
                    opened.sendall(piece)
            except ConnectionError:
                received = b"cut off"
            else:
                received = opened.recv(100)
            assert received, "100 MB of a head were taken"
    assert resident(platform) - before < 20


@pytest.mark.parametrize("sent", [b"", b"GET", b"GET / HTTP/1.1\r\nHost: x\r\nX: "], ids=["nothing", "a word", "half"])
def test_a_connection_that_says_little_is_closed(platform: Up, sent: bytes) -> None:
    began = time.monotonic()
    reply = raw(platform, sent)
    assert time.monotonic() - began > HEAD_TIME / 2
    assert reply.status == (408 if sent else 0)


def test_a_slow_head_is_not_kept_alive_by_its_pieces(platform: Up) -> None:
    with connect(platform) as opened:
        opened.settimeout(HEAD_TIME / 10)
        opened.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: ")
        received, deadline = b"", time.monotonic() + PATIENCE
        while not received and time.monotonic() < deadline:
            try:
                opened.sendall(b"a")
                received = opened.recv(100)
            except TimeoutError:
                continue
            except ConnectionError:
                received = b"cut off"
        assert received


def test_a_body_that_nobody_reads_does_not_hold_the_connection(platform: Up) -> None:
    with connect(platform) as opened:
        lines = head(platform, "GET /v1/apps/app HTTP/1.1", "Content-Length: 1000").replace(
            b"Connection: close\r\n", b""
        )
        opened.sendall(lines + b"a")
        received, deadline = b"", time.monotonic() + PATIENCE
        opened.settimeout(HEAD_TIME / 10)
        while time.monotonic() < deadline:
            try:
                opened.sendall(b"a")
                if not (piece := opened.recv(1000)):
                    break
                received += piece
            except TimeoutError:
                continue
            except ConnectionError:
                break
        assert time.monotonic() < deadline
        assert b"200 OK" in received


def test_a_thousand_connections_at_once_and_some_too_many(platform: Up) -> None:
    with ExitStack() as stack:
        opened = [stack.enter_context(connect(platform)) for _ in range(1000)]
        for each in opened:
            each.sendall(head(platform, "GET /v1/apps/app HTTP/1.1"))
        for each in opened:
            each.settimeout(PATIENCE)
            assert each.recv(12) == b"HTTP/1.1 200"
    with ExitStack() as stack:
        opened = [stack.enter_context(connect(platform)) for _ in range(1600)]  # more than are allowed
        assert b" 503 " in opened[-1].recv(100)
    wait_until(lambda: platform.call("GET", "/v1/apps/app").status_code == 200, what="room again")


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "get", "PROPFIND", "FOO", "OPTIONS", "HEAD", "QUERY"])
def test_methods(platform: Up, method: str) -> None:
    assert raw(platform, head(platform, f"{method} {MACHINES} HTTP/1.1")).status in (200, 400, 405)
    assert raw(platform, head(platform, f"{method} / HTTP/1.1"), "ams").status in (200, 400, 404, 405, 501)


PATHS = [
    "/v1/apps/app%2f..%2f..", "/v1/apps/%00", "/v1/apps/%ff", "/v1/apps/..",
    "/v1/apps/../../etc/passwd", "/v1/apps/app/machines/%00", "/v1/apps/app/machines/..%2f..",
    "/v1/apps/app/machines/%0d%0aX:1", "/_flylab/apps/app/machines/..%2f..%2f/logs", "/v1/apps/app/volumes/..%2f..",
    "/_flylab/apps/..%2f/machines/x/logs", "/v1/apps/app/volumes/%00/snapshots", "/v1/apps/app/secrets/%00",
    "/v1/apps/app/certificates/%0d%0a", "/v1/orgs/%00/machines", "/v1/orgs/%ff/volumes", "/v1/" + "a" * 60_000,
    "http://evil/v1/apps/none", "*", "/v1/apps/app/machines/%zz", "/v1/apps/app/machines/a%2fstart",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:40])
def test_paths(platform: Up, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        reply = raw(platform, head(platform, f"{method} {path} HTTP/1.1"))
        assert 400 <= reply.status < 500, reply
        assert "X:1" not in reply.head


QUERIES = [
    "limit=" + "9" * 5000, "limit=%ff", "limit=%C2%B2", "limit=-1", "limit=1&cursor=%00",
    "limit=1&cursor=" + "a" * 5000,
    "limit=1&cursor=W1tbW1tbW1s", "state=%ff", "state=" + "x," * 5000, "metadata.%ff=%ff",
    "&".join(f"a{i}=1" for i in range(1000)), "&".join(f"metadata.a{i}=1" for i in range(1000)),
    "limit=1&limit=2", "%zz", "=", "&&&", "region=%0d%0aX:1", "version=%00", "updated_after=%ff", "summary=%ff",
    "updated_after=99999-01-01T00:00:00Z", "timeout=nan", "timeout=" + "9" * 5000, "timeout=-1", "timeout=1e400",
    "from_event_id=%00", "since=9e999", "tail=" + "9" * 50, "order=%00&sort_by=%ff", "org_slug=%00", "signal=%00",
]  # fmt: skip


def test_queries(platform: Up) -> None:
    machine = platform.create()
    platform.wait(machine, "started")
    own = platform.path(machine)
    reads = (MACHINES, "/v1/apps", "/v1/apps/app/volumes", "/v1/orgs/personal/machines", "/v1/orgs/personal/volumes")
    more = (own, f"{own}/events", f"{own}/ps", f"{own}/wait", "/_flylab/apps/app/logs", "/v1/apps/app/secrets")
    for query in QUERIES:
        for path in (*reads, *more):
            reply = raw(platform, head(platform, f"GET {path}?{query}&timeout=1 HTTP/1.1"))
            assert 200 <= reply.status < 500, (path, query[:50], reply)
            assert "X:1" not in reply.head
            if reply.status >= 400:
                assert len(json.loads(reply.text)["error"]) < 1000, (path, query[:50])


def test_negative_times_are_refused(platform: Up) -> None:
    machine = platform.create()
    platform.wait(machine, "started")
    refused(post(platform, platform.path(machine, "/restart?timeout=-5s"), ""), "timeout '-5s'")
    refused(post(platform, platform.path(machine, "/stop"), '{"timeout": "-5s"}'), "timeout '-5s'")
    refused(post(platform, MACHINES, asked({"stop_config": {"timeout": "-5s"}})), "config.stop_config.timeout '-5s'")


NAMES = ["../../../x", "/etc/x", "..", "a\0b", "a\r\nX: y", "x" * 100_000, "\x1b[2J", "\u202e", "a/../b", "💥", "%00"]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name[:12]))
def test_names(platform: Up, name: str) -> None:
    refused(post(platform, "/v1/apps", json.dumps({"name": name, "org_slug": "personal"})), "app name", status=422)
    refused(post(platform, "/v1/apps/app/volumes", json.dumps({"name": name, "region": "ams"})), "volume name")
    refused(post(platform, MACHINES, asked(region=name)), "region")
    refused(post(platform, MACHINES, json.dumps({"config": {"image": name}})), "config.image")
    refused(post(platform, "/v1/apps/app/secrets", json.dumps({"values": {name: "a"}})), "secret name")
    text = json.dumps({"hostname": name})
    refused(post(platform, "/v1/apps/app/certificates/acme", text), "hostname", status=422)
    reply = post(platform, MACHINES, asked(name=name))
    assert reply.status in (200, 400)
    if reply.status == 200:  # a machine's name is shown and no part of any path
        assert json.loads(reply.text)["name"] == name
        assert post(platform, f"{MACHINES}/{json.loads(reply.text)['id']}", "", method="DELETE").status == 200
    reply = post(platform, "/v1/apps", json.dumps({"name": "net", "network": name}))
    assert reply.status in (201, 400)
    if reply.status == 201:
        assert post(platform, "/v1/apps/net?force=1", "", method="DELETE").status == 202


VALUES = ["a\r\nX-Bad: 1", "a\nb", "\x1b[2J", "x" * 1000, "{{}}", "%s%n", "$(touch /tmp/x)", "💥"]


def test_values_that_try_to_get_out_of_their_place(platform: Up) -> None:
    """Environment, metadata, secrets, descriptions of leases: kept to the letter, and in no header or log line."""
    environment = {f"V{i}": value for i, value in enumerate(VALUES)}
    metadata = {f"k\r\nX-Bad{i}: 1": value for i, value in enumerate(VALUES)}
    # Secrets beside them: their values stand in no answer.
    secrets = {f"S{i}": value for i, value in enumerate(VALUES)}
    platform.ok("POST", "/v1/apps/app/secrets", {"values": secrets})
    text = "import os, sys; sys.stdout.write(ascii([os.environ[f'V{i}'] for i in range(8)]) + ' out\\n')"
    machine = platform.script(text, env=environment, metadata=metadata, restart={"policy": "no"})
    platform.wait_for_log(machine, "out")
    assert ascii(VALUES) in platform.log(machine)
    reply = raw(platform, head(platform, f"GET {platform.path(machine)} HTTP/1.1"))
    assert "X-Bad" not in reply.head
    assert json.loads(reply.text)["config"]["metadata"] == metadata
    for value in VALUES:
        body = json.dumps({"description": value, "ttl": 1})
        reply = post(platform, platform.path(machine, "/lease"), body)
        assert reply.status in (201, 409)
        assert "X-Bad" not in reply.head
    platform.ok("POST", "/v1/apps/app/secrets", {"values": dict.fromkeys(secrets)})


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"env": {"A": "a\0b"}}, "zero character"),
        ({"env": {"A\0": "b"}}, "zero character"),
        ({"env": {"A=B": "b"}}, "'='"),
        ({"env": {"": "b"}}, "empty"),
        ({"init": {"cmd": ["a\0b"]}}, "zero character"),
        ({"init": {"exec": ["\0"]}}, "zero character"),
    ],
)
def test_what_no_process_can_be_given(platform: Up, config: dict[str, Any], why: str) -> None:
    refused(post(platform, MACHINES, asked(config)), why)


GUEST_PATHS = {
    "/../../../../x": "leads out",
    "/a/../../x": "leads out",
    "x": "absolute",
    "": "absolute",
    "/": "folder",
    "/..": "leads out",
    "/a/..": "folder",
    "/a\0b": "zero character",
    "/" + "a" * 5000: "longer than 255",
    "/.fly/api": "platform's own",
    "/./.fly/x": "platform's own",
}


@pytest.mark.parametrize(("path", "why"), GUEST_PATHS.items(), ids=lambda text: ascii(text[:20]))
def test_files_stay_in_their_machine(platform: Up, path: str, why: str) -> None:
    refused(post(platform, MACHINES, asked({"files": [{"guest_path": path, "raw_value": "eA=="}]})), why)


def test_a_path_too_long_for_the_computer_fails_the_launch_alone(platform: Up) -> None:
    reply = post(platform, MACHINES, json.dumps({"config": {"image": "local/sleep", "files": [
        {"guest_path": "/" + "a/" * 3000 + "x", "raw_value": "eA=="}]}}))  # fmt: skip
    assert reply.status in (200, 400)
    assert platform.ok("GET", "/v1/apps/app")["name"] == "app"


def test_files_follow_no_link_that_the_machine_made_in_its_volume(platform: Up, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    volume = platform.ok("POST", "/v1/apps/app/volumes", {"name": "data", "region": "ams", "size_gb": 1})
    mounts = [{"volume": volume["id"], "path": "/data"}]
    text = f"import os; os.symlink({str(outside)!r}, os.environ['FLYLAB_VOLUME_DATA'] + '/way'); print('made')"
    machine = platform.script(text, mounts=mounts, restart={"policy": "no"}, region="ams")
    platform.wait_for_log(machine, "made")
    platform.wait(machine, "stopped")
    config = platform.ok("GET", platform.path(machine))["config"]
    content = base64.b64encode(b"x").decode()
    config |= {"image": "local/sleep", "files": [{"guest_path": "/data/way/x", "raw_value": content}]}
    config.pop("init")
    platform.call("POST", platform.path(machine), {"config": config})
    platform.call("POST", platform.path(machine, "/start"))
    wait_until(lambda: platform.state(machine) not in ("starting", "replacing", "updating"), what="an end of the start")
    assert list(outside.iterdir()) == []


def test_http_that_is_none(platform: Up) -> None:
    for data in (b"\x16\x03\x01\x02\x00\x01" * 10, b"\0" * 100, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 9):
        for entrance in ("", "ams"):
            with connect(platform, entrance) as opened:
                opened.sendall(data)
                opened.shutdown(socket.SHUT_WR)
                received = opened.recv(1000)
            assert not received or re.match(rb"HTTP/1\.1 4\d\d|HTTP/1\.1 505", received), (data, received)
    for lengths in (("5", "6"), ("-5",), ("9" * 30,), ("0x5",), ("5, 5",)):
        lines = [f"Content-Length: {length}" for length in lengths]
        assert raw(platform, head(platform, "POST /v1/apps HTTP/1.1", *lines) + b"abcdef").status in (400, 413)
    both = ("Content-Length: 5", "Transfer-Encoding: chunked")
    assert raw(platform, head(platform, "POST /v1/apps HTTP/1.1", *both) + b"0\r\n\r\n").status == 400


def test_requests_one_behind_the_other_are_all_answered(platform: Up) -> None:
    line = head(platform, "GET /v1/apps/app HTTP/1.1")
    kept = line.replace(b"Connection: close\r\n", b"")
    reply = raw(platform, kept * 200 + line)
    assert (reply.head + reply.text).count("HTTP/1.1 200 OK") == 201


@pytest.mark.parametrize(
    "given",
    ["Bearer \xff\xfe", "\xff", "", "Bearer " + "a" * 50_000, "FlyV1 " + "," * 50_000, "Bearer", "FlyV1 fm2_,,fm2_"],
    ids=lambda text: ascii(text[:10]),
)
def test_tokens(platform: Up, given: str) -> None:
    data = f"GET /v1/apps/app HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {given}\r\n\r\n"
    assert raw(platform, data.encode("latin-1")).status == 401


@pytest.mark.parametrize(
    ("host", "status"),
    [("evil.example", 403), ("127.0.0.1.evil.example:4280", 403), ("localhost.evil", 403)]
    + [(host, 200) for host in ("localhost:1", "127.0.0.1", "[::1]:4280", "_api.internal:4280", "flylab.localhost")],
)
def test_a_page_whose_name_points_here_reads_nothing(platform: Up, host: str, status: int) -> None:
    assert platform.call("GET", "/_flylab/platform", headers={"host": host}).status_code == status


def test_targets_of_a_replay_get_into_no_header(platform: Up) -> None:
    """What an app answers goes to other machines and into the trace; a line break in it must end at the edge."""
    text = (
        "import os, socket\n"
        "s = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))\n"
        "while True:\n"
        "    c, _ = s.accept(); n = int(c.recv(65536).split()[1][1:])\n"
        "    c.sendall(b'HTTP/1.1 200 OK\\r\\n' + ANSWERS[n] + b'\\r\\n\\r\\n'); c.close()\n"
    )
    long = b"fly-replay: prefer_instance=" + b"a" * 20_000
    kind = b"content-type: application/vnd.fly.replay+json\r\ncontent-length: "
    answers = [
        b"fly-replay: prefer_instance=a\rX-Bad: 1", b"fly-replay: prefer_instance=a\0b",
        b"fly-replay: app=../../x", long,
        b"fly-replay: state=\xff\xfe", b"fly-replay: " + b";" * 5000, b"Location: /a\rX-Bad: 1",
        *(kind + str(len(each)).encode() + b"\r\n\r\n" + each for each in (
            b"[" * 10_000, b'{"prefer_instance":"a\\r\\nX-Bad: 1"}', b'{"app":"\\ud800"}',
            b'{"transform":{"path":"/\\r\\nX-Bad: 1"}}',
            b'{"state":' + b"9" * 5000 + b"}", b'{"prefer_instance":"a","timeout":1e400}')),
    ]  # fmt: skip
    services = [{"internal_port": 8080, "ports": [{"port": 80, "handlers": ["http"]}]}]
    machine = platform.script(f"ANSWERS = {answers!r}\n{text}", services=services, env={"PORT": "8080"})
    platform.wait(machine, "started")
    for number in range(len(answers)):
        line = f"GET /{number} HTTP/1.1\r\nHost: app.fly.dev\r\nConnection: close\r\nx-flylab-trace: 1\r\n\r\n"
        reply = raw(platform, line.encode(), "ams")
        assert reply.status, (number, reply)
        assert reply.status != 500
        assert "\nX-Bad" not in reply.head
        assert "\rX-Bad" not in reply.head
    platform.ok("DELETE", platform.path(machine), params={"force": "true"})


def test_names_asked_for_in_garbage(platform: Up) -> None:
    host, _, port = platform.info["dns"].partition(":")
    question = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
    loop = question + b"\xc0\x0c\x00\x1c\x00\x01"  # a name that points at itself
    garbage = [b"", b"\0", b"\xff" * 12, loop, question + b"\x3f" + b"a" * 20, question + b"\x80\0\0\x1c\0\x01",
               os.urandom(512), question + b"\x03\xff\xfe\xfd\x08internal\0\0\x1c\0\x01",
               b"\x12\x34\x81" + b"\0" * 60_000]  # fmt: skip
    good = question + b"\x05_apps\x08internal\0\x00\x10\x00\x01"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(PATIENCE)
        asker.connect((host, int(port)))
        for _ in range(20):
            for data in garbage:
                asker.send(data)
        asker.settimeout(1)
        answer, deadline = b"", time.monotonic() + PATIENCE
        while answer[:2] != b"\x43\x21" and time.monotonic() < deadline:  # datagrams that are too many are lost
            asker.send(b"\x43\x21" + good[2:])
            with suppress(TimeoutError):
                answer = asker.recv(65536)
        assert b"app" in answer[12:]
    for data in (b"\xff\xff" + b"a" * 70_000, b"\0\0", b"\0\x01a", len(loop).to_bytes(2) + loop):
        with socket.create_connection((host, int(port)), PATIENCE) as asker:
            asker.sendall(data)
            asker.shutdown(socket.SHUT_WR)
            with suppress(ConnectionError):
                while asker.recv(65536):
                    pass
    assert platform.ok("GET", "/v1/apps/app")["name"] == "app"

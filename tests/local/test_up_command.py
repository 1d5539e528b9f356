"""The `flylab` command: what it prints, what it refuses in one sentence, and two platforms side by side."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import flylab as package
from flylab import __version__
from flylab.published.network import regions
from tests.local.up import READY, clean_environment, refused, up
from tests.support import wait_until

pytestmark = pytest.mark.usefixtures("nothing_left")


LIB = Path(package.__file__).parents[1]
LISTENS = """
import os, socket
listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
print("on", listener.getsockname()[1], flush=True)
listener.accept()
"""


def flylab(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flylab", *arguments], capture_output=True, text=True, timeout=READY, check=False
    )


def test_version_and_help() -> None:
    assert flylab("--version").stdout == f"flylab {__version__}\n"
    assert "--rate-limits" in flylab("up", "--help").stdout
    assert "run the local platform" in flylab("--help").stdout


def test_what_is_not_installed_is_named() -> None:
    bare = [sys.executable, "-S", "-m", "flylab"]  # without the packages beside Python itself
    for command, says in (("up", "needs the package quart; install flylab[local]"), ("suite", "needs the package ")):
        done = subprocess.run(
            [*bare, command], capture_output=True, text=True, cwd=LIB, timeout=READY, check=False, env={"PATH": ""}
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert says in done.stderr
        assert done.stderr.count("\n") == 1


def test_the_kits_commands_are_reached() -> None:
    assert "usage: flylab doctor" in flylab("doctor", "--help").stdout


@pytest.mark.parametrize("arguments", [[], ["fly"], ["up", "--api-port", "70000"], ["up", "--nonsense", "x"]])
def test_wrong_usage_is_told_with_status_2(arguments: list[str]) -> None:
    done = flylab(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "error:" in done.stderr


def test_one_line_says_where_it_is() -> None:
    with up("--regions", "iad,ams,iad") as platform:
        info = platform.info
        assert list(info) == ["api", "token", "org", "edges", "state", "dns", "pid"]
        assert (list(info["edges"]), info["org"], info["pid"]) == (["iad", "ams"], "personal", platform.process.pid)
        assert Path(info["state"]).is_dir()
        described = httpx.get(f"{info['api']}/_flylab/platform", trust_env=False).json()
        assert (described["edges"], described["regions"], described["latency"]) == (
            info["edges"],
            ["iad", "ams"],
            "off",
        )
        assert info["token"] not in json.dumps(described)
        for url in info["edges"].values():
            assert httpx.get(url, trust_env=False).headers["fly-request-id"]
        platform.end()
        assert platform.process.stdout is not None
        assert platform.process.stdout.read() == ""
        assert not Path(info["state"]).exists()


def test_every_current_region_is_on_by_default() -> None:
    with up("--regions", "") as platform:
        assert list(platform.info["edges"]) == [region.code for region in regions() if not region.deprecated]


def test_people_are_told_what_to_do() -> None:
    command = [
        sys.executable,
        "-m",
        "flylab",
        "up",
        "--api-port",
        "0",
        "--edge-port",
        "0",
        "--regions",
        "ams",
        "--trace",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=clean_environment())
    try:
        assert process.stdout is not None
        said = ""
        while "Ctrl-C" not in said:
            line = process.stdout.readline()
            assert line
            said += line
        (export,) = [line.split() for line in said.splitlines() if "export FLY" in line]
        api, token = export[1].partition("=")[2], export[2].partition("=")[2]
        headers = {"authorization": f"Bearer {token}"}
        assert httpx.get(f"{api}/v1/platform/regions", headers=headers, trust_env=False).status_code == 200
        (edge,) = [line.split()[-1] for line in said.splitlines() if "edge ams" in line]
        httpx.get(f"{edge}/hello", headers={"host": "blue.localhost"}, trust_env=False)
        assert "ams GET /hello 404" in process.stdout.readline()
        process.terminate()
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.communicate()


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        status, said = refused("--api-port", port)
        other = "choose another with {}, 0 for any that is free"
        assert status == 1
        assert said == f"flylab: port {port} for the Machines API is taken; {other.format('--api-port')}"
        status, said = refused("--edge-port", port, "--regions", "nrt")
        assert status == 1
        assert said == f"flylab: port {port} for the edge nrt is taken; {other.format('--edge-port')}"


def test_a_state_folder_that_is_in_use(tmp_path: Path) -> None:
    with up("--state", str(tmp_path)) as platform:
        status, said = refused("--state", str(tmp_path))
        assert (status, said) == (1, f"flylab: the state folder {tmp_path} is in use by another platform")
        platform.end()
    with up("--state", str(tmp_path)) as again:
        assert again.end()[0] == 0


@pytest.mark.parametrize(
    ("flag", "content", "says"),
    [
        ("--regions", None, "unknown region 'xyz'; known are ams"),
        ("--latency", None, "cannot read the latency file xyz"),
        ("--settings", None, "cannot read the settings file xyz"),
        ("--images", None, "cannot read the images file xyz"),
        ("--state", "a file", "cannot use the state folder"),
        ("--latency", "from,to\nams,iad\n", "is not a latency file: the columns a, b and rtt_ms are expected"),
        ("--latency", "a,b,rtt_ms\nams,iad,far\n", "is not a latency file"),
        ("--settings", "[platform]\nspeed = 3\n", "unknown setting 'platform.speed'; known are autostart_counts"),
        (
            "--settings",
            "[life]\nretries = 'many'\n",
            "setting 'life.retries' is 'many', but a value like 10 is expected",
        ),
        ("--settings", "[engine]\nx = 1\n", "unknown table '[engine]' in the settings file; known are platform"),
        ("--settings", "retries = 1\n", "'retries' stands outside of a table"),
        ("--settings", "= 1\n", "cannot read the settings file"),
        ("--images", "[images.x]\ncommand = 'x'\n", "cannot read images.\"x\".command 'x': a list is expected"),
        ("--images", "[images.x]\nrun = ['x']\n", "known keys are command, env, needs and about"),
        ("--images", "x = 1\n", "unknown key x"),
        ("--images", "= 1\n", "cannot read images file"),
    ],
)
def test_bad_input_is_one_sentence(flag: str, content: str | None, says: str, tmp_path: Path) -> None:
    value = "xyz"
    if content is not None:
        (tmp_path / "given").write_text(content)
        value = str(tmp_path / "given")
    status, said = refused(flag, value)
    assert status in (1, 2)
    assert says in said
    assert said.startswith("flylab: ")
    assert said.count("\n") == 0


def test_two_platforms_do_not_meet() -> None:
    with up() as one, up() as other:
        for platform in (one, other):
            platform.app()
        services = [{"internal_port": 8080}]
        machines = [
            (platform, platform.script(LISTENS, services=services)) for platform in (one, other) for _ in range(5)
        ]
        logs = [platform.wait_for_log(machine, "on ") for platform, machine in machines]
        assert len(set(logs)) == len(machines)
        assert other.call("GET", one.path(machines[0][1])).status_code == 404
        answer = httpx.get(f"{other.info['api']}/v1/apps/app", headers=one.http.headers, trust_env=False)
        assert answer.status_code == 401
        one.end()
        assert len(other.running()) == 5
        other.end()


def test_other_images_other_numbers_and_other_distances(tmp_path: Path) -> None:
    (tmp_path / "images.toml").write_text(
        '[images."my/echo"]\ncommand = ["sh", "-c", "echo hello $WHO; exec sleep 99"]\nenv = { WHO = "you" }\n'
    )
    (tmp_path / "settings.toml").write_text(
        "[life]\nkill_timeout = 1\n[exchange]\nreplays = 3\n[edge]\nidle_timeout = 9\n"
    )
    (tmp_path / "rtt.csv").write_text("a,b,rtt_ms\nams,iad,7.5\n")
    given = [str(tmp_path / name) for name in ("images.toml", "settings.toml", "rtt.csv")]
    with up("--images", given[0], "--settings", given[1], "--latency", given[2], "--seed", "7") as platform:
        described = platform.ok("GET", "/_flylab/platform")
        assert described["rtt_ms"]["ams"]["iad"] == 7.5
        assert described["settings"]["platform"]["fleet"]["life"]["kill_timeout"] == 1.0
        assert described["settings"]["edge"]["exchange"]["replays"] == 3
        platform.app()
        machine = platform.create(image="my/echo")
        platform.wait_for_log(machine, "hello you")
        first = machine["id"]
        platform.end()
    with up("--seed", "7") as platform:
        platform.app()
        assert platform.create()["id"] == first


def test_rate_limits_can_be_switched_on() -> None:
    with up("--rate-limits", "on") as platform:
        platform.app()
        answers = [platform.call("GET", "/v1/apps/app").status_code for _ in range(5)]
        assert answers == [200, 200, 200, 429, 429]
        body = platform.call("GET", "/v1/apps/app").json()
        assert "rate limit exceeded" in body["error"]


def test_a_reader_that_leaves_does_no_harm() -> None:
    with up("--json") as platform:
        platform.app()
        with platform.http.stream("GET", "/_flylab/events") as stream:
            lines = stream.iter_lines()
            assert next(lines) == ": following"
            platform.create()
            seen = [
                json.loads(line.removeprefix("data: ")) for _, line in zip(range(3), filter(None, lines), strict=False)
            ]
            assert [event["state"] for event in seen] == ["created", "starting", "started"]
            assert {event["app"] for event in seen} == {"app"}
        wait_until(lambda: platform.call("GET", "/_flylab/events/recent").json()[:3] == seen)
        assert platform.end()[0] == 0

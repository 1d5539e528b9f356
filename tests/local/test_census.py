"""Counting a machine's processes: /proc on Linux, the output of ps(1) elsewhere."""

import os
import subprocess
import sys

import pytest

from flylab.local.census import PS, census, parse_address, parse_ps

pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="the examples are those of little-endian computers")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0100007F:1F90", "127.0.0.1:8080"),
        ("00000000:0016", "0.0.0.0:22"),
        ("00000000000000000000000001000000:1F90", "[::1]:8080"),
        ("00000000000000000000000000000000:0050", "[::]:80"),
    ],
)
def test_addresses(text: str, address: str) -> None:
    assert parse_address(text) == address


LISTED = """
  100     1   100  2048  0,5       01:02 python server.py
  101   100   100  1024  0.0    01:00:00 worker
  102   101   102   512 12.6  2-00:00:01 left the group
  200     1   200   512  0.0       00:01 somebody else
  bad
"""


def test_what_ps_prints() -> None:
    found = parse_ps(LISTED, 100, 1_000_000.0)
    assert [process.pid for process in found] == [100, 101, 102]
    assert found[0].to_json() == {
        "pid": 100,
        "command": "python server.py",
        "directory": "",
        "cpu": 0,
        "rss": 2048 * 1024,
        "rtime": 62,
        "stime": 999_938,
        "listen_sockets": [],
    }
    assert [process.rtime for process in found[1:]] == [3600, 172_801]
    assert found[2].cpu == 13


def test_ps_of_this_computer_can_be_read() -> None:
    child = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        listed = subprocess.run(PS, capture_output=True, text=True, check=True).stdout
        (process,) = parse_ps(listed, child.pid, 1_000_000.0)
        assert (process.pid, process.command) == (child.pid, "sleep 60")
    finally:
        child.kill()
        child.wait()


def test_what_has_ended_is_not_counted() -> None:
    child = subprocess.Popen(["true"])
    child.wait()
    assert census(child.pid, "nobody", os.getpid()) == []

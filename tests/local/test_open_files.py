"""How many files may be open, and what is said when they are too few."""

import resource
import subprocess
import sys

import pytest

from flylab.local.open_files import allow_many_files, room, shortage

RAISED = """
import resource
from flylab.local.open_files import allow_many_files
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (64, {hard}))
print(allow_many_files(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(("hard", "found"), [("hard", None), ("600", 600)])
def test_the_soft_limit_rises_to_the_hard_one(hard, found):
    done = subprocess.run([sys.executable, "-c", RAISED.format(hard=hard)], capture_output=True, text=True, check=True)
    allowed, soft, most = map(int, done.stdout.split())
    assert allowed == soft > 64
    assert found in (None, soft)
    assert soft == most or most == resource.RLIM_INFINITY or soft == 131_072


@pytest.mark.parametrize(
    ("connections", "files", "found"),
    [(32_768, 20_000, 9_872), (32_768, 65_792, 32_768), (9, 8, 9)],
)
def test_a_pipe_takes_two_files(connections, files, found):
    assert room(connections, files) == found


def test_whoever_asks_for_more_than_there_is_room_for_is_told():
    assert shortage(32_768, 20_000, asked=False) == ""
    assert shortage(9_000, 20_000, asked=True) == ""
    said = shortage(10_000, 20_000, asked=True)
    assert "9872 connections and not for 10000, which need 20256 open files" in said
    assert "room for 384 connections" in shortage(32_768, 1024, asked=False)


def test_who_has_enough_keeps_it():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    allow_many_files()
    try:
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= before[0]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)

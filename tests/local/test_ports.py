"""Ports of machines: claimed by one platform, outside of what the kernel gives away."""

import socket
from pathlib import Path
from random import Random

import pytest

from flylab.errors import LocalError
from flylab.local.ports import FIRST, LAST, Ports, usable


def test_two_platforms_never_get_the_same(tmp_path: Path) -> None:
    one, other = Ports(Random(1), tmp_path), Ports(Random(1), tmp_path)
    claimed = [platform.claim() for _ in range(20) for platform in (one, other)]
    assert len(set(claimed)) == 40
    assert all(FIRST <= port < LAST for port in claimed)
    one.close()
    other.close()
    assert list(tmp_path.iterdir()) == []


def test_what_is_released_can_be_claimed(tmp_path: Path) -> None:
    claims = Ports(Random(1), tmp_path)
    first = claims.claim()
    claims.release(first)
    again = Ports(Random(1), tmp_path)
    assert again.claim() == first
    again.close()


def test_a_port_that_somebody_else_uses_is_passed_over(tmp_path: Path) -> None:
    probe = Ports(Random(1), tmp_path)
    port = probe.claim()
    probe.close()
    with socket.create_server(("127.0.0.1", port)):
        claims = Ports(Random(1), tmp_path)
        assert claims.claim() != port
        claims.close()


def test_a_folder_that_cannot_be_had(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalError, match="cannot keep track of ports"):
        Ports(Random(1), tmp_path / "file" / "below")


def test_when_none_is_left(tmp_path: Path) -> None:
    probe = Ports(Random(1), tmp_path)
    port = probe.claim()
    probe.close()
    claims = Ports(Random(1), tmp_path, span=range(port, port + 1))
    assert claims.claim() == port
    with pytest.raises(LocalError, match=f"no free port between {port} and {port + 1}"):
        claims.claim()
    claims.close()


@pytest.mark.parametrize(
    ("ephemeral", "last"),
    [("32768\t60999\n", LAST), ("20000 60000", 20000), ("1024 65535", LAST), ("rubbish", LAST), ("", LAST)],
)
def test_the_ephemeral_range_is_left_alone(ephemeral: str, last: int) -> None:
    assert usable(ephemeral) == range(FIRST, last)

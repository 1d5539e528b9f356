"""The token bucket of one connection."""

import pytest

from app.rate import Bucket


def test_a_burst_is_free_and_what_follows_waits_its_turn() -> None:
    bucket = Bucket(rate=10.0, burst=3, now=0.0)
    assert [bucket.take(0.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert bucket.take(0.0) == pytest.approx(0.1)
    assert bucket.take(0.0) == pytest.approx(0.2)


def test_it_fills_again_up_to_the_burst() -> None:
    bucket = Bucket(rate=10.0, burst=3, now=0.0)
    for _ in range(5):
        bucket.take(0.0)
    assert bucket.take(0.35) == 0.0
    assert [bucket.take(100.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert bucket.take(100.0) > 0.0


def test_a_member_who_waits_as_told_sends_at_the_rate() -> None:
    bucket, now, sent = Bucket(rate=50.0, burst=10, now=0.0), 0.0, 0
    while now < 10.0:
        pause = bucket.take(now)
        sent += 1
        now += max(pause, 0.001)
    assert sent == pytest.approx(510, abs=2)


def test_who_is_not_admitted_takes_nothing() -> None:
    bucket = Bucket(rate=10.0, burst=2, now=0.0)
    assert [bucket.admit(0.0) for _ in range(4)] == [True, True, False, False]
    assert [bucket.admit(0.05), bucket.admit(0.1), bucket.admit(0.1)] == [False, True, False]
    assert sum(bucket.admit(0.1 + step / 1_000) for step in range(1, 10_001)) == pytest.approx(100, abs=1)

"""The retry policy as a table: what passes, how long the pauses are, and that it stops."""

import random

import pytest

from flylab.client.errors import AnswerError, TransportError, read_error
from flylab.client.retry import DEFAULT, Attempts, Repeat, RetryPolicy


def status(code, text="", **options):
    return read_error(code, text.encode(), **options)


LOST = TransportError("x", "lost", sent=True)
NOT_SENT = TransportError("x", "refused", sent=False)
FULL = status(503, '{"error": "out of capacity", "status": "insufficient_capacity"}')
UNREADABLE = AnswerError("x", "no JSON")
SAFE, LOOK, NEVER = Repeat.SAFE, Repeat.AFTER_LOOKING, Repeat.NEVER


@pytest.mark.parametrize(
    ("error", "sent_again"),
    [
        (NOT_SENT, {SAFE, LOOK, NEVER}),
        (status(429), {SAFE, LOOK, NEVER}),
        (LOST, {SAFE, LOOK}),
        (status(408), {SAFE, LOOK}),
        (status(500), {SAFE, LOOK}),
        (status(502), {SAFE, LOOK}),
        (status(503), {SAFE, LOOK}),
        (status(504), {SAFE, LOOK}),
        (FULL, set()),
        (UNREADABLE, set()),
        *((status(code), set()) for code in (400, 401, 403, 404, 409, 412, 422, 501)),
    ],
    ids=lambda value: str(value) if isinstance(value, Exception) else "+".join(sorted(kind.name for kind in value)),
)
def test_what_is_sent_again(error, sent_again):
    passes = {repeat for repeat in Repeat if DEFAULT.pause(error, repeat, failed=1, chance=0.5) is not None}
    assert passes == sent_again


@pytest.mark.parametrize(
    ("error", "ambiguous"),
    [
        (LOST, True),
        (status(408), True),
        (status(502), True),
        (UNREADABLE, True),
        (NOT_SENT, False),
        (status(429), False),
        (status(422), False),
        (status(501), False),
        (FULL, False),
    ],
    ids=str,
)
def test_what_may_have_been_carried_out(error, ambiguous):
    assert DEFAULT.is_ambiguous(error) is ambiguous


@pytest.mark.parametrize(
    ("repeat", "error", "attempts"), [(SAFE, LOST, 5), (LOOK, LOST, 3), (NEVER, NOT_SENT, 5), (SAFE, status(429), 10)]
)
def test_it_stops(repeat, error, attempts):
    tries = Attempts(DEFAULT, repeat, random.Random(1))
    pauses = [tries.pause_after(error) for _ in range(attempts)]
    assert None not in pauses[:-1]
    assert pauses[-1] is None


def test_a_rate_limit_uses_up_no_attempt():
    tries = Attempts(DEFAULT, LOOK, random.Random(1))
    for _ in range(6):
        assert tries.pause_after(status(429)) is not None
    assert tries.pause_after(LOST) is not None


@pytest.mark.parametrize(("chance", "pauses"), [(0.0, [0.25, 0.5, 1, 2]), (1.0, [0.5, 1, 2, 4])])
def test_pauses_grow_and_half_of_each_is_spread(chance, pauses):
    assert [DEFAULT.pause(LOST, SAFE, failed=number, chance=chance) for number in (1, 2, 3, 4)] == pauses


def test_pauses_have_a_longest():
    patient = RetryPolicy(attempts=50)
    assert patient.pause(LOST, SAFE, failed=40, chance=1.0) == patient.longest_pause


@pytest.mark.parametrize(("header", "least", "most"), [("", 0.5, 1.0), ("3", 3.0, 3.5), ("900", 60.0, 60.5)])
def test_a_rate_limit_is_waited_for_as_long_as_it_says(header, least, most):
    error = status(429, retry_after=header)
    assert DEFAULT.pause(error, NEVER, failed=1, chance=0.0) == least
    assert DEFAULT.pause(error, NEVER, failed=1, chance=1.0) == most


@pytest.mark.parametrize(
    ("error", "settles"),
    [
        (status(412, '{"error": "failed_precondition: machine still active, refusing to start"}'), True),
        (status(412, '{"error": "failed_precondition: machine getting replaced, refusing to start"}'), True),
        (status(412, """{"error": "failed_precondition: unable to start, current state: 'created'"}"""), True),
        (status(412, """{"error": "failed_precondition: unable to start, current state: 'destroyed'"}"""), False),
        (status(412, '{"error": "failed_precondition: machine not currently stopped"}'), False),
        (status(409, '{"error": "aborted: still active"}'), False),
        (LOST, False),
    ],
    ids=str,
)
def test_which_refusals_of_a_start_pass_by_themselves(error, settles):
    assert (DEFAULT.settling_delay(error, waited=0, failed=1) is not None) is settles


def test_settling_is_waited_for_ten_seconds_and_no_longer():
    error = status(412, '{"error": "failed_precondition: still active"}')
    waited, tries = 0.0, 0
    while (delay := DEFAULT.settling_delay(error, waited=waited, failed=tries + 1)) is not None:
        waited, tries = waited + delay, tries + 1
    assert 8 < waited <= 10  # it was seen for up to 8 s
    assert tries < 15  # and the rate limit is one start a second


@pytest.mark.parametrize(("code", "starting"), [(409, True), (412, True), (500, False)])
def test_a_start_that_is_under_way_is_told_from_a_failure(code, starting):
    assert DEFAULT.is_starting(status(code, '{"error": "aborted: machine still attempting to start"}')) is starting
    assert not DEFAULT.is_starting(status(code, '{"error": "aborted: lease currently held by someone"}'))

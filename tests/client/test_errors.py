"""Every refusal of the table arrives as its own exception, and every exception's text is one honest sentence."""

import pytest

from flylab.client.errors import (
    BY_CODE,
    BY_STATUS,
    AlreadyExists,
    Conflict,
    NameTaken,
    NotOffered,
    PreconditionFailed,
    RateLimited,
    ServerError,
    StatusError,
    Unprocessable,
    WaitTimeout,
    read_error,
)
from flylab.errors import ClientError
from flylab.wire.codes import API, Capacity, refuse


def read(status, body, **options):
    return read_error(status, body if isinstance(body, bytes) else body.encode(), **options)


@pytest.mark.parametrize("code", API, ids=lambda code: code.name)
def test_every_row_of_the_table_goes_out_and_comes_back(code):
    import json

    status, body = refuse(code.name, "something is in the way")
    error = read(status, json.dumps(body))
    assert (error.status, error.code) == (code.http, code.name)
    assert error.text == body["error"]
    if code.name in BY_CODE:
        assert type(error) is BY_CODE[code.name]
    elif code.http in BY_STATUS:
        assert type(error) is BY_STATUS[code.http]
    else:
        assert type(error) is (ServerError if code.http >= 500 else StatusError)


def test_every_exception_of_a_status_is_reached_by_a_row_of_the_table():
    reached = {
        type(read(code.http, f'{{"error": "{code.word}: {code.fragment}", "status": "{code.body_status}"}}'))
        for code in API
    }
    assert reached >= {*BY_STATUS.values(), *BY_CODE.values(), ServerError}


def test_narrow_exceptions_are_also_the_wide_ones():
    assert issubclass(AlreadyExists, Conflict)
    assert issubclass(NameTaken, Unprocessable)
    assert issubclass(StatusError, ClientError)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('{"error": "not_found: machine not found"}', "not_found: machine not found"),
        ('{"status": "error", "message": "lease not found", "code": "not_found"}', "lease not found"),
        ('{"error": "first", "message": "second"}', "second"),
        ("upstream\n  is   gone\n", "upstream is gone"),
        ("", ""),
        ("[1, 2]", "[1, 2]"),
        ('{"details": {}}', ""),
        ("x" * 1000, "x" * 300 + "…"),
        (b"\xff\xfe", "��"),
    ],
)
def test_the_text_is_found_in_every_shape_of_body(body, text):
    assert read(404, body).text == text


def test_the_sentence_says_what_was_asked_what_was_answered_and_the_request():
    error = read(
        412,
        '{"error": "failed_precondition: machine still active"}',
        asked="start machine 148e of app rooms",
        request_id="01ABC-ams",
    )
    assert isinstance(error, PreconditionFailed)
    assert str(error) == (
        "start machine 148e of app rooms: answered 412, failed_precondition: machine still active (request 01ABC-ams)"
    )
    assert str(read(502, "", asked="look")) == "look: answered 502 without a text"
    assert str(read(502, "")) == "answered 502 without a text"


@pytest.mark.parametrize(
    ("status", "body", "capacity"),
    [
        (422, '{"error": "no candidate host", "status": "insufficient_capacity"}', Capacity.REGION),
        (503, '{"error": "out of capacity", "status": "insufficient_capacity"}', Capacity.REGION),
        (412, '{"error": "insufficient resources", "status": "volume_placement_capacity"}', Capacity.VOLUME),
        (409, '{"error": "aborted: insufficient CPUs available to fulfill request"}', Capacity.HOST),
        (409, '{"error": "aborted: could not place volume: no capacity"}', Capacity.REGION),
        (403, '{"error": "organization is over the allowed quota"}', Capacity.REGION),
        (403, '{"error": "forbidden"}', None),
        (409, '{"error": "aborted: lease currently held by someone"}', None),
        # The status value is believed before the text.
        (
            409,
            '{"error": "insufficient memory available to fulfill request", "status": "insufficient_capacity"}',
            Capacity.REGION,
        ),
    ],
)
def test_capacity_is_told_apart_because_the_cures_differ(status, body, capacity):
    assert read(status, body).capacity == capacity


@pytest.mark.parametrize(
    ("header", "seconds"), [("3", 3.0), ("", None), ("soon", None), ("-1", None), ("Wed, 21 Oct", None)]
)
def test_retry_after_is_read_when_it_is_a_number(header, seconds):
    error = read(429, "rate limit exceeded", retry_after=header)
    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds


@pytest.mark.parametrize(
    ("text", "machine_id"),
    [
        ("already_exists: unique machine name violation, machine ID 148e21d4b2c0a1 already exists", "148e21d4b2c0a1"),
        ("already_exists: the name is in use", None),
    ],
)
def test_the_holder_of_a_name_is_read_from_the_text(text, machine_id):
    error = read(409, f'{{"error": "{text}"}}')
    assert isinstance(error, AlreadyExists)
    assert error.machine_id == machine_id


def test_a_501_is_named_as_not_offered():
    assert isinstance(read(501, '{"error": "volumes are not offered"}'), NotOffered)


def test_a_wait_that_ran_out_says_what_was_wanted_and_what_is():
    error = WaitTimeout("wait for machine 1 of app a", wanted="started", seconds=90, last="current state created")
    assert str(error) == "wait for machine 1 of app a: not started after 90 s, current state created"

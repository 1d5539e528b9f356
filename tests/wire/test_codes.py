"""The table of refusals, read in both directions."""

import pytest

from flylab.wire.codes import API, CODES, PROXY, UNKNOWN, Code, classify, http_status, refuse


@pytest.mark.parametrize("code", API, ids=lambda code: code.name)
def test_what_the_server_refuses_the_client_recognises(code: Code) -> None:
    status, body = refuse(code.name, "something is wrong")
    assert (status, classify(status, body["error"], body.get("status", ""))) == (code.http, code.name)


def test_names_are_unique() -> None:
    assert len(CODES) == len(API) + len(PROXY)


def test_a_fragment_that_clients_look_for_is_always_said() -> None:
    assert refuse("not_stopped", "it runs")[1]["error"] == "failed_precondition: it runs (not currently stopped)"
    assert refuse("unauthenticated", "")[1]["error"] == "Authenticate:"
    said = "machine not found"
    assert refuse("machine_not_found", said)[1]["error"] == f"not_found: {said}"


def test_the_status_of_the_body_is_believed_first() -> None:
    # The older path answers 503 for a region without room.
    assert classify(503, "insufficient_capacity: out of capacity", "insufficient_capacity") == "region_capacity"
    assert classify(409, "whatever", "name_taken") == "name_taken"
    assert classify(404, "not_found: x", "unknown") == "not_found"
    assert classify(404, "not_found: x", "something new") == "not_found"


@pytest.mark.parametrize(
    ("http", "text", "name"),
    [
        (404, "", "no_such_path"),
        (412, "free text", "failed_precondition"),
        (418, "tea", UNKNOWN),
        (500, "<html>", "internal"),
    ],
)
def test_free_text_is_classified_by_status(http: int, text: str, name: str) -> None:
    assert classify(http, text) == name


def test_proxy_codes_have_the_documented_statuses() -> None:
    assert [http_status(code) for code in ("PA01", "PA02", "PR03", "PM03", "PM08", "PU02", "PR01")] == [
        502, 502, 503, 503, 503, 502, 503,
    ]  # fmt: skip
    assert http_status("of the future") == 500
    assert refuse("of the future", "x") == (500, {"error": "x"})

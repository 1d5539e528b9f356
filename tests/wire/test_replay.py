"""The grammar of fly-replay and the headers around it."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.errors import ParseError
from flylab.wire.replay import (
    FailureReason,
    Fallback,
    Replay,
    ReplayFailure,
    ReplaySource,
    format_failure,
    format_replay,
    format_source,
    parse_failure,
    parse_replay,
    parse_source,
)
from flylab.wire.replay_json import parse_replay_json
from flylab.wire.transform import Transform

READ = [
    ("region=ams", Replay(regions=("ams",))),
    ('region="ams,eu,any"', Replay(regions=("ams", "eu", "any"))),
    ('region="ams, fra" ; state=blue', Replay(regions=("ams", "fra"), state="blue")),
    ("region=ams,fra;state=x", Replay(regions=("ams", "fra"), state="x")),
    ("instance=148e21d4b2c0a1", Replay(instance="148e21d4b2c0a1")),
    ("instance=a; region=iad ,app=x, state=a,b=c", Replay(instance="a", regions=("iad",), app="x", state="a,b=c")),
    ("app=rooms;instance=a", Replay(app="rooms", instance="a")),
    ("prefer_instance=a;elsewhere=true", Replay(prefer_instance="a", elsewhere=True)),
    ("elsewhere=false;app=x", Replay(app="x")),
    ("instance=a;timeout=800ms;fallback=force_self", Replay(instance="a", timeout=0.8, fallback=Fallback.FORCE_SELF)),
    ("instance=a;fallback=prefer_self", Replay(instance="a", fallback=Fallback.PREFER_SELF)),
    ("instance=a;instance=b", Replay(instance="b")),
    ('state="a;b,app=c"', Replay(state="a;b,app=c")),
    ('state={"a":1,"b":2}', Replay(state='{"a":1,"b":2}')),
    ("state=", Replay(state="")),
    ("state=a=b==", Replay(state="a=b==")),
    (";;app=x;", Replay(app="x")),
    ("cache_key=blue", Replay()),
    ("something", Replay()),
]


@pytest.mark.parametrize(("text", "replay"), READ, ids=[text for text, _ in READ])
def test_a_replay_is_read(text, replay):
    assert parse_replay(text) == replay


def test_unknown_keys_are_named():
    assert parse_replay("cache_key=blue;bare;app=x").unknown == ("cache_key", "bare")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ; ",
        "instance",
        "instance=",
        "app=;state=x",
        "region=",
        'region=""',
        "region=amsterdam",
        "region=ams,,fra",
        "elsewhere=yes",
        "timeout=soon",
        "timeout=0s",
        "timeout=-1s",
        "fallback=nobody",
        'state="open',
        'state="a" b',
        "=x",
    ],
)
def test_an_unreadable_replay_is_refused(text):
    with pytest.raises(ParseError):
        parse_replay(text)


def test_the_json_form_has_the_same_fields():
    body = (
        b'{"region":"ams,eu","app":"x","state":"h\\u00e9","elsewhere":true,"timeout":"5s",'
        b'"transform":{"path":"/","more":1},"instance":null,"else":3}'
    )
    replay = parse_replay_json(body)
    assert replay == Replay(
        regions=("ams", "eu"),
        app="x",
        state="h\u00c3\u00a9",
        elsewhere=True,
        timeout=5.0,
        transform=Transform(path="/"),
    )  # the state as the bytes of its UTF-8
    assert replay.unknown == ("else", "transform.more")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"instance":3}', b'{"state":"a\\nb"}', b'{"elsewhere":"no"}', b"[" * 100_000]
)
def test_an_unreadable_json_form_is_refused(body):
    with pytest.raises(ParseError):
        parse_replay_json(body)


header_text = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=20)
ids = st.from_regex(r"[0-9a-f]{1,14}", fullmatch=True)
replays = st.builds(
    Replay,
    regions=st.lists(st.sampled_from(["ams", "iad", "eu", "any", "usa"]), max_size=4).map(tuple),
    instance=st.none() | ids,
    prefer_instance=st.none() | ids,
    app=st.none() | st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True),
    state=st.none() | header_text,
    elsewhere=st.booleans(),
    timeout=st.none() | st.integers(1, 10**7).map(lambda ms: ms / 1000),
    fallback=st.none() | st.sampled_from(Fallback),
)


@given(replays)
def test_what_is_written_is_read_back(replay):
    try:
        text = format_replay(replay)
    except ParseError:
        assert replay == Replay() or (replay.state is not None and '"' in replay.state)
        return
    assert "\n" not in text
    assert parse_replay(text) == replay


@given(st.text(max_size=60))
def test_any_text_is_either_read_or_refused(text):
    with suppress(ParseError):
        assert isinstance(parse_replay(text), Replay)


def test_a_value_that_no_header_can_carry_is_not_written():
    with pytest.raises(ParseError, match="cannot carry"):
        format_replay(Replay(state="a\r\nx: y"))
    with pytest.raises(ParseError, match="quotes"):
        format_replay(Replay(state='a;"b'))


@given(
    st.builds(
        ReplaySource,
        instance=ids,
        region=st.sampled_from(["ams", "nrt"]),
        t=st.integers(0, 2**53),
        state=st.none() | header_text,
    )
)
def test_a_source_is_read_back_with_the_state_last(source):
    text = format_source(source)
    assert parse_source(text) == source
    assert text.startswith(f"instance={source.instance};region={source.region};t={source.t}")


@pytest.mark.parametrize("text", ["", "instance=a;region=ams", "instance=a;region=ams;t=x", "region=ams;t=1"])
def test_an_unreadable_source_is_refused(text):
    with pytest.raises(ParseError):
        parse_source(text)


@given(
    st.builds(
        ReplayFailure,
        instance=st.none() | ids,
        app=st.just("rooms"),
        region=st.none() | st.just("ams") | st.just('"ams,eu"').map(lambda quoted: quoted.strip('"')),
        replay_source=ids,
        reason=st.sampled_from(FailureReason),
        elapsed_ms=st.integers(0, 10**6),
    )
)
def test_a_failure_is_read_back(failure):
    assert parse_failure(format_failure(failure)) == failure


@pytest.mark.parametrize("text", ["", "app=a", "app=a;replay_source=b;reason=luck;elapsed_ms=1"])
def test_an_unreadable_failure_is_refused(text):
    with pytest.raises(ParseError):
        parse_failure(text)


@pytest.mark.parametrize(("state", "written"), [("a;b", '"a;b"'), ("a,app=b", '"a,app=b"'), (' "', None), ("", "")])
def test_a_state_is_quoted_where_it_must_be(state, written):
    if written is None:
        with pytest.raises(ParseError):
            format_replay(Replay(state=state))
    else:
        assert format_replay(Replay(state=state)) == f"state={written}"
        assert parse_replay(f"state={written}").state == state


@pytest.mark.parametrize("text", ["instance;app=x", "app"])
def test_a_known_key_without_a_value_is_refused(text):
    with pytest.raises(ParseError, match="no value"):
        parse_replay(text)

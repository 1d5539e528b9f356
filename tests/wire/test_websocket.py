"""Where one frame of a WebSocket ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Close, Frame, Opcode

from flylab.wire.websocket import GOING_AWAY, is_whole

DATA = [Opcode.TEXT, Opcode.BINARY, Opcode.CONT]
CONTROL = [Opcode.CLOSE, Opcode.PING, Opcode.PONG]
frames = st.one_of(
    st.builds(
        lambda op, size, fin: Frame(op, b"x" * size, fin=fin).serialize(mask=False),
        st.sampled_from(DATA),
        st.sampled_from([0, 1, 125, 126, 127, 300, 65535, 65536, 70000]),
        st.booleans(),
    ),
    st.builds(
        lambda op, data: Frame(op, data).serialize(mask=False), st.sampled_from(CONTROL), st.binary(max_size=125)
    ),
)


def test_the_close_frame_says_1001():
    assert Frame(Opcode.CLOSE, Close(1001, "").serialize()).serialize(mask=False) == GOING_AWAY
    assert is_whole(GOING_AWAY)


@given(st.lists(frames, max_size=5), st.data())
def test_frames_are_whole_until_something_is_missing(sent, data):
    stream = b"".join(sent)
    assert is_whole(stream)
    if stream:
        ends = [len(b"".join(sent[:n])) for n in range(len(sent))]
        cut = data.draw(st.integers(1, len(stream) - 1)) if len(stream) > 1 else 1
        assert is_whole(stream[:cut]) is (cut in ends or cut == len(stream))


@pytest.mark.parametrize(
    "data",
    [
        b"\x81",
        b'{"text": "the rest of a long message"}',
        b"\x83\x00",  # no such opcode
        b"\xa1\x00",  # RSV2
        b"\x81\x80abcd",  # masked, as only clients may
        b"\x89\x7e\x00\x7e" + b"x" * 126,  # a ping that is too long
        b"\x09\x00",  # a ping in pieces
        b"\xc9\x00",  # a compressed ping
        b"\x81\x7e\x00",  # the length itself is not all there
    ],
)
def test_anything_else_is_not(data):
    assert not is_whole(data)


def test_a_compressed_message_is_a_frame():
    assert is_whole(b"\xc1\x02xy")

"""Inbound: the same messages however the bytes come in, and the library's verdict on everything else."""

from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from app.inbound import Answer, End, Inbound, Message

MOST = 70_000


def masked(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    return Frame(Opcode(opcode), payload, fin).serialize(mask=True)


def drain(inbound: Inbound) -> list[Message | Answer]:
    found = []
    while (one := inbound.next()) is not None:
        found.append(one)
    return found


TEXTS = st.text(max_size=40).map(lambda text: (1, text.encode()))
BINARIES = st.one_of(st.binary(max_size=300), st.integers(65_500, 65_600).map(bytes)).map(lambda data: (2, data))
CONTROLS = st.tuples(st.sampled_from([9, 10]), st.binary(max_size=125))


@given(st.lists(st.tuples(st.one_of(TEXTS, BINARIES), st.integers(1, 4), CONTROLS), max_size=6), st.data())
def test_the_same_messages_come_out_however_they_are_cut_and_fragmented(
    sent: list[tuple[tuple[int, bytes], int, tuple[int, bytes]]], data: st.DataObject
) -> None:
    stream, messages, pongs, frames = b"", [], [], 0
    for (kind, payload), pieces, (control, word) in sent:
        step = max(1, -(-len(payload) // pieces))
        parts = [payload[at : at + step] for at in range(0, len(payload), step)] or [b""]
        frames += len(parts) + 1
        for place, part in enumerate(parts):
            stream += masked(0 if place else kind, part, fin=place == len(parts) - 1)
            if place == 0:
                stream += masked(control, word)
        messages.append(Message(payload, kind == 2))
        if control == 9:
            pongs.append(bytes((0x8A, len(word))) + word)
    inbound = Inbound(MOST)
    found = []
    while stream:
        cut = data.draw(st.integers(1, min(len(stream), 40_000)))
        inbound.feed(stream[:cut])
        stream = stream[cut:]
        found += drain(inbound)
    assert [one for one in found if isinstance(one, Message)] == messages
    assert [one.frames for one in found if isinstance(one, Answer) and one.frames] == pongs
    assert len(found) == frames  # one by one, so that whoever asks can stop anywhere
    assert inbound.empty


@given(st.binary(max_size=300))
def test_any_bytes_at_all_are_messages_or_an_end_but_never_an_error(noise: bytes) -> None:
    inbound = Inbound(100)
    for at in range(0, len(noise), 7):
        inbound.feed(noise[at : at + 7])
        for one in drain(inbound):
            if isinstance(one, Answer) and one.end is not None:
                assert one.end is End.CLOSED or one.frames[:1] == b"\x88"
                return


def test_a_message_that_is_said_to_be_too_long_ends_it_before_it_has_come() -> None:
    inbound = Inbound(MOST)
    inbound.feed(masked(2, bytes(MOST + 1))[:10])
    (answer,) = drain(inbound)
    assert isinstance(answer, Answer)
    assert answer.end is End.FAILED
    assert int.from_bytes(answer.frames[2:4]) == 1009


def test_the_answer_to_our_goodbye_is_the_end_and_messages_before_it_still_show() -> None:
    inbound = Inbound(MOST)
    assert inbound.goodbye(4001, "moved") == b"\x88\x07\x0f\xa1moved"
    inbound.feed(masked(1, b"still") + masked(8, b"\x0f\xa1moved") + masked(1, b"not any more"))
    still, end = drain(inbound)[:2]
    assert still == Message(b"still", False)
    assert end == Answer(b"", End.CLOSED)


def test_what_is_quiet_holds_nothing() -> None:
    inbound = Inbound(MOST)
    inbound.feed(masked(9, b"ping") + masked(1, b"x", fin=False) + masked(0, b"y"))
    assert drain(inbound) == [Answer(b"\x8a\x04ping"), Answer(b""), Message(b"xy", False)]
    assert inbound.empty
    assert all(getattr(inbound, name) in (None, 0, MOST) for name in Inbound.__slots__)


def test_empty_pieces_of_a_message_leave_nothing_behind() -> None:
    inbound = Inbound(MOST)
    inbound.feed(masked(1, b"x", fin=False) + masked(0, b"", fin=False) * 500)
    assert drain(inbound) == [Answer(b"")] * 501
    assert inbound._pieces is not None
    assert len(inbound._pieces) == 2
    inbound.feed(masked(0, b"y"))
    assert drain(inbound) == [Message(b"xy", False)]

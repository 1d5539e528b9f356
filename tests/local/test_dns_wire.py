"""DNS messages: what is read and written, and that no bytes whatever bring it down."""

import struct
from unittest import mock

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdatatype
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flylab.local.dns_wire import LONGEST, TTL, respond
from flylab.rules.names import Answer, Code, Question, Record

ONE = Answer(Code.NOERROR, (Record("AAAA", "fdaa:1:1:a7b:1:1:1:2"),))
MANY = Answer(Code.NOERROR, tuple(Record("AAAA", f"fdaa:1:1:a7b:1:1:{i:x}:2") for i in range(1, 1001)))


def query(name: str = "blue.internal", kind: str = "AAAA", **options) -> dns.message.Message:
    return dns.message.make_query(name, kind, **options)


def said(message: dns.message.Message, answer: Answer = ONE, *, udp: bool = True) -> dns.message.Message:
    data = respond(message.to_wire(), lambda _: answer, udp=udp)
    assert data is not None
    return dns.message.from_wire(data)


def test_an_answer_carries_the_records_for_five_seconds():
    """DOCUMENTED networking/private-networking: the TTL in its example."""
    message = query()
    response = said(message)
    assert message.is_response(response)
    assert response.flags & dns.flags.AA
    assert not response.flags & dns.flags.RA
    (found,) = response.answer
    assert (found.ttl, TTL) == (5, 5)
    assert [rdata.address for rdata in found] == ["fdaa:1:1:a7b:1:1:1:2"]


@pytest.mark.parametrize(("code", "rcode"), [(Code.NXDOMAIN, dns.rcode.NXDOMAIN), (Code.NOERROR, dns.rcode.NOERROR)])
def test_an_absence_says_how_long_it_may_be_remembered(code, rcode):
    response = said(query("x.blue.internal"), Answer(code))
    assert (response.rcode(), response.answer) == (rcode, [])
    (soa,) = response.authority
    assert (str(soa.name), soa.ttl, soa[0].minimum) == ("internal.", 5, 5)


def test_refusal_is_without_authority():
    response = said(query("fly.io"), Answer(Code.REFUSED))
    assert (response.rcode(), response.answer, response.authority) == (dns.rcode.REFUSED, [], [])
    assert not response.flags & dns.flags.AA


def test_names_lose_their_capitals_and_keep_them_in_the_answer():
    asked = []
    data = respond(query("ViM.Blue.INTERNAL", "TXT").to_wire(), lambda q: asked.append(q) or ONE, udp=True)
    assert asked == [Question(("vim", "blue", "internal"), "TXT")]
    assert str(dns.message.from_wire(data).question[0].name) == "ViM.Blue.INTERNAL."


def test_long_texts_are_pieces_of_one_record():
    text = ",".join(f"{i:014x} ams" for i in range(300))
    response = said(query("vms.blue.internal", "TXT"), Answer(Code.NOERROR, (Record("TXT", text),)), udp=False)
    (rdata,) = response.answer[0]
    assert b"".join(rdata.strings).decode() == text
    assert max(map(len, rdata.strings)) == 255


def test_services_carry_port_and_target():
    answer = Answer(Code.NOERROR, (Record("SRV", "a1.vm.blue.internal", 10001),))
    (rdata,) = said(query("_80._tcp.blue.internal", "SRV"), answer).answer[0]
    assert (rdata.port, str(rdata.target)) == (10001, "a1.vm.blue.internal.")


@pytest.mark.parametrize(("payload", "most"), [(None, 512), (100, 512), (1232, 1232), (65535, LONGEST)])
def test_what_is_too_long_for_a_datagram_is_cut_and_marked(payload, most):
    message = query() if payload is None else query(use_edns=0, payload=payload)
    data = respond(message.to_wire(), lambda _: MANY, udp=True)
    assert len(data) <= most
    assert dns.message.from_wire(data).flags & dns.flags.TC
    whole = said(message, MANY, udp=False)
    assert len(whole.answer[0]) == 1000
    assert not whole.flags & dns.flags.TC


def test_a_text_that_was_cut_is_marked_over_tcp_too():
    answer = Answer(Code.NOERROR, (Record("TXT", "x" * 60_000),), cut=True)
    response = said(query("vms.blue.internal", "TXT"), answer, udp=False)
    assert response.flags & dns.flags.TC
    assert len(response.answer) == 1


def header(flags: int = 0, counts: tuple[int, int, int, int] = (1, 0, 0, 0)) -> bytes:
    return struct.pack("!6H", 77, flags, *counts)


QUESTION = b"\x04blue\x08internal\x00\x00\x1c\x00\x01"
LOOP = header() + b"\xc0\x0c\x00\x1c\x00\x01"


@pytest.mark.parametrize(
    ("data", "rcode"),
    [
        (header(), dns.rcode.FORMERR),
        (header() + QUESTION[:-3], dns.rcode.FORMERR),
        (header() + QUESTION + b"junk", dns.rcode.FORMERR),
        (LOOP, dns.rcode.FORMERR),
        (header() + b"\xc0\x0e\xc0\x0c\x00\x1c\x00\x01", dns.rcode.FORMERR),
        (header() + b"\x80" + QUESTION, dns.rcode.FORMERR),
        (header() + b"\x3f" + b"a" * 63 + b"\x3f" * 200, dns.rcode.FORMERR),
        (header(counts=(2, 0, 0, 0)) + QUESTION * 2, dns.rcode.FORMERR),
        (header(counts=(0, 0, 0, 0)), dns.rcode.FORMERR),
        (header(counts=(1, 9, 0, 0)) + QUESTION, dns.rcode.FORMERR),
        (header(counts=(1, 0, 0, 65535)) + QUESTION, dns.rcode.FORMERR),
        (header() + QUESTION + b"\0" * 60_000, dns.rcode.FORMERR),
        (header(0x2000) + QUESTION, dns.rcode.NOTIMP),
        (header(0x2800) + QUESTION, dns.rcode.NOTIMP),
        (header() + QUESTION[:-1] + b"\x03", dns.rcode.REFUSED),
        (header() + QUESTION[:-3] + b"\xfc\x00\x01", dns.rcode.REFUSED),
        (query(id=77, use_edns=1).to_wire(), dns.rcode.BADVERS),
    ],
)
def test_a_query_that_is_none_is_told_so(data, rcode):
    response = respond(data, lambda _: ONE, udp=True)
    assert response[:2] == data[:2]
    read = dns.message.from_wire(response, one_rr_per_rrset=True)
    assert read.rcode() == rcode
    assert read.answer == []


@pytest.mark.parametrize("data", [b"", b"\0" * 11, header(0x8000) + QUESTION, header(0xFFFF)])
def test_what_is_no_query_is_not_answered(data):
    assert respond(data, mock.Mock(side_effect=AssertionError), udp=True) is None


@given(st.binary(max_size=600), st.booleans())
@example(LOOP, True)
def test_no_bytes_bring_it_down(data, udp):
    for each in (data, header() + data, header(counts=(1, 0, 0, 1)) + QUESTION + data):
        response = respond(each, lambda _: MANY, udp=udp)
        assert response is None or (response[:2] == each[:2] and response[2] & 0x80)


@given(st.integers(0, 40), st.integers(0, 255), st.booleans())
def test_no_bent_query_brings_it_down(place, value, edns):
    data = bytearray(query("top2.nearest.of.blue.internal", use_edns=0 if edns else False).to_wire())
    data[place % len(data)] = value
    response = respond(bytes(data), lambda _: ONE, udp=True)
    assert response is None or response[:2] == bytes(data[:2])


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=6))
def test_labels_of_any_bytes_are_read(labels):
    asked = []
    name = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    respond(header() + name + b"\x00\x1c\x00\x01", lambda q: asked.append(q) or Answer(Code.NXDOMAIN), udp=True)
    assert [len(question.labels) for question in asked] == [len(labels)]

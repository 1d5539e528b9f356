"""DNS messages: the bytes of a query → a question for the rules, their answer → the bytes of a response (RFC 1035).

Whatever the bytes are, this returns: what is no query is not answered, a query that cannot be read gets FORMERR.
"""

import struct
from collections.abc import Callable

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.rdataclass import IN
from dns.rdtypes.ANY.TXT import TXT
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA
from dns.rdtypes.IN.SRV import SRV

from flylab.rules.names import Answer, Code, Question, Record

TTL = 5  # seconds, as in the example of networking/private-networking
LONGEST = 4096  # bytes; our choice: no honest question is that long, and a longer one costs time to take apart
_DATAGRAM = LONGEST // 16  # records, of at least 16 bytes: more of them are cut off anyway, and each costs time
_SMALLEST = 512  # bytes that every UDP reader takes (RFC 1035)
_MESSAGE = 65_535  # the length before a message over TCP has 16 bits
_HEADER = struct.Struct("!6H")
_RESPONSE = 0x8000  # the QR bit
_OPCODE = 0x7800
_ADDITIONAL = 2  # records a query may carry behind its question: EDNS, and a signature that nobody here checks
_WHOLE_ZONES = (dns.rdatatype.AXFR, dns.rdatatype.IXFR)

# Made directly: reading them from text as dnspython offers takes several times as long, and lists are long.
_MAKERS: dict[str, Callable[..., dns.rdata.Rdata]] = {"A": A, "AAAA": AAAA, "SRV": SRV}

Resolve = Callable[[Question], Answer]


def respond(data: bytes, resolve: Resolve, *, udp: bool) -> bytes | None:
    """The response to the message ``data``, cut and marked so when it is too long for the reader; None is silence."""
    if len(data) < _HEADER.size:
        return None
    _, flags, questions, answers, authorities, additional = _HEADER.unpack_from(data)
    if flags & _RESPONSE:
        return None
    if flags & _OPCODE:
        return _refusal(data, dns.rcode.NOTIMP)
    if len(data) > LONGEST or questions != 1 or answers or authorities or additional > _ADDITIONAL:
        return _refusal(data, dns.rcode.FORMERR)
    try:
        query = dns.message.from_wire(data)
    except (dns.exception.DNSException, ValueError):
        return _refusal(data, dns.rcode.FORMERR)
    response = dns.message.make_response(query, our_payload=LONGEST)
    asked = query.question[0]
    if query.edns > 0:
        response.set_rcode(dns.rcode.BADVERS)
    elif asked.rdclass not in (IN, dns.rdataclass.ANY) or asked.rdtype in _WHOLE_ZONES:
        response.set_rcode(dns.rcode.REFUSED)
    else:
        _fill(response, asked, resolve(_question(asked)), most=_DATAGRAM if udp else None)
    room = max(_SMALLEST, min(query.payload, LONGEST)) if query.edns >= 0 else _SMALLEST
    return response.to_wire(max_size=room if udp else _MESSAGE, prefer_truncation=True)


def _question(asked: dns.rrset.RRset) -> Question:
    labels = tuple(label.decode("utf-8", "surrogateescape").lower() for label in asked.name.labels[:-1])
    return Question(labels, dns.rdatatype.to_text(asked.rdtype))


def _fill(response: dns.message.Message, asked: dns.rrset.RRset, answer: Answer, *, most: int | None) -> None:
    response.set_rcode(dns.rcode.from_text(answer.code))
    if answer.code is Code.REFUSED:
        return
    response.flags |= dns.flags.AA | (dns.flags.TC if answer.cut else 0)
    kinds: dict[str, list[dns.rdata.Rdata]] = {}
    for record in answer.records[:most]:
        kinds.setdefault(record.type, []).append(_rdata(record))
    response.answer += [dns.rrset.from_rdata_list(asked.name, TTL, found) for found in kinds.values()]
    if not answer.records:  # how long the absence may be remembered (RFC 2308)
        zone = dns.name.Name(asked.name.labels[-2:])
        response.authority.append(dns.rrset.from_text(zone, TTL, IN, dns.rdatatype.SOA, f"{zone} {zone} 1 5 5 5 {TTL}"))


def _rdata(record: Record) -> dns.rdata.Rdata:
    kind = dns.rdatatype.from_text(record.type)
    match record.type:
        case "TXT":
            text = record.value.encode()
            return TXT(IN, kind, [text[i : i + 255] for i in range(0, len(text), 255)])
        case "SRV":
            return _MAKERS["SRV"](IN, kind, 0, 0, record.port, dns.name.from_text(record.value))
        case _:
            return _MAKERS[record.type](IN, kind, record.value)


def _refusal(data: bytes, code: dns.rcode.Rcode) -> bytes:
    """A bare header that repeats the query's id, operation and wish for recursion."""
    number, flags, *_ = _HEADER.unpack_from(data)
    return _HEADER.pack(number, _RESPONSE | (flags & (_OPCODE | dns.flags.RD)) | code, 0, 0, 0, 0)

"""The DNS server: UDP and TCP on one port, a door for each region and network, and peers that behave badly."""

import asyncio
import socket
import struct
from contextlib import asynccontextmanager

import dns.asyncquery
import dns.flags
import dns.message
import pytest

from flylab.errors import LocalError
from flylab.local import names as module
from flylab.local.names import NameServer
from flylab.local.sockets import listen_names
from flylab.rules.names import Answer, Code, Record
from tests.support import until

PATIENCE = 10.0


def place(address: str) -> tuple[str, int]:
    host, port = address.split(":")
    return host, int(port)


async def over_udp(address: str, name: str = "blue.internal", kind: str = "TXT") -> dns.message.Message:
    host, port = place(address)
    return await dns.asyncquery.udp(dns.message.make_query(name, kind), host, timeout=PATIENCE, port=port)


async def over_tcp(address: str, name: str = "blue.internal", kind: str = "TXT") -> dns.message.Message:
    host, port = place(address)
    return await dns.asyncquery.tcp(dns.message.make_query(name, kind), host, timeout=PATIENCE, port=port)


def text(message: dns.message.Message) -> str:
    return b"".join(message.answer[0][0].strings).decode()


@asynccontextmanager
async def server(networks=frozenset({"", "customer"}), size: int = 1):
    def resolve(question, asker):
        said = f"{question.labels[0]} for {asker.region}/{asker.network} " * size
        return Answer(Code.NOERROR, (Record("TXT", said.strip()),))

    names = NameServer(listen_names(0), "ams", resolve, lambda: set(networks))
    try:
        await names.start()
        yield names
    finally:
        await names.close()


async def test_the_same_port_answers_over_udp_and_tcp():
    async with server() as names:
        for ask in (over_udp, over_tcp):
            assert text(await ask(names.address)) == "blue for ams/"
    with pytest.raises(OSError, match=r".*"):
        await over_tcp(names.address)


async def test_what_is_too_long_for_udp_is_asked_again_over_tcp():
    async with server(size=100) as names:
        assert (await over_udp(names.address)).flags & dns.flags.TC
        assert len(text(await over_tcp(names.address))) > 1000


async def test_every_region_of_every_network_has_a_door():
    async with server() as names:
        assert names.door("ams", "") == names.address
        doors = {
            (region, network): names.door(region, network) for region in ("ams", "iad") for network in ("", "customer")
        }
        assert len(set(doors.values())) == 4
        for (region, network), address in doors.items():
            assert names.door(region, network) == address
            for ask in (over_udp, over_tcp):  # at once: the first question may be there before the door is open
                assert text(await ask(address)) == f"blue for {region}/{network}"


async def test_doors_of_networks_that_are_gone_are_shut():
    networks = {"customer"}
    async with server(networks) as names:
        old = names.door("iad", "customer")
        await over_udp(old)
        networks.clear()
        names.door("iad", "another")
        with pytest.raises(OSError, match=r".*"):
            await over_tcp(old)
        assert names.door("ams", "") == names.address


async def test_garbage_between_questions_does_no_harm():
    async with server() as names:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rude:
            for data in (b"", b"x", b"\0" * 11, b"\0" * 40_000, bytes(range(256)), b"\xff" * 500):
                rude.sendto(data, place(names.address))
        for data in (b"\0\0", b"\xff\xff", b"\0\x05hello", b"\x10\x00" + b"\0" * 4096, b"\0"):
            reader, writer = await asyncio.open_connection(*place(names.address))
            writer.write(data)
            writer.write_eof()
            async with asyncio.timeout(PATIENCE):
                await reader.read()
            writer.close()
        assert text(await over_udp(names.address)) == "blue for ams/"
        assert text(await over_tcp(names.address)) == "blue for ams/"


async def test_one_connection_asks_many_things_in_pieces():
    async with server() as names:
        reader, writer = await asyncio.open_connection(*place(names.address))
        wires = [dns.message.make_query(f"n{i}.internal", "TXT").to_wire() for i in range(3)]
        whole = b"".join(struct.pack("!H", len(wire)) + wire for wire in wires)
        for i in range(len(whole)):
            writer.write(whole[i : i + 1])
        async with asyncio.timeout(PATIENCE):
            for i in range(3):
                (length,) = struct.unpack("!H", await reader.readexactly(2))
                assert text(dns.message.from_wire(await reader.readexactly(length))) == f"n{i} for ams/"
        writer.close()


async def test_a_silent_connection_is_closed(monkeypatch):
    monkeypatch.setattr(module, "_IDLE", 0.05)
    async with server() as names:
        reader, writer = await asyncio.open_connection(*place(names.address))
        async with asyncio.timeout(PATIENCE):
            assert await reader.read() == b""
        writer.close()


async def test_too_many_connections_are_turned_away(monkeypatch):
    monkeypatch.setattr(module, "_CONNECTIONS", 3)
    async with server() as names:
        held = [await asyncio.open_connection(*place(names.address)) for _ in range(3)]
        (door,) = names._doors.values()
        await until(lambda: len(door.connections) == 3)
        reader, writer = await asyncio.open_connection(*place(names.address))
        async with asyncio.timeout(PATIENCE):
            assert await reader.read() == b""
        for _, each in [*held, (reader, writer)]:
            each.close()
        await until(lambda: not door.connections)
        assert text(await over_tcp(names.address)) == "blue for ams/"


def test_a_port_that_one_of_the_two_cannot_have():
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as taken:
            taken.bind(("127.0.0.1", 0))
            if kind is socket.SOCK_STREAM:
                taken.listen()
            port = taken.getsockname()[1]
            with pytest.raises(LocalError, match=f"port {port}.*--dns-port"):
                listen_names(port)

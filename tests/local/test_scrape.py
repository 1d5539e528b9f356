"""Metrics of machines are read whatever they say, within bounds, and told with our labels."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from flylab.local.exposition import Family, merged, relabelled, written
from flylab.local.scrape import Source, scrape

OURS = {"app": "blue", "region": "ams", "host": "1a2b", "instance": "m1"}
TOLD = """# HELP visits Who came.
# TYPE visits counter
visits_total{app="mine",kind="a\\"b\\\\c\\n"} 3
visits_created 1.5e9
# TYPE took histogram
took_bucket{le="0.5"} 1
took_bucket{le="+Inf"} 2
took_sum 1.25
took_count 2
plain NaN
"""


@asynccontextmanager
async def machine(said: bytes, *, linger: bool = False) -> AsyncIterator[Callable[..., Source]]:
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        if linger:
            await done.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield lambda: Source(host="127.0.0.1", port=port, path="/metrics", https=False, labels=OURS)
    done.set()
    server.close()
    await server.wait_closed()


def good(text: str) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(text.encode()), text.encode())


def test_what_a_machine_says_keeps_its_names_and_gets_our_labels() -> None:
    text = written(merged([*relabelled(TOLD, OURS), *relabelled(TOLD, {**OURS, "instance": "m2"})]))
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    assert {sample.labels["instance"] for sample in samples} == {"m1", "m2"}
    assert {sample.labels["app"] for sample in samples} == {"blue"}
    assert len([sample for sample in samples if sample.name == "took_bucket"]) == 4
    (kind,) = {sample.labels["kind"] for sample in samples if sample.name == "visits_total"}
    assert kind == 'a"b\\c\n'
    assert text.count("# TYPE visits_total counter") == 1
    assert "plain{" in text


@given(st.text(), st.floats(), st.text(alphabet="ab\n\\ é", max_size=5))
def test_any_label_and_number_can_be_read_back(label: str, value: float, about: str) -> None:
    family = Family("x", "gauge", about)
    family.add(value, {"label": label})
    ((sample,),) = [family.samples for family in text_string_to_metric_families(written([family]))]
    # Lines end at more characters for Python than for Prometheus; the reader splits at line feeds alone.
    assert sample.labels == {"label": label}
    assert sample.value == pytest.approx(value, nan_ok=True)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "it answers with status 500"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000, "it says more than 4000 bytes"),
        (good("this is {no metric"), "could not|Invalid|invalid|labels"),
        (b"nonsense", "nonsense"),
        (b"", "closed connection|without response"),
    ],
)
async def test_what_cannot_be_read_is_told_and_does_no_harm(said: bytes, why: str) -> None:
    async with machine(said) as bad, machine(good(TOLD)) as fine:
        families, [(_, told)] = await scrape([bad(), fine()], most=4000)
    assert families
    assert any(word in told for word in why.split("|")), told


async def test_a_machine_that_never_ends_is_left_and_all_together_are_bounded() -> None:
    async with machine(b"HTTP/1.1 200 OK\r\n\r\nplain 1\n", linger=True) as slow, machine(good(TOLD)) as fine:
        _, failed = await scrape([slow()], patience=0.2)
        assert len(failed) == 1
        families, failed = await scrape([fine() for _ in range(6)], in_all=10)
        assert failed
        assert families
        assert {why for _, why in failed} == {"all machines together say more than 10 bytes"}

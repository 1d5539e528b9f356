"""One suite for every kind of store, and for the one that other tests use in their place."""

import asyncio
import socket
import sys
from pathlib import Path

import pytest

from app.store import Store, StoreError, open_store
from flylab.errors import ParseError
from tests.app.stores import PAGE, Shelf, bucket, store_url  # noqa: F401 # fixtures

EVERY_BYTE = bytes(range(256)) * 3


@pytest.fixture(params=["memory", "file", "s3", "shelf"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "shelf":
        return Shelf()
    if request.param == "s3":
        request.getfixturevalue("bucket")
        return open_store(f"s3://rooms/{tmp_path.name}/prefix")
    return open_store((tmp_path / "made" / "häre now").as_uri() if request.param == "file" else "memory:///")


async def test_an_object_is_created_once(store: Store) -> None:
    assert await store.create("rooms/blue/log/1", EVERY_BYTE)
    assert not await store.create("rooms/blue/log/1", b"other")
    assert not await store.create("rooms/blue/log/1", EVERY_BYTE)
    assert await store.get("rooms/blue/log/1") == EVERY_BYTE


async def test_put_replaces(store: Store) -> None:
    for body in (b"one", b"", b"three"):
        await store.put("owners/blue", body)
        assert await store.get("owners/blue") == body


async def test_an_empty_object_is_there(store: Store) -> None:
    assert await store.create("public/blue", b"")
    assert not await store.create("public/blue", b"")
    assert await store.keys("public/") == ["public/blue"]


async def test_a_missing_object_is_none(store: Store) -> None:
    assert await store.get("rooms/blue/log/1") is None
    assert await store.keys("rooms/blue/") == []


async def test_big_objects_come_back(store: Store) -> None:
    body = EVERY_BYTE * 8_000  # 6 MB: more than what would be sent in parts
    await store.put("rooms/blue/snap/1", body)
    assert await store.get("rooms/blue/snap/1") == body


async def test_keys_are_those_of_the_folder_in_order(store: Store) -> None:
    for key in ("rooms/blue/log/2", "rooms/blue/log/10", "rooms/blue/snap/1", "rooms/blue2/log/1", "owners/blue"):
        await store.create(key, b"x")
    assert await store.keys("rooms/blue/") == ["rooms/blue/log/10", "rooms/blue/log/2", "rooms/blue/snap/1"]
    assert await store.keys("rooms/blue/log/") == ["rooms/blue/log/10", "rooms/blue/log/2"]
    assert await store.keys("rooms/blue/log/", after="rooms/blue/log/10") == ["rooms/blue/log/2"]
    assert await store.keys("rooms/blue/log/", after="rooms/blue/log/100") == ["rooms/blue/log/2"]
    assert await store.keys("rooms/blue/log/", after="rooms/blue/log/2") == []


async def test_keys_are_complete_beyond_one_page(store: Store) -> None:
    keys = [f"rooms/blue/log/{number:012d}" for number in range(PAGE + PAGE // 10)]
    gate = asyncio.Semaphore(16)

    async def create(key: str) -> None:
        async with gate:
            assert await store.create(key, b"x")

    await asyncio.gather(*map(create, keys))
    assert await store.keys("rooms/blue/log/") == keys
    assert await store.keys("rooms/blue/log/", after=keys[40]) == keys[41:]
    # S3 takes a thousand at once; what is not there is no error.
    await store.delete([*keys[:-10], *(f"rooms/blue/gone/{number}" for number in range(1_000))])
    assert await store.keys("rooms/blue/log/") == keys[-10:]


async def test_deleting_what_is_gone_is_no_error(store: Store) -> None:
    keys = [f"rooms/blue/log/{number}" for number in range(30)]
    for key in keys[::2]:
        await store.create(key, b"x")
    await store.delete(keys)
    assert await store.keys("rooms/") == []
    await store.delete(keys)
    await store.delete([])


@pytest.mark.parametrize("contenders", [2, 10, 100])
async def test_of_many_who_create_one_key_exactly_one_does(store: Store, contenders: int) -> None:
    for turn in range(5 if contenders < 100 else 2):
        key = f"rooms/blue/log/{turn}"
        made = await asyncio.gather(*(store.create(key, b"%d" % number) for number in range(contenders)))
        assert sum(made) == 1
        assert await store.get(key) == b"%d" % made.index(True)


async def test_processes_race_for_the_keys_of_one_folder(tmp_path: Path, nothing_left: None) -> None:
    program = """
import asyncio, sys
from app.store import open_store

async def main():
    store = open_store(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.readline()
    made = await asyncio.gather(*(store.create(f"k/{n}", sys.argv[2].encode()) for n in range(200)))
    print("".join("1" if each else "0" for each in made), flush=True)

asyncio.run(main())
"""
    racers = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, tmp_path.as_uri(), str(number),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )
        for number in range(3)
    ]  # fmt: skip
    for racer in racers:
        assert racer.stdout is not None
        assert await racer.stdout.readline() == b"ready\n"
    ended = await asyncio.gather(*(racer.communicate(b"go\n") for racer in racers))
    made = [said.decode().strip() for said, _ in ended]
    for column, each in enumerate(zip(*made, strict=True)):
        assert sorted(each) == ["0", "0", "1"]
        assert (tmp_path / "k" / str(column)).read_text() == str(each.index("1"))


def test_only_memory_is_not_shared(tmp_path: Path, bucket: str) -> None:  # noqa: F811
    assert not open_store("memory:///").shared
    assert open_store(tmp_path.as_uri()).shared
    assert open_store("s3://rooms").shared


async def test_two_stores_on_one_url_see_the_same(store_url: str) -> None:  # noqa: F811
    one, other = open_store(store_url), open_store(store_url)
    await one.put("owners/blue", b"x")
    assert await other.get("owners/blue") == (b"x" if one.shared else None)


@pytest.mark.parametrize(
    "url",
    [
        "", "nonsense", "memory://", "memory://x", "memory:///x", "file:///", "file://host/x", "file:relative", "s3://",
        "s3:///x", "http://x", "gs://x/y", "file:///tmp/a?x=1", "s3://b/p#f", "s3://user@b/p", "file:///proc/no/x", "http://[",
    ],
)  # fmt: skip
def test_a_url_that_is_no_store_is_named(url: str) -> None:
    with pytest.raises(ParseError, match="cannot read store") as caught:
        open_store(url)
    assert "\n" not in str(caught.value)


async def every_call_fails(store: Store, match: str) -> None:
    calls = [
        store.create("rooms/blue/log/1", b"x"),
        store.put("rooms/blue/log/1", b"x"),
        store.get("rooms/blue/log/1"),
        store.keys("rooms/blue/"),
        store.delete(["rooms/blue/log/1"]),
    ]
    for answer in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(answer, StoreError), answer
        assert match in str(answer)
        assert "\n" not in str(answer)


async def test_a_bucket_that_is_out_of_reach_is_an_error(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT", f"http://127.0.0.1:{unused.getsockname()[1]}")
        await every_call_fails(open_store("s3://rooms/x"), "the store s3://rooms/x failed for rooms/blue/")


async def test_a_store_that_never_answers_is_an_error(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        await every_call_fails(open_store("s3://rooms/x", timeout=0.2), "did not answer within 0.2 s")


async def test_a_missing_bucket_takes_nothing(bucket: str) -> None:  # noqa: F811
    store = open_store("s3://elsewhere/x")
    with pytest.raises(StoreError, match="the store s3://elsewhere/x failed"):
        await store.create("rooms/blue/log/1", b"x")
    with pytest.raises(StoreError, match="the store s3://elsewhere/x failed"):
        await store.put("rooms/blue/log/1", b"x")


async def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    store = open_store((tmp_path / "rooms").as_uri())
    (tmp_path / "rooms" / "owners").write_text("a file where a folder belongs")
    with pytest.raises(StoreError, match="failed for owners/blue"):
        await store.put("owners/blue", b"x")
    with pytest.raises(StoreError, match="failed for owners/blue"):
        await store.create("owners/blue", b"x")


async def test_a_folder_is_listed_while_it_changes(tmp_path: Path) -> None:
    store, other = open_store(tmp_path.as_uri()), open_store(tmp_path.as_uri())
    stay = [f"rooms/blue/log/{number:03d}" for number in range(0, 100, 2)]
    for key in stay:
        await store.create(key, b"x")
    ended = asyncio.Event()

    async def stir() -> None:
        for _ in range(20):
            go = [f"rooms/blue/log/{number:03d}" for number in range(1, 100, 2)]
            await asyncio.gather(*(other.create(key, b"x") for key in go))
            await other.delete(go)
        ended.set()

    async def look() -> None:
        while not ended.is_set():
            assert set(stay) <= set(await store.keys("rooms/blue/log/"))

    await asyncio.gather(stir(), look())

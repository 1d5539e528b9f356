"""The log of a machine: pipes in, files of bounded size out, and readers that miss nothing across a rotation."""

import os
import selectors
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flylab.local.logs import Tail, history, plain
from flylab.local.output import LONGEST, LogFile, Output, stamp


@pytest.fixture
def selector() -> Iterator[selectors.BaseSelector]:
    with selectors.DefaultSelector() as made:
        yield made


class Printer:
    """Plays a process and the supervisor that reads it."""

    def __init__(self, path: Path, selector: selectors.BaseSelector, most: int = 1 << 20) -> None:
        self.selector = selector
        self.output = Output(str(path), most, selector)
        self.out, self.err = (os.dup(fd) for fd in self.output.theirs)
        self.output.begin()

    def read(self) -> None:
        while found := self.selector.select(0):
            for key, _ in found:
                key.data()

    def end(self) -> None:
        os.close(self.out)
        os.close(self.err)
        self.output.finish()


def texts(path: Path) -> list[tuple[str, str]]:
    tail = Tail(path, "m", "ams")
    try:
        return [(line.stream, line.text) for line in history([tail], since="", limit=10**6)]
    finally:
        tail.close()


def test_lines_of_both_streams_are_told_apart_and_half_a_line_waits(tmp_path: Path, selector: object) -> None:
    assert isinstance(selector, selectors.BaseSelector)
    printer = Printer(tmp_path / "log", selector)
    os.write(printer.out, b"one\ntw")
    printer.read()
    os.write(printer.err, b"bad\n")
    printer.read()
    os.write(printer.out, b"o\nend without a line feed")
    printer.end()
    assert texts(tmp_path / "log") == [
        ("stdout", "one"),
        ("stderr", "bad"),
        ("stdout", "two"),
        ("stdout", "end without a line feed"),
    ]
    assert plain(tmp_path / "log", 2) == b"two\nend without a line feed\n"
    assert selector.get_map() == {}


def test_what_is_in_the_pipes_when_the_process_dies_is_kept(tmp_path: Path, selector: selectors.BaseSelector) -> None:
    printer = Printer(tmp_path / "log", selector)
    os.write(printer.out, b"x" * 20 + b"\n" + b"y" * 60_000)
    printer.end()
    assert texts(tmp_path / "log") == [("stdout", "x" * 20), ("stdout", "y" * 60_000)]


def test_somebody_who_still_holds_the_pipe_does_not_keep_us(tmp_path: Path, selector: selectors.BaseSelector) -> None:
    printer = Printer(tmp_path / "log", selector)
    os.write(printer.out, b"last\n")
    printer.output.finish()
    assert texts(tmp_path / "log") == [("stdout", "last")]
    with pytest.raises(BrokenPipeError):
        os.write(printer.out, b"too late\n")
    os.close(printer.out)
    os.close(printer.err)


def test_a_line_that_never_ends_is_cut(tmp_path: Path, selector: selectors.BaseSelector) -> None:
    printer = Printer(tmp_path / "log", selector)
    for _ in range(4):
        os.write(printer.out, b"z" * 50_000)
        printer.read()
    printer.end()
    found = [text for _, text in texts(tmp_path / "log")]
    assert len(found) > 1
    assert "".join(found) == "z" * 200_000
    assert all(len(text) <= LONGEST + 65_536 for text in found)


def test_two_files_of_bounded_size(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path / "log"), 10_000)
    for number in range(5_000):
        log.write(b"o", b"%d\n" % number)
    log.close()
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert set(sizes) == {"log", "log.1"}
    assert max(sizes.values()) < 10_100
    found = [int(text) for _, text in texts(tmp_path / "log")]
    assert found == list(range(found[0], 5_000))
    assert len(found) > 300


def test_a_log_goes_on_after_a_restart(tmp_path: Path) -> None:
    for word in (b"first\n", b"second\n"):
        log = LogFile(str(tmp_path / "log"), 10_000)
        log.write(b"e", word)
        log.close()
    assert texts(tmp_path / "log") == [("stderr", "first"), ("stderr", "second")]


def test_a_full_disk_is_named_once_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = LogFile(str(tmp_path / "log"), 10_000)
    write = os.write

    def full(fd: int, data: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    log.write(b"o", b"gone\n")
    log.write(b"o", b"gone too\n")
    monkeypatch.setattr(os, "write", write)
    log.write(b"o", b"here\n")
    log.close()
    assert texts(tmp_path / "log") == [("stdout", "[flylab: 14 bytes could not be written here]"), ("stdout", "here")]


def test_a_folder_that_is_removed_under_it_does_no_harm(tmp_path: Path) -> None:
    folder = tmp_path / "machine"
    folder.mkdir()
    log = LogFile(str(folder / "log"), 100)
    (folder / "log").unlink()
    folder.rmdir()
    for _ in range(50):
        log.write(b"o", b"nobody reads this\n")
    log.close()


@settings(deadline=None)  # it writes files, on a computer that may be busy
@given(st.lists(st.tuples(st.integers(1, 60), st.booleans()), max_size=30))
def test_a_follower_misses_nothing_across_rotations(tmp_path_factory: pytest.TempPathFactory, steps: object) -> None:
    """As long as it looks once between two rotations."""
    assert isinstance(steps, list)
    path = tmp_path_factory.mktemp("log") / "log"
    log = LogFile(str(path), 2_500)
    tail, seen, written = Tail(path, "m"), [], 0
    for count, look in [*steps, (1, True)]:
        for _ in range(count):
            log.write(b"o", b"%d\n" % written)
            written += 1
        if look or count > 30:
            while lines := tail.lines():
                seen += [int(line.text) for line in lines]
    tail.close()
    log.close()
    assert seen == sorted(set(seen))
    assert seen[-1] == written - 1
    if all(look or count > 30 for count, look in steps):
        assert seen == list(range(written))


def test_who_looks_too_seldom_goes_on_with_what_is_there(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path / "log"), 1_000)
    tail = Tail(tmp_path / "log", "m")
    log.write(b"o", b"0\n")
    assert [line.text for line in tail.lines()] == ["0"]
    for number in range(1, 500):
        log.write(b"o", b"%d\n" % number)
    found: list[int] = []
    while lines := tail.lines():
        found += [int(line.text) for line in lines]
    gap = next(i for i, number in enumerate(found, 1) if number != i) - 1
    assert found == list(range(1, gap + 1)) + list(range(found[gap], 500))  # what it had open, then what is kept
    tail.close()
    log.close()


def test_since_takes_the_first_and_a_limit_alone_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = LogFile(str(tmp_path / "log"), 10**6)
    for second in range(10):
        monkeypatch.setattr(time, "time", lambda second=second: 1_790_000_000.0 + second)
        log.write(b"o", b"%d\n" % second)
    log.close()

    def found(since: str, limit: int) -> list[str]:
        tail = Tail(tmp_path / "log")
        try:
            return [line.text for line in history([tail], since=since, limit=limit)]
        finally:
            tail.close()

    assert found("", 3) == ["7", "8", "9"]
    assert found(stamp(1_790_000_006.0).decode(), 2) == ["6", "7"]
    assert found(stamp(1_790_000_100.0).decode(), 2) == []


def test_only_the_end_of_a_long_log_is_read(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path / "log"), 1_500_000)
    for number in range(60_000):
        log.write(b"o", b"%d\n" % number)
    log.close()
    found = texts(tmp_path / "log")
    assert 10_000 < len(found) < 60_000
    assert found[-1] == ("stdout", "59999")
    numbers = [int(text) for _, text in found]
    assert numbers == list(range(numbers[0], 60_000))


def test_what_is_no_record_is_left_out_and_nothing_there_is_nothing(tmp_path: Path) -> None:
    assert texts(tmp_path / "log") == []
    (tmp_path / "log").write_bytes(b"junk\n" + stamp(0.0) + b" o good \xff\r\n\n")
    assert texts(tmp_path / "log") == [("stdout", "good \ufffd\r")]

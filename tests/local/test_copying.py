"""Copies of folders: complete, never through links, never half there."""

import errno
import os
import socket
from pathlib import Path

import pytest

from flylab.local import copying
from flylab.local.copying import Stopped, copy_folder, remove_folder, used_bytes


def never() -> bool:
    return False


@pytest.fixture(params=["as the file system can", "bytes"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "bytes":
        monkeypatch.setattr(copying, "_cloned", lambda *_: False)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "a" / "empty").mkdir(parents=True)
    (folder / "a" / "big").write_bytes(os.urandom(3_000_000))
    (folder / "a" / "run").write_text("x")
    (folder / "a" / "run").chmod(0o751)
    (folder / "närs").write_text("y")
    return folder


@pytest.mark.usefixtures("way")
def test_a_copy_has_everything(source: Path, tmp_path: Path) -> None:
    (source / "a").chmod(0o500)
    (source / "out").symlink_to("/etc/hostname")
    (source / "loop").symlink_to(".")
    target = tmp_path / "snapshots" / "target"
    done = copy_folder(source, target, never)
    assert (target / "a" / "big").read_bytes() == (source / "a" / "big").read_bytes()
    assert (target / "a" / "run").stat().st_mode & 0o777 == 0o751
    assert (target / "a").stat().st_mode & 0o777 == 0o500
    assert (target / "a" / "run").stat().st_mtime_ns == (source / "a" / "run").stat().st_mtime_ns
    assert (target / "a" / "empty").is_dir()
    assert os.readlink(target / "out") == "/etc/hostname"
    assert os.readlink(target / "loop") == "."
    assert sorted(path.name for path in target.parent.iterdir()) == ["target"]
    assert (done.changed, len(done.digest)) == (False, 64)
    assert done.size >= 3_000_000
    assert done.size == used_bytes(source)


@pytest.mark.usefixtures("way")
def test_holes_stay_holes(source: Path, tmp_path: Path) -> None:
    with (source / "sparse").open("wb") as file:
        file.seek(1 << 30)
        file.write(b"end")
        file.truncate(2 << 30)
    (source / "hole").touch()
    os.truncate(source / "hole", 1 << 30)
    copy_folder(source, tmp_path / "target", never)
    for name, size in (("sparse", 2 << 30), ("hole", 1 << 30)):
        found = (tmp_path / "target" / name).stat()
        assert found.st_size == size
        assert found.st_blocks * 512 < 1 << 20
    with (tmp_path / "target" / "sparse").open("rb") as file:
        file.seek(1 << 30)
        assert file.read(4) == b"end\0"


def test_pipes_and_sockets_are_left_out(source: Path, tmp_path: Path) -> None:
    os.mkfifo(source / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(source / "socket"))
        copy_folder(source, tmp_path / "target", never)
    assert sorted(path.name for path in (tmp_path / "target").iterdir()) == ["a", "närs"]


def test_what_was_written_meanwhile_is_said(source: Path, tmp_path: Path) -> None:
    def writing() -> bool:
        (source / "log").write_text("a line")
        return False

    assert copy_folder(source, tmp_path / "target", writing).changed


def test_what_was_removed_meanwhile_is_no_error(source: Path, tmp_path: Path) -> None:
    def removing() -> bool:
        (source / "a" / "big").unlink(missing_ok=True)
        (source / "närs").unlink(missing_ok=True)
        return False

    assert copy_folder(source, tmp_path / "target", removing).changed
    assert (tmp_path / "target" / "a" / "run").exists()


def test_a_copy_that_ends_early_leaves_nothing(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "copies" / "target"
    with pytest.raises(Stopped):
        copy_folder(source, target, lambda: True)
    assert list(target.parent.iterdir()) == []

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(copying, "_copy_file", full)
    with pytest.raises(OSError, match="No space left"):
        copy_folder(source, target, never)
    assert list(target.parent.iterdir()) == []


def test_a_copy_is_made_anew_over_what_a_killed_one_left(source: Path, tmp_path: Path) -> None:
    for left in ("target", "target.part"):
        (tmp_path / left).mkdir()
        (tmp_path / left / "old").write_text("old")
    copy_folder(source, tmp_path / "target", never)
    assert not (tmp_path / "target" / "old").exists()
    assert not (tmp_path / "target.part").exists()


def test_a_source_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        copy_folder(tmp_path / "nothing", tmp_path / "target", never)


def test_removing_never_follows_links(source: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    (source / "link").symlink_to(outside, target_is_directory=True)
    (source / "a").chmod(0o000)
    source.chmod(0o500)
    remove_folder(source)
    assert not source.exists()
    (tmp_path / "folder").symlink_to(outside, target_is_directory=True)
    remove_folder(tmp_path / "folder")
    assert not (tmp_path / "folder").is_symlink()
    assert (outside / "precious").read_text() == "x"
    remove_folder(tmp_path / "nothing")
    assert used_bytes(tmp_path / "nothing") == 0

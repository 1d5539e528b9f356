"""Images of the process driver: what they run, and what is wrong with them."""

import sys
from pathlib import Path

import pytest

from flylab.errors import ParseError, UsageError
from flylab.local.images import Image, builtin_images, parse_images, project_folder, read_images
from flylab.wire.machine import Init

IMAGE = Image(name="x", command=("run", "it"))


@pytest.mark.parametrize(
    ("init", "argv"),
    [
        (None, ["run", "it"]),
        (Init(), ["run", "it"]),
        (Init(exec=("a", "b"), cmd=("c",)), ["a", "b"]),
        (Init(entrypoint=("a",)), ["a"]),
        (Init(entrypoint=("a",), cmd=("b",)), ["a", "b"]),
        (Init(cmd=("b",)), ["b"]),
    ],
)
def test_what_runs(init: Init | None, argv: list[str]) -> None:
    assert IMAGE.argv(init) == argv


def test_the_builtin_images(tmp_path: Path) -> None:
    images = builtin_images(tmp_path)
    assert sorted(images) == ["local/exit", "local/process", "local/room", "local/sleep"]
    room = images["local/room"]
    assert room.command == (sys.executable, "-m", "app")
    assert room.env["PYTHONPATH"] == str(tmp_path)
    assert room.obstacle == f"{tmp_path}/app is not there"
    (tmp_path / "app").mkdir()
    assert room.obstacle == ""
    assert all(image.about for image in images.values())


def test_the_checkout_is_the_project() -> None:
    assert (project_folder() / "lib" / "flylab").is_dir()


def test_a_reference_follows_the_definition() -> None:
    other = Image(name="x", command=("run", "that"))
    assert IMAGE.reference() == Image(name="x", command=("run", "it")).reference()
    assert IMAGE.reference()["digest"] != other.reference()["digest"]
    assert str(IMAGE.reference()["digest"]).startswith("sha256:")


def test_words_are_filled_in(tmp_path: Path) -> None:
    file = tmp_path / "images.toml"
    file.write_text('[images.mine]\ncommand = ["{python}", "{project}/x.py"]\nenv = { HERE = "{project}" }\n')
    image = read_images(file, tmp_path)["mine"]
    assert image.command == (sys.executable, f"{tmp_path}/x.py")
    assert image.env == {"HERE": str(tmp_path)}


@pytest.mark.parametrize("text", ["images = 3", "[images]\nx = 3", "[images.x]\nenv = { A = 1 }"])
def test_malformed_files(text: str, tmp_path: Path) -> None:
    with pytest.raises(ParseError):
        parse_images(text, "here", tmp_path)
    file = tmp_path / "images.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=str(file)):
        read_images(file, tmp_path)

"""Images of the process driver: names for commands of this computer, read from TOML."""

import hashlib
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from flylab.errors import ParseError, UsageError
from flylab.wire.fields import Fields, Json
from flylab.wire.machine import Init


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A command, the environment it needs beside the machine's own, and a path without which it cannot run."""

    name: str
    command: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    needs: str = ""
    about: str = ""

    def argv(self, init: Init | None) -> list[str]:
        """What to run: ``exec`` replaces everything, an entrypoint takes ``cmd`` behind it (as with Docker)."""
        if init is None:
            return list(self.command)
        if init.exec:
            return list(init.exec)
        return [*init.entrypoint, *(init.cmd or (() if init.entrypoint else self.command))]

    @property
    def obstacle(self) -> str:
        """Why it cannot run on this computer, or an empty text."""
        return f"{self.needs} is not there" if self.needs and not Path(self.needs).exists() else ""

    def reference(self) -> Json:
        """The ``image_ref`` of a machine; the digest stands for the definition of the image."""
        said = repr((self.name, self.command, sorted(self.env.items())))
        digest = "sha256:" + hashlib.sha256(said.encode()).hexdigest()
        return {"registry": "", "repository": self.name, "tag": "latest", "digest": digest, "labels": {}}


def builtin_images(project: Path) -> dict[str, Image]:
    """Those that every platform has."""
    return parse_images(files(__package__).joinpath("images.toml").read_text(encoding="utf-8"), "images.toml", project)


def read_images(path: Path, project: Path) -> dict[str, Image]:
    """Those of a user's file; raises ``UsageError`` with one sentence when it cannot be read."""
    try:
        return parse_images(path.read_text(encoding="utf-8"), str(path), project)
    except (OSError, UnicodeDecodeError) as exc:
        raise UsageError(f"cannot read the images file {path}: {exc}") from exc
    except ParseError as exc:
        raise UsageError(f"{path}: {exc}") from exc


def parse_images(text: str, where: str, project: Path) -> dict[str, Image]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise ParseError("images file", where, str(exc)) from exc
    f = Fields(document, "")
    table = f.mapping("images")
    if f.rest():
        raise ParseError("images file", where, f'unknown key {", ".join(f.rest())}; only [images."name"] is known')
    words = {"{python}": sys.executable, "{project}": str(project)}
    return {name: _image(name, value, words) for name, value in table.items()}


def _image(name: str, value: object, words: Mapping[str, str]) -> Image:
    f = Fields(value, f'images."{name}"')
    image = Image(
        name=name,
        command=tuple(_filled(word, words) for word in f.texts("command")),
        env={key: _filled(text, words) for key, text in f.text_map("env").items()},
        needs=_filled(f.text("needs"), words),
        about=f.text("about"),
    )
    if unknown := f.rest():
        raise ParseError(f.where, ", ".join(unknown), "known keys are command, env, needs and about")
    return image


def _filled(text: str, words: Mapping[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(word, value)
    return text


def project_folder() -> Path:
    """Where ``app/`` lies: the checkout this package was installed from, else the current folder."""
    checkout = Path(__file__).resolve().parents[3]
    return checkout if (checkout / "app" / "__main__.py").exists() else Path.cwd()

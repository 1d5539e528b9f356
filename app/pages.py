"""The static files, read once: small enough to stay in memory, with a tag each so that a browser asks only once."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).with_name("static")

_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Page:
    """One file as it is sent."""

    body: bytes
    mimetype: str
    tag: str


def read_pages(folder: Path = FOLDER) -> dict[str, Page]:
    """Every file of the folder that has a known type, by name; nothing else can ever be asked for."""
    pages = {}
    for path in sorted(folder.iterdir()):
        if path.suffix in _TYPES:
            body = path.read_bytes()
            tag = hashlib.blake2b(body, digest_size=8).hexdigest()
            pages[path.name] = Page(body=body, mimetype=_TYPES[path.suffix], tag=tag)
    return pages

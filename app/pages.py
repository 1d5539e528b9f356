"""The lobby's and a room's page and their static files, read once: small enough to stay in memory.

They are served without comments and indentation, which are a quarter of them, and a page names all modules that its
first one imports, directly or not: none waits until another was read. Otherwise they are as they lie in the folder.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from quart import Quart, Response, request
from rcssmin import cssmin
from rjsmin import jsmin

from app.onward import Refuse, ReplayTo
from app.ownership import parse_room
from app.site import Site
from app.views import arrival_of, quart_answer

FOLDER = Path(__file__).with_name("static")

_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


_FIRST = re.compile(r'<script type="module" src="/static/([\w.]+)">')
_IMPORTS = re.compile(r'from ?"\./([\w.]+)"')


def _flush_left(text: str) -> str:
    return re.sub(r"\n\s+", "\n", text)


_SMALLER: dict[str, Callable[[str], str]] = {".js": jsmin, ".css": cssmin, ".html": _flush_left}


@dataclass(frozen=True, slots=True)
class Page:
    """One file as it is sent, with a tag so that a browser asks only once."""

    body: bytes
    mimetype: str
    tag: str


def read_pages(folder: Path = FOLDER) -> dict[str, Page]:
    """Every file of the folder that has a known type, by name; nothing else can ever be asked for."""
    texts = {
        path.name: _SMALLER.get(path.suffix, str)(path.read_text("utf-8"))
        for path in sorted(folder.iterdir())
        if path.suffix in _TYPES
    }
    pages = {}
    for name, text in texts.items():
        suffix = Path(name).suffix
        body = (_naming_modules(text, texts) if suffix == ".html" else text).encode()
        pages[name] = Page(body=body, mimetype=_TYPES[suffix], tag=hashlib.blake2b(body, digest_size=8).hexdigest())
    return pages


def _naming_modules(page: str, texts: dict[str, str]) -> str:
    def links(first: re.Match[str]) -> str:
        wanted = sorted(_imported(first[1], texts) - {first[1]})
        return "".join(f"<link rel=modulepreload href=/static/{name}>" for name in wanted) + first[0]

    return _FIRST.sub(links, page)


def _imported(name: str, texts: dict[str, str]) -> set[str]:
    """The module and all that it imports, directly or not."""
    found, left = {name}, [name]
    while left:
        fresh = set(_IMPORTS.findall(texts[left.pop()])) - found
        found |= fresh
        left += fresh
    return found


def add_pages(app: Quart, site: Site) -> None:
    """``/``, ``/rooms/<room>`` and the static files."""
    pages = read_pages()

    def page(name: str) -> Response:
        found = pages.get(name)
        if found is None:
            return quart_answer(Refuse(status=404, why=f"there is no page {name}", reason="not-found"))
        # "no-cache" lets the browser keep the file and ask whether it is still the same.
        headers = {"ETag": f'"{found.tag}"', "Cache-Control": "no-cache"}
        if found.tag in request.if_none_match:
            return Response("", status=304, headers=headers)
        return Response(found.body, headers=headers, content_type=f"{found.mimetype}; charset=utf-8")

    async def lobby() -> Response:
        return page("lobby.html")

    async def room_page(room: str) -> Response:
        # Looking at a page changes nothing, so nobody takes a room over here; the socket that follows does.
        name = parse_room(room)
        if site.lobby is None:
            outcome = await site.rooms.look(name, await arrival_of(site, name))
            if isinstance(outcome, ReplayTo):
                return quart_answer(outcome)
        return page("room.html")

    async def static_file(name: str) -> Response:
        return page(name)

    app.add_url_rule("/", "lobby", lobby)
    app.add_url_rule("/rooms/<room>", "room_page", room_page)
    app.add_url_rule("/static/<name>", "static_file", static_file)

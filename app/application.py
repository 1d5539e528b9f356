"""Puts the Quart application together: every page and all of the API; sockets are elsewhere (app/front.py)."""

from quart import Quart, Response

from app.onward import Refuse
from app.pages import add_pages
from app.responses import HEADERS
from app.site import Site
from app.store import StoreError
from app.views import add_views, quart_answer
from flylab.errors import ParseError


def create_app(site: Site) -> Quart:
    """The room server for one site."""
    app = Quart("app", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = 64 * 1024
    app.json.sort_keys = False  # type: ignore[attr-defined] # the order of our answers means something
    add_pages(app, site)
    add_views(app, site)
    app.register_error_handler(ParseError, _bad_input)
    app.register_error_handler(StoreError, _no_store)
    app.register_error_handler(404, _not_found)
    app.register_error_handler(405, _not_allowed)
    app.register_error_handler(413, _too_large)
    app.register_error_handler(500, _broken)
    app.after_request(_add_headers)
    return app


async def _add_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


async def _bad_input(exc: ParseError) -> Response:
    return quart_answer(Refuse(status=400, why=str(exc), reason="malformed"))


async def _no_store(exc: StoreError) -> Response:
    return quart_answer(Refuse(status=503, why=str(exc), reason="storage"))


async def _not_found(exc: Exception) -> Response:
    return quart_answer(Refuse(status=404, why="there is nothing at this address"))


async def _not_allowed(exc: Exception) -> Response:
    return quart_answer(Refuse(status=405, why="this address cannot do that"))


async def _too_large(exc: Exception) -> Response:
    return quart_answer(Refuse(status=413, why="a request may have 64 KiB"))


async def _broken(exc: Exception) -> Response:
    return quart_answer(Refuse(status=500, why="this machine failed to answer; its log says why"))

"""Puts the Quart application together; it does not listen, and it knows no environment."""

from quart import Quart, Response

from app.directory import DirectoryError
from app.placement import Refuse
from app.responses import HEADERS, refuse_request
from app.site import Site
from app.sockets import add_sockets
from app.views import add_views
from flylab.errors import ParseError


def create_app(site: Site) -> Quart:
    """The room server for one site."""
    app = Quart("app", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = 64 * 1024
    app.json.sort_keys = False  # type: ignore[attr-defined] # the order of our answers means something
    add_views(app, site)
    add_sockets(app, site)
    app.register_error_handler(ParseError, _bad_input)
    app.register_error_handler(DirectoryError, _no_directory)
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
    return refuse_request(Refuse(status=400, why=str(exc)))


async def _no_directory(exc: DirectoryError) -> Response:
    return refuse_request(Refuse(status=503, why=str(exc)))


async def _not_found(exc: Exception) -> Response:
    return refuse_request(Refuse(status=404, why="there is nothing at this address"))


async def _not_allowed(exc: Exception) -> Response:
    return refuse_request(Refuse(status=405, why="this address cannot do that"))


async def _too_large(exc: Exception) -> Response:
    return refuse_request(Refuse(status=413, why="a request may have 64 KiB"))


async def _broken(exc: Exception) -> Response:
    return refuse_request(Refuse(status=500, why="this machine failed to answer; its log says why"))

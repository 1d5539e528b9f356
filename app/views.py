"""Pages and JSON: the lobby, a room's page, what lives where, and whether this machine is well."""

from typing import Any

from msgspec import to_builtins
from quart import Quart, Response, request

from app.arrival import read_arrival, read_path, same_origin
from app.hub import Hub
from app.ownership import Owner, parse_room
from app.pages import read_pages
from app.placement import Refuse, ReplayTo, Serve
from app.responses import refuse_request, replay_request
from app.site import Site
from app.versions import versions
from flylab.errors import ParseError
from flylab.wire.regions import is_region_code

Answer = Response | dict[str, Any] | tuple[dict[str, Any], int]


def add_views(app: Quart, site: Site) -> None:
    """Serve everything but the WebSocket."""
    add_pages(app, site)
    add_data(app, site)
    add_health(app, site)


def add_pages(app: Quart, site: Site) -> None:
    """``/``, ``/rooms/<room>`` and the static files."""
    pages = read_pages()

    def page(name: str) -> Response:
        found = pages.get(name)
        if found is None:
            return refuse_request(Refuse(status=404, why=f"there is no page {name}"))
        # "no-cache" lets the browser keep the file and ask whether it is still the same.
        headers = {"ETag": f'"{found.tag}"', "Cache-Control": "no-cache"}
        if found.tag in request.if_none_match:
            return Response("", status=304, headers=headers)
        return Response(found.body, headers=headers, content_type=f"{found.mimetype}; charset=utf-8")

    async def lobby() -> Response:
        return page("lobby.html")

    async def room_page(room: str) -> Response:
        # Looking at a page changes nothing, so nobody takes a room over here; the socket that follows does.
        outcome = await site.rooms.place(parse_room(room), read_arrival(request.headers))
        return replay_request(outcome) if isinstance(outcome, ReplayTo) else page("room.html")

    async def static_file(name: str) -> Response:
        return page(name)

    app.add_url_rule("/", "lobby", lobby)
    app.add_url_rule("/rooms/<room>", "room_page", room_page)
    app.add_url_rule("/static/<name>", "static_file", static_file)


def add_data(app: Quart, site: Site) -> None:
    """``/api/…``: the same facts for programs and for the pages."""
    rooms = site.rooms

    async def list_rooms() -> Answer:
        owners = await rooms.directory.rooms()
        regions = {owner.place.region for owner in owners} | {site.settings.place.region, *site.settings.regions}
        return {
            "rooms": [describe_room(owner, rooms.get(owner.room)) for owner in owners],
            "regions": sorted(regions),
            "shared": rooms.directory.shared,
        }

    async def create_room(room: str) -> Answer:
        # Decided from path, query and headers alone: the request may be replayed, so its body must not matter.
        if not same_origin(request.headers, allowed=site.settings.origins):
            return refuse_request(Refuse(status=403, why="pages of another site may not create rooms here"))
        refusal = site.busy()
        if refusal is not None:
            return refuse_request(refusal)
        region = request.args.get("region", "")
        if region and not is_region_code(region) and region != rooms.me.region:
            raise ParseError("region", region, "one code such as ams is expected")
        name = parse_room(room)
        outcome = await rooms.create(name, region=region, arrival=read_arrival(request.headers))
        match outcome:
            case Hub():
                return describe_room(outcome.owner, outcome), 201
            case ReplayTo():
                return replay_request(outcome)
            case Refuse():
                return refuse_request(outcome)

    async def show_room(room: str) -> Answer:
        name = parse_room(room)
        outcome = await rooms.place(name, read_arrival(request.headers))
        match outcome:
            case ReplayTo():
                return replay_request(outcome)
            case Refuse():
                return refuse_request(outcome)
        owner, hub = await rooms.owner(name), rooms.get(name)
        if owner is None:
            return refuse_request(Refuse(status=404, why=f"there is no room {name}; open /rooms/{name} to make it"))
        details: dict[str, Any] = describe_room(owner, hub) | {"awake": isinstance(outcome, Serve), **where(site)}
        if hub is not None:
            details |= {"seq": hub.room.seq, "stored": hub.stored, "people": to_builtins(hub.room.members)}
        return details

    async def show_where() -> Answer:
        return where(site)

    app.add_url_rule("/api/rooms", "list_rooms", list_rooms)
    app.add_url_rule("/api/rooms/<room>", "create_room", create_room, methods=["PUT"])
    app.add_url_rule("/api/rooms/<room>", "show_room", show_room)
    app.add_url_rule("/api/where", "show_where", show_where)


def add_health(app: Quart, site: Site) -> None:
    """``/healthz`` says whether to send visitors here, ``/healthz/alive`` only that the process runs."""

    async def ready() -> Answer:
        return {"alive": True, "ready": site.ready}, 200 if site.ready else 503

    async def alive() -> Answer:
        return {"alive": True}

    app.add_url_rule("/healthz", "ready", ready)
    app.add_url_rule("/healthz/alive", "alive", alive)


def describe_room(owner: Owner, hub: Hub | None) -> dict[str, Any]:
    """A room for the list; ``members`` is known to its own machine only and null elsewhere."""
    return {
        "room": owner.room,
        "epoch": owner.epoch,
        "machine": owner.place.machine,
        "region": owner.place.region,
        "app": owner.place.app,
        "since": owner.at,
        "members": None if hub is None else len(hub.room.members),
    }


def where(site: Site) -> dict[str, Any]:
    """The machine that answers, and the way that this request took to it."""
    settings, place = site.settings, site.settings.place
    return {
        "answered_by": {
            "app": place.app,
            "machine": place.machine,
            "region": place.region,
            "version": settings.runtime.machine_version,
            "image": settings.runtime.image_ref,
            "started": site.boot.started,
            "boot": site.boot.to_json(),
            "versions": versions(),
            "rooms": site.rooms.count,
            "connections": site.connections,
        },
        "path": to_builtins(read_path(request.headers)),
    }

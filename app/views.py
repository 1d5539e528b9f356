"""The API in JSON: which rooms there are, where they live, making, moving and putting them to sleep, and counters."""

import secrets
from typing import Any

from msgspec import to_builtins
from quart import Quart, Response, request

from app.access import EDIT, PRIVATE, admit, held, why_not
from app.arrival import Arrival, read_path, receive
from app.entries import ASKED
from app.hub import Hub
from app.listing import Listing, describe_room
from app.onward import Onward, Refuse
from app.orders import too_soon
from app.origin import same_origin
from app.ownership import Hint, parse_room
from app.placement import Tell
from app.responses import answer
from app.site import Site
from app.versions import versions
from flylab.errors import ParseError
from flylab.wire.regions import is_region_code

Answer = Response | dict[str, Any] | tuple[dict[str, Any], int]

# A private room's name cannot be guessed: 22 of 36 letters and digits are 113 bits.
_NAME_CHARS = 22
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def quart_answer(outcome: Onward) -> Response:
    """The answer to a request that is not served here."""
    said = answer(outcome)
    return Response(said.text, status=said.status, headers=said.headers, mimetype=said.mimetype)


async def arrival_of(site: Site, room: str) -> Arrival:
    """What the current request brings with it."""
    query = request.query_string.decode("latin-1")
    target = f"{request.path}?{query}" if query else request.path
    return await receive(request.headers, site.keys, room=room, method=request.method, target=target)


def add_views(app: Quart, site: Site) -> None:
    """``/api/…`` and ``/metrics``."""
    add_lists(app, site)
    add_rooms(app, site)
    add_orders(app, site)

    async def show_where() -> Answer:
        return where(site)

    async def metrics() -> Response:
        from app.metrics import CONTENT_TYPE, format_metrics

        return Response(format_metrics(site), content_type=CONTENT_TYPE)

    app.add_url_rule("/api/where", "show_where", show_where)
    app.add_url_rule("/metrics", "metrics", metrics)


def add_lists(app: Quart, site: Site) -> None:
    """Which rooms there are."""

    listing = Listing(site.store, site.holding, site.settings)

    async def list_rooms() -> Answer:
        return await listing.get()

    app.add_url_rule("/api/rooms", "list_rooms", list_rooms)


def add_rooms(app: Quart, site: Site) -> None:
    """Making a room and looking at one."""
    rooms = site.rooms

    async def create_named(room: str) -> Answer:
        return await create(parse_room(room), public=EDIT, listed=True)

    async def create_private() -> Answer:
        arrival = await arrival_of(site, "")
        # A lobby chose the name already, if the request has been replayed.
        name = arrival.state.room if arrival.state is not None else ""
        return await create(
            name or "".join(secrets.choice(_LETTERS) for _ in range(_NAME_CHARS)), public="", listed=False
        )

    async def create(name: str, *, public: str, listed: bool) -> Answer:
        # Decided from path, query and headers alone: the request may be replayed, so its body must not matter.
        refusal = foreign(site)
        if refusal is not None:
            return quart_answer(refusal)
        region = region_asked(site)
        arrival = await arrival_of(site, name)
        if site.lobby is not None:
            return quart_answer(await site.lobby.create(name, region, arrival))
        outcome = await rooms.create(
            name, region=region, arrival=arrival, public=public, listed=listed, crowded=site.crowded
        )
        if not isinstance(outcome, Hub):
            return quart_answer(outcome)
        links = (await rooms.links()).paths(name, outcome.room.gate, EDIT)
        paths = {"edit": links.edit, "view": links.view} if not public else {}
        return {**describe_room(outcome.hint(), outcome), **paths}, 201

    async def show_room(room: str) -> Answer:
        name = parse_room(room)
        arrival = await arrival_of(site, name)
        if site.lobby is not None:
            found = await site.lobby.look(name, arrival)
            if not isinstance(found, Tell):
                return quart_answer(found)
            outcome: Any = await site.lobby.hint(name)
        else:
            outcome = await rooms.look(name, arrival)
        if outcome is None:
            why = f"there is no room {name}; open /rooms/{name} to make it"
            return quart_answer(Refuse(status=404, why=why, reason="not-found"))
        if not isinstance(outcome, Hub | Hint):
            return quart_answer(outcome)
        refusal = await may_look(name, outcome)
        if refusal is not None:
            return quart_answer(refusal)
        if isinstance(outcome, Hint):
            return describe_room(outcome, None) | where(site)
        people = to_builtins(outcome.presence.members())
        now = {"seq": outcome.room.seq, "stored": outcome.stored, "people": people}
        return describe_room(outcome.hint(), outcome) | where(site) | now

    async def may_look(name: str, outcome: Hub | Hint) -> Refuse | None:
        grant = await site.grant(name, request.args.get("k", ""))
        if isinstance(grant, Refuse):
            return grant
        if isinstance(outcome, Hub):
            if admit(outcome.room.gate, grant) is None:
                return Refuse(status=403, why=why_not(outcome.room.gate, grant), reason="forbidden")
        elif admit(outcome, grant) is None:
            # Only a hint: whatever link it was, it says no more than to a stranger.
            return Refuse(status=403, why=f"room {name} is private: {PRIVATE}", reason="forbidden")
        return None

    app.add_url_rule("/api/rooms", "create_private", create_private, methods=["POST"])
    app.add_url_rule("/api/rooms/<room>", "create_named", create_named, methods=["PUT"])
    app.add_url_rule("/api/rooms/<room>", "show_room", show_room)


def add_orders(app: Quart, site: Site) -> None:
    """Moving a room and putting it to sleep, for those who may edit it."""
    rooms, holding = site.rooms, site.holding

    async def move(room: str) -> Answer:
        region = region_asked(site)
        if not region:
            raise ParseError("region", "", "say where to, as in ?region=nrt")
        hub = await ordered(parse_room(room))
        if not isinstance(hub, Hub):
            return quart_answer(hub)
        if region == hub.epoch.region:
            return quart_answer(Refuse(status=409, why=f"room {room} is in {region} already", reason="here-already"))
        return await done(hub, holding.whole(holding.move(hub, region, why=ASKED)))

    async def sleep(room: str) -> Answer:
        hub = await ordered(parse_room(room))
        if not isinstance(hub, Hub):
            return quart_answer(hub)
        return await done(hub, holding.whole(holding.sleep(hub)))

    async def done(hub: Hub, order: Any) -> Answer:
        if not await order:
            why = f"room {hub.name} could not be given up in order; it goes on wherever it is opened next"
            return quart_answer(Refuse(status=503, why=why, reason="storage"))
        hint = await holding.hints.read(hub.name)
        return describe_room(hint if hint is not None else hub.hint(awake=False), None)

    async def ordered(name: str) -> Hub | Onward:
        """The room's hub, if it is here and whoever asks may edit it."""
        refusal = foreign(site)
        if refusal is not None:
            return refusal
        grant = await site.grant(name, request.args.get("k", ""))
        if isinstance(grant, Refuse):
            return grant
        arrival = await arrival_of(site, name)
        if site.lobby is not None:
            return await site.lobby.route(name, arrival)
        if await holding.hints.read(name) is None and holding.get(name) is None:
            return Refuse(status=404, why=f"there is no room {name}", reason="not-found")
        outcome = await rooms.arrive(name, arrival, grant)
        if isinstance(outcome, Hub) and admit(outcome.room.gate, grant) != EDIT:
            link = held(outcome.room.gate, grant)
            why = "a link for looking cannot do that" if link else why_not(outcome.room.gate, grant)
            return Refuse(status=403, why=why, reason="forbidden")
        if isinstance(outcome, Hub) and (left := outcome.order_in(grant)):
            return Refuse(status=429, why=too_soon(name, left), reason="too-soon", after=left)
        return outcome

    app.add_url_rule("/api/rooms/<room>/move", "move", move, methods=["POST"])
    app.add_url_rule("/api/rooms/<room>/sleep", "sleep", sleep, methods=["POST"])


def foreign(site: Site) -> Refuse | None:
    """Whether a page of another site asks for a change."""
    if same_origin(request.headers, allowed=site.settings.origins):
        return None
    return Refuse(status=403, why="pages of another site may not change rooms here", reason="origin")


def region_asked(site: Site) -> str:
    """The region in the query, or nothing."""
    region = request.args.get("region", "")
    if region and not is_region_code(region) and region != site.settings.place.region:
        raise ParseError("region", region, "one code such as ams is expected")
    return region


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
            "now": site.holding.wall(),
            "versions": versions(),
            "lobby": settings.lobby,
            "rooms": len(site.holding),
            "connections": site.connections,
        },
        "path": to_builtins(read_path(request.headers)),
    }

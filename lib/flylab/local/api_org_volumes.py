"""The list of all volumes of an organisation, page by page, the one that was changed longest ago first (openapi)."""

import math

from quart import Quart, Response, request

from flylab.errors import ParseError, RuleError
from flylab.local.api_requests import Control, answer, count, flag
from flylab.local.api_volumes import shown
from flylab.rules.volume_records import VolumeEntry
from flylab.wire.fields import Json
from flylab.wire.moment import format_moment, parse_moment
from flylab.wire.volume import parse_volume_state

_MOST = 1000  # openapi


def register(api: Quart, control: Control) -> None:
    """Add the route; its endpoint bears the operation id of the official document."""
    fleet = control.platform.fleet

    @api.get("/v1/orgs/<org_slug>/volumes", endpoint="Volumes_org_list")
    async def list_all(org_slug: str) -> Response:
        if org_slug != control.organization:
            raise RuleError("not_found", f"organization '{org_slug}' not found")
        args = request.args
        states = {parse_volume_state(word.strip()) for word in args.get("state", "").split(",") if word.strip()}
        region, start, limit = args.get("region", ""), _start(), count("limit", _MOST, _MOST)
        found = sorted(
            (
                entry
                for entry in fleet.volumes.volumes(deleted=flag("include_deleted"))
                if region in ("", entry.region) and (not states or entry.state in states) and _place(entry) > start
            ),
            key=_place,
        )
        part = found[:limit]
        body: Json = {
            "volumes": [
                row | {"app_name": entry.app, "updated_at": format_moment(entry.updated_at)}
                for entry, row in zip(part, await shown(control, part), strict=True)
            ]
        }
        if part:
            body |= {"last_volume_id": part[-1].id, "last_updated_at": format_moment(part[-1].updated_at)}
        if len(found) > limit:
            body["next_cursor"] = f"{_place(part[-1])[0]!r},{part[-1].id}"
        return answer(body)


def _place(entry: VolumeEntry) -> tuple[float, str]:
    return round(entry.updated_at, 3), entry.id  # milliseconds, as times are shown


def _start() -> tuple[float, str]:
    """The place after which the page begins; a cursor beats ``updated_after``."""
    if cursor := request.args.get("cursor", ""):
        at, _, key = cursor.partition(",")
        try:
            moment = float(at)
        except ValueError:
            moment = math.nan
        if not math.isfinite(moment):
            raise ParseError("cursor", cursor, "it is none that was given out")
        return moment, key
    after = request.args.get("updated_after", "")
    return (parse_moment(after, "updated_after"), "~") if after else (0.0, "")  # no id sorts behind "~"

"""What the Machines API tells about one machine over time: metadata, events, versions and waiting for a state."""

from quart import Quart, Response, request

from flylab.errors import RuleError
from flylab.local.api_requests import Control, answer, count, empty, read_body
from flylab.rules.metadata import SetMetadata
from flylab.rules.waiting import parse_timeout, parse_wanted

_MACHINE = "/v1/apps/<app_name>/machines/<machine_id>"


def register(api: Quart, control: Control) -> None:
    """Add the routes; an endpoint bears the operation id of the official document."""
    platform = control.platform

    @api.get(f"{_MACHINE}/wait", endpoint="Machines_wait")
    async def wait(app_name: str, machine_id: str) -> Response:
        args = request.args
        version = args.get("version", "") or args.get("instance_id", "")
        wanted = parse_wanted(
            args.getlist("state"), version, args.get("from_event_id", ""), strict=platform.settings.strict_wait
        )
        patience = parse_timeout(args.get("timeout", ""))
        return answer((await platform.wait(control.life(app_name, machine_id), wanted, patience)).to_json())

    @api.get(f"{_MACHINE}/events", endpoint="Machines_list_events")
    async def events(app_name: str, machine_id: str) -> Response:
        newest_first = control.life(app_name, machine_id).machine().events
        return answer([event.to_json() for event in newest_first[: count("limit", 20, 50)]])

    @api.get(f"{_MACHINE}/versions", endpoint="Machines_list_versions")
    async def versions(app_name: str, machine_id: str) -> Response:
        newest_first = reversed(control.life(app_name, machine_id).versions)
        return answer([{"version": version, "user_config": config.to_json()} for version, config in newest_first])

    @api.get(f"{_MACHINE}/metadata", endpoint="Machines_show_metadata")
    async def show_metadata(app_name: str, machine_id: str) -> Response:
        return answer(control.life(app_name, machine_id).config.metadata)

    @api.route(f"{_MACHINE}/metadata", methods=["PUT", "PATCH"], endpoint="Machines_update_metadata")
    async def update_metadata(app_name: str, machine_id: str) -> Response:
        f = await read_body()
        values = {key: _text_or_none(key, value) for key, value in f.mapping("metadata").items()}
        event = SetMetadata(
            machine=control.life(app_name, machine_id).id,
            values=values,
            updated_at=f.text("updated_at"),
            version=f.text("machine_version"),
        )
        platform.apply(event)
        return empty(204)

    @api.get(f"{_MACHINE}/metadata/<key>", endpoint="Machines_get_metadata_key")
    async def get_metadata_key(app_name: str, machine_id: str, key: str) -> Response:
        metadata = control.life(app_name, machine_id).config.metadata
        if key not in metadata:
            raise RuleError("not_found", f"metadata key '{key}' not found")
        return answer({"value": metadata[key]})

    @api.post(f"{_MACHINE}/metadata/<key>", endpoint="Machines_upsert_metadata")
    async def set_metadata_key(app_name: str, machine_id: str, key: str) -> Response:
        f = await read_body()
        value = f.maybe_text("value")
        if value is None:
            raise RuleError("invalid_argument", "value is missing")
        machine = control.life(app_name, machine_id).id
        platform.apply(SetMetadata(machine=machine, values={key: value}, updated_at=f.text("updated_at")))
        return empty(204)

    @api.delete(f"{_MACHINE}/metadata/<key>", endpoint="Machines_delete_metadata")
    async def delete_metadata_key(app_name: str, machine_id: str, key: str) -> Response:
        platform.apply(SetMetadata(machine=control.life(app_name, machine_id).id, values={key: None}))
        return empty(204)


def _text_or_none(key: str, value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise RuleError("invalid_argument", f"metadata.{key} is {value!r}, a text or null is expected")
    return value

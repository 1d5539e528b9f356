"""What the Machines API does inside a running machine: commands, its processes, its memory."""

from quart import Quart, Response, request

from flylab.errors import RuleError
from flylab.local.api_leases import admitted
from flylab.local.api_requests import Control, answer, read_body
from flylab.local.census import Process
from flylab.rules.commands import parse_command
from flylab.rules.life import Life
from flylab.rules.memory import SetMemoryLimit, left
from flylab.wire.machine import MachineState

_MACHINE = "/v1/apps/<app_name>/machines/<machine_id>"
_OCTETS = "application/octet-stream"
_SORTED_BY = ("pid", "command", "directory", "cpu", "rss", "rtime", "stime")  # assumed: the fields of the answer


def register(api: Quart, control: Control) -> None:
    """Add the routes; an endpoint bears the operation id of the official document."""
    platform = control.platform

    def running(app_name: str, machine_id: str) -> Life:
        life = control.life(app_name, machine_id)
        if life.state is not MachineState.STARTED:
            raise RuleError("not_running", f"the machine is {life.state}, not running")
        return life

    @api.post(f"{_MACHINE}/exec", endpoint="Machines_exec")
    async def execute(app_name: str, machine_id: str) -> Response:
        settings = platform.settings.exec
        command = parse_command(await read_body(), settings)
        life = running(app_name, machine_id)
        ran = await platform.driver.execute(life.id, command, settings.output_limit)
        if ran.timed_out:
            text = f"the command did not end within {command.timeout}s and was killed"
            raise RuleError("deadline_exceeded", text)
        told = answer(ran.to_json())
        # The official document has this type too, with the same object in it; that Accept chooses is assumed.
        if request.accept_mimetypes.best_match(["application/json", _OCTETS]) == _OCTETS:
            told.content_type = _OCTETS
        return told

    @api.get(f"{_MACHINE}/ps", endpoint="Machines_list_processes")
    async def list_processes(app_name: str, machine_id: str) -> Response:
        key, order = request.args.get("sort_by", "") or "pid", request.args.get("order", "") or "asc"
        if key not in _SORTED_BY:
            raise RuleError("invalid_argument", f"sort_by '{key}' is none of {', '.join(_SORTED_BY)}")
        if order.lower() not in ("asc", "desc"):
            raise RuleError("invalid_argument", f"order '{order}' is neither asc nor desc")
        found = await platform.driver.processes(running(app_name, machine_id).id)
        found = sorted(found, key=lambda process: _key(process, key), reverse=order.lower() == "desc")
        return answer([process.to_json() for process in found])

    @api.get(f"{_MACHINE}/memory", endpoint="Machines_get_memory")
    async def memory(app_name: str, machine_id: str) -> Response:
        return await told(running(app_name, machine_id))

    @api.put(f"{_MACHINE}/memory", endpoint="Machines_set_memory_limit")
    async def set_memory_limit(app_name: str, machine_id: str) -> Response:
        limit = (await read_body()).maybe_integer("limit_mb")
        if limit is None:
            raise RuleError("invalid_argument", "limit_mb is missing")
        life = running(app_name, machine_id)
        await admitted(platform, life.id)
        platform.apply(SetMemoryLimit(life.id, limit))
        return await told(life)

    @api.post(f"{_MACHINE}/memory/reclaim", endpoint="Machines_reclaim_memory")
    async def reclaim(app_name: str, machine_id: str) -> Response:
        amount = (await read_body()).integer("amount_mb")
        if amount < 0:
            raise RuleError("invalid_argument", f"amount_mb {amount} is negative")
        running(app_name, machine_id)
        return answer({"actual_mb": 0})  # the truth: nothing can be taken from a process of this computer

    async def told(life: Life) -> Response:
        used = sum(process.rss for process in await platform.driver.processes(life.id))
        limit = platform.fleet.memory.limit(life.id, life.config)
        return answer({"limit_mb": limit, "available_mb": left(limit, used)})


def _key(process: Process, name: str) -> tuple[object, int]:
    return getattr(process, name), process.pid

"""Faults, below ``/_flylab/faults``: what is armed and how often it has struck, arming and disarming.

GET    /_flylab/faults            {"faults": […], "past": […], "known": […]}
POST   /_flylab/faults            one fault, {"name": "slow_port", "machine": "148e…", "count": 1}; 201 with its id
DELETE /_flylab/faults[/<which>]  all, or one by id, or all of a name

Changes need the organisation's token, which reading does not: a page in a browser can send a request to this computer,
but it cannot send that header.
"""

from quart import Quart, Response, request

from flylab.local import api_access
from flylab.local.api_requests import Control, answer, read_body
from flylab.rules.fault_names import KNOWN, Known
from flylab.wire.fault import Fault
from flylab.wire.fields import Json, without_empty

_FAULTS = "/_flylab/faults"


def register(api: Quart, control: Control) -> None:
    faults = control.faults

    def owner() -> None:
        api_access.owner(request.headers.get("authorization", ""), control, "faults are armed")

    @api.get(_FAULTS, endpoint="flylab_faults")
    async def show() -> Response:
        known = [_shown(each) for each in KNOWN.values()]
        listed = {"faults": faults.armed(), "past": faults.past()}
        return answer({key: [each.to_json() for each in value] for key, value in listed.items()} | {"known": known})

    @api.post(_FAULTS, endpoint="flylab_arm_fault")
    async def arm() -> Response:
        owner()
        return answer((await faults.arm(Fault.from_json((await read_body()).rest(), ""))).to_json(), 201)

    @api.delete(_FAULTS, endpoint="flylab_clear_faults")
    async def clear() -> Response:
        owner()
        return answer({"faults": [fault.to_json() for fault in faults.clear()]})

    @api.delete(f"{_FAULTS}/<which>", endpoint="flylab_disarm_fault")
    async def disarm(which: str) -> Response:
        owner()
        return answer({"faults": [fault.to_json() for fault in faults.disarm(which)]})


def _shown(known: Known) -> Json:
    said = {"name": known.name, "where": str(known.where), "what": known.what, "survive": known.survive}
    more = {"targets": list(known.targets), "unit": str(known.unit), "value": known.value, "words": list(known.words)}
    return {**said, "source": known.source} | without_empty(**more, how=known.how)

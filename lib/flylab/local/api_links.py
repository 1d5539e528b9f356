"""Links between regions, below ``/_flylab/links``: made slow, cut, and mended again; and the time-outs of the edges.

GET    /_flylab/links           {"links": [{"a": "ams", "b": "nrt", "added_ms": 300, "cut": false}]}
POST   /_flylab/links           one such link, in place of what was said of it before; 201
DELETE /_flylab/links[/<a>/<b>] all, or one
GET    /_flylab/timeouts        {"connect_timeout": 3.0, …} in seconds
PATCH  /_flylab/timeouts        some of them, for whatever begins from now on

Changes need the organisation's token, as those of faults do.
"""

from quart import Quart, Response, request

from flylab.local.api_access import owner
from flylab.local.api_requests import Control, answer, read_body
from flylab.wire.link import Link

_LINKS, _TIMEOUTS = "/_flylab/links", "/_flylab/timeouts"


def register(api: Quart, control: Control) -> None:
    faults = control.faults

    def own() -> None:
        owner(request.headers.get("authorization", ""), control, "links and time-outs are changed")

    def shown(links: list[Link]) -> Response:
        return answer({"links": [link.to_json() for link in links]})

    @api.get(_LINKS, endpoint="flylab_links")
    async def show() -> Response:
        return shown(faults.links.all())

    @api.post(_LINKS, endpoint="flylab_disturb_link")
    async def disturb() -> Response:
        own()
        return answer(faults.disturb(Link.from_json((await read_body()).rest(), "")).to_json(), 201)

    @api.delete(_LINKS, endpoint="flylab_mend_links")
    async def mend_all() -> Response:
        own()
        return shown(faults.mend())

    @api.delete(f"{_LINKS}/<a>/<b>", endpoint="flylab_mend_link")
    async def mend(a: str, b: str) -> Response:
        own()
        return shown(faults.mend((a, b)))

    @api.get(_TIMEOUTS, endpoint="flylab_timeouts")
    async def timeouts() -> Response:
        return answer(control.timeouts.to_json())

    @api.patch(_TIMEOUTS, endpoint="flylab_change_timeouts")
    async def change() -> Response:
        own()
        control.timeouts.change((await read_body()).rest())
        return answer(control.timeouts.to_json())

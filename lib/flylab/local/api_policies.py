"""Network policies of apps, and what a machine is allowed by them.

They are in Fly's guide (machines/guides-examples/network-policies) and not in the official document, so the operations
have no ids and their answers no schema. The list is what was seen of the real API in 2026-08 (molecule-dev/molecule): a
bare array, and the selector under another name than the one it was sent under; both are given. The other answers are
assumed.
"""

from quart import Quart, Response

from flylab import ids
from flylab.local.api_requests import Control, answer, read_body
from flylab.rules.policies import DeletePolicy, PutPolicy, admit_policy
from flylab.wire.fields import Json
from flylab.wire.network_policy import NetworkPolicy

_POLICIES = "/v1/apps/<app_name>/network_policies"


def register(api: Quart, control: Control) -> None:
    """Add the routes."""
    platform, policies = control.platform, control.platform.fleet.belongings.policies

    # The guide lists with a slash at the end, in 2026-08 nothing was found there; here both are the same.
    @api.get(_POLICIES, endpoint="network_policies_list")
    @api.get(f"{_POLICIES}/", endpoint="network_policies_list")
    async def list_policies(app_name: str) -> Response:
        platform.fleet.app(app_name)
        return answer([_shown(policy) for policy in policies.of(app_name)])

    @api.post(_POLICIES, endpoint="network_policies_put")
    @api.post(f"{_POLICIES}/", endpoint="network_policies_put")
    async def put_policy(app_name: str) -> Response:
        policy = admit_policy((await read_body()).rest())
        new_id = ids.token(platform.rng, 16)
        platform.apply(PutPolicy(app=app_name, policy=policy, new_id=new_id))
        return answer(_shown(policies.find(app_name, policy.id or new_id)))

    @api.get(f"{_POLICIES}/<policy_id>", endpoint="network_policies_show")
    async def show_policy(app_name: str, policy_id: str) -> Response:
        platform.fleet.app(app_name)
        return answer(_shown(policies.find(app_name, policy_id)))

    @api.delete(f"{_POLICIES}/<policy_id>", endpoint="network_policies_delete")
    async def delete_policy(app_name: str, policy_id: str) -> Response:
        platform.apply(DeletePolicy(app=app_name, id=policy_id))
        return answer({"ok": True})

    @api.get("/_flylab/apps/<app_name>/machines/<machine_id>/network", endpoint="flylab_machine_network")
    async def machine_network(app_name: str, machine_id: str) -> Response:
        return answer(platform.boots.of(control.life(app_name, machine_id).id).to_json())


def _shown(policy: NetworkPolicy) -> Json:
    shown = policy.to_json()
    return shown | {"netpolSelector": shown["selector"]}

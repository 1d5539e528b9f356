"""The network policies of apps: which machines each is for, and what a machine may be sent since its last boot.

    policies of the app ──(selector)──► those for the machine, when it boots ──► ports, by direction
    no rule for a direction: everything      some rule: what a rule allows, and nothing else

They are about traffic straight from and to machines and leave the proxy's alone (machines/guides-examples/
network-policies); what of that a computer without a network of its own can hold back is in docs/names.md.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from flylab.errors import RuleError
from flylab.rules.actions import Kept
from flylab.rules.contents import check_name
from flylab.rules.life import Life
from flylab.rules.records import AppOrder
from flylab.wire.fields import Json
from flylab.wire.machine import MachineState
from flylab.wire.network_policy import EGRESS, INGRESS, NetworkPolicy, PolicyPort, PolicySelector

KIND = "network_policy"
_MOST = 100  # policies of one app; our choice
_LARGEST = 64 * 1024  # bytes of one as JSON; our choice
_FEW = 100  # machines; below that nobody looks whether they are still there


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySettings:
    """What is said in two ways."""

    # Of several pairs of metadata one is enough, says the announcement (community.fly.io/t/19173). The later guide has
    # machines "satisfying all specified criteria" and may mean the pairs too.
    metadata_all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PutPolicy(AppOrder):
    """Make a policy, whose id will be ``new_id``, or change the one that it names."""

    policy: NetworkPolicy
    new_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletePolicy(AppOrder):
    id: str


def admit_policy(body: Json) -> NetworkPolicy:
    """Read the body of a request; raises ``ParseError`` or ``RuleError``."""
    # Both refusals are Fly's to the letter (reported 2026-08, molecule-dev/molecule).
    if body.get("name") in (None, ""):
        raise RuleError("malformed", "name is required")
    selector = body.get("selector")
    if isinstance(selector, Mapping) and selector.get("apps") is not None:
        raise RuleError("malformed", "apps array not currently supported in selectors")
    policy = NetworkPolicy.from_json(body)
    check_name(policy.name)
    if (size := len(json.dumps(policy.to_json()))) > _LARGEST:
        raise RuleError("invalid_argument", f"a network policy has at most {_LARGEST} bytes, this one has {size}")
    return policy


def selects(selector: PolicySelector, life: Life, settings: PolicySettings) -> bool:
    """Whether a policy is for this machine; a selector that says nothing is for none (ASSUMED)."""
    metadata = life.config.metadata
    pairs = [metadata.get(key) == value for key, value in selector.metadata.items()]
    meets = [life.id in selector.machines] if selector.machines else []
    if pairs:
        meets.append(all(pairs) if settings.metadata_all else any(pairs))
    return all(meets) if meets else selector.everyone


class Policies:
    """The policies of all apps, oldest first."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[str, NetworkPolicy]] = {}

    def put(self, event: PutPolicy) -> list[Kept]:
        """Two of one name are two policies, as on Fly (reported 2026-08)."""
        policy = event.policy
        if policy.id:
            self.find(event.app, policy.id)
        else:
            if len(self.of(event.app)) >= _MOST:
                raise RuleError("unprocessable", f"app '{event.app}' has {_MOST} network policies, delete one first")
            policy = replace(policy, id=event.new_id)
        self._rows[policy.id] = (event.app, policy)
        return [Kept(KIND, policy.id)]

    def delete(self, event: DeletePolicy) -> list[Kept]:
        del self._rows[self.find(event.app, event.id).id]
        return [Kept(KIND, event.id)]

    def find(self, app: str, policy_id: str) -> NetworkPolicy:
        owner, policy = self._rows.get(policy_id, ("", None))
        if policy is None or owner != app:
            raise RuleError("not_found", f"app '{app}' has no network policy '{policy_id[:80]}'")
        return policy

    def of(self, app: str) -> list[NetworkPolicy]:
        return [policy for owner, policy in self._rows.values() if owner == app]

    def drop(self, app: str) -> list[Kept]:
        gone = [policy.id for policy in self.of(app)]
        for key in gone:
            del self._rows[key]
        return [Kept(KIND, key) for key in gone]

    def rows(self) -> dict[str, tuple[str, NetworkPolicy]]:
        return self._rows

    def document(self, key: str) -> Json | None:
        row = self._rows.get(key)
        return {"app": row[0], "policy": row[1].to_json()} if row else None

    def restore(self, documents: Mapping[str, Json]) -> None:
        self._rows = {key: (str(row["app"]), NetworkPolicy.from_json(row["policy"])) for key, row in documents.items()}


@dataclass(frozen=True, slots=True)
class Allowed:
    """The ports that each direction has; None is everything."""

    ingress: frozenset[PolicyPort] | None = None
    egress: frozenset[PolicyPort] | None = None

    def to_json(self) -> Json:
        return {INGRESS: _listed(self.ingress), EGRESS: _listed(self.egress)}


ALL = Allowed()


def allowed(policies: Sequence[NetworkPolicy], life: Life, settings: PolicySettings) -> Allowed:
    """What those of the policies that are for this machine leave it."""
    if not policies:
        return ALL
    rules = [rule for policy in policies if selects(policy.selector, life, settings) for rule in policy.rules]
    ways: dict[str, frozenset[PolicyPort]] = {}
    for rule in rules:
        ways[rule.direction] = ways.get(rule.direction, frozenset()) | frozenset(rule.ports)
    return Allowed(ways.get(INGRESS), ways.get(EGRESS))


class Boots:
    """What each machine is allowed since it booted: a policy that comes, changes or goes later waits for the next time.

    Nothing of this is written down: machines boot again after the platform itself did.
    """

    def __init__(self, policies: Policies, settings: PolicySettings, find: Callable[[str], Life | None]) -> None:
        self._policies = policies
        self._settings = settings
        self._find = find
        self._held: dict[str, tuple[int, Allowed]] = {}  # and how often the machine had booted
        self._room = _FEW

    def look(self, life: Life) -> None:
        """The machine may have booted, or gone."""
        if life.state is MachineState.DESTROYED:
            self._held.pop(life.id, None)
        elif life.id not in self._held or self._held[life.id][0] != life.spawns:
            self._held[life.id] = (life.spawns, allowed(self._policies.of(life.app), life, self._settings))
            if len(self._held) > self._room:  # those that went with their app are not seen going
                self._held = {machine: held for machine, held in self._held.items() if self._find(machine)}
                self._room = _FEW + 2 * len(self._held)

    def of(self, machine: str) -> Allowed:
        return self._held[machine][1] if machine in self._held else ALL

    def admits(self, machine: str, port: int) -> bool:
        """Whether its neighbours may open TCP connections to this port of it."""
        ingress = self.of(machine).ingress
        return ingress is None or PolicyPort("tcp", port) in ingress


def _listed(ports: frozenset[PolicyPort] | None) -> list[Json] | None:
    if ports is None:
        return None
    return [port.to_json() for port in sorted(ports, key=lambda each: (each.protocol, each.port))]

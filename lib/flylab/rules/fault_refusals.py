"""Faults that are a refusal of the Machines API: which operations, which code of ``wire/codes.py``, which words."""

from collections.abc import Mapping
from dataclasses import dataclass

from flylab.errors import RuleError
from flylab.rules.faults import Struck
from flylab.rules.leases import MEETS

_CHANGES = frozenset(MEETS)
_STRANGER = "7f0c4e1a-6d5b-4c39-9a20-2f4e8d1b5a63@tokens.fly.io"  # made up; the form is that of public logs, 2026


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """``operations`` are ids of the official document, none stands for all; ``mounts``: only with a volume."""

    name: str
    code: str
    text: str
    operations: frozenset[str] = frozenset()
    mounts: bool = False


REFUSALS = (
    Refusal(name="rate_limit", code="rate_limited", text="rate limit exceeded"),
    Refusal(
        name="host_full",
        code="host_capacity",
        text="could not reserve resource for machine: insufficient {value} available to fulfill request",
        operations=frozenset({"Machines_start", "Machines_update"}),
    ),
    Refusal(
        name="org_quota",
        code="over_quota",
        text="the organization is over the allowed quota in region {region}",
        operations=frozenset({"Machines_create", "Volumes_create"}),
    ),
    Refusal(
        name="volume_host_full",
        code="volume_capacity",
        text="insufficient resources to create new machine with existing volume '{volume}'",
        operations=frozenset({"Machines_create"}),
        mounts=True,
    ),
    Refusal(
        name="volume_gone",
        code="volume_gone",
        text="volume not found: {volume}",
        operations=frozenset({"Machines_create"}),
        mounts=True,
    ),
    Refusal(
        name="lease_held",
        code="lease_held",
        text="machine ID {machine} lease currently held by {owner}",
        operations=_CHANGES | {"Machines_create_lease"},
    ),
)
# A write to a machine whose host is down: the API gives up waiting for the host.
HOST_DOWN = "the host of the machine did not answer in time"


def refusals(operation: str, *, mounts: bool) -> dict[str, Refusal]:
    """Those that may come in answer to an operation, by the name of the fault."""
    return {
        refusal.name: refusal
        for refusal in REFUSALS
        if (not refusal.operations or operation in refusal.operations) and (mounts or not refusal.mounts)
    }


def refused(refusal: Refusal, struck: Struck, names: Mapping[str, str]) -> RuleError:
    """The error; ``names`` are those of app, region, machine and volume."""
    said = {"value": struck.value, "owner": _STRANGER} | dict(names)
    return RuleError(refusal.code, refusal.text.format_map(said))


def no_room(region: str, *, volume: bool) -> RuleError:
    """``region_full``: fly-go looks at the end of the text for a volume, and at the words for a machine."""
    if volume:
        return RuleError("volume_region_full", f"could not create volume in region {region}: no capacity")
    return RuleError("region_capacity", f"no candidate host in region {region} has room for the machine")

"""Everything that apps have, over sequences of orders: what is written down is all there is to it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.errors import RuleError
from flylab.rules.actions import AppDropped, Kept
from flylab.rules.addresses import TYPES, AssignAddress, ReleaseAddress
from flylab.rules.belongings import Belongings
from flylab.rules.certificates import AddAcme, AddCustom, RemoveAcme, RemoveCustom, RemoveHostname
from flylab.rules.fleet import Fleet, FleetSettings
from flylab.rules.orders import CreateApp, DeleteApp
from flylab.rules.policies import DeletePolicy, PutPolicy
from flylab.rules.records import AppOrder
from flylab.rules.secret_keys import DeleteKey, PutKey
from flylab.rules.secrets import DeleteSecret, SecretSettings, SetSecrets
from flylab.rules.tokens import CreateToken, digest
from flylab.wire.network_policy import NetworkPolicy

APPS = st.sampled_from(["a", "b"])
HOSTS = st.sampled_from(["x.example", "*.x.example", "Y.example.", "bad_name"])
IPS = st.sampled_from(["198.51.100.1", "198.51.100.2", "2001:db8:0:1::1", "203.0.113.1", "x"])
PEM = st.sampled_from(
    [f"-----BEGIN {kind}-----\neHg=\n-----END {kind}-----" for kind in ("CERTIFICATE", "PRIVATE KEY")]
)
NAMES = st.sampled_from(["A", "B", "FLY_X"])

ORDERS = st.one_of(
    st.builds(
        SetSecrets, app=APPS, values=st.dictionaries(NAMES, st.none() | st.just("v"), max_size=2), salt=st.just("s")
    ),
    st.builds(DeleteSecret, app=APPS, name=NAMES),
    st.builds(AssignAddress, app=APPS, type=st.sampled_from([*TYPES, "v5"])),
    st.builds(ReleaseAddress, app=APPS, ip=IPS),
    st.builds(AddAcme, app=APPS, hostname=HOSTS),
    st.builds(AddCustom, app=APPS, hostname=HOSTS, fullchain=PEM, private_key=PEM),
    st.builds(RemoveAcme, app=APPS, hostname=HOSTS),
    st.builds(RemoveCustom, app=APPS, hostname=HOSTS),
    st.builds(RemoveHostname, app=APPS, hostname=HOSTS),
    st.builds(
        CreateToken, app=APPS, id=st.just("i"), hash=st.sampled_from("xyz").map(digest), life=st.floats(-1.0, 5.0)
    ),
    st.builds(
        PutPolicy,
        app=APPS,
        policy=st.builds(NetworkPolicy, name=st.just("n"), id=st.sampled_from(["", "1", "2"])),
        new_id=st.integers(3, 99).map(str),
    ),
    st.builds(
        PutKey,
        app=APPS,
        name=NAMES,
        type=st.sampled_from(["hs256", "nacl_box", "x"]),
        value=st.sampled_from(["eA==", "eQ=="]),
        public=st.just(""),
        salt=st.just("s"),
    ),
    st.builds(DeleteKey, app=APPS, name=NAMES),
    st.builds(DeletePolicy, app=APPS, id=st.sampled_from(["3", "4"])),
)
Written = dict[str, dict[str, Any]]


def written(belongings: Belongings, keys: set[tuple[str, str]]) -> Written:
    found: Written = {}
    for kind, key in sorted(keys):
        document = belongings.collections()[kind].document(key)
        if document is not None:
            found.setdefault(kind, {})[key] = document
    return found


@given(st.lists(ORDERS | st.sampled_from(["drop a", "drop b"]), max_size=25))
def test_what_was_written_down_brings_everything_back(orders: list[AppOrder | str]) -> None:
    belongings, store, keys = Belongings(SecretSettings()), Written(), set[tuple[str, str]]()
    for now, order in enumerate(orders):
        before = written(belongings, keys)
        try:
            kept = belongings.drop(order[-1]) if isinstance(order, str) else belongings.apply(order, float(now))
        except RuleError:
            assert written(belongings, keys) == before
            continue
        keys |= {(each.kind, each.key) for each in kept}
        for each in kept:  # as the platform does it
            document = belongings.collections()[each.kind].document(each.key)
            if document is None:
                store.get(each.kind, {}).pop(each.key, None)
            else:
                store.setdefault(each.kind, {})[each.key] = document
        assert {kind: rows for kind, rows in store.items() if rows} == written(belongings, keys)
    again = Belongings(SecretSettings())
    for kind, collection in again.collections().items():
        collection.restore(store.get(kind, {}))
    for app in "ab":
        assert again.secrets.values(app) == belongings.secrets.values(app)
        assert again.secrets.version(app) == belongings.secrets.version(app)
        assert {row.ip for row in again.addresses.of(app)} == {row.ip for row in belongings.addresses.of(app)}
        assert again.secrets.keys(app) == belongings.secrets.keys(app)
        assert again.policies.of(app) == belongings.policies.of(app)
        assert {row.hostname for row in again.certificates.of(app)} == {
            row.hostname for row in belongings.certificates.of(app)
        }
    for text in "xyz":
        assert again.tokens.find(text, float(len(orders))) == belongings.tokens.find(text, float(len(orders)))


def test_an_order_for_no_app_is_refused_and_everything_goes_with_its_app() -> None:
    fleet = Fleet(FleetSettings(), lambda _: "e")
    order = SetSecrets(app="rooms", values={"A": "1"}, salt="s")
    with pytest.raises(RuleError, match="app 'rooms' not found"):
        fleet.apply(order, 1.0)
    fleet.apply(CreateApp(id="1", name="rooms", organization="o"), 1.0)
    assert fleet.apply(order, 1.0) == [Kept("secrets", "rooms")]
    fleet.apply(AddAcme(app="rooms", hostname="x.example"), 1.0)
    gone = fleet.apply(DeleteApp(name="rooms"), 2.0)
    assert gone == [Kept("secrets", "rooms"), Kept("certificate", "x.example"), AppDropped("rooms")]
    fleet.apply(CreateApp(id="2", name="rooms", organization="o"), 3.0)
    assert fleet.belongings.secrets.values("rooms") == {}

"""What the names below .internal and .flycast stand for (DOCUMENTED networking/private-networking), and what not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.rules.names import Answer, Asker, Code, Flycast, Named, Question, Record, resolve

AMS, IAD, NRT, DOWN = (
    Named(
        id="a1",
        app="blue",
        region="ams",
        address="fdaa:1:1:a7b:1:1:1:2",
        started=True,
        group="web",
        metadata={"Team": "Red", "a.b": "c.d"},
        ports={8080: 10001},
    ),
    Named(id="i1", app="blue", region="iad", address="fdaa:1:1:a7b:2:1:1:2", started=True, ports={8080: 10002}),
    Named(id="n1", app="blue", region="nrt", address="fdaa:1:1:a7b:3:1:1:2", started=True, group="web"),
    Named(id="a2", app="blue", region="ams", address="fdaa:1:1:a7b:1:2:2:2", started=False, group="job"),
)
OTHER = Named(id="k1", app="kept", region="ams", address="fdaa:2:2:a7b:1:1:1:2", started=True)
ASKER = Asker("fra")
KNOWN = {"ams": 8.0, "iad": 90.0, "nrt": 240.0}


class Directory:
    """Three apps; ``kept`` is in a network of its own and ``idle`` has no machine."""

    def __init__(self, *more: Named) -> None:
        self.all = (AMS, IAD, NRT, DOWN, OTHER, *more)
        self.platform = Flycast()

    def apps(self, network):
        return ["kept"] if network == "customer" else ["idle", "blue"] if network == "" else []

    def machines(self, app):
        return [machine for machine in self.all if machine.app == app]

    def flycast(self, app, asker):
        if (app, asker.network) in (("blue", ""), ("kept", "")):  # the second is there for another network alone
            return Flycast(("fdaa:1:1:0:1::2",), {80: 23_000 + len(asker.region)})
        return Flycast()

    def api(self):
        return self.platform


def ask(name: str, kind: str = "AAAA", *, asker: Asker = ASKER, loopback: bool = False, directory=None) -> Answer:
    question = Question(tuple(name.split(".")) if name else (), kind)
    return resolve(
        question, asker, directory or Directory(), rtt=lambda _, region: KNOWN.get(region, 1.0), loopback=loopback
    )


def addresses(*machines: Named) -> Answer:
    return Answer(Code.NOERROR, tuple(Record("AAAA", machine.address) for machine in machines))


NODATA, NXDOMAIN, REFUSED = Answer(Code.NOERROR), Answer(Code.NXDOMAIN), Answer(Code.REFUSED)


@pytest.mark.parametrize(
    ("name", "machines"),
    [
        ("blue.internal", (AMS, IAD, NRT)),
        ("global.blue.internal", (AMS, IAD, NRT)),
        ("ams.blue.internal", (AMS,)),
        ("iad.blue.internal", (IAD,)),
        ("top1.nearest.of.blue.internal", (AMS,)),
        ("top2.nearest.of.blue.internal", (AMS, IAD)),
        ("top9.nearest.of.blue.internal", (AMS, IAD, NRT)),
        ("i1.vm.blue.internal", (IAD,)),
        ("web.process.blue.internal", (AMS, NRT)),
        ("red.team.kv._metadata.blue.internal", (AMS,)),
        ("c.d.a.b.kv._metadata.blue.internal", (AMS,)),
        ("a2.vm.blue.internal", ()),
        ("job.process.blue.internal", ()),
        ("idle.internal", ()),
        ("top3.nearest.of.idle.internal", ()),
    ],
)
def test_addresses_are_those_of_started_machines(name, machines):
    assert ask(name) == addresses(*machines)


def test_documented_the_machines_api_has_a_name_of_its_own():
    """DOCUMENTED machines/api/working-with-machines-api: http://_api.internal:4280."""
    directory = Directory()
    assert ask("_api.internal", directory=directory) == NODATA
    assert ask("_api.internal", "A", loopback=True, directory=directory) == NODATA
    directory.platform = Flycast(("127.0.0.1",), {4280: 2_000})
    assert ask("_api.internal", "A", loopback=True, directory=directory).records == (Record("A", "127.0.0.1"),)
    assert ask("_api.internal", loopback=True, directory=directory) == NODATA
    found = ask("_4280._tcp._api.internal", "SRV", loopback=True, directory=directory)
    assert found.records == (Record("SRV", "_api.internal", 2_000),)
    assert ask("_80._tcp._api.internal", "SRV", loopback=True, directory=directory) == NODATA
    assert ask("x._api.internal", directory=directory) == NXDOMAIN


def test_near_is_near_to_the_asker():
    directory = Directory()
    distance = {("ams", "ams"): 1.0, ("nrt", "nrt"): 1.0}
    for region, nearest in (("ams", AMS), ("nrt", NRT)):
        found = resolve(
            Question(("top1", "nearest", "of", "blue", "internal"), "AAAA"),
            Asker(region),
            directory,
            rtt=lambda a, b: distance.get((a, b), 100.0),
            loopback=False,
        )
        assert found == addresses(nearest)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("vms.blue.internal", "a1 ams,i1 iad,n1 nrt"),
        ("all.vms.blue.internal", "a1 ams,i1 iad,n1 nrt,a2 ams"),
        ("regions.blue.internal", "ams,iad,nrt"),
        ("all.regions.blue.internal", "ams,iad,nrt"),
        ("_apps.internal", "blue,idle"),
    ],
)
def test_texts(name, text):
    assert ask(name, "TXT") == Answer(Code.NOERROR, (Record("TXT", text),))
    assert ask(name) == NODATA


def test_instances_are_told_with_address_and_region():
    """In the form that public clients read: ``instance=…,app=…,ip=…,region=…`` with semicolons between."""
    (record,) = ask("_instances.internal", "TXT").records
    assert record.value.split(";")[0] == "instance=a1,app=blue,ip=fdaa:1:1:a7b:1:1:1:2,region=ams"
    assert [part.split(",")[0] for part in record.value.split(";")] == ["instance=a1", "instance=i1", "instance=n1"]
    (record,) = ask("all._instances.internal", "TXT").records
    assert "instance=a2,app=blue" in record.value


@pytest.mark.parametrize(
    "name",
    [
        "internal", "flycast", "vm.blue.internal", "process.blue.internal", "of.blue.internal",
        "nearest.of.blue.internal", "_metadata.blue.internal", "kv._metadata.blue.internal",
        "team.kv._metadata.blue.internal", "d.a.b.kv._metadata.blue.internal", "all.blue.internal",
        "_peer.internal", "laptop._peer.internal", "idle.flycast",
    ],
)  # fmt: skip
def test_names_without_records_of_their_own_exist(name):
    for kind in ("AAAA", "A", "TXT", "SRV", "MX", "ANY"):
        assert ask(name, kind) == NODATA


@pytest.mark.parametrize(
    "name",
    [
        "green.internal", "kept.internal", "nowhere.flycast", "www.blue.flycast", "lhr.blue.internal",
        "x9.vm.blue.internal", "cron.process.blue.internal", "blue.team.kv._metadata.blue.internal",
        "top0.nearest.of.blue.internal", "top.nearest.of.blue.internal", "nearest.blue.internal",
        "x.global.blue.internal", "x.vms.blue.internal", "_tcp.blue.internal", "_8080._tcp.blue.internal",
        "x._apps.internal", "am.kv._metadata.blue.internal",
    ],
)  # fmt: skip
def test_what_does_not_exist_is_nxdomain(name):
    for kind in ("AAAA", "TXT"):
        assert ask(name, kind) == NXDOMAIN


@pytest.mark.parametrize("name", ["", "fly.io", "internal.fly.io", "blue.internal.example", "localhost"])
def test_nothing_is_forwarded(name):
    assert ask(name) == REFUSED


def test_a_network_sees_its_own_apps_alone():
    """DOCUMENTED networking/custom-private-networks."""
    inside = Asker("ams", "customer")
    assert ask("kept.internal", asker=inside) == addresses(OTHER)
    assert ask("_apps.internal", "TXT", asker=inside).records == (Record("TXT", "kept"),)
    for name in ("blue.internal", "a1.vm.blue.internal", "blue.flycast"):
        assert ask(name, asker=inside) == NXDOMAIN
    assert "blue" not in ask("_instances.internal", "TXT", asker=inside).records[0].value
    assert ask("_apps.internal", "TXT", asker=Asker("ams", "empty")) == NODATA


def test_a_flycast_address_is_the_apps():
    assert ask("blue.flycast") == Answer(Code.NOERROR, (Record("AAAA", "fdaa:1:1:0:1::2"),))


def test_a_flycast_address_leads_to_the_edge_on_loopback():
    assert ask("blue.flycast", "A", loopback=True) == Answer(Code.NOERROR, (Record("A", "127.0.0.1"),))
    record = Record("SRV", "blue.flycast", 23_003)
    assert ask("_80._tcp.blue.flycast", "SRV", loopback=True) == Answer(Code.NOERROR, (record,))
    assert ask("_81._tcp.blue.flycast", "SRV", loopback=True) == NODATA


def test_an_address_for_another_network_is_not_seen_from_the_apps_own():
    """DOCUMENTED networking/flycast: it is not reachable from its own network."""
    assert ask("kept.flycast").records
    assert ask("kept.flycast", asker=Asker("ams", "customer")) == NODATA


def test_on_loopback_a_program_finds_address_and_port():
    assert ask("blue.internal", "A", loopback=True).records == (Record("A", "127.0.0.1"),)
    assert ask("blue.internal", "AAAA", loopback=True) == NODATA
    assert ask("a2.vm.blue.internal", "A", loopback=True) == NODATA
    assert ask("_8080._tcp.blue.internal", "SRV", loopback=True).records == (
        Record("SRV", "a1.vm.blue.internal", 10001),
        Record("SRV", "i1.vm.blue.internal", 10002),
    )
    assert ask("_8080._tcp.i1.vm.blue.internal", "SRV", loopback=True).records == (
        Record("SRV", "i1.vm.blue.internal", 10002),
    )
    assert ask("_tcp.blue.internal", "SRV", loopback=True) == NODATA
    for name in ("_9._tcp.blue.internal", "_8080._tcp.idle.internal"):
        assert ask(name, "SRV", loopback=True) == NODATA
    assert ask("_8080._tcp.green.internal", "SRV", loopback=True) == NXDOMAIN
    assert ask("_8080._tcp.blue.internal", "A", loopback=True) == NODATA
    assert ask("vms.blue.internal", "TXT", loopback=True) == ask("vms.blue.internal", "TXT")


def test_a_text_that_no_message_holds_is_cut_between_entries():
    many = [replace(AMS, id=f"{i:014x}") for i in range(5000)]
    answer = ask("vms.blue.internal", "TXT", directory=Directory(*many))
    (record,) = answer.records
    assert answer.cut
    assert 59_000 < len(record.value) <= 60_000
    assert {len(part.split()) for part in record.value.split(",")} == {2}


label = st.sampled_from(
    "blue idle kept internal flycast vm process kv _metadata of nearest top1 top2 all vms regions _apps _instances "
    "_peer _tcp _8080 global ams web red team a1 a2".split()
) | st.text(max_size=8)


@given(
    st.lists(label, max_size=7),
    st.sampled_from(["A", "AAAA", "TXT", "SRV", "ANY", "NS"]),
    st.sampled_from(["", "customer", "x"]),
    st.booleans(),
)
def test_whatever_is_asked_is_answered_and_no_stopped_machine_or_foreign_app_is_told(labels, kind, network, loopback):
    asker = Asker("ams", network)
    question = Question((*labels, "internal"), kind)
    answer = resolve(question, asker, Directory(), rtt=lambda _, region: KNOWN[region], loopback=loopback)
    assert answer.code in (Code.NOERROR, Code.NXDOMAIN)
    assert answer.code is Code.NOERROR or not answer.records
    said = "".join(record.value for record in answer.records if record.type != "TXT")
    assert DOWN.address not in said
    own, foreign = (OTHER, AMS) if network == "customer" else (AMS, OTHER)
    assert foreign.address not in said
    if network == "x":
        assert own.address not in said
    if labels and answer.code is Code.NOERROR:  # whatever is above a name that exists, exists
        above = Question(question.labels[1:], kind)
        found = resolve(above, asker, Directory(), rtt=lambda _, region: KNOWN[region], loopback=loopback)
        assert found.code is Code.NOERROR

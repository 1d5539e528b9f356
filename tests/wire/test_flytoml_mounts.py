"""The volumes of a fly.toml: what a machine of a group mounts, what is made for it, and what is refused."""

import pytest

from flylab.errors import ParseError
from flylab.wire.flytoml import parse_flytoml
from flylab.wire.flytoml_mounts import VolumeMount
from flylab.wire.volume import Mount

DATA = '[mounts]\nsource = "data"\ndestination = "/data"\n'
GROWS = 'auto_extend_size_threshold = 80\nauto_extend_size_increment = "1GB"\nauto_extend_size_limit = 5\n'


def test_documented_defaults_of_a_mount() -> None:
    """DOCUMENTED reference/configuration: 1 GB, daily snapshots that are kept for 5 days."""
    toml = parse_flytoml(DATA)
    assert toml.machine_config("i").to_json()["mounts"] == [{"path": "/data", "name": "data"}]
    (made,) = toml.mounts
    assert made.item == VolumeMount(mount=Mount(path="/data", name="data"))
    assert (made.item.size_gb, made.item.snapshot_retention, made.item.auto_backup_enabled) == (1, 5, True)


def test_everything_that_can_be_said() -> None:
    more = 'initial_size = "10gb"\nsnapshot_retention = 14\nscheduled_snapshots = false\n'
    (made,) = parse_flytoml(DATA + more + GROWS).mounts
    extra = {"extend_threshold_percent": 80, "add_size_gb": 1, "size_gb_limit": 5}
    assert made.item == VolumeMount(
        mount=Mount(path="/data", name="data", extra=extra),
        size_gb=10,
        snapshot_retention=14,
        auto_backup_enabled=False,
    )


def test_each_process_group_has_its_own() -> None:
    table = '[[mounts]]\nsource = "{0}"\ndestination = "/{0}"\nprocesses = ["{0}"]\n'
    groups = '[processes]\nweb = "a"\ndb = "b"\nnone = "c"\n'
    toml = parse_flytoml(groups + table.format("web") + table.format("db"))
    found = {group: [each.name for each in toml.machine_config("i", group=group).mounts] for group in toml.processes}
    assert found == {"web": ["web"], "db": ["db"], "none": []}
    both = parse_flytoml(groups + table.format("web") + DATA.replace("[mounts]", "[[mounts]]"))
    assert [each.name for each in both.machine_config("i", group="db").mounts] == ["data"]
    with pytest.raises(ParseError, match="a machine of process group 'web' has at most one volume"):
        both.machine_config("i", group="web")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[mounts]\ndestination = "/data"', "mounts.source"),
        ('[mounts]\nsource = "data"', "mounts.destination"),
        ('[mounts]\nsource = "data"\ndestination = "/"', "below / is expected"),
        ('[mounts]\nsource = "data"\ndestination = "data"', "below / is expected"),
        (DATA + "initial_size = 0", "mounts.initial_size"),
        (DATA + "initial_size = true", "mounts.initial_size"),
        (DATA + 'initial_size = "500mb"', "'10gb' is expected"),
        (DATA + "snapshot_retention = 61", "between 1 and 60"),
        (DATA + "scheduled_snapshots = 1", "mounts.scheduled_snapshots"),
        (DATA + "auto_extend_size_threshold = 80", "give all of auto_extend_size_threshold, auto_extend_size_incr"),
        (DATA + GROWS.replace("80", "49"), "between 50 and 99"),
        (DATA + GROWS.replace("1GB", "101GB"), "between 1 and 100"),
        (DATA + GROWS.replace("= 5", "= 501"), "between 1 and 500"),
        (DATA + 'size = "1gb"', "mounts.size"),
    ],
)
def test_what_flyctl_would_refuse(text: str, says: str) -> None:
    with pytest.raises(ParseError, match=says):
        parse_flytoml(text)

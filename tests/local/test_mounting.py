"""A volume in a machine's folder: a link where the machine looks for it, and nothing written through any other."""

from pathlib import Path

import pytest

from flylab.errors import LocalError
from flylab.local.mounting import check_way, mount, place
from flylab.wire.machine import MachineConfig, Mount


@pytest.mark.parametrize("path", ["/data", "//data/./db/", "/tmp", "/a/b/c"])
def test_the_path_leads_to_the_volume(tmp_path: Path, path: str) -> None:
    home, volumes = tmp_path / "root", tmp_path / "volumes"
    (home / "tmp").mkdir(parents=True)
    config = MachineConfig(mounts=(Mount(path=path, volume="vol_1", name="my_data"),))
    assert mount(home, config, volumes) == {"FLYLAB_VOLUME_MY_DATA": str(volumes / "vol_1")}
    (place(home, path) / "x").write_text("hi")
    assert (volumes / "vol_1" / "x").read_text() == "hi"
    check_way(home, place(home, path) / "y", config)


def test_a_machine_without_a_volume_has_neither(tmp_path: Path) -> None:
    assert mount(tmp_path, MachineConfig(), tmp_path / "volumes") == {}
    assert not (tmp_path / "volumes").exists()


def test_files_are_not_written_through_links_in_the_volume(tmp_path: Path) -> None:
    home, volumes = tmp_path / "root", tmp_path / "volumes"
    home.mkdir()
    config = MachineConfig(mounts=(Mount(path="/data", volume="vol_1", name="d"),))
    mount(home, config, volumes)
    (volumes / "vol_1" / "out").symlink_to("/etc")
    for target in (home / "data" / "out", home / "data" / "out" / "x", home / "data" / "out" / "x" / "y"):
        with pytest.raises(LocalError, match="'/data/out' is a link in the volume"):
            check_way(home, target, config)


def test_a_kept_root_is_mounted_again_and_a_link_in_it_is_not_followed(tmp_path: Path) -> None:
    home, volumes = tmp_path / "root", tmp_path / "volumes"
    home.mkdir()
    config = MachineConfig(mounts=(Mount(path="/a/data", volume="vol_1", name="d"),))
    for _ in range(2):
        mount(home, config, volumes)
        assert (home / "a" / "data").resolve() == volumes / "vol_1"
    (home / "a" / "data").unlink()
    (home / "a").rmdir()
    (outside := tmp_path / "outside").mkdir()
    (home / "a").symlink_to(outside)
    with pytest.raises(LocalError, match="'/a' is a link"):
        mount(home, config, volumes)
    assert list(outside.iterdir()) == []

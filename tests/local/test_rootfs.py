"""What of a machine's root folder is still there at its next start."""

from pathlib import Path

import pytest

from flylab.local.rootfs import prepare
from flylab.wire.machine import Machine, MachineConfig, MachineState


def machine(persist: str | None, version: str) -> Machine:
    extra: dict[str, object] = {} if persist is None else {"rootfs": {"persist": persist}}
    config = MachineConfig(image="i", extra=extra)
    return Machine(id="m", name="n", state=MachineState.STARTING, region="ams", instance_id=version, config=config)


@pytest.mark.parametrize(
    ("persist", "over_starts", "over_updates"),
    [(None, False, False), ("never", False, False), ("restart", True, False), ("always", True, True)],
)
def test_the_root_is_kept_as_the_configuration_says(
    tmp_path: Path, persist: str | None, over_starts: bool, over_updates: bool
) -> None:
    """DOCUMENTED machines-resource, reference/configuration: reset at each start unless rootfs.persist says not to."""
    home = prepare(tmp_path / "m", machine(persist, "v1"))
    assert [each.name for each in home.iterdir()] == ["tmp"]
    for version, kept in (("v1", over_starts), ("v2", over_updates)):
        (home / "x").write_text("mine")
        (home / ".fly").mkdir(exist_ok=True)
        assert prepare(tmp_path / "m", machine(persist, version)) == home
        assert (home / "x").exists() is kept
        assert not (home / ".fly").exists()


def test_nothing_is_removed_through_a_link(tmp_path: Path) -> None:
    (outside := tmp_path / "outside").mkdir()
    (outside / "api").touch()
    home = prepare(tmp_path / "m", machine("always", "v1"))
    (home / ".fly").symlink_to(outside)
    prepare(tmp_path / "m", machine("always", "v1"))
    assert (outside / "api").exists()
    assert not (home / ".fly").is_symlink()

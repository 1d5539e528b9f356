"""Numbers of a settings file that make no sense."""

from pathlib import Path

import pytest

from flylab.errors import UsageError
from flylab.local.edge import EdgeSettings
from flylab.local.settings import platform_settings, read_tables, refuse_negative


@pytest.mark.parametrize("value", ["-1", "-0.5", "nan"])
@pytest.mark.parametrize("name", ["period", "idle", "cordon_wait", "close_wait"])
def test_a_pace_below_zero_is_refused_by_name(tmp_path: Path, name: str, value: str) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(f"[autostop]\n{name} = {value}\n")
    with pytest.raises(UsageError, match=rf"autostop\.{name}' is {value}, it must not be below 0"):
        platform_settings(read_tables(path))


def test_zero_is_fine_and_so_is_the_default() -> None:
    assert platform_settings({"autostop": {"idle": 0}}).autostop.idle == 0.0
    refuse_negative("edge", EdgeSettings(), "propagation")
    with pytest.raises(UsageError, match=r"edge\.propagation"):
        refuse_negative("edge", EdgeSettings(propagation=-1.0), "propagation")

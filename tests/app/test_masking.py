"""The mask of members' frames: both ways of taking it off agree, and a start imports neither more than it needs."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import masking


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4))
def test_both_ways_agree(data: bytes, mask: bytes) -> None:
    speedups = pytest.importorskip("websockets.speedups")
    assert masking._in_python(data, mask) == speedups.apply_mask(data, mask)


def test_what_a_start_does_not_need_is_imported_by_hurry_alone() -> None:
    script = (
        "import sys, app.server\n"
        "from app import masking\n"
        "assert not [name for name in sys.modules if name.split('.')[0] in ('websockets', 'quart')]\n"
        "slow = masking.apply_mask\n"
        "masking.hurry()\n"
        "assert 'websockets.server' in sys.modules\n"
        "assert ('websockets.speedups' in sys.modules) == (masking.apply_mask is not slow)\n"
        "print(masking.apply_mask(bytes((1, 2, 3, 4, 5)), bytes((1, 2, 3, 4))))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{bytes((0, 0, 0, 0, 4))}\n"

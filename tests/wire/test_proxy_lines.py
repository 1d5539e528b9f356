"""What the proxy says of machines that it stops and starts."""

from flylab.wire.proxy_lines import reachable, started, stops


def test_the_words_are_those_of_public_logs():
    """REPORTED public logs 2025-05 to 2026-08: excess capacity, machine started in, machine became reachable in."""
    assert stops("shop", "m1", suspend=False, running=2, region="dfw", process_group="app") == (
        "App shop has excess capacity, autostopping machine m1. 1 out of 2 machines left running"
        " (region=dfw, process group=app)"
    )
    assert stops("shop", "m1", suspend=True, running=1, region="dfw", process_group="") == (
        "App shop has excess capacity, autosuspending machine m1. 0 out of 1 machines left running (region=dfw)"
    )
    assert started(1.638434481) == "machine started in 1.638434481s"
    assert reachable(0.654917395) == "machine became reachable in 654.917395ms"

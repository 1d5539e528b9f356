"""The page's own logic, run by node: its tests, that it knows what the kernel knows, and that it is one script."""

import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from flylab.kit.control import bundle
from flylab.kit.control.picture import Bounds, Picture
from flylab.kit.waterfall import segments
from tests.kit.control.told import event, hop

JS = Path(__file__).with_name("js")
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed; the page's modules are not tested")


def node(*arguments: str, stdin: str = "") -> str:
    assert NODE is not None
    done = subprocess.run([NODE, *arguments], input=stdin, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_node
def test_the_modules_of_the_page() -> None:
    node("--test", str(JS))


def random_hop(rng: random.Random) -> dict[str, Any]:
    started = rng.uniform(0, 50)
    ended = started + rng.choice([0.0, rng.uniform(0, 300)])
    asked = started + rng.uniform(0, 5)
    woke = {"requested_ms": asked, "started_ms": asked + 1, "reachable_ms": asked + rng.uniform(0, 200)}
    times = {"started_ms": started, "ended_ms": ended, "configured_ms": rng.uniform(0, 200)}
    return hop(**times, woke=rng.choice([None, woke]))


@needs_node
def test_the_page_knows_the_machines_and_draws_the_hops_as_the_kernel_does() -> None:
    rng = random.Random(11)
    picture, batches = Picture(Bounds(machines=5)), []
    for _ in range(60):
        for _ in range(rng.randrange(20)):
            state = rng.choice(["created", "started", "stopped", "failed", "destroyed"])
            picture.machine(event(f"m{rng.randrange(30)}", state, region=rng.choice(["ams", "nrt"])))
        batches.append(picture.whole(1.0) if rng.random() < 0.1 else picture.take(1.0))
    while (batch := picture.take(1.0))["machines"]:
        batches.append(batch)
    hops = [random_hop(rng) for _ in range(200)]
    shown = json.loads(node(str(JS / "fold.mjs"), stdin=json.dumps({"batches": batches, "hops": hops})))
    assert shown["machines"] == picture.machines
    for region, machines in shown["regions"].items():
        assert machines == sorted(key for key, each in picture.machines.items() if each["region"] == region)
    for each, pieces in zip(hops, shown["pieces"], strict=True):
        ours = segments({"hops": [each]})
        assert [piece["kind"] for piece in pieces] == [piece.kind for piece in ours]
        assert [piece["ms"] for piece in pieces] == pytest.approx([piece.ms for piece in ours])
        assert [piece["start"] for piece in pieces] == pytest.approx([piece.start_ms for piece in ours])


@needs_node
def test_a_notebook_gets_all_modules_as_one_that_exports_the_same(tmp_path: Path) -> None:
    path = tmp_path / "all.mjs"
    path.write_text(bundle.script())
    assert 'from "./' not in bundle.script()
    said = f"import('{path.as_uri()}').then(all => console.log(typeof all.default.render, typeof all.play))"
    assert node("-e", said).split() == ["function", "function"]

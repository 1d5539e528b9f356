"""Other room servers beside ours: what the benchmark of rooms found, stored with its date, or measured now on request.

The benchmark (`benchmarks/rooms.py --name rivals`) installs the others from their registries: workerd, which Durable
Objects run on, and Deno, which Netlify's edge functions run on. A stored result and one that was measured now are never
mixed: each table is of one run and says which. What cannot be had on this machine is named, and is not in the table.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from flylab.errors import UsageError
from flylab.kit import project
from flylab.kit.widgets import Rows
from flylab.measure import runs

# A run of these alone where there is one; else that of all room servers, in which not all of them are.
STORED = ("benchmarks/results/rivals.json", "benchmarks/results/rooms.json")
PEERS = ("workerd", "deno")
# What is shown of each load, and how that is called in the results.
LOADS = {"cold": ("cold start, ms", "ms"), "chat50": ("a line to 50 members: p99, ms", "p99_ms")}
MOST_SECONDS = 600.0  # our bound, most of it for an installation


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """One run of the benchmark: whose servers, when, on what, and whether it was stored or made now."""

    results: Mapping[str, Any]
    date: str
    stored: bool

    def says(self) -> str:
        """In a sentence what the table is of."""
        what = "Stored" if self.stored else "Measured now"
        load = (self.results.get("load_before") or ["unknown"])[0]
        where = f"{self.results.get('cpu', 'unknown')}, {self.results.get('cores', '?')} cores, load {load} before"
        titles = self.results.get("titles", {})
        gone = [
            f"{name} is not in this run." for name in PEERS if name not in titles and not self.results.get("left_out")
        ]
        left = " ".join([*(self.results.get("left_out") or ()), *gone])
        return f"{what}: {self.results['rounds']} round(s) on {self.date} ({where}). {left}".strip()

    def table(self) -> Rows:
        """Each server's medians; a dash for what was not asked of it, and words where the generator was late itself."""
        titles: Mapping[str, str] = self.results["titles"]
        return Rows(
            ["server", *(LOADS[load][0] for load in LOADS), "version"],
            [
                [title, *(self._cell(load, name) for load in LOADS), self.results["versions"].get(name, "")]
                for name, title in titles.items()
            ],
        )

    def _cell(self, load: str, name: str) -> str:
        _, figure = LOADS[load]
        rounds: Sequence[Mapping[str, Any] | None] = self.results["results"].get(load, {}).get(name, ())
        values = [found[figure] for found in rounds if found and found.get("valid", True) and figure in found]
        if not values:
            return "does not count" if any(rounds) else "–"
        return f"{median(values):.1f} (n = {len(values)})"


def stored() -> Beside:
    """The last run that was kept beside the code; UsageError without one."""
    path = next((found for name in STORED if (found := project.root() / name).is_file()), None)
    if path is None:
        raise UsageError(
            f"there is no {STORED[0]}: `benchmarks/rooms.py --name rivals` measures, `benchmarks/page.py` keeps it"
        )
    found = json.loads(path.read_text(encoding="utf-8"))
    return Beside(results=found["results"], date=found["started_at"][:10], stored=True)


def measured(*peers: str, rounds: int = 1) -> Beside:
    """Install and measure these now, beside our rooms and with the same load; UsageError when that failed."""
    command = [sys.executable, "benchmarks/rooms.py", "--name", "rivals", "--loads", ",".join(LOADS)]
    words = [*command, "--peers", ",".join(peers or PEERS), "--rounds", str(rounds), "--seconds", "1"]
    done = subprocess.run(words, cwd=project.root(), check=False, capture_output=True, text=True, timeout=MOST_SECONDS)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        raise UsageError(f"benchmarks/rooms.py ended with {done.returncode}: {last}")
    newest = max((project.build() / "data").glob("bench-rivals-some-*.json"))
    run = runs.read(newest)
    return Beside(results=run.results, date=run.started_at[:10], stored=False)

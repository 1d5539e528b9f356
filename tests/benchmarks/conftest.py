"""What is under benchmarks/ runs as scripts there: its packages are found from that folder."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

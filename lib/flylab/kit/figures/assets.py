"""What the pages of figures load besides themselves: plotly, the two themes, and the outline of all land."""

import json
from pathlib import Path

from flylab.kit import geo
from flylab.kit.figures import theme


def write(folder: Path) -> None:
    """Put ``plotly.min.js``, ``themes.js`` and ``land.js`` beside ``figures.js``."""
    from plotly.offline import get_plotlyjs

    for name, text in (
        ("plotly.min.js", get_plotlyjs()),
        ("themes.js", theme.as_script()),
        ("land.js", land()),
    ):
        (folder / name).write_text(text, encoding="utf-8")


def land() -> str:
    """The outline once for all maps, as steps of a tenth of a degree, which take a third of the room."""
    lines = [json.dumps(_steps(values), separators=(",", ":")) for values in geo.outline()]
    return (
        "// Written by flylab.kit.figures.assets: all land as one line, each place in steps from the one before.\n"
        '"use strict";\n'
        "self.plotLand = (() => {\n"
        "  const places = (steps) => {\n"
        "    let at = 0;\n"
        "    return steps.map((step) => (step === null ? null : (at += step) / 10));\n"
        "  };\n"
        f"  return {{ lon: places({lines[0]}), lat: places({lines[1]}) }};\n"
        "})();\n"
    )


def _steps(degrees: list[float | None]) -> list[int | None]:
    steps: list[int | None] = []
    at = 0
    for value in degrees:
        tenths = at if value is None else round(value * 10)
        steps.append(None if value is None else tenths - at)
        at = tenths
    return steps

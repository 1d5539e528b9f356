"""The light and the dark look as plotly templates, and which of them a notebook gets.

A template holds what differs between the themes (page, text, grid); traces hold marks, whose colours suit both. So a
page changes the theme of a figure by exchanging its template and nothing else: the write-up's script does that when
the reader switches. JupyterLab does not tell a kernel its theme. There ``current`` looks it up in the lab's settings,
and a figure brings its own page along, so that it can be read in the other theme as well.
"""

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import plotly.io as pio

from flylab.errors import UsageError
from flylab.kit.figures.palette import LIGHT, PAGES, SERIES, Page

# Plotly 7 offers to upload every figure to a cloud service unless told otherwise. The JSON renderer alone is used: the
# HTML ones put all of plotly.js (4.8 MB) into the notebook.
pio.renderers.default = "plotly_mimetype"
pio.renderers["plotly_mimetype"].config.update(showSendToCloud=False, displaylogo=False, responsive=True)

FONTS = "system-ui, -apple-system, Segoe UI, Roboto, sans-serif"
SIZE, SMALL, TITLE = 13, 11, 17  # of text, of footers, of titles, in pixels
CLEAR = "rgba(0,0,0,0)"
_SETTINGS = "lab/user-settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings"
_chosen: list[Page] = []


def template(page: Page, *, clear: bool = False) -> go.layout.Template:
    """The look of one theme; ``clear`` for a page that has its own background."""
    axis = {
        "gridcolor": page.grid,
        "linecolor": page.grid,
        "zerolinecolor": page.quiet,
        "zeroline": False,
        "ticks": "",
        "automargin": True,
        "separatethousands": True,
        "exponentformat": "SI",
        "minexponent": 6,
        "ticklabelstandoff": 4,  # the two zeros where axes meet would touch
        "title": {"font": {"size": SIZE, "color": page.quiet}, "standoff": 10},
    }
    paper = CLEAR if clear else page.page
    return go.layout.Template(
        layout={
            "font": {"family": FONTS, "size": SIZE, "color": page.text},
            "title": {"font": {"size": TITLE, "color": page.text, "weight": 600}},
            "paper_bgcolor": paper,
            "plot_bgcolor": CLEAR,
            "colorway": list(SERIES),
            "xaxis": axis,
            "yaxis": axis,
            "annotationdefaults": {"font": {"color": page.quiet}, "showarrow": False},
            "hoverlabel": {
                "font": {"size": 12, "color": page.text, "family": FONTS},
                "bgcolor": page.page,
                "bordercolor": page.quiet,
                "align": "left",
            },
            "legend": {"font": {"color": page.text}, "bgcolor": CLEAR},
            "coloraxis": {"colorbar": {"outlinewidth": 0, "tickfont": {"color": page.text}}},
            "geo": {"bgcolor": CLEAR, "visible": False},
            "modebar": {"bgcolor": CLEAR, "color": page.quiet, "activecolor": page.text},
        }
    )


@cache
def _template(page: Page) -> go.layout.Template:
    return template(page)


def use(name: str) -> None:
    """Draw all further figures in this theme: ``light``, ``dark``, or ``auto`` for that of JupyterLab's settings."""
    if name not in (*PAGES, "auto"):
        raise UsageError(f"there is no theme {name!r}; there are {', '.join(PAGES)} and auto")
    _chosen[:] = [] if name == "auto" else [PAGES[name]]


def current() -> Page:
    """The theme of the next figure: that of ``use``, of $FLYLAB_THEME, of JupyterLab's settings, else the light one."""
    if _chosen:
        return _chosen[0]
    return PAGES.get(os.environ.get("FLYLAB_THEME", "")) or _of_lab() or LIGHT


def of_current() -> go.layout.Template:
    return _template(current())


def as_script() -> str:
    """Both templates as a script for the write-up, whose figures have the background of the page."""
    themes: dict[str, Any] = {name: template(page, clear=True).to_plotly_json() for name, page in PAGES.items()}
    text = json.dumps(themes, separators=(",", ":"), default=lambda part: part.to_plotly_json())
    head = "// Written by flylab.kit.figures.theme: the two looks of every figure."
    return f'{head}\n"use strict";\nself.plotThemes = {text};\n'


def _of_lab() -> Page | None:
    """The theme chosen in JupyterLab; None where none is, where it follows the system, or outside of JupyterLab."""
    if "JPY_SESSION_NAME" not in os.environ:
        return None
    folder = Path(os.environ.get("JUPYTER_CONFIG_DIR") or Path.home() / ".jupyter")
    settings = os.environ.get("JUPYTERLAB_SETTINGS_DIR")
    path = Path(settings) / _SETTINGS.partition("user-settings/")[2] if settings else folder / _SETTINGS
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return None
    # The file is JSON with comments, so the two entries are looked for and the rest is not read.
    if re.search(r'"adaptive-theme"\s*:\s*true', text):
        return None
    found = re.search(r'"theme"\s*:\s*"([^"]*)"', text)
    return PAGES["dark" if "dark" in found[1].lower() else "light"] if found else None

"""``python -m flylab.kit.figures FOLDER``: a page with a figure of each type, in both themes and at any width."""

import argparse
import html
import json
import shutil
import sys
from pathlib import Path

from flylab.errors import UsageError
from flylab.kit import project
from flylab.kit.figures import assets
from flylab.kit.figures.examples import TYPES
from flylab.kit.figures.page import fragment
from flylab.kit.figures.palette import DARK, LIGHT

_STYLE = f"""
:root {{ color-scheme: light dark;
  --color-foreground-secondary: {LIGHT.quiet}; --color-background-border: {LIGHT.grid}; }}
body {{ margin: 0 auto; max-width: 60rem; padding: .5rem 1rem 3rem; background: {LIGHT.page}; color: {LIGHT.text};
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --color-foreground-secondary: {DARK.quiet}; --color-background-border: {DARK.grid}; }}
  body {{ background: {DARK.page}; color: {DARK.text}; }} }}
"""


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when the page was written."""
    parser = argparse.ArgumentParser(prog="python -m flylab.kit.figures", description=__doc__)
    parser.add_argument("folder", type=Path, help="where to write the page and its scripts")
    asked = parser.parse_args(arguments)
    try:
        print(write(asked.folder))
    except (OSError, UsageError) as error:
        print(f"python -m flylab.kit.figures: {error}", file=sys.stderr)
        return 1
    return 0


def write(folder: Path) -> Path:
    """Everything that the page needs, so that it can be opened from the disk; its path."""
    static = project.root() / "site" / "_static"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("figures.js", "site.css", "favicon.svg"):
        shutil.copy(static / name, folder / name)
    assets.write(folder)
    parts = [
        f'<section id="{name}"><h2>{html.escape(name)}</h2>{fragment(json.loads(make().to_json()))}</section>'
        for name, make in TYPES.items()
    ]
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Figures of flylab</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="favicon.svg"><link rel="stylesheet" href="site.css">'
        f'<style>{_STYLE}</style><script src="themes.js" defer></script><script src="figures.js" defer></script></head>'
        "<body><h1>Figures of flylab</h1><p>One of each type. The numbers are examples that were made up, unless the "
        f"footer names where they were published.</p>{''.join(parts)}</body></html>"
    )
    path = folder / "index.html"
    path.write_text(page, encoding="utf-8")
    return path

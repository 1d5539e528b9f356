"""What a link to a page shows elsewhere: title, description and picture, as an extension of Sphinx.

``write`` leaves the words of all pages where ``setup`` finds them: Sphinx runs in a process of its own.
"""

import html
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CARD, WIDTH, HEIGHT = "_static/card.png", 1200, 630
FILE = "previews.json"


def write(sources: Path, address: str, *, title: str, about: Mapping[str, str]) -> None:
    """Keep the description of each page, and the address that whole links begin with."""
    value = {"base": address, "title": title, "about": dict(about)}
    (sources / FILE).write_text(json.dumps(value, indent=1), encoding="utf-8")


def tags(told: Mapping[str, Any], page: str, title: str, address: str) -> str:
    """The ``meta`` elements of one page; a picture needs a whole address, so without one it is left out."""
    about = " ".join(str(told["about"].get(page, "")).split())
    title = str(told["title"]) if page == "index" else f"{title} · flylab"
    properties = {"og:type": "website" if page == "index" else "article", "og:site_name": "flylab", "og:title": title}
    names = {"description": about, "twitter:card": "summary_large_image", "twitter:title": title}
    properties["og:description"] = names["twitter:description"] = about
    if told["base"]:
        picture = f"{told['base']}{CARD}"
        properties |= {"og:url": address, "og:image": picture, "og:image:type": "image/png"}
        properties |= {"og:image:width": str(WIDTH), "og:image:height": str(HEIGHT), "og:image:alt": str(told["title"])}
        names["twitter:image"] = picture
    lines = [_meta("property", name, value) for name, value in properties.items() if value]
    return "\n".join([*lines, *(_meta("name", name, value) for name, value in names.items() if value)])


def _meta(kind: str, name: str, value: str) -> str:
    return f'<meta {kind}="{name}" content="{html.escape(value, quote=True)}">'


def _add(app: Any, page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    told = json.loads((Path(app.srcdir) / FILE).read_text(encoding="utf-8"))
    # Sphinx gives titles as HTML.
    title = html.unescape(str(context.get("title", "")))
    made = tags(told, page, title, str(context.get("pageurl") or told["base"]))
    context["metatags"] = f"{context.get('metatags', '')}\n{made}"


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("html-page-context", _add)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

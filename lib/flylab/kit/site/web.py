"""What a published copy needs beside its pages: an address of its own, a map for search engines, tags for previews."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlsplit
from xml.sax.saxutils import escape

from flylab.errors import UsageError

HIDDEN = ("genindex.html", "search.html", "404.html")  # nobody looks for these
CARD = "_static/card.png"


def base(text: str) -> str:
    """The address under which the site is published, with a slash at its end; UsageError for what is none."""
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and parts.hostname and not (parts.query or parts.fragment)
        good = good and not any(letter.isspace() for letter in text) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise UsageError(f"--base-url is {text!r}; it is an address such as https://example.org/flylab/")
    return text.rstrip("/") + "/"


def write_tags(sources: Path, address: str, *, title: str, about: Mapping[str, str]) -> None:
    """``tags.json`` for ``conf.py``: descriptions by page, and where the picture for previews is."""
    value = {"base": address, "title": title, "about": dict(about), "card": CARD}
    (sources / "tags.json").write_text(json.dumps(value, indent=1), encoding="utf-8")


def write_maps(target: Path, address: str) -> None:
    """``robots.txt``, and a sitemap where the address is known: it may hold whole addresses only."""
    lines = ["User-agent: *", "Allow: /"]
    if address:
        lines.append(f"Sitemap: {address}sitemap.xml")
        (target / "sitemap.xml").write_text(sitemap(target, address), encoding="utf-8")
    (target / "robots.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def sitemap(target: Path, address: str) -> str:
    """All pages of the site, the first one by the address itself."""
    day = datetime.now(UTC).date().isoformat()
    found = sorted(path.relative_to(target).as_posix() for path in target.rglob("*.html"))
    shown = [each for each in found if each not in HIDDEN and not each.startswith("_")]
    urls = (address + quote(each if each != "index.html" else "") for each in shown)
    entries = "".join(f"<url><loc>{escape(url)}</loc><lastmod>{day}</lastmod></url>\n" for url in urls)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    return f"{head}{entries}</urlset>\n"

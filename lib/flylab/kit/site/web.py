"""What a published copy needs beside its pages: an address of its own, and a map for search engines."""

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlsplit
from xml.sax.saxutils import escape

from flylab.errors import UsageError

HIDDEN = ("genindex.html", "search.html", "404.html")  # nobody looks for these


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


def write_maps(target: Path, address: str) -> None:
    """``robots.txt``, and a sitemap where the address is known: it may hold whole addresses only."""
    lines = ["User-agent: *", "Allow: /"]
    if address:
        lines.append(f"Sitemap: {address}sitemap.xml")
        (target / "sitemap.xml").write_text(sitemap(target, address), encoding="utf-8")
    (target / "robots.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def sitemap(target: Path, address: str) -> str:
    """All pages of the site, by the addresses that they call their own."""
    day = datetime.now(UTC).date().isoformat()
    found = sorted(path.relative_to(target).as_posix() for path in target.rglob("*.html"))
    shown = [each for each in found if each not in HIDDEN and not each.startswith("_")]
    urls = (address + quote(each) for each in shown)
    entries = "".join(f"<url><loc>{escape(url)}</loc><lastmod>{day}</lastmod></url>\n" for url in urls)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    return f"{head}{entries}</urlset>\n"

"""Reads the files of a site: links that lead nowhere, what is loaded from elsewhere, and what a page says of itself."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from flylab.kit.sitecheck.limits import Finding

SPHINX = ("search.html", "genindex.html")  # pages that hold no text of ours
# Attributes whose address a browser fetches by itself; a link that a reader follows is another matter.
_LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "audio": "src"}
_FETCHED_LINKS = ("stylesheet", "icon", "preload", "modulepreload", "prefetch", "manifest")


class _Read(HTMLParser):
    """What one page holds; only names and addresses are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.heads = 0
        self.language = ""
        self.titled = self.fits_phones = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if given.get("id"):
            self.ids.add(given["id"])
        self.heads += tag == "h1"
        self.titled |= tag == "title"
        self.language = given.get("lang", "") if tag == "html" else self.language
        self.fits_phones |= tag == "meta" and given.get("name") == "viewport"
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in _LOADED and given.get(_LOADED[tag]):
            self.loaded.append(given[_LOADED[tag]])
        if tag == "link" and set(given.get("rel", "").split()) & set(_FETCHED_LINKS):
            self.loaded.append(given.get("href", ""))


def check(folder: Path) -> list[Finding]:
    """Every finding of every page below ``folder``, in order."""
    pages = {path.relative_to(folder).as_posix(): _read(path) for path in sorted(folder.rglob("*.html"))}
    return [finding for name in pages for finding in _page(name, pages, folder)]


def _page(name: str, pages: dict[str, _Read], folder: Path) -> Iterator[Finding]:
    page = pages[name]

    def found(rule: str, what: str) -> Finding:
        return Finding(page=name, view="", rule=rule, what=what)

    # Those that Sphinx makes of its own have no heading where they need a script to show anything.
    own = name not in SPHINX
    for good, what in (
        (page.language, "the language is not said"),
        (page.titled, "the page has no title"),
        (page.fits_phones, "phones are not told that the page fits them"),
        (page.heads == 1 or not own, f"{page.heads} first headings instead of one"),
    ):
        if not good:
            yield found("head", what)
    for address in page.loaded:
        if urlsplit(address).netloc:
            yield found("outside", address)
        elif not urlsplit(address).scheme and not (folder / _place(name, address)[0]).is_file():
            yield found("missing", address)
    for address in page.links:
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            continue
        target, anchor = _place(name, address)
        if not (folder / target).is_file():
            yield found("link", f"{address} leads nowhere")
        elif anchor and target in pages and anchor not in pages[target].ids:
            yield found("link", f"{address} leads to no place of that page")


def _place(name: str, address: str) -> tuple[str, str]:
    """The file below the folder that an address on the page ``name`` means, and the place in it."""
    path, anchor = urldefrag(urljoin(f"/{name}", address))
    target = unquote(urlsplit(path).path).lstrip("/")
    return (f"{target}index.html" if not target or target.endswith("/") else target), unquote(anchor)


def _read(path: Path) -> _Read:
    reader = _Read()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    return reader

"""HTML inside of Markdown: what the pages of the write-up have in common."""

import html
import re
from collections.abc import Iterable, Sequence


def raw(text: str) -> str:
    """HTML as a block that MyST passes on; nothing for nothing."""
    return f"```{{raw}} html\n{text}\n```" if text else ""


def escape(text: object) -> str:
    return html.escape(str(text), quote=True)


def words(text: object) -> str:
    """Markdown's `code` as HTML; what is given holds nothing else that is marked up."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(str(text)))


def link(address: str, text: object) -> str:
    """A link to an address, around HTML that is made already."""
    return f'<a href="{escape(address)}">{text}</a>'


def table(kind: str, head: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> str:
    """A table of HTML cells; the first of each row names it. On a phone each row becomes a block (see site.css)."""
    title = f"<caption>{caption}</caption>" if caption else ""
    heads = "".join(f'<th scope="col">{name}</th>' for name in head)
    body = "".join(_row(head, *cells) for cells in rows)
    return f'<table class="chapters {kind}">{title}<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>'


def _row(head: Sequence[str], first: str, *rest: str) -> str:
    cells = "".join(_cell(name, cell) for name, cell in zip(head[1:], rest, strict=True))
    return f'<tr><th scope="row">{first}</th>{cells}</tr>'


def _cell(name: str, cell: str) -> str:
    # A row that is a block shows the column's name before the cell; an empty cell has nothing to name.
    return f'<td data-column="{escape(re.sub("<[^>]+>", "", name))}">{cell}</td>' if cell else "<td></td>"


def slug(text: str) -> str:
    """How MyST names the anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", "-")

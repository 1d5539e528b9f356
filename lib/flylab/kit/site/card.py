"""The picture that a link to the site shows elsewhere: the answer and its figures, drawn from the runs."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from flylab.kit.site.answer import number, parts
from flylab.kit.site.collecting import PLACES, Told
from flylab.kit.site.preview import HEIGHT, WIDTH

SIZE = (WIDTH, HEIGHT)  # what the large form of such a picture has everywhere
_PAPER, _INK, _PALE, _BRAND = "#fbfcfd", "#14202b", "#566573", "#1f5f8b"
_EDGE = 64
_MOST = 5
_LEAST = 12  # pixels; nobody reads smaller letters in a preview


def draw(pages: Sequence[Told], path: Path, *, title: str, question: str) -> None:
    """Write the PNG; what does not fit into its place is set smaller, and words are never cut off."""
    image = Image.new("RGB", SIZE, _PAPER)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, SIZE[0], 14), fill=_BRAND)
    pen.text((_EDGE, 48), "flylab", font=_font(30), fill=_BRAND)
    below = _block(pen, title, (_EDGE, 96), size=62, color=_INK, width=SIZE[0] - 2 * _EDGE)
    _block(pen, question, (_EDGE, below + 18), size=27, color=_PALE, width=SIZE[0] - 2 * _EDGE, lines=4)
    shown = [part for part in parts(pages) if number(_headline(part.told)["text"])][:_MOST]
    width = (SIZE[0] - 2 * _EDGE) / max(len(shown), 1)
    for place, part in enumerate(shown):
        headline = _headline(part.told)
        left = _EDGE + place * width
        pen.line((left, 360, left + width - 26, 360), fill=_BRAND, width=3)
        _block(pen, number(headline["text"]), (left, 376), size=44, color=_INK, width=width - 26, lines=1)
        _block(pen, headline["text"], (left, 440), size=19, color=_INK, width=width - 26, lines=5)
        where = f", {PLACES[headline['target']]}" if headline["kind"] == "measured" else ""
        _block(pen, f"{headline['kind']}{where}", (left, 572), size=17, color=_PALE, width=width - 26, lines=2)
    image.save(path, optimize=True)


def _headline(told: dict[str, Told]) -> dict[str, str]:
    """That of Fly where there is one: it is what somebody elsewhere asks about."""
    _, page = told.get("fly") or told["local"]
    found: dict[str, str] = page.headlines[-1]
    return found


def _block(
    pen: ImageDraw.ImageDraw,
    text: str,
    at: tuple[float, float],
    *,
    size: int,
    color: str,
    width: float,
    lines: int = 3,
) -> float:
    """Words in lines that are no wider than ``width``; returns where they end."""
    broken: list[str] = []
    while size > _LEAST:
        length = partial(pen.textlength, font=_font(size))
        broken = broken_lines(text, length, width)
        if len(broken) <= lines and all(length(line) <= width for line in broken):
            break
        size -= 2
    top = at[1]
    for line in broken:
        pen.text((at[0], top), line, font=_font(size), fill=color)
        top += size * 1.22
    return top


def broken_lines(text: str, length: Callable[[str], float], width: float) -> list[str]:
    """Greedy lines; a word that is too long by itself has a line of its own."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and length(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    # The one that comes with Pillow, so that the picture is the same on every computer.
    return ImageFont.load_default(size)

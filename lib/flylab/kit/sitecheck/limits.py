"""What is asked of every page, as numbers, and what is found when a page does not keep to them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Each field says where its number comes from."""

    weight: int = 300_000  # bytes of a page with all that it loads, before compression, without plotly.js (our choice)
    text: float = 12.0  # pixels that letters are high at least, as drawn (Lighthouse asks for 12)
    target: float = 24.0  # pixels of whatever is tapped, in both directions (WCAG 2.2, 2.5.8)
    shift: float = 0.02  # sum of all layout shifts while a page is read (our choice; 0.1 is called good for web vitals)
    contrast: float = 4.5  # of text to what is behind it (WCAG 2.2, 1.4.3)
    large_contrast: float = 3.0  # of text from 24 pixels on, bold from 18.66 (the same)
    sheet: tuple[int, int] = (643, 972)  # pixels of A4 that are printed on with margins of 2 cm, at 96 per inch


# What depends on the values of a run, as labels that come to lie on each other do, is for somebody to look at.
REMARKS = frozenset({"overlap"})


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Finding:
    """One thing that troubles a reader: on which page, how it was opened, which rule, and what exactly."""

    page: str
    view: str
    rule: str
    what: str

    def __str__(self) -> str:
        where = f"{self.page} ({self.view})" if self.view else self.page
        return f"{where}: {self.rule}: {self.what}"

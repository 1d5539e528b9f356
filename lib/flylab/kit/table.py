"""A table that is redrawn in place on a terminal, and told line by line where there is none."""

import shutil
from typing import TextIO

Row = tuple[str, ...]


class Live:
    """Shows the same rows again and again as they change; the first column names a row, the second its state."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self._drawn = 0
        self._told: dict[str, str] = {}

    def show(self, rows: list[Row], *, last: bool = False) -> None:
        """Draw the rows over those drawn before; without a terminal write a row once for each new state."""
        if self.out.isatty():
            self._draw(rows)
            self._drawn = 0 if last else len(rows)
            return
        for line, row in zip(layout(rows), rows, strict=True):
            if row[1] != "waiting" and self._told.get(row[0]) != row[1]:
                self._told[row[0]] = row[1]
                self.out.write(line + "\n")
        self.out.flush()

    def _draw(self, rows: list[Row]) -> None:
        width = shutil.get_terminal_size().columns
        up = f"\x1b[{self._drawn}A" if self._drawn else ""
        # A line longer than the terminal would wrap and the next drawing would start too low.
        self.out.write(up + "".join(f"\r\x1b[2K{line[: width - 1]}\n" for line in layout(rows)))
        self.out.flush()


def layout(rows: list[Row]) -> list[str]:
    """Rows as lines with aligned columns."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]

"""Bars for what takes a while: a load with p50, p99 and errors, and any steps. A widget in the lab, else a line."""

from collections.abc import Iterator, Sequence
from typing import Any, TextIO, TypeVar

from tqdm import tqdm
from tqdm.auto import tqdm as fitting

from flylab.kit import project
from flylab.measure.offer import Progress
from flylab.measure.pace import LATE

Step = TypeVar("Step")
FORMAT = "{l_bar}{bar}| {n:.0f} of {total:.0f} s{postfix}"


def over(steps: Sequence[Step], name: str, *, out: TextIO | None = None) -> Iterator[Step]:
    """The steps, with a bar that moves on with each; nothing is shown where there is neither lab nor terminal."""
    widget = project.interactive() and out is None
    hidden = False if widget or out is not None else None
    yield from (fitting if widget else tqdm)(steps, desc=name, file=out, disable=hidden)


class Bar:
    """``with Bar() as bar: await offer(plan, progress=bar.show)``; what was shown last stays."""

    def __init__(self, name: str = "load", *, out: TextIO | None = None) -> None:
        self._name, self._out = name, out
        self._bar: Any = None

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def rename(self, name: str) -> None:
        """What is carried out next, where one bar shows one load after the other."""
        self._name = name
        if self._bar is not None:
            self._bar.set_description(name, refresh=False)

    def show(self, progress: Progress) -> None:
        """Draw the bar anew."""
        if self._bar is None:
            # In the lab a widget; elsewhere text, and nothing where there is no terminal (disable=None).
            widget = project.interactive() and self._out is None
            hidden = False if widget or self._out is not None else None
            self._bar = (fitting if widget else tqdm)(
                total=progress.seconds, desc=self._name, bar_format=FORMAT, file=self._out, disable=hidden
            )
        self._bar.total = progress.seconds
        self._bar.n = min(progress.elapsed, progress.seconds)
        self._bar.set_postfix_str(line(progress))


def line(progress: Progress) -> str:
    """``1000 answers/s, p50 1.2 ms, p99 9.8 ms, 0 failed``; a p99 that is not known yet is a dash."""
    parts = [f"{progress.rate:.0f} answers/s"]
    for q in (0.5, 0.99):
        value = progress.latencies.estimate(q).value
        parts.append(f"p{100 * q:g} " + ("–" if value is None else f"{1000 * value:.3g} ms"))
    parts.append(f"{progress.failed} failed")
    if progress.late > LATE:
        parts.append(f"sent {1000 * progress.late:.3g} ms late")
    return ", ".join(parts)

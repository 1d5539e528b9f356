"""One way into an edge: the public port that it stands for, and whom it leads to; it opens nothing."""

from dataclasses import dataclass

from flylab.local.heads import HeadWriter


@dataclass(frozen=True, slots=True)
class Front:
    """``wanted`` is the port that machines must serve, None for either of the two of the web.

    ``app`` is set where the way in decides it, and then ``Host`` does not matter.
    """

    port: int
    heads: HeadWriter
    wanted: int | None = None
    app: str | None = None

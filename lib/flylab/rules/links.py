"""Which links between regions are slow or cut, while somebody wants them so; somebody else makes it felt.

A link joins the edge of either region with the machines of the other. Its two directions are always alike.
"""

from collections.abc import Collection

from flylab.errors import RuleError
from flylab.wire.link import Link

_MOST_MS = 10_000.0  # of a round trip; our choice


class Links:
    """All disturbed links of one platform; one between each two regions at most."""

    def __init__(self, regions: Collection[str]) -> None:
        self._regions = regions
        self._links: dict[frozenset[str], Link] = {}

    def disturb(self, link: Link) -> Link:
        """From now on the link is like that. Raises ``invalid_argument``."""
        self._known(link.a, link.b)
        if not 0 <= link.added_ms <= _MOST_MS:
            raise _bad(f"added_ms {link.added_ms:g} is not between 0 and {_MOST_MS:g}")
        if not link.cut and not link.added_ms:
            raise _bad("a disturbed link is cut, or has added_ms above 0")
        self._links[frozenset((link.a, link.b))] = link
        return link

    def mend(self, a: str, b: str) -> Link:
        """Raises ``not_found`` when that link was as it should be."""
        self._known(a, b)
        link = self._links.pop(frozenset((a, b)), None)
        if link is None:
            raise RuleError("not_found", f"the link between '{a}' and '{b}' is neither slow nor cut")
        return link

    def mend_all(self) -> list[Link]:
        gone, self._links = list(self._links.values()), {}
        return gone

    def all(self) -> list[Link]:
        """In the order in which they were disturbed."""
        return list(self._links.values())

    def added_ms(self, a: str, b: str) -> float:
        """What comes to a round trip."""
        link = self._links.get(frozenset((a, b)))
        return 0.0 if link is None else link.added_ms

    def is_cut(self, a: str, b: str) -> bool:
        link = self._links.get(frozenset((a, b)))
        return link is not None and link.cut

    def _known(self, *codes: str) -> None:
        for code in codes:
            if code not in self._regions:
                raise _bad(f"region '{code[:80]}' is unknown here; there are {', '.join(self._regions)}")


def _bad(text: str) -> RuleError:
    return RuleError("invalid_argument", text)

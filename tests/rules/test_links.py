"""Links between regions: each is as it was last said, in both directions, and what makes no sense is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.errors import ParseError, RuleError
from flylab.rules.links import Links
from flylab.wire.link import Link

REGIONS = ("ams", "iad", "nrt")
CODES = st.sampled_from(REGIONS)
LINKS = st.one_of(
    st.builds(Link, a=CODES, b=CODES, added_ms=st.floats(0.1, 10_000)),
    st.builds(Link, a=CODES, b=CODES, cut=st.just(True)),
)


@given(st.lists(st.one_of(LINKS, st.tuples(CODES, CODES)), max_size=20))
def test_a_link_is_as_it_was_last_said(deeds: list[Link | tuple[str, str]]) -> None:
    links, known = Links(REGIONS), dict[frozenset[str], Link]()
    for deed in deeds:
        if isinstance(deed, Link):
            known[frozenset((deed.a, deed.b))] = links.disturb(deed)
        elif frozenset(deed) in known:
            assert links.mend(*deed) == known.pop(frozenset(deed))
        else:
            with pytest.raises(RuleError, match="neither slow nor cut"):
                links.mend(*deed)
    assert sorted(links.all(), key=str) == sorted(known.values(), key=str)
    for a in REGIONS:
        for b in REGIONS:
            link = known.get(frozenset((a, b)))
            assert links.added_ms(a, b) == (link.added_ms if link else 0.0)
            assert links.is_cut(a, b) == (link is not None and link.cut)
    assert len(links.mend_all()) == len(known)
    assert links.all() == []


@pytest.mark.parametrize(
    ("link", "why"),
    [
        (Link(a="ams", b="atlantis", cut=True), "region 'atlantis' is unknown here; there are ams, iad, nrt"),
        (Link(a="", b="ams", cut=True), "region '' is unknown"),
        (Link(a="ams", b="iad", added_ms=-1), "added_ms -1 is not between 0 and 10000"),
        (Link(a="ams", b="iad", added_ms=1e9), "added_ms 1e\\+09 is not between"),
        (Link(a="ams", b="iad"), "is cut, or has added_ms above 0"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(link: Link, why: str) -> None:
    links = Links(REGIONS)
    with pytest.raises(RuleError, match=why) as caught:
        links.disturb(link)
    assert caught.value.code == "invalid_argument"
    assert links.all() == []


@given(LINKS)
def test_a_link_reads_as_it_was_written(link: Link) -> None:
    assert Link.from_json(link.to_json()) == link


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"a": "ams", "b": "iad", "added_ms": "much"}, "added_ms.*'much': a number of milliseconds"),
        ({"a": "ams", "b": "iad", "added_ms": float("nan")}, "added_ms.*a number of milliseconds"),
        ({"a": "ams", "b": "iad", "cut": 1}, "cut.*true or false"),
        ({"a": "ams", "b": "iad", "loss": 1}, "a link has no such field"),
    ],
)
def test_what_cannot_be_read_is_named(said: object, why: str) -> None:
    with pytest.raises(ParseError, match=why):
        Link.from_json(said)

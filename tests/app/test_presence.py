"""Who is here, and what changed since it was taken last."""

from collections import Counter
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from app.entries import Change, Look
from app.presence import APART, HUES, MOST_SHOWN, Presence, free_hue, hue, member_id
from app.protocol import Changed, Joined, Left, Member
from app.shaping import Refused

ADA, BOB, EVE = (member_id(f"the-secret-of-{name}") for name in ("ada", "bob", "eve"))


def entered(*ids: str) -> Presence:
    presence = Presence()
    for one in ids:
        presence.enter(one, one[:4], region="ams", role="edit")
    return presence


def test_numbers_are_small_and_given_again() -> None:
    presence = entered(ADA, BOB, EVE)
    assert [member.n for member in presence.members()] == [1, 2, 3]
    assert presence.leave(BOB, "edit") == Left(id=BOB, n=2)
    assert presence.leave(ADA, "edit") == Left(id=ADA, n=1)
    assert presence.enter(BOB, "Bob", region="iad", role="view")[0].n == 1
    assert presence.enter(ADA, "Ada", region="iad", role="view")[0].n == 2
    assert presence.enter("0" * 16, "Zoe", region="iad", role="view")[0].n == 4


def test_a_member_with_two_tabs_is_one_member_with_the_better_role() -> None:
    presence = Presence()
    member, news = presence.enter(ADA, "Ada", region="ams", role="view")
    assert news == Joined(member=member)
    assert presence.enter(ADA, "Ada", region="ams", role="view") == (member, None)
    better, news = presence.enter(ADA, "Ada L", region="iad", role="edit")
    assert news == Changed(member=better)
    assert (better.name, better.region, better.role, better.n) == ("Ada L", "iad", "edit", 1)
    assert presence.leave(ADA, "view") is None
    assert presence.leave(ADA, "edit") == Changed(member=presence.member(ADA))
    assert presence.member(ADA).role == "view"
    assert presence.leave(ADA, "view") == Left(id=ADA, n=1)
    assert (presence.members(), len(presence)) == ([], 0)


def test_a_role_is_of_a_connection() -> None:
    presence = entered(ADA)
    presence.enter(ADA, ADA[:4], region="ams", role="edit")
    assert presence.assign(ADA, "edit", "view") is None  # the other tab may still edit
    news = presence.assign(ADA, "edit", "view")
    assert news is not None
    assert news.member.role == "view"


def test_only_a_notably_different_round_trip_is_told() -> None:
    presence = entered(ADA)
    news = presence.measured(ADA, 80.04)
    assert news is not None
    assert news.member.rtt == 80.0
    assert presence.measured(ADA, 87.0) is None
    assert presence.measured(ADA, 73.0) is None
    assert presence.measured(ADA, 95.0) is not None
    assert presence.rename(ADA, ADA[:4]) is None
    assert presence.rename(ADA, "Ada") == Changed(member=presence.member(ADA))
    assert presence.member(ADA).rtt == 95.0


def test_cursors_are_gathered_and_only_the_latest_counts() -> None:
    presence = entered(ADA, BOB)
    assert presence.take_cursors() == []
    presence.point(ADA, 1, 1)
    presence.point(BOB, -32_767, 0)
    presence.point(ADA, 5, 6)
    assert presence.cursors() == [[1, 5, 6], [2, -32_767, 0]]
    assert sorted(presence.take_cursors()) == [[1, 5, 6], [2, -32_767, 0]]
    assert presence.take_cursors() == []
    presence.point(BOB, None, None)
    assert presence.take_cursors() == [[2]]
    presence.point(ADA, 9, None)
    assert (presence.take_cursors(), presence.cursors()) == ([[1]], [])


def test_drags_and_selections_are_gathered_and_end() -> None:
    presence = entered(ADA)
    moved = Change(id="s", set=Look(x=1.0))
    presence.drag(ADA, [])
    presence.select(ADA, [])
    assert (presence.take_drags(), presence.take_selected()) == ([], [])
    presence.drag(ADA, [Change(id="s", set=Look(x=0.0))])
    presence.drag(ADA, [moved, Change(id="t", set=Look(text=" a\x00b "))])
    presence.select(ADA, ["s", "t", "s"])
    presence.select(ADA, ["s", "t"])
    dragged = [(1, [moved, Change(id="t", set=Look(text="ab"))])]
    assert (presence.drags(), presence.take_drags(), presence.take_drags()) == (dragged, dragged, [])
    assert (presence.selected(), presence.take_selected()) == ([(1, ["s", "t"])], [(1, ["s", "t"])])
    presence.select(ADA, ["s", "t"])
    assert presence.take_selected() == []
    presence.drag(ADA, [])
    presence.select(ADA, [])
    assert (presence.take_drags(), presence.take_selected()) == ([(1, [])], [(1, [])])


def test_who_left_leaves_nothing_behind_for_the_next_of_that_number() -> None:
    presence = entered(ADA)
    presence.point(ADA, 1, 1)
    presence.drag(ADA, [Change(id="s", gone=True)])
    presence.select(ADA, ["s"])
    presence.leave(ADA, "edit")
    presence.enter(BOB, "Bob", region="ams", role="edit")
    assert presence.member(BOB).n == 1
    assert (presence.cursors(), presence.drags(), presence.selected()) == ([], [], [])
    assert (presence.take_cursors(), presence.take_drags(), presence.take_selected()) == ([], [], [])


def drag(presence: Presence, member: str, size: int) -> None:
    """A drag of exactly so many bytes of JSON."""
    empty = len(msgspec.json.encode([Change(id="s", set=Look(text=""))]))
    presence.drag(member, [Change(id="s", set=Look(text="x" * (size - empty)))] if size else [])


def select(presence: Presence, member: str, size: int) -> None:
    """A selection of exactly so many bytes of JSON."""
    presence.select(member, [f"{n:05}{'x' * 12}" for n in range(size // 20)])


@pytest.mark.parametrize(("show", "all_of"), [(drag, Presence.drags), (select, Presence.selected)])
def test_what_all_members_show_together_is_bounded_and_who_goes_beyond_shows_nothing(
    show: Callable[[Presence, str, int], None], all_of: Callable[[Presence], list[tuple[int, list[object]]]]
) -> None:
    presence = entered(ADA, BOB)
    half = MOST_SHOWN // 40 * 20
    rest = MOST_SHOWN // 20 * 20 - half
    show(presence, ADA, half)
    show(presence, BOB, 20 * 9)
    show(presence, BOB, rest)  # in place of the one before, so it just fits
    assert [n for n, _ in all_of(presence)] == [1, 2]
    presence.take_drags(), presence.take_selected()
    with pytest.raises(Refused, match=f"may have {MOST_SHOWN} bytes together; with these {rest + 20} they would have "):
        show(presence, BOB, rest + 20)
    assert [n for n, _ in all_of(presence)] == [1]
    # The one before is over, and the others hear of that; a further refusal is no news.
    assert [*presence.take_drags(), *presence.take_selected()] == [(2, [])]
    with pytest.raises(Refused):
        show(presence, BOB, rest + 20)
    assert [*presence.take_drags(), *presence.take_selected()] == []
    show(presence, ADA, 0)
    show(presence, BOB, rest + 20)
    presence.leave(BOB, "edit")
    show(presence, ADA, half)
    show(presence, ADA, half + rest)
    assert [n for n, _ in all_of(presence)] == [1]


class Mirror(RuleBasedStateMachine):
    """A watcher who only hears the news and takes what changed knows at any time what the room knows."""

    def __init__(self) -> None:
        super().__init__()
        self.presence = Presence()
        self.open: list[tuple[str, str]] = []
        self.members: dict[int, Member] = {}
        self.cursors: dict[int, list[int]] = {}

    def hear(self, news: Joined | Changed | Left | None) -> None:
        if isinstance(news, Left):
            assert self.members.pop(news.n).id == news.id
            self.cursors.pop(news.n, None)
        elif isinstance(news, Joined):
            assert news.member.n not in self.members
            self.members[news.member.n] = news.member
        elif isinstance(news, Changed):
            assert self.members[news.member.n] != news.member
            self.members[news.member.n] = news.member

    @rule(one=st.sampled_from([ADA, BOB, EVE]), name=st.sampled_from("xy"), role=st.sampled_from(["edit", "view"]))
    def enter(self, one: str, name: str, role: str) -> None:
        self.hear(self.presence.enter(one, name, region="ams", role=role)[1])
        self.open.append((one, role))

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.open))
        self.open.remove(one)
        self.hear(self.presence.leave(*one))

    @precondition(lambda self: self.open)
    @rule(data=st.data(), now=st.sampled_from(["edit", "view"]))
    def assign(self, data: st.DataObject, now: str) -> None:
        place = data.draw(st.integers(0, len(self.open) - 1))
        one, was = self.open[place]
        self.open[place] = (one, now)
        self.hear(self.presence.assign(one, was, now))

    @precondition(lambda self: self.open)
    @rule(data=st.data(), x=st.integers(-5, 5) | st.none())
    def point(self, data: st.DataObject, x: int | None) -> None:
        self.presence.point(data.draw(st.sampled_from(self.open))[0], x, 1)

    @rule()
    def take(self) -> None:
        for n, *where in self.presence.take_cursors():
            if where:
                self.cursors[n] = [n, *where]
            else:
                self.cursors.pop(n, None)
        assert sorted(self.cursors.values()) == sorted(self.presence.cursors())

    @invariant()
    def the_same_people(self) -> None:
        members = self.presence.members()
        assert self.members == {member.n: member for member in members}
        assert {member.id for member in members} == {one for one, _ in self.open}
        assert all(member.n <= 3 for member in members)
        for member in members:
            assert (member.role == "edit") == ((member.id, "edit") in self.open)
        assert len({member.hue for member in members}) == len(members), "two have one colour"


TestMirror = Mirror.TestCase
TestMirror.settings = settings(max_examples=40, stateful_step_count=30)


@given(st.text(min_size=16, max_size=64))
def test_the_public_id_does_not_tell_the_secret(key: str) -> None:
    assert len(member_id(key)) == 16
    assert key not in member_id(key)
    assert hue(member_id(key)) in range(0, 360, 30)


def shades(*members: int) -> list[int]:
    """The colours of members whose own colours are these, in the order in which they come."""
    used: Counter[int] = Counter()
    found = []
    for own in members:
        found.append(free_hue(own, used))
        used[found[-1]] += 1
    return found


def test_a_colour_is_ones_own_until_somebody_has_one_like_it() -> None:
    assert shades(30, 90, 150) == [30, 90, 150]
    assert shades(30, 30) == [30, 210]
    assert shades(0, 330, 30) == [0, 180, 90]  # beside another it is no better than the same
    assert free_hue(30, {30: 0}) == 30, "who left leaves their colour"


@given(st.lists(st.integers(0, HUES - 1), min_size=1, max_size=3 * HUES))
def test_as_many_have_colours_of_their_own_as_there_are_colours(steps: list[int]) -> None:
    found = shades(*(30 * step for step in steps))
    assert set(found) <= set(range(0, 360, 30))
    assert len(set(found[:HUES])) == min(HUES, len(found))
    # Four can always be told apart; later ones find no such place any more.
    first = found[:4]
    assert all(min((a - b) % 360, (b - a) % 360) >= APART for n, a in enumerate(first) for b in first[:n])
    assert max(Counter(found).values()) <= -(-len(found) // HUES)

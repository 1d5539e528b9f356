"""Each operation counts once, whatever is sent again, in whatever order."""

import sys
from collections import Counter
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.operations import TOO_FAR, TOO_OLD, WINDOW, Counted, Operations

BY, TAB = "ada", "tab1"


def counted(*ops: int) -> Operations:
    """The ops, each at the seq of its place: 11, 12, …"""
    operations = Operations(most=10)
    for seq, op in enumerate(ops, 11):
        assert operations.find(BY, TAB, op) == 0
        operations.count(BY, TAB, op, seq)
    return operations


@pytest.mark.parametrize(
    ("before", "op", "found"),
    [
        ((), 1, 0),
        ((), WINDOW + 1, 0),
        ((), WINDOW + 2, TOO_FAR),
        ((1,), 1, 11),
        ((1,), 2, 0),
        ((1, 2, 3), 2, 13),
        ((1, 3), 2, 0),
        ((1, 3, 2), 2, 13),
        ((1, 2 + WINDOW), 2, 0),
        ((1, 2 + WINDOW), 3 + 2 * WINDOW, 0),
        ((1, 2 + WINDOW), 4 + 2 * WINDOW, TOO_FAR),
        # 64 skipped ones are remembered, then the oldest is forgotten: nobody knows about it any more.
        ((1, 2 + WINDOW, 4 + WINDOW), 2, TOO_OLD),
        ((1, 2 + WINDOW, 4 + WINDOW), 1, TOO_OLD),
        ((1, 2 + WINDOW, 4 + WINDOW), 3, 0),
        ((1, 2 + WINDOW, 4 + WINDOW), 2 + WINDOW, 13),
    ],
)
def test_what_is_known_of_an_operation(before: tuple[int, ...], op: int, found: int) -> None:
    assert counted(*before).find(BY, TAB, op) == found


def test_a_refused_operation_uses_up_its_number_and_stops_nobody() -> None:
    operations = Operations(most=10)
    for op in range(2, 2_000, 2):  # every other one was refused
        assert operations.find(BY, TAB, op) == 0
        operations.count(BY, TAB, op, op)
    last, skipped = operations.known(BY, TAB)
    assert (last, skipped) == (1_998, list(range(1_998 - 2 * WINDOW + 1, 1_998, 2)))


def test_numbers_are_per_member_and_client() -> None:
    operations = counted(1, 2)
    assert operations.find(BY, "tab2", 1) == 0
    assert operations.find("bob", TAB, 1) == 0
    assert operations.known("bob", TAB) == (0, [])


def test_the_client_that_did_nothing_for_longest_is_forgotten_first() -> None:
    operations = Operations(most=2)
    operations.count("a", TAB, 1, 1)
    operations.count("b", TAB, 1, 2)
    operations.count("a", TAB, 2, 3)
    operations.count("c", TAB, 1, 4)
    assert (operations.find("a", TAB, 2), operations.find("b", TAB, 1), len(operations)) == (3, 0, 2)


def test_who_makes_up_clients_without_end_pushes_out_their_own() -> None:
    operations = Operations(most=100)
    operations.count("bob", "phone", 1, 1)
    operations.count("bob", "desk", 1, 2)
    for seq in range(3, 1_003):
        operations.count("eve", f"made-up-{seq}", 1, seq)
    assert operations.find("bob", "phone", 1) == 1
    assert operations.find("bob", "desk", 1) == 2
    assert operations.find("eve", "made-up-904", 1) == 0
    assert operations.find("eve", "made-up-905", 1) == 905
    assert len(operations) == 100


def test_of_the_greediest_the_one_loses_whose_client_rested_longest() -> None:
    operations = Operations(most=5)
    for seq, (by, client) in enumerate((("a", "1"), ("b", "1"), ("a", "2"), ("b", "2"), ("c", "1")), 1):
        operations.count(by, client, 1, seq)
    operations.count("a", "1", 2, 6)  # b has rested longer now
    operations.count("d", "1", 1, 7)
    assert {(one.by, one.client) for one in operations.all()} == {
        ("a", "1"), ("a", "2"), ("b", "2"), ("c", "1"), ("d", "1"),
    }  # fmt: skip
    operations.count("b", "3", 1, 8)
    assert operations.find("a", "2", 1) == 0


def forgotten(kept: dict[tuple[str, str], int]) -> tuple[str, str]:
    """The rule, without any haste: whose client goes, and which."""
    clients: dict[str, list[tuple[int, str]]] = {}
    for (by, client), seq in kept.items():
        clients.setdefault(by, []).append((seq, client))
    greediest = min(clients, key=lambda by: (-len(clients[by]), min(clients[by])))
    return greediest, min(clients[greediest])[1]


# Everybody has clients of which each has a next number; how many there are makes some members far greedier than others.
CROWD = st.lists(
    st.one_of(
        st.tuples(st.sampled_from("ab"), st.integers(1, 2)),  # honest ones
        st.tuples(st.sampled_from("vw"), st.integers(1, 30)),
        st.tuples(st.sampled_from("xyz"), st.integers(1, 8)),
    ),
    max_size=150,
)


@given(CROWD, st.integers(1, 12), st.integers(0, 150))
def test_whom_a_full_memory_forgets_follows_from_the_log_and_is_never_who_has_few(
    acts: list[tuple[str, int]], most: int, cut: int
) -> None:
    operations = Operations(most=most)
    ops: dict[tuple[str, str], int] = {}
    kept: dict[tuple[str, str], int] = {}
    for seq, (by, number) in enumerate(acts, 1):
        if seq == cut:  # another machine goes on
            heir = Operations(most=most)
            heir.restore(operations.all())
            operations = heir
        key = by, f"page{number}"
        ops[key] = ops.get(key, 0) + 1
        operations.count(*key, ops[key], seq)
        kept[key] = seq
        if len(kept) > most:
            gone = forgotten(kept)
            has = Counter(owner for owner, _ in kept)
            assert has[gone[0]] == max(has.values())
            del kept[gone]
        assert [(one.by, one.client) for one in operations.all()] == sorted(kept, key=kept.__getitem__)


def test_a_full_memory_of_the_usual_size_is_kept_up_with_few_steps() -> None:
    """Counting does not look at everything: of a hundred times as many, it compares little more than before."""

    def steps(most: int) -> int:
        operations = Operations(most=most)
        for seq in range(1, most + 2):
            operations.count(f"member {seq % (most // 4)}", f"page {seq}", 1, seq)
        calls = 0

        def count(frame: FrameType, event: str, arg: object) -> None:
            nonlocal calls
            calls += event in ("call", "c_call")

        sys.setprofile(count)
        try:
            for seq in range(most + 2, most + 202):
                operations.count(f"member {seq % 7}", f"page {seq}", 1, seq)
        finally:
            sys.setprofile(None)
        return calls

    assert steps(10_000) < 2 * steps(100)


@given(st.lists(st.integers(1, 3 * WINDOW), max_size=120))
def test_any_stream_of_numbers_counts_each_once(sent: list[int]) -> None:
    operations = Operations(most=10)
    log: dict[int, int] = {}
    refused: set[int] = set()
    for op in sent:
        found = operations.find(BY, TAB, op)
        if found == 0:
            assert op not in log
            log[op] = len(log) + 1
            operations.count(BY, TAB, op, log[op])
        elif found > 0:
            assert found >= log[op]  # a KeyError here: it was called accepted and is not in the log
        else:
            refused.add(op)
    last, skipped = operations.known(BY, TAB)
    assert last == max(log, default=0)
    assert not set(skipped) & set(log)
    if not refused:
        assert set(log) == set(sent)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 90)), max_size=60), st.integers(0, 60))
def test_what_was_kept_and_taken_up_goes_on_alike(sent: list[tuple[str, int]], cut: int) -> None:
    first, second = Operations(most=2), Operations(most=2)
    for seq, (by, op) in enumerate(sent[:cut], 1):
        if first.find(by, TAB, op) == 0:
            first.count(by, TAB, op, seq)
    second.restore(first.all())
    for seq, (by, op) in enumerate(sent[cut:], cut + 1):
        assert second.find(by, TAB, op) == first.find(by, TAB, op)
        if first.find(by, TAB, op) == 0:
            first.count(by, TAB, op, seq)
            second.count(by, TAB, op, seq)
    assert second.all() == first.all()


def test_what_was_kept_does_not_change_any_more() -> None:
    operations = counted(1, 3)
    kept = operations.all()
    operations.count(BY, TAB, 2, 99)
    assert kept == [Counted(BY, TAB, 3, 12, [2])]


def test_a_log_written_under_a_wider_window_is_taken_as_it_is() -> None:
    operations = counted(1)
    operations.count(BY, TAB, 500, 12)
    assert operations.known(BY, TAB) == (500, list(range(500 - WINDOW, 500)))
    assert operations.find(BY, TAB, 500 - WINDOW - 1) == TOO_OLD

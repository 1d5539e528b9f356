"""Who gets a place that has come free."""

import pytest

from flylab.local.waiting_line import WaitingLine
from flylab.rules.rows import Loads


class Request:
    """Takes a place when there is one on its machine."""

    def __init__(self, world, name, machine="a"):
        self.world, self.name, self.machine = world, name, machine
        world.line.join(self, machine)

    def offer(self):
        self.world.asked.append(self.name)
        if self.world.loads.of(self.machine) >= self.world.limit:
            self.world.line.join(self, self.machine)
            return False
        self.world.loads.reserve(self.machine)
        return True


class World:
    def __init__(self, limit):
        self.loads, self.limit, self.asked = Loads(), limit, []
        self.later = []
        self.line = WaitingLine(self.loads, self.later.append)
        for machine in "ab":
            for _ in range(limit):
                self.loads.reserve(machine)

    def run(self):
        while self.later:
            self.later.pop(0)()
        asked, self.asked = self.asked, []
        return asked


def test_the_first_gets_it_and_only_the_next_is_asked_in_vain():
    world = World(limit=1)
    for name in "stuvw":
        Request(world, name)
    world.loads.release("a")
    assert world.asked == []  # not in the middle of the step that released
    assert world.run() == ["s", "t"]
    world.loads.release("a")
    assert world.run() == ["t", "u"]
    assert len(world.line) == 3


def test_places_given_back_at_once_are_taken_at_once():
    world = World(limit=3)
    for name in "stuvw":
        Request(world, name)
    world.loads.release("a")
    world.loads.release("a")
    assert world.run() == ["s", "t", "u"]


def test_who_wants_something_else_does_not_stand_in_the_way():
    world = World(limit=1)
    Request(world, "s", "b")
    Request(world, "t", "b")
    Request(world, "u", "a")
    world.loads.release("a")
    assert world.run() == ["s", "u"]
    world.loads.release("b")
    assert world.run() == ["s", "t"]


def test_who_left_is_not_asked():
    world = World(limit=1)
    first, _second = Request(world, "s"), Request(world, "t")
    world.line.leave(first)
    world.line.leave(first)
    world.loads.release("a")
    assert world.run() == ["t"]
    assert len(world.line) == 0
    world.loads.release("a")
    assert world.run() == []


@pytest.mark.parametrize("waiting", [1000])
def test_a_thousand_that_wait_cost_two_questions_a_place(waiting):
    world = World(limit=1)
    for number in range(waiting):
        Request(world, number)
    questions = 0
    for number in range(waiting):
        world.loads.release("a")
        asked = world.run()
        assert asked[0] == number
        questions += len(asked)
    assert questions < 2 * waiting


def test_who_wants_something_else_now_stands_at_the_end_of_another_line():
    world = World(limit=1)
    first = Request(world, "s")
    Request(world, "t", "b")
    first.machine = "b"
    world.line.join(first, "b")
    world.loads.release("b")
    assert world.run() == ["t", "s"]

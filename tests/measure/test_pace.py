"""A pace keeps to its schedule, catches up what it missed, and says how late it was."""

from flylab.measure.pace import AT_ONCE, Pace, keep


class Steps:
    """A clock that moves by a step at each look."""

    def __init__(self, step):
        self.at, self.step = 0.0, step

    def __call__(self):
        self.at += self.step
        return self.at


async def test_everything_is_sent_in_order_and_not_before_it_is_due():
    sent = []
    clock = Steps(0.0004)
    pace = await keep([0.0, 0.001, 0.01], lambda *each: sent.append((*each, clock.at)), began=0.0, clock=clock)
    assert [number for number, _, _ in sent] == [0, 1, 2]
    assert [due for _, due, _ in sent] == [0.0, 0.001, 0.01]
    assert all(0 <= at - due < 0.0009 for _, due, at in sent)
    assert (pace.sent, pace.valid) == (3, True)


async def test_what_was_missed_is_sent_at_once_and_makes_the_run_invalid():
    sent = []
    pace = await keep([0.0] * (3 * AT_ONCE), lambda number, _: sent.append(number), began=0.0, clock=Steps(0.001))
    assert sent == list(range(3 * AT_ONCE))
    assert pace.late > 0.5
    assert not pace.valid


async def test_nothing_to_send_is_in_time():
    assert (await keep([], print, began=0.0)).valid
    assert Pace().late == 0

"""Every request is in the ledger once, with the times it had, and what has no answer is said to have none."""

from flylab.measure.ledger import Ledger


def test_requests_become_samples_in_the_order_in_which_they_were_sent():
    ledger = Ledger(["get /", "say"], "rooms.localhost")
    first = ledger.open(1, 10.0, 10.001)
    second = ledger.open(0, 10.5, 10.5)
    third = ledger.open(0, 11.0, 11.0)
    ledger.close(second, 10.6, "503")
    ledger.close(first, 11.0)
    ledger.close(first, 12.0, "too late to count")
    assert (ledger.sent, ledger.finished, ledger.failed, ledger.waiting) == (3, 2, 1, 1)
    ledger.end(20.0)
    assert ledger.waiting == 0
    one, two, three = (sample for piece in ledger.samples(10.0, size=2) for sample in piece)
    assert (one.what, one.where, one.scheduled, one.finished, one.outcome) == ("say", "rooms.localhost", 0.0, 1.0, "ok")
    assert round(one.lateness, 6) == 0.001
    assert (two.what, two.outcome) == ("get /", "503")
    assert (three.finished, three.outcome) == (10.0, "unanswered")
    assert third == 2


def test_histograms_have_the_successes_from_when_they_were_due():
    ledger = Ledger(["x"], "")
    for number in range(4):
        ledger.close(ledger.open(0, 1.0, 1.5), 2.0 + number, "ok" if number < 3 else "503")
    assert (ledger.latencies.n, ledger.latencies.least, ledger.latencies.most) == (3, 1.0, 3.0)
    assert (ledger.lateness.n, ledger.lateness.most) == (4, 0.5)

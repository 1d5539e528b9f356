"""The end of an exchange whose connections were joined."""

from flylab.rules.hops import Cause, Hop, Outcome
from flylab.rules.piped import Piped
from flylab.rules.rows import Loads


def test_the_place_is_given_back_once():
    loads = Loads()
    hop = Hop(machine="m", app="rooms", region="ams", cause=Cause.ROUTE, wanted="", started=1.0)
    for _ in range(2):
        loads.reserve("m")
    piped = Piped((hop,), loads)
    assert piped.machine == "m"
    piped.finished(3.0)
    piped.finished(4.0)
    assert loads.of("m") == 1
    assert (hop.ended, hop.outcome) == (3.0, Outcome.UPGRADE)

"""The live table redraws on a terminal and tells changes elsewhere."""

import io

from flylab.kit.table import Live, layout


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_columns_are_aligned() -> None:
    assert layout([("a", "running", "1 s"), ("long", "ok", "")]) == ["a     running  1 s", "long  ok"]


def test_a_terminal_is_redrawn_in_place() -> None:
    out = Terminal()
    live = Live(out)
    live.show([("a", "waiting"), ("b", "waiting")])
    live.show([("a", "running"), ("b", "waiting")], last=True)
    live.show([("a", "ok")])
    assert out.getvalue().count("\x1b[2A") == 1


def test_a_log_gets_each_state_once() -> None:
    out = io.StringIO()
    live = Live(out)
    for state in ("waiting", "running", "running", "ok"):
        live.show([("a", state)])
    assert out.getvalue().splitlines() == ["a  running", "a  ok"]

"""docs/facts.md is what the tests say."""

from pathlib import Path

from tests import facts


def test_the_page_is_current():
    assert facts.render(facts.facts()) == facts.PAGE.read_text(), "renew docs/facts.md: python -m tests.facts"


def test_facts_are_read_from_the_first_words_of_tests(tmp_path: Path):
    (tmp_path / "test_a.py").write_text(
        'def test_one():\n    """REPORTED community 12: it\n    is so."""\n'
        'async def test_two():\n    """DOCUMENTED a/b: yes | no."""\n'
        'def test_three():\n    """No fact, though DOCUMENTED."""\n'
        'def helper():\n    """ASSUMED: nothing."""\n'
    )
    assert facts.facts(tmp_path) == [
        facts.Fact("DOCUMENTED", "two (`test_a.py`)", "a/b: yes \\| no."),
        facts.Fact("REPORTED", "one (`test_a.py`)", "community 12: it is so."),
    ]

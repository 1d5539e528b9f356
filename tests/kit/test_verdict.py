"""Predictions come before results, and the tables can be read without seeing them."""

import pytest

from flylab.errors import UsageError
from flylab.kit.verdict import HEADLINE_MIME, LOCAL_NOTE, MIME, Headline, Verdicts, documented, tally
from flylab.published.claims import claim


def made() -> Verdicts:
    verdicts = Verdicts("03")
    verdicts.predict("c016", "Under 2 ms of our own per replay.")
    verdicts.predict("chain", "The eleventh is refused.", documented("monitoring/error-codes", "At most ten replays"))
    return verdicts


def test_the_claim_comes_from_the_published_table_with_its_source() -> None:
    row = made().rows["c016"]
    published = claim("c016")
    assert published.claim in row.claim
    assert (row.source, row.address, row.source_date) == (
        published.source_title,
        published.source_address,
        published.source_date,
    )
    assert row.predicted_at


def test_a_result_without_a_prediction_is_refused() -> None:
    with pytest.raises(UsageError, match="no prediction was written for 'c017'"):
        made().result("c017", "2 ms", holds=True)


def test_a_prediction_that_nobody_looked_at_again_is_refused() -> None:
    verdicts = made()
    verdicts.result("chain", "Refused with PA02.", holds=True)
    with pytest.raises(UsageError, match="no result was noted for c016"):
        verdicts.table()


def test_a_claim_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="no published claim 'c999'"):
        Verdicts("03").predict("c999", "Something.")


@pytest.mark.parametrize(("holds", "word"), [(True, "holds"), (False, "fails"), (None, "cannot be tested here")])
def test_the_table_names_the_verdict_in_words_and_as_data(holds: bool | None, word: str) -> None:
    verdicts = made()
    verdicts.result("c016", "1.1 <ms>", holds=holds)
    verdicts.result("chain", "Refused.", holds=True)
    table = verdicts.table()
    bundle = table._repr_mimebundle_()
    assert word in bundle["text/html"]
    assert word in bundle["text/plain"]
    assert "1.1 &lt;ms&gt;" in bundle["text/html"]
    assert bundle["text/html"].count('scope="row"') == 2
    assert bundle["text/html"].count('scope="col"') == 4
    assert "<caption" in bundle["text/html"]
    assert bundle[MIME]["rows"][0]["outcome"] == word
    assert sum(table.counts().values()) == 2


def test_predictions_are_shown_before_the_run() -> None:
    bundle = made()._repr_mimebundle_()
    assert "Under 2 ms of our own per replay." in bundle["text/html"]
    assert "we predict: The eleventh is refused." in bundle["text/plain"]
    assert MIME not in bundle


def test_a_headline_says_what_kind_of_number_it_is() -> None:
    bundle = Headline(text="A replay costs 1 ms", kind="measured", n=20)._repr_mimebundle_()
    assert bundle["text/plain"] == "A replay costs 1 ms (measured on the local platform, n = 20)"
    assert bundle[HEADLINE_MIME]["n"] == 20


@pytest.mark.parametrize(("target", "said"), [("local", True), ("fly", False)])
def test_a_table_of_the_local_platform_says_that_it_does_not_speak_of_fly(target: str, said: bool) -> None:
    verdicts = Verdicts("03", target=target)
    verdicts.predict("c016", "Under 2 ms.")
    verdicts.result("c016", "1 ms", holds=True)
    bundle = verdicts.table()._repr_mimebundle_()
    assert (LOCAL_NOTE in bundle["text/html"]) is (LOCAL_NOTE in bundle["text/plain"]) is said
    assert bundle[MIME]["target"] == target


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"cannot be tested here": 5, "fails": 1, "holds": 9}, "9 hold, 1 fails, 5 cannot be tested here"),
        ({"holds": 1, "fails": 2}, "1 holds, 2 fail"),
        ({"holds": 0}, ""),
    ],
)
def test_verdicts_are_counted_in_words(counts: dict[str, int], words: str) -> None:
    assert tally(counts) == words


@pytest.mark.parametrize(("predicted", "says"), [(True, "as predicted"), (False, "not as predicted"), (None, "")])
def test_a_prediction_may_be_wrong_where_the_claim_holds(predicted: bool | None, says: str) -> None:
    verdicts = Verdicts("03")
    verdicts.predict("c016", "Under 2 ms.")
    verdicts.result("c016", "3 ms", holds=True, predicted=predicted)
    bundle = verdicts.table()._repr_mimebundle_()
    (row,) = bundle[MIME]["rows"]
    assert (row["outcome"], row["predicted"]) == ("holds", says)
    for kind in ("text/html", "text/plain"):
        assert ("as predicted" in bundle[kind]) is bool(says)
        assert ("not as predicted" in bundle[kind]) is says.startswith("not")

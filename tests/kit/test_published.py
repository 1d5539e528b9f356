"""``flylab published`` shows each figure with its source and its mark, and names what is nearest to a wrong id."""

import json

import pytest

from flylab.errors import UsageError
from flylab.kit.published import main


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["claims", "c016"], ["c016: ", "10 ms", "vendor claim, read in source", "https://fly.io/"]),
        (["claims", "c052"], ["146 ms (unverified)", "from memory, unverified"]),
        (["claims", "c112"], ["not found", "no source"]),
        (["claims", "--status", "from memory"], ["c052", "c134", "(unverified)", "2 rows"]),
        (["claims", "--topic", "fly-replay"], ["c016", "4 rows"]),
        (["claims"], ["160 rows"]),
        (["prices", "p117"], ["(unverified)", "from memory"]),
        (["prices", "p092"], ["to 2026-09-30", "p007 of 2026-10-09: the newer wins"]),
        (["prices", "--provider", "Vultr"], ["p134", "(unverified)", "4 rows"]),
        (["prices", "--conflicts"], ["p092", "0.00305 USD/hour", "10 of 20 differ on 2026-11-27."]),
        (["prices", "--all"], ["157 rows"]),
        (
            ["rtt", "ams", "iad"],
            ["84.1 ms", "84.0 to 84.2 ms over the sources", "iad→ams", "Azure 2026-03-01", "read in source"],
        ),
        (["rtt", "iad", "iad"], ["1.0 ms"]),
        (["distributions"], ["openstatus-2024", "6 rows"]),
        (["distributions", "openstatus-2024"], ["Railway (measurement, read in source)", "p75 469 ms"]),
        (["distributions", "ec2-phases"], ["boot to SSH 3217 ms"]),
        (["lambda", "--runtime", "python3.13", "--memory", "1024", "--package", "zip"], ["80.5 ms", "2 rows"]),
    ],
)
def test_what_is_shown(arguments, lines, capsys):
    text = said(capsys, *arguments)
    for line in lines:
        assert line in text


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (["claims"], 160),
        (["prices", "--all"], 157),
        (["prices", "--conflicts"], 10),
        (["distributions", "sandbox-2026"], 4),
        (["lambda", "--memory", "128"], 155),
    ],
)
def test_as_json_it_is_the_same_rows(arguments, count, capsys):
    assert len(json.loads(said(capsys, *arguments, "--json"))) == count


def test_json_says_what_is_unverified(capsys):
    (claim,) = json.loads(said(capsys, "claims", "c052", "--json"))
    assert (claim["value"], claim["verified"], claim["mark"]) == (146, False, "unverified")
    (price,) = json.loads(said(capsys, "prices", "p001", "--json"))
    assert (price["effective_from"], price["verified"]) == ("2026-10-01", True)
    assert json.loads(said(capsys, "rtt", "ams", "iad", "--json"))["sources"][0]["table"]["address"]
    (curve,) = json.loads(said(capsys, "distributions", "ec2-phases", "--json"))
    assert curve["points"]["API call"] == 4797


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["claims", "c161"], "claim 'c161'; the nearest are 'c160'"),
        (["claims", "--status", "dreamt"], "status 'dreamt'"),
        (["claims", "--status", ""], "status ''"),
        (["claims", "--topic", "fly"], "topic 'fly'; the nearest are 'fly-start'"),
        (["prices", "p999"], "price 'p999'"),
        (["prices", "--provider", "fly"], "price of 'fly'; the nearest is 'Fly.io'"),
        (["rtt", "ams", "amd"], "region 'amd'; the nearest"),
        (["distributions", "openstat"], "distribution 'openstat'; the nearest is 'openstatus-2024'"),
        (["lambda", "--memory", "0"], "--memory is 0"),
        (["lambda", "--runtime", "cobol"], "with runtime 'cobol'"),
    ],
)
def test_what_is_not_there_is_named_with_what_is_near(arguments, says):
    with pytest.raises(UsageError, match=says):
        main(arguments)


def test_a_day_that_is_none_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["prices", "--on", "2026-13-01"])
    assert "'2026-13-01' is not a date such as 2026-11-27" in capsys.readouterr().err

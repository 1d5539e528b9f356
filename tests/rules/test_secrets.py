"""Secrets: names, versions, digests, and no value in any text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.errors import RuleError
from flylab.rules.actions import Kept
from flylab.rules.secrets import KIND, DeleteSecret, Secrets, SecretSettings, SetSecrets

VALUE = "hunter2-the-value"


def new(**settings):
    return Secrets(SecretSettings(**settings))


def put(secrets, values, app="a", now=1.0, salt="s"):
    return secrets.set(SetSecrets(app=app, values=values, salt=salt), now)


def refusal(call, *arguments):
    with pytest.raises(RuleError) as caught:
        call(*arguments)
    return caught.value


def test_setting_many_is_one_version():
    secrets = new()
    assert put(secrets, {"B": "2", "A": "1"}) == [Kept(KIND, "a")]
    assert [secret.name for secret in secrets.of("a")] == ["A", "B"]
    assert (secrets.version("a"), secrets.version("b")) == (1, 0)
    assert secrets.values("a") == {"A": "1", "B": "2"}
    assert secrets.values("b") == {}


def test_null_unsets_and_the_others_stay():
    secrets = new()
    put(secrets, {"A": "1", "B": "2"})
    put(secrets, {"A": None, "C": "3", "NEVER": None}, now=2.0)
    assert secrets.values("a") == {"B": "2", "C": "3"}
    assert secrets.version("a") == 2
    assert (secrets.get("a", "B").version, secrets.get("a", "C").version) == (1, 2)


def test_setting_again_keeps_the_time_of_creation():
    secrets = new()
    put(secrets, {"A": "1"}, now=1.0)
    put(secrets, {"A": "2"}, now=5.0)
    assert (secrets.get("a", "A").created_at, secrets.get("a", "A").updated_at) == (1.0, 5.0)


def test_deleting_is_a_version_too_and_deleting_nothing_is_refused():
    secrets = new()
    put(secrets, {"A": "1"})
    assert secrets.delete(DeleteSecret(app="a", name="A")) == [Kept(KIND, "a")]
    assert secrets.version("a") == 2
    assert refusal(secrets.delete, DeleteSecret(app="a", name="A")).code == "not_found"
    assert refusal(secrets.delete, DeleteSecret(app="b", name="A")).code == "not_found"
    assert secrets.version("a") == 2


def test_digests_tell_values_apart_and_nothing_else():
    secrets = new()
    put(secrets, {"A": "1", "B": "1", "C": "2"})
    put(secrets, {"A": "1"}, app="b", salt="t")
    one, same, other = (secrets.get("a", name).digest for name in "ABC")
    assert one == same != other
    assert secrets.get("b", "A").digest != one
    assert len(one) == 16


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "A=B", "Ä", "A\0", "A" * 256, "FLY_APP_NAME", "FLY_", "A\n"])
def test_a_bad_name_is_refused(name):
    secrets = new()
    assert refusal(put, secrets, {"GOOD": VALUE, name: VALUE}).code == "invalid_argument"
    assert secrets.version("a") == 0


def test_names_beginning_with_fly_are_a_setting():
    put(new(), {"FLY_API_TOKEN": "t"})
    put(new(fly_names=("FLY_OTHER",)), {"FLY_OTHER": "t"})
    assert "belong to the platform" in refusal(put, new(fly_names=()), {"FLY_API_TOKEN": "t"}).text


@pytest.mark.parametrize("value", [f"{VALUE}\0", f"{VALUE}\ud800", VALUE * 10_000])
def test_a_value_that_no_process_can_hold_is_refused_without_being_quoted(value):
    error = refusal(put, new(), {"A": value})
    assert VALUE not in str(error)
    assert "'A'" in str(error)
    assert error.__cause__ is None


def test_the_longest_value_fits():
    put(new(), {"A": "x" * (128 * 1024 - 3)})
    assert refusal(put, new(), {"A": "x" * (128 * 1024 - 2)})


def test_no_repr_has_a_value():
    secrets = new()
    event = SetSecrets(app="a", values={"A": VALUE}, salt="s")
    secrets.set(event, 1.0)
    assert VALUE not in repr(event) + repr(secrets.get("a", "A")) + repr(secrets._jars)
    assert VALUE not in str(secrets.get("a", "A").to_json())
    assert secrets.get("a", "A").to_json(show=True)["value"] == VALUE


def test_a_version_that_is_not_there_is_refused():
    secrets = new()
    put(secrets, {"A": "1"})
    secrets.require("a", 1, "min_version")
    secrets.require("b", 0, "min_version")
    error = refusal(secrets.require, "a", 2, "min_version")
    assert (error.code, error.text) == (
        "failed_precondition",
        "min_version is 2, the secrets of app 'a' are at version 1",
    )


def test_nothing_to_do_is_refused():
    assert refusal(put, new(), {}).code == "invalid_argument"


NAMES = st.sampled_from(["A", "B", "C"])
VALUES = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)


@given(st.lists(st.dictionaries(NAMES, VALUES, min_size=1), max_size=8))
def test_what_is_kept_comes_back(changes):
    secrets, expected = new(), {}
    for i, values in enumerate(changes):
        put(secrets, values, now=float(i))
        expected = {k: v for k, v in (expected | values).items() if v is not None}
    assert secrets.values("a") == expected
    document = secrets.document("a")
    assert (document is None) == (not changes)
    again = new()
    again.restore({"a": document} if document else {})
    assert list(again.of("a")) == list(secrets.of("a"))
    assert again.version("a") == secrets.version("a") == len(changes)
    put(again, {"A": "x"})
    put(secrets, {"A": "x"})
    assert again.get("a", "A").digest == secrets.get("a", "A").digest


def test_they_go_with_their_app():
    secrets = new()
    put(secrets, {"A": "1"})
    assert secrets.drop("a") == [Kept(KIND, "a")]
    assert secrets.document("a") is None
    assert secrets.drop("a") == []

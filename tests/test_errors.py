"""What errors say of themselves."""

from flylab.errors import ParseError


def test_a_value_that_cannot_be_read_is_shown() -> None:
    assert str(ParseError("duration", "10x", "unknown unit")) == "cannot read duration '10x': unknown unit"
    assert str(ParseError("port", None)) == "cannot read port None"


def test_a_long_value_leaves_room_for_the_sentence_around_it() -> None:
    said = str(ParseError("config.env", "a" * 5000, "an object is expected"))
    assert said == f"cannot read config.env '{'a' * 199}… (5002 characters): an object is expected"

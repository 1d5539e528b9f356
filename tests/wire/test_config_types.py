"""Every field of the official document is held to its type, and nothing that it allows is refused or changed."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.errors import ParseError
from flylab.wire.config_types import check_types
from flylab.wire.machine import MachineConfig
from tests import config_types

ROWS = config_types.rows()
SCHEMAS: dict[str, dict[str, str]] = {}
for _schema, _field, _type in ROWS:
    SCHEMAS.setdefault(_schema, {})[_field] = _type
EXAMPLES: dict[str, Any] = {"string": "x", "integer": 1, "number": 0.5, "boolean": True, "any": {"x": [1]}}
WRONG: dict[str, Any] = {"string": 1, "integer": 1.0, "number": "1", "boolean": "true"}
# What MachineConfig itself asks of a value beyond its type.
MORE: dict[str, Any] = {
    "config.checks": {"a": {"type": "tcp", "port": 1}},
    "config.files[0].guest_path": "/x",
    "config.files[0].raw_value": "eA==",
    "config.services[0].concurrency.type": "requests",
    "config.services[0].ports[0].proxy_proto_options.version": "v2",
    "config.services[0].ports[0].http_options.response.headers": {"x-a": "b"},
    "config.services[0].ports[0].http_options.replay_cache": [
        {"allow_bypass": True, "name": "a", "path_prefix": "/", "ttl_seconds": 10, "type": "cookie"}
    ],
    "config.stop_config.timeout": "10s",
    "config.mounts[0].path": "/data",
}


def test_the_table_is_what_the_document_says() -> None:
    assert config_types.FILE.read_text() == config_types.render(), "renew it: python -m tests.config_types"
    assert {row[1:] for row in config_types.rows("CreateMachineRequest") if row[0] == "CreateMachineRequest"} <= {
        row[1:] for row in ROWS if row[0] == config_types.ROOT
    }


def example(kind: str, path: str) -> Any:
    """A value with everything in it that a value of this type can have."""
    kind = kind.removesuffix("!")
    if path in MORE:
        return MORE[path]
    if kind[0] == "[":
        return [example(kind[1:-1], f"{path}[0]")]
    if kind[0] == "{":
        return {"a": example(kind[1:-1], f"{path}.a")}
    if kind in SCHEMAS:
        return {key: example(below, f"{path}.{key}" if path else key) for key, below in SCHEMAS[kind].items()}
    if "(" in kind:
        return kind.partition("(")[2].partition(")")[0].split()[-1]
    return EXAMPLES[kind.partition("|")[0]]


WHOLE: dict[str, Any] = example(config_types.ROOT, "")


def places(value: Any, kind: str, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Where each type is in ``WHOLE``."""
    kind = kind.removesuffix("!")
    yield path, kind
    if kind[0] == "[":
        yield from places(value[0], kind[1:-1], (*path, 0))
    elif kind[0] == "{":
        for key, item in value.items():
            yield from places(item, kind[1:-1], (*path, key))
    elif kind in SCHEMAS:
        for key, item in value.items():
            yield from places(item, SCHEMAS[kind][key], (*path, key))


PLACES = [(path, kind) for path, kind in places(WHOLE, config_types.ROOT) if path]


def replaced(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


def spelt(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)[1:]


def wrong(kind: str) -> list[Any]:
    if kind[0] in "[{" or kind in SCHEMAS:
        return ["x", 1, False, {} if kind[0] == "[" else []]
    names = {each.partition("(")[0] for each in kind.split("|")}
    of_others = [value for name, value in WRONG.items() if name in names and not (value == 1 and "integer" in names)]
    return [{}, [], *of_others, *(["nonsense"] if "(" in kind else [])]


def test_every_field_is_met() -> None:
    """DOCUMENTED openapi UpdateMachineRequest: all fields below it."""
    met = {kind for _, kind in PLACES}
    assert set(SCHEMAS) - {config_types.ROOT} <= {name.strip("[]{}") for name in met}
    assert len(PLACES) > len(ROWS)
    check_types(WHOLE)


def test_a_value_of_another_type_is_refused_by_the_name_of_its_field() -> None:
    """DOCUMENTED openapi UpdateMachineRequest: each field has a type."""
    for path, kind in PLACES:
        if kind == "any":
            continue
        for value in wrong(kind):
            with pytest.raises(ParseError, match=r"is expected$") as caught:
                check_types(replaced(WHOLE, path, value))
            assert caught.value.what == spelt(path), (value, kind)


def test_a_field_that_is_null_counts_as_absent() -> None:
    for path, _ in PLACES:
        if path[-1] not in ("guest_path", "url_prefix") or "statics" not in path:
            check_types(replaced(WHOLE, path, None))


@pytest.mark.parametrize("gone", ["guest_path", "url_prefix"])
def test_what_the_document_requires_must_be_there(gone: str) -> None:
    static = {"guest_path": "/public", "url_prefix": "/", gone: None}
    with pytest.raises(ParseError, match="it must be there") as caught:
        check_types({"config": {"statics": [static]}})
    assert caught.value.what == f"config.statics[0].{gone}"
    del static[gone]
    with pytest.raises(ParseError, match="it must be there"):
        check_types({"config": {"statics": [static]}})


def test_every_field_comes_back_as_it_was_sent() -> None:
    """DOCUMENTED machines/api/machines-resource: the configuration is returned as it was sent, plus defaults."""
    assert MachineConfig.from_json(WHOLE["config"]).to_json() == WHOLE["config"]


@pytest.mark.parametrize(
    "config",
    [
        {"services": [{"autostop": False}]},
        {"services": [{"autostop": "suspend", "checks": [{"interval": 15_000_000_000, "timeout": "2s"}]}]},
        {"checks": {"a": {"grace_period": 1, "kind": ""}}},
        {"stop_config": {"timeout": 5_000_000_000, "signal": "SIGSTOP"}},
        {"rootfs": {"persist": ""}},
        {"restart": {"gpu_bid_price": 2}},
        {"spot": {"max_price_fraction": 0.5}, "mounts": [{"add_size_percent": 10}], "nobody": {"knows": [None]}},
        {"guest": {"size": "shared-cpu-1x", "required_host_features": {"x": 1}}},
        {"processes": None, "containers": [None], "env": {"A": None}},
    ],
)
def test_what_fly_takes_beyond_the_document_is_taken(config: dict[str, Any]) -> None:
    check_types({"config": config})


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(data=st.data(), value=_ANYTHING)
def test_whatever_stands_anywhere_is_taken_or_named(data: st.DataObject, value: Any) -> None:
    path, _ = data.draw(st.sampled_from(PLACES))
    named = ""
    try:
        check_types(replaced(WHOLE, path, value))
    except ParseError as exc:
        named = exc.what
    assert named == "" or named.startswith(spelt(path))

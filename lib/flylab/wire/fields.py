"""Reading one JSON object field by field: each is checked as it is taken, what nobody took is kept as the rest."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from flylab.errors import ParseError

T = TypeVar("T")
Json = dict[str, object]


class Fields:
    """The fields of one JSON object; ``where`` is its path, so that errors read ``config.services[0].internal_port``.

    A field that is ``null`` counts as absent, as Go's decoder has it.
    """

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, Mapping):
            raise ParseError(where or "body", value, "an object is expected")
        self._left: Json = {str(key): item for key, item in value.items()}
        self.where = where

    def path(self, key: str) -> str:
        return f"{self.where}.{key}" if self.where else key

    def take(self, key: str) -> object:
        return self._left.pop(key, None)

    def rest(self) -> Json:
        """Whatever has not been taken, untouched."""
        return dict(self._left)

    def text(self, key: str, default: str = "") -> str:
        value = self.take(key)
        return default if value is None else _text(value, self.path(key))

    def maybe_text(self, key: str) -> str | None:
        value = self.take(key)
        return None if value is None else _text(value, self.path(key))

    def integer(self, key: str, default: int = 0) -> int:
        value = self.take(key)
        return default if value is None else _integer(value, self.path(key))

    def maybe_integer(self, key: str) -> int | None:
        value = self.take(key)
        return None if value is None else _integer(value, self.path(key))

    def flag(self, key: str, *, default: bool = False) -> bool:
        value = self.take(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise ParseError(self.path(key), value, "true or false is expected")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        return self.items(key, _text)

    def text_map(self, key: str) -> dict[str, str]:
        return {name: _text(item, f"{self.path(key)}.{name}") for name, item in self.mapping(key).items()}

    def mapping(self, key: str) -> Json:
        """The object at ``key`` as it is, or an empty one."""
        value = self.take(key)
        return {} if value is None else Fields(value, self.path(key)).rest()

    def items(self, key: str, read: Callable[[object, str], T]) -> tuple[T, ...]:
        """The list at ``key``, each item read by ``read(item, path)``."""
        value = self.take(key)
        if value is None:
            return ()
        if not isinstance(value, (list, tuple)):
            raise ParseError(self.path(key), value, "a list is expected")
        return tuple(read(item, f"{self.path(key)}[{i}]") for i, item in enumerate(value))

    def maybe(self, key: str, read: Callable[[object, str], T]) -> T | None:
        """What ``read(value, path)`` makes of the field, or ``None`` when it is absent."""
        value = self.take(key)
        return None if value is None else read(value, self.path(key))


def read_object(value: object, where: str) -> Json:
    """An object taken as it is, for ``Fields.items``."""
    return Fields(value, where).rest()


def without_empty(**fields: object) -> Json:
    """The fields that say something: no ``None``, no ``False``, no empty text, list or object; zero is kept."""
    return {
        key: value
        for key, value in fields.items()
        if value is not None and value is not False and value not in ("", [], {})
    }


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise ParseError(where, value, "a text is expected")
    return value


def _integer(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ParseError(where, value, "a whole number is expected")
    return value

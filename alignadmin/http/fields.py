"""Reading fields out of a remote system's JSON: exact about what identifies a record, tolerant of all else.

What only decorates a record (a name, a level, whether it is active) may be missing or of any type: it is then not
told. What is needed and cannot be read makes the record unusable, which Malformed says.
"""

import re
from collections.abc import Sequence
from typing import Any

from alignadmin.http.errors import Malformed
from alignadmin.parsing import plain, whole

LONGEST_KEY = 255  # what a column of keys holds
_KEY = re.compile(r"\w[\w.-]*")
MOST_TEXT = 100_000  # of one field; no column or page shows as much
TRUE, FALSE = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})
ENVELOPES = ("value", "values", "items", "data", "results")


def is_key(text: str) -> bool:
    """Whether it can stand in addresses and in a column of keys."""
    return len(text) <= LONGEST_KEY and _KEY.fullmatch(text) is not None


class Fields:
    """One JSON object, its names in any case. `what` is said where it is no object at all."""

    def __init__(self, data: object, *, what: str) -> None:
        if not isinstance(data, dict):
            raise Malformed(f"It is {_kind(data)} where {what} was expected.")
        self._data: dict[str, Any] = data
        self._lowered: dict[str, Any] | None = None

    def integer(self, name: str, *, least: int = 0, most: int | None = None) -> int:
        """Also a number written as text; one that no id can be makes the record unusable."""
        value = self._value(name)
        if value is None or value == "":
            raise Malformed(f'The field "{name}" is missing.')
        number = _whole(value)
        if number is None or number < least or (most is not None and number > most):
            raise Malformed(f'The field "{name}" is {_kind(value)}, not a whole number that an id can be.')
        return number

    def maybe_integer(self, *names: str) -> int | None:
        """The first of the fields that has one."""
        found = (_whole(self._value(name)) for name in names)
        return next((number for number in found if number is not None), None)

    def text(self, *names: str) -> str:
        """Empty when missing: no rule of ours depends on a name being there. Any database takes it."""
        found = (_text(self._value(name)) for name in names)
        return next((text for text in found if text), "")

    def key(self, name: str) -> str:
        """A short name that stands in addresses. What is no text is none, though a name may be written as a number."""
        value = self._value(name)
        if value is None or value == "":
            raise Malformed(f'The field "{name}" is missing.')
        if not isinstance(value, str) or not is_key(value):
            raise Malformed(f'The field "{name}" is {_kind(value)} that cannot be a key.')
        return value

    def truth(self, *names: str) -> bool | None:
        """Also 1 and 0, and the words for them; None where it is not told."""
        found = (_truth(self._value(name)) for name in names)
        return next((truth for truth in found if truth is not None), None)

    def items(self, name: str) -> list[Any]:
        value = self._value(name)
        return value if isinstance(value, list) else []

    def has_items(self, name: str) -> bool:
        return isinstance(self._value(name), list)

    def is_part(self, name: str) -> bool:
        return isinstance(self._value(name), dict)

    def has(self, name: str) -> bool:
        return self._value(name) is not None

    def integers(self, name: str) -> tuple[int, ...]:
        """A list of numbers, also written as one text with commas; what is no number is left out."""
        value = self._value(name)
        parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else [value]
        return tuple(number for part in parts if (number := _whole(part)) is not None and number >= 0)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, in its order; what is none is left out."""
        return tuple(text for each in self.items(name) if (text := _text(each)))

    def mapping(self, name: str) -> dict[str, Any]:
        """An object inside this one as it came, with the names it has; empty when it is none."""
        value = self._value(name)
        return value if isinstance(value, dict) else {}

    def part(self, name: str) -> "Fields":
        """An object inside this one; empty when it is none."""
        return Fields(self.mapping(name), what=name)

    def _value(self, name: str) -> Any:
        if name in self._data:
            return self._data[name]
        if self._lowered is None:
            self._lowered = {str(key).lower(): value for key, value in self._data.items()}
        return self._lowered.get(name.lower())


def rows_of(data: object, *, also: Sequence[str] = ()) -> list[Any]:
    """The records of a list answer: a bare array, or the array in one of the usual envelopes, or in one of `also`."""
    found = data
    if isinstance(data, dict):
        fields = Fields(data, what="a list")
        found = next((fields.items(name) for name in (*ENVELOPES, *also) if fields.has_items(name)), None)
    if not isinstance(found, list):
        raise Malformed(f"The answer holds {_kind(data)} where a list was expected.")
    return found


def _whole(value: object) -> int | None:
    """Also a negative one, and 3.0 for 3; no id of ours is longer than 64 bits, whatever a site sends."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        value = int(value) if value.is_integer() and abs(value) < 2**53 else None
    written = str(value).strip() if isinstance(value, int | str) else ""
    number = whole(written.removeprefix("-"))
    return None if number is None else -number if written.startswith("-") else number


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return plain(str(value)[:MOST_TEXT])


def _truth(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, str | int) else ""
    return True if word in TRUE else False if word in FALSE else None


def _kind(value: object) -> str:
    """Names the JSON type and never the value, which could be anything."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "nothing"}
    return names.get(type(value), "a number")

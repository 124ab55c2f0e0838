"""Reading fields out of a remote system's JSON: tolerant of what is missing or unknown, exact about what is needed."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from alignadmin.http.errors import Malformed
from alignadmin.parsing import whole


class Fields:
    """One JSON object. `what` names the record in the sentence when a needed field is missing or of the wrong type."""

    def __init__(self, data: object, *, what: str) -> None:
        if not isinstance(data, dict):
            raise Malformed(f"The answer holds {_kind(data)} where {what} was expected.")
        self._data: dict[str, Any] = data
        self._what = what

    def integer(self, name: str) -> int:
        value = self.maybe_integer(name)
        if value is None:
            raise Malformed(f'A record of the answer ({self._what}) has no field "{name}".')
        return value

    def maybe_integer(self, *names: str) -> int | None:
        """The first of the fields that has a value. Ids written as text count as numbers."""
        name, value = self._first(names)
        if value is None or value == "":
            return None
        number = None if isinstance(value, bool) else _whole(value)
        if number is None:
            raise self._wrong(name, value, "a whole number")
        return number

    def text(self, *names: str) -> str:
        """Empty when missing: no rule of ours depends on a name being there."""
        name, value = self._first(names)
        if isinstance(value, dict | list):
            raise self._wrong(name, value, "a text")
        return "" if value is None else str(value)

    def needed_text(self, name: str) -> str:
        value = self.text(name)
        if not value:
            raise Malformed(f'A record of the answer ({self._what}) has no field "{name}".')
        return value

    def truth(self, *names: str) -> bool | None:
        name, value = self._first(names)
        if value is None or isinstance(value, bool):
            return value
        raise self._wrong(name, value, "true or false")

    def moment(self, name: str) -> datetime:
        """ISO 8601; without a zone it is read as UTC."""
        value = self.needed_text(name)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise self._wrong(name, value, "a date and time") from None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def items(self, name: str) -> list[Any]:
        value = self._data.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._wrong(name, value, "a list")
        return value

    def integers(self, name: str) -> tuple[int, ...]:
        items = [item for item in self.items(name) if item is not None]
        return tuple(Fields({name: item}, what=self._what).integer(name) for item in items)

    def part(self, name: str) -> "Fields":
        """An object inside this one; empty when missing."""
        return Fields(self._data.get(name) or {}, what=f"{self._what}, {name}")

    def _first(self, names: Sequence[str]) -> tuple[str, Any]:
        for name in names:
            if self._data.get(name) is not None:
                return name, self._data[name]
        return names[0], None

    def _wrong(self, name: str, value: object, wanted: str) -> Malformed:
        return Malformed(
            f'In a record of the answer ({self._what}) the field "{name}" is {_kind(value)}, not {wanted}.'
        )


def rows_of(data: object, *, what: str) -> list[Any]:
    """The records of a list answer: a bare array, or the array under `value` or `values`."""
    if isinstance(data, dict):
        data = data.get("value", data.get("values"))
    if not isinstance(data, list):
        raise Malformed(f"The answer holds {_kind(data)} where a list ({what}) was expected.")
    return data


def _whole(value: object) -> int | None:
    """Also a negative one; no id of ours is longer than 64 bits, whatever a site sends."""
    written = str(value) if isinstance(value, int | str) else ""
    number = whole(written.removeprefix("-"))
    return None if number is None else -number if written.startswith("-") else number


def _kind(value: object) -> str:
    """Names the JSON type and never the value, which could be anything."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "nothing"}
    return names.get(type(value), "a number")

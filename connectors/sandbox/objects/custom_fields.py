"""Custom fields: which object has which, how a GET shows them, what editmeta says, and what a write may set.

The published samples number the options of one list differently: in a GET Monday has the id 10 and Tuesday 11, in
editmeta Monday has 11, Tuesday 12 and Wednesday 13. Both stay as they are, so an option is matched by its value.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .filter_tokens import QueryError, moment
from .table import ObjectRecord
from .ways import ObjectRefusal

KEPT = "custom"  # where a record keeps what was written to its custom fields; it has none before the first write
OPTION = "option"
LARGEST = 2**31


@dataclass(frozen=True, kw_only=True)
class CustomField:
    """`kind`: string, text (of several lines), number, date or option. `first` is the first option's id in editmeta.

    `tab`: where a person finds it. Only an active field can be seen over the API.
    """

    number: int
    name: str
    kind: str
    required: bool = False
    tab: str = "Details"
    active: bool = True
    options: tuple[str, ...] = ()
    first: int = 0

    @property
    def key(self) -> str:
        return f"customfield_{self.number}"


def _usual(first: int, list_name: str, options: tuple[str, ...], option_id: int) -> tuple[CustomField, ...]:
    """One of each kind."""
    return (
        CustomField(number=first, name=list_name, kind=OPTION, options=options, first=option_id),
        CustomField(number=first + 1, name="Cost code", kind="string"),
        CustomField(number=first + 2, name="Acceptance notes", kind="text"),
        CustomField(number=first + 3, name="Spend to date", kind="number"),
        CustomField(number=first + 4, name="Agreed on", kind="date"),
    )


# The first of an epic is the published sample.
FIELDS: Mapping[str, tuple[CustomField, ...]] = {
    "epic": (
        *_usual(90791, "KF Select List", ("Monday", "Tuesday", "Wednesday"), 11),
        CustomField(number=90796, name="Sponsor", kind="string", tab="Intake"),
        CustomField(number=90797, name="Expected benefit", kind="number", tab="Benefits"),
    ),
    "objective": _usual(91001, "Board level", ("Group", "Country", "Team"), 31),
    "theme": _usual(91101, "Investment type", ("Grow", "Run", "Change"), 41),
    "capability": _usual(91201, "Readiness", ("Idea", "Sketched", "Ready"), 51),
    "feature": (
        *_usual(91301, "Channel", ("Web", "App", "Phone"), 61),
        CustomField(number=91306, name="Old cost code", kind="string", active=False),
    ),
    "story": _usual(91401, "Review", ("Design", "Security", "Legal"), 71),
    "defect": (
        *_usual(91501, "Browser", ("Chrome", "Firefox", "Safari"), 81),
        CustomField(number=91506, name="Found in", kind="string", required=True),
    ),
    "task": _usual(91601, "Skill", ("Code", "Test", "Words"), 91),
}


def active(key: str) -> tuple[CustomField, ...]:
    return tuple(each for each in FIELDS[key] if each.active)


def by_key(key: str) -> dict[str, CustomField]:
    return {each.key: each for each in active(key)}


def shown(key: str, record: ObjectRecord) -> dict[str, Any]:
    """As a GET shows them: an option as a list of values with ids, which are not those of editmeta."""
    kept = values(key, record)
    return {each.key: _shown_value(each, kept[each.key]) for each in active(key)}


def _shown_value(each: CustomField, value: Any) -> Any:
    if each.kind != OPTION or value is None:
        return value
    return [{"value": option, "id": each.first - 1 + each.options.index(option)} for option in value]


def values(key: str, record: ObjectRecord) -> dict[str, Any]:
    """As they are kept: an option as a list of values."""
    kept = record.get(KEPT, {})
    return {each.key: kept.get(each.key, _seeded(each, record["id"])) for each in active(key)}


def _seeded(each: CustomField, number: int) -> Any:
    """The value of a record that nobody has written to: nothing for each third one."""
    if (number + each.number) % 3 == 0 and not each.required:
        return None
    return {
        OPTION: [option for place, option in enumerate(each.options) if (number >> place) & 1]
        or list(each.options[:1]),
        "string": f"C-{number}",
        "text": f"Agreed in the review.\nSee item {number}.",
        "number": number % 7 + 0.5,
        "date": f"2026-03-{number % 27 + 1:02}T00:00:00Z",
    }[each.kind]


def editmeta(key: str) -> dict[str, Any]:
    """What can be set, as the published sample has it."""
    return {each.key: _described(each) for each in active(key)}


def _described(each: CustomField) -> dict[str, Any]:
    told: dict[str, Any] = {
        "required": each.required,
        "schema": {"type": each.kind, "customId": each.number},
        "name": each.name,
        "key": each.key,
    }
    if each.kind == OPTION:
        told["allowedValues"] = [
            {"value": option, "id": each.first + place} for place, option in enumerate(each.options)
        ]
    return told


def checked(each: CustomField, value: Any) -> Any:
    """A value of a request as it is kept. ObjectRefusal says what does not fit."""
    if value is None:
        if each.required:
            raise ObjectRefusal(400, f"{each.name} ({each.key}) is required.", each.key)
        return None
    if each.kind == OPTION:
        return _options(each, value)
    if each.kind == "number":
        if not is_number(value):
            raise ObjectRefusal(400, f"{each.name} ({each.key}) is a number, not {value!r}.", each.key)
        return value
    if not is_text(value):
        raise ObjectRefusal(400, f"{each.name} ({each.key}) is a text, not {value!r}.", each.key)
    if each.kind == "date":
        try:
            return f"{moment(value)}Z"
        except QueryError as error:
            raise ObjectRefusal(400, str(error), each.key) from error
    return value


def is_number(value: Any) -> bool:
    """One that Align could keep: 32 bits where it is whole."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < LARGEST if isinstance(value, int) else math.isfinite(value)


def is_text(value: Any) -> bool:
    """One that can be sent back: half a character cannot."""
    return isinstance(value, str) and not any("\ud800" <= sign <= "\udfff" for sign in value)


def _options(each: CustomField, value: Any) -> list[str]:
    chosen = [_option(each, item) for item in (value if isinstance(value, list) else [value])]
    return [option for option in each.options if option in chosen]


def _option(each: CustomField, item: Any) -> str:
    """By its value; without one by its id, and that is an id of editmeta."""
    if isinstance(item, dict):
        place = item["id"] - each.first if isinstance(item.get("id"), int) else -1
        if "value" in item:
            item = item["value"]
        elif 0 <= place < len(each.options):
            return each.options[place]
    for option in each.options:
        if option == item:
            return option
    allowed = ", ".join(each.options)
    raise ObjectRefusal(400, f"{each.name} ({each.key}) has no option {item!r}: there are {allowed}.", each.key)

"""Custom fields by the label that people know: what editmeta says of them, and their values in and out of records.

A record and editmeta number the options of one list differently (in the article's samples Monday is 10 in one and 11 in
the other), so an option is known by its value, and written by it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Self

from alignadmin.http.errors import Malformed
from alignadmin.http.fields import Fields, is_key
from alignadmin.http.listing import SetAside
from alignadmin.parsing import plain
from connectors.align.object_values import ValueRefused, is_number, moment, plain_number
from connectors.align.query.checking import CUSTOM
from connectors.align.query.keeping import KeepRule

NUMBERS, DATES = ("number", "float", "integer"), ("date", "datetime")
TEXTS = ("string", "text", "textarea")
INSIDE = "customFields"  # where some sites keep them


@dataclass(frozen=True, kw_only=True)
class CustomFieldMeta:
    """`type`: as the site calls it; only `option` is published. `options`: the values of a list, empty for others.

    `option_ids`: those of editmeta, one for each of `options`, None where it tells none. `is_required` None: not told.
    `result`: of what type the answer of a formula is, where a site tells that.
    """

    key: str
    label: str
    type: str
    required: bool
    options: tuple[str, ...] = ()
    option_ids: tuple[int | None, ...] = ()
    is_required: bool | None = None
    result: str = ""

    @property
    def has_options(self) -> bool:
        return self.type == "option" or bool(self.options)

    @classmethod
    def from_json(cls, key: str, data: object) -> Self:
        row = Fields(data, what="custom field")
        allowed = [Fields(each, what="option") for each in row.items("allowedValues") if isinstance(each, dict)]
        named = [each for each in allowed if each.text("value")]
        schema = row.part("schema")
        return cls(
            key=key.lower(),
            label=row.text("name") or key,
            type=schema.text("type").lower(),
            required=row.truth("required") is True,
            options=tuple(each.text("value") for each in named),
            option_ids=tuple(each.maybe_integer("id") for each in named),
            is_required=row.truth("required"),
            result=schema.text("result", "items").lower(),
        )

    def sendable(self, value: Any) -> Any:
        """A value as it is sent; of a list one value or several. Raises ValueRefused."""
        if value is None or value == []:
            if self.required:
                raise ValueRefused(self.label, f"{self.label} is required: it cannot be left empty.")
            return None
        if self.has_options:
            return [{"value": self._option(each)} for each in (value if isinstance(value, list | tuple) else [value])]
        if self.type in NUMBERS:
            if not is_number(value):
                raise ValueRefused(self.label, f"{self.label} takes a number.")
            return plain_number(value) if isinstance(value, Decimal) else value
        if self.type in DATES:
            if not isinstance(value, date):
                raise ValueRefused(self.label, f"{self.label} takes a date.")
            return moment(self.label, value)
        if self.type in TEXTS and not isinstance(value, str):
            raise ValueRefused(self.label, f"{self.label} takes a text.")
        return value

    def _option(self, value: Any) -> str:
        known = {option.casefold(): option for option in self.options}
        found = known.get(value.strip().casefold()) if isinstance(value, str) else None
        if found is None:
            there = ", ".join(self.options) or "none that is known"
            raise ValueRefused(self.label, f"{self.label} has no option “{str(value)[:60]}”. There are: {there}.")
        return found


class CustomFields:
    """All custom fields of one object, as editmeta describes them."""

    def __init__(self, fields: Mapping[str, CustomFieldMeta], aside: Sequence[SetAside] = ()) -> None:
        """`aside`: what is told of some and cannot be used; they are there all the same."""
        self.fields = fields
        self.aside = tuple(aside)

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Of the answer to editmeta: by key, or that inside `fields`. Raises Malformed for what is no object."""
        if not isinstance(data, dict):
            raise Malformed("The answer about custom fields is no object.")
        within = data.get("fields")
        described = within if isinstance(within, dict) else data
        metas: dict[str, CustomFieldMeta] = {}
        aside: list[SetAside] = []
        for key in (str(each) for each in described if str(each).lower().startswith(CUSTOM)):
            if not is_key(key):
                aside.append(SetAside(id=None, names=frozenset(), reason=f"“{plain(key[:60])}” cannot be a key."))
                continue
            try:
                metas[key.lower()] = CustomFieldMeta.from_json(key, described[key])
            except Malformed as error:
                aside.append(SetAside(id=None, names=frozenset({key.lower()}), reason=error.sentence))
        return cls(metas, aside)

    def labelled(self, label: str) -> CustomFieldMeta:
        """By label in any case, or by key. Raises ValueRefused for none, and for a label that two fields have."""
        if label.lower() in self.fields:
            return self.fields[label.lower()]
        wanted = label.strip().casefold()
        found = [meta for meta in self.fields.values() if meta.label.casefold() == wanted]
        if len(found) > 1:
            keys = ", ".join(meta.key for meta in found)
            raise ValueRefused(label, f"{len(found)} custom fields are called “{label}”: name one by its key, {keys}.")
        if not found:
            near = difflib.get_close_matches(label, [meta.label for meta in self.fields.values()], n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise ValueRefused(label, f"There is no custom field “{label[:60]}” here.{hint}")
        return found[0]

    def body_of(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values by label as they are sent by key. Raises ValueRefused."""
        metas = ((self.labelled(label), value) for label, value in values.items())
        return {meta.key: meta.sendable(value) for meta, value in metas}

    def values_in(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """By label: what a record has of them; the options of a list as their values. By key where labels repeat."""
        given = custom_in(record)
        labels = [meta.label.casefold() for meta in self.fields.values()]
        return {
            meta.label if labels.count(meta.label.casefold()) == 1 else key: option_values(given[key])
            for key, meta in self.fields.items()
            if key in given
        }


# -- values in records -------------------------------------------------------------------------------------------------


def flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """With its custom fields beside the others, wherever the site keeps them."""
    inside = record.get(INSIDE)
    if not isinstance(inside, dict):
        return dict(record)
    beside = {name: value for name, value in record.items() if name != INSIDE}
    return {**beside, **{name: value for name, value in inside.items() if name not in beside}}


def custom_in(record: Mapping[str, Any]) -> dict[str, Any]:
    """The custom fields alone, by key, as they were answered."""
    return {str(key).lower(): each for key, each in flat(record).items() if str(key).lower().startswith(CUSTOM)}


def option_values(value: Any) -> Any:
    """Options, which are objects of a value and an id, as their values; anything else as it is."""
    if isinstance(value, dict) and "value" in value:
        return value["value"]
    if isinstance(value, list):
        return [option_values(each) for each in value]
    return value


def is_kept(record: Mapping[str, Any], rules: Iterable[KeepRule]) -> bool:
    """Whether the record fulfils each of them."""
    held = custom_in(record)
    return all(rule.fits(_texts(option_values(held.get(rule.key)))) for rule in rules)


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [str(each) for each in values if each is not None and each != ""]

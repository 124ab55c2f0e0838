"""Fields that a site answers and the table does not know: real sites have more than any document or client names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from connectors.align.objects.shape import AlignField, AlignObject, FieldType

_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_NO_FIELDS = re.compile(r"self|customfield_.*", re.IGNORECASE)


def enlarged(asked: AlignObject, records: Iterable[Mapping[str, Any]]) -> AlignObject:
    """The object with what these records of a site have beside its fields, each typed by its first value.

    Only what is told can be typed: a field that is null everywhere, or a whole object, stays unknown. What can be
    filtered with any() is the documents' to say and stays as it is.
    """
    found = dict(asked.fields)
    for record in records:
        for name, value in record.items():
            if asked.field_named(name) is None and asked.entity_named(name) is None and not _NO_FIELDS.fullmatch(name):
                type_ = _type_of(value)
                if type_ is not None and name not in found:
                    found[name] = AlignField(name=name, type=type_)
    return asked if len(found) == len(asked.fields) else replace(asked, fields=found)


def _type_of(value: Any) -> FieldType | None:
    match value:
        case bool():
            return FieldType.TRUTH
        case int():
            return FieldType.WHOLE
        case float():
            return FieldType.NUMBER
        case str():
            return FieldType.DATE if _DATE.match(value) else FieldType.TEXT
        case [int(), *_]:
            return FieldType.IDS
        case [_, *_]:
            return FieldType.PARTS
    return None

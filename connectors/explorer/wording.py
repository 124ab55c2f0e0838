"""What people read instead of a field's name: "Owner" for `ownerId`, "Last updated date" for `lastUpdatedDate`."""

from __future__ import annotations

import re

from connectors.align.objects import AlignField, FieldType

_PARTS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")


def field_label(field: AlignField) -> str:
    name = field.name
    if field.target and name.endswith("Ids"):
        name = f"{name[:-3]}s"
    elif field.target and name.endswith("Id") and name != "id":
        name = name[:-2]
    words = " ".join(_PARTS.findall(name)).lower()
    label = {"id": "ID", "uid": "UID"}.get(words, words[:1].upper() + words[1:])
    return f"{label} (program increment)" if field.target == "release" and field.type is not FieldType.TEXT else label

"""docs/objects.md as the table of objects makes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from connectors.align.objects import OBJECTS, AlignField, AlignObject, NamedBy

INTRODUCTION = """# Align's objects

For whoever asks Align for something ([queries.md](queries.md) says how). This page is made from the table in
`connectors/align/objects/`; do not edit it, but write it anew:

```
env WRITE_OBJECTS=1 .venv/bin/python -m pytest -q tests/connectors/align/objects/test_object_docs.py
```

Which objects there are and what may be sent is published in "About the Jira Align REST API"; which lists can be
filtered, and what has custom fields, in "API 2.0 custom field support". That article names few fields: they stand in
the line "Named in the article". All other field names, and what their ids are of, are those that public clients read
from real sites: they may differ at a site, and a site may have more. What only the article or only clients name as an
object is read here, never written.
"""
HEAD = (
    "| object | list | also written | create | update | custom fields | named by |",
    "|---|---|---|---|---|---|---|",
)


def rendered() -> str:
    return "\n".join([INTRODUCTION, *HEAD, *map(_row, OBJECTS.values()), "", *_all_objects()])


def _row(each: AlignObject) -> str:
    yes = {True: "yes", False: "no"}
    cells = (
        f"[{each.plural}](#{_anchor(each.plural)})",
        _path(each),
        ", ".join(f"/{spelling}" for spelling in each.spellings),
        yes[each.creates],
        yes[each.updates],
        yes[each.has_custom_fields],
        {NamedBy.TABLE: "table of objects", NamedBy.ARTICLE: "article", NamedBy.CLIENTS: "clients"}[each.named_by],
    )
    return f"| {' | '.join(cells)} |"


def _path(each: AlignObject) -> str:
    return f"/connectors/{{id}}/{each.path}" if each.below_connector else f"/{each.path}"


def _anchor(heading: str) -> str:
    return "".join(sign for sign in heading.lower().replace(" ", "-") if sign.isalnum() or sign in "-_")


def _all_objects() -> Iterator[str]:
    for each in OBJECTS.values():
        yield from (f"## {each.plural}", "")
        for name, names in _lines(each):
            if names:
                yield f"- {name}: {', '.join(names)}"
        yield from (f"- Note: {slip}" for slip in each.slips)
        yield ""


def _lines(each: AlignObject) -> Iterator[tuple[str, list[str]]]:
    for type_ in dict.fromkeys(field.type for field in each.fields.values()):
        fields = [field for field in each.fields.values() if field.type is type_ and field.name != "id"]
        yield f"Fields, {type_.value}", _named(fields)
    article = [field.name for field in each.fields.values() if field.named_by is NamedBy.ARTICLE and field.name != "id"]
    yield "Named in the article", article
    yield "Set by Align alone", [field.name for field in each.fields.values() if field.set_by_align]
    yield "Lists that can be filtered", list(each.filterable)
    yield "Entities that expand adds", [f"{entity.name} (by {entity.field.name})" for entity in each.entities.values()]


def _named(fields: Iterable[AlignField]) -> list[str]:
    return [f"{field.name} → {OBJECTS[field.target].name}" if field.target else field.name for field in fields]

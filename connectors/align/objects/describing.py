"""From short texts to a described object: names by type, with blanks between them and `:key` after an id's object."""

from __future__ import annotations

from typing import Any

from connectors.align.objects.shape import AlignField, AlignObject, Entity, FieldType, NamedBy

# Align sets these itself wherever they are; a custom field is set by its own key.
SET_BY_ALIGN = frozenset({"id", "createdBy", "createDate", "lastUpdatedBy", "lastUpdatedDate", "customFields"})


def described(
    key: str,
    name: str,
    plural: str,
    path: str,
    *,
    methods: str = "read",
    whole: str = "",
    numbers: str = "",
    texts: str = "",
    truths: str = "",
    dates: str = "",
    links: str = "",
    ids: str = "",
    parts: str = "",
    stamped: bool = False,
    set_by_align: str = "",
    expand: str = "",
    article: str = "",
    **more: Any,
) -> AlignObject:
    """`path`: the address and after it its other spellings. `methods`: create, read, update.

    links: fields with one id; ids: with several. expand: the names of entities, each with `=` and its id field.
    stamped: it tells who made and changed it, and when. article: fields that Align's article names beside the id and
    the lists that can be filtered.
    """
    own = SET_BY_ALIGN | frozenset(set_by_align.split())
    written = (
        (FieldType.WHOLE, f"id {whole} {links}"),
        (FieldType.TEXT, texts),
        (FieldType.NUMBER, numbers),
        (FieldType.TRUTH, truths),
        (FieldType.IDS, ids),
        (FieldType.PARTS, parts),
        (FieldType.DATE, dates),
        (FieldType.WHOLE, "createdBy:user lastUpdatedBy:user" if stamped else ""),
        (FieldType.DATE, "createDate lastUpdatedDate" if stamped else ""),
    )
    published = frozenset(("id", *article.split(), *more.get("filterable", "").split()))
    found = [_field(each, type_, own, published) for type_, names in written for each in names.split()]
    fields = {each.name: each for each in found}
    address, *spellings = path.split()
    pairs = (each.split("=") for each in expand.split())
    for names in ("filterable", "excluded"):
        more[names] = tuple(more.get(names, "").split())
    return AlignObject(
        key=key,
        name=name,
        plural=plural,
        path=address,
        spellings=tuple(spellings),
        creates="create" in methods.split(),
        updates="update" in methods.split(),
        fields=fields,
        entities={name: Entity(name=name, field=fields[of]) for name, of in pairs},
        also={"createdDate": "createDate"} if "createDate" in fields else {},
        **more,
    )


def _field(written: str, type_: FieldType, set_by_align: frozenset[str], published: frozenset[str]) -> AlignField:
    name, _, target = written.partition(":")
    by = NamedBy.ARTICLE if name in published else NamedBy.CLIENTS
    return AlignField(name=name, type=type_, target=target, set_by_align=name in set_by_align, named_by=by)

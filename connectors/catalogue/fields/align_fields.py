"""Align's fields of a work item type: those of the table of objects, and the custom ones that editmeta tells."""

from __future__ import annotations

from collections.abc import Iterator

from alignadmin.http.errors import RemoteError, SignInRefused
from alignadmin.http.listing import aside_words
from connectors.align.custom_fields import CustomFieldMeta, CustomFields
from connectors.align.object_client import ObjectClient
from connectors.align.objects import OBJECTS, AlignField, AlignObject, FieldType
from connectors.catalogue.fields.told import (
    MOST_OPTIONS,
    ToldField,
    ToldFields,
    ToldOption,
    bounded,
    words_of_name,
)
from connectors.field_types.align_spelling import align_custom_field_type, align_field_type
from connectors.models import WorkItemType

NO_FIELDS = ("id", "connectorId")  # they say which record it is


def read_align_fields(objects: ObjectClient, type_: WorkItemType) -> ToldFields:
    """Three requests at most. Where editmeta is refused or unknown, the others are told all the same, with a remark.

    Raises SignInRefused.
    """
    asked = OBJECTS[type_.value]
    own = list(_own(asked))
    try:
        custom = objects.custom_fields(asked)
    except SignInRefused:
        raise
    except RemoteError as error:
        return bounded(own, remarks=[f"Its custom fields were not told. {error.sentence}"], is_whole=False)
    words = aside_words(f"Custom fields of {asked.plural.lower()}", custom.aside)
    hidden = frozenset(name for each in custom.aside for name in each.names)
    return bounded([*own, *_custom(custom)], aside=hidden, remarks=[words] if words else [])


def _own(asked: AlignObject) -> Iterator[ToldField]:
    for each in asked.fields.values():
        if each.name not in NO_FIELDS and each.type is not FieldType.PARTS:
            yield _of_table(asked, each)


def _of_table(asked: AlignObject, each: AlignField) -> ToldField:
    """No document says which of these a new item must have."""
    return ToldField(
        key=each.name,
        name="External ID" if each.name == "externalId" else words_of_name(each.name),
        told=align_field_type(each.name, each.type.value, each.target),
        is_writable=asked.updates and not each.set_by_align,
    )


def _custom(custom: CustomFields) -> Iterator[ToldField]:
    for meta in custom.fields.values():
        told = align_custom_field_type(meta.type, result=meta.result, has_options=meta.has_options)
        yield ToldField(
            key=meta.key,
            name=meta.label,
            told=told,
            is_custom=True,
            is_required=meta.is_required,
            is_writable=not told.is_formula,
            options=_options(meta) if meta.has_options else None,
        )


def _options(meta: CustomFieldMeta) -> tuple[ToldOption, ...]:
    """By the ids of editmeta, where each option has one of its own."""
    ids = [str(each) for each in meta.option_ids if each is not None]
    if len(set(ids)) < len(meta.options):
        ids = [""] * len(meta.options)
    pairs = list(zip(ids, meta.options, strict=True))[:MOST_OPTIONS]
    return tuple({(id_ or name): ToldOption(id=id_, name=name) for id_, name in pairs}.values())

"""Random edits of every column of every table of the history, rows deleted, doubled and swapped: what somebody could do
who may write to the database, and leaves the hashes as they are.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Field, ForeignKey, Model

from alignadmin.audit.models import ChainHead, Checkpoint, Entry
from connectors.models import (
    Case,
    Connector,
    Coverage,
    HistoryRow,
    IntakeRun,
    MirrorLine,
    Question,
    Review,
    RunWithdrawal,
    SeenAgain,
    TypeLabel,
    WithdrawnLine,
)
from mappings.models import Change, Plan

TABLES: tuple[type[Model], ...] = (
    Entry,
    ChainHead,
    Checkpoint,
    HistoryRow,
    MirrorLine,
    IntakeRun,
    SeenAgain,
    RunWithdrawal,
    WithdrawnLine,
    Coverage,
    Case,
    Question,
    Review,
    TypeLabel,
    Connector,
    Plan,
    Change,
)
# What no entry says, and why that is no statement about who did what.
UNSTATED: dict[type[Model], dict[str, str]] = {
    HistoryRow: {
        "id": "a row's place in its table; it is called by its entry or line",
        "candidates": "without a change of ours near it: what the catalogue knew at that time",
    },
    ChainHead: {"archived_hash": "nothing stands in an archive"},
    Case: {"id": "its place", "opened_at": "only known to be after its line came in"},
    SeenAgain: {"id": "its place"},
    Coverage: {"id": "its place"},
    Review: {"id": "its place"},
    TypeLabel: {"id": "its place"},
    Connector: {
        field.name: "how it is reached and named, which people set"
        for field in Connector._meta.concrete_fields
        if field.name != "type_ids"
    },
    Plan: {
        "seen_at": "when its before values were last seen to hold",
        "unchanged": "how many rows needed nothing",
        "warnings": "what was ticked when it was approved",
        "refused": "of a refreshed plan those of the one before, too",
        "api_calls": "an estimate",
        "seconds": "an estimate",
        "control": "what it is asked to do next",
        "finished_at": "of a plan that was cancelled before it began",
        "replaces": "the entry of the replaced one says it",
        "restores": "of a plan that takes nothing back",
    },
    Change: {
        "id": "its place",
        "mapping": "may go",
        "scope": "may go",
        "confirmed": "counted in the entry of the plan's end",
        "sends": "how often it left",
        "answered_at": "after it was sent",
    },
}


@dataclass(frozen=True, kw_only=True)
class Falsified:
    """What was done, in words, once it is in the database."""

    table: str
    what: str


def columns(model: type[Model]) -> list[Field[Any, Any]]:
    left_out = UNSTATED.get(model, {})
    return [field for field in model._meta.concrete_fields if field.name not in left_out]


def all_columns() -> Iterator[tuple[type[Model], Field[Any, Any]]]:
    for model in TABLES:
        for field in columns(model):
            yield model, field


def edit(rng: random.Random, model: type[Model], field: Field[Any, Any]) -> Falsified | None:
    """One value of a random row; None where the database refuses it, or there is no other value."""
    keys = list(model._default_manager.order_by("pk").values_list("pk", flat=True))
    if not keys:
        return None
    key = rng.choice(keys)
    before = model._default_manager.filter(pk=key).values_list(field.attname, flat=True).get()
    after = other(rng, field, before)
    if after == before:
        return None
    what = f"{field.name} of {key} from {before!r} to {after!r}"
    return _done(model, what, lambda: model._default_manager.filter(pk=key).update(**{field.attname: after}))


def delete(rng: random.Random, model: type[Model]) -> Falsified | None:
    keys = list(model._default_manager.order_by("pk").values_list("pk", flat=True))
    if not keys:
        return None
    key = rng.choice(keys)
    return _done(model, f"{key} deleted", lambda: model._default_manager.filter(pk=key)._raw_delete("default"))


def double(rng: random.Random, model: type[Model]) -> Falsified | None:
    """A row once more, under the next key, with other values where they have to be unique."""
    if model is Coverage:  # the same time, covered twice, is covered
        return None
    row = rng.choice(list(model._default_manager.order_by("pk")))
    key = row.pk
    last = model._default_manager.order_by("-pk").values_list("pk", flat=True)[0]
    for field in model._meta.concrete_fields:
        if field.unique and not field.primary_key:
            value = None if field.null else other(rng, field, getattr(row, field.attname))
            setattr(row, field.attname, value)
    if isinstance(last, int):
        row.pk = last + 1
    row._state.adding = True
    return _done(model, f"{key} doubled", lambda: row.save(force_insert=True))


def swap(rng: random.Random, model: type[Model]) -> Falsified | None:
    """Two rows change the values of one column."""
    keys = list(model._default_manager.order_by("pk").values_list("pk", flat=True))
    chosen = [field for field in columns(model) if not field.primary_key and not field.unique]
    if len(keys) < 2 or not chosen:
        return None
    field, (one, two) = rng.choice(chosen), rng.sample(keys, 2)
    first, second = (
        model._default_manager.filter(pk=key).values_list(field.attname, flat=True).get() for key in (one, two)
    )
    if first == second:
        return None

    def change() -> None:
        model._default_manager.filter(pk=one).update(**{field.attname: second})
        model._default_manager.filter(pk=two).update(**{field.attname: first})

    return _done(model, f"{field.name} of {one} and {two} swapped", change)


def _done(model: type[Model], what: str, act: Callable[[], object]) -> Falsified | None:
    try:
        with transaction.atomic():
            act()
            connection.check_constraints()
    except IntegrityError:
        return None
    return Falsified(table=model.__name__, what=what)


def other(rng: random.Random, field: Field[Any, Any], value: Any) -> Any:
    """Another value that the column can hold."""
    if isinstance(field, ForeignKey):
        keys = list(field.related_model._default_manager.values_list("pk", flat=True))
        return rng.choice([key for key in [*keys, *([None] if field.null else [])] if key != value] or [value])
    if field.choices and (codes := [code for code, _ in field.flatchoices if code != value]):
        return rng.choice(codes)
    kind = field.get_internal_type()
    if kind == "JSONField":
        return [*value, "x"] if isinstance(value, list) else {**value, "x": 1} if isinstance(value, dict) else {"x": 1}
    if kind == "BooleanField":
        return not value
    if kind == "DateTimeField":
        return _later(value)
    if kind == "DateField":
        return value + timedelta(days=7)
    if kind in ("CharField", "TextField", "SlugField"):
        return _reworded(rng, value, field.max_length)
    return 7 if value is None else value + rng.choice([1, 5])


def _later(value: datetime | None) -> datetime | None:
    return value + timedelta(hours=3) if value else value


def _reworded(rng: random.Random, value: str, longest: int | None) -> str:
    if not value:
        return "x"
    at = rng.randrange(len(value))
    letter = "1" if value[at] != "1" else "2"
    return rng.choice([value[:at] + letter + value[at + 1 :], (value + "x")[: longest or None]])

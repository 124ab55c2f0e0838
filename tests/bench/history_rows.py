"""A long history, made in bulk: a chain of entries, the lines of Align's log, and their rows.

`fill` writes into the database that Django is set up for what the product itself would have written, with a chain that
holds; only the pairing of lines with changes is set down instead of being found again. `multiply` copies what is there
to earlier times, which is a hundred times faster; the entries of copies say what they should, but their chain does not
hold. `three_years` is both: a million rows in minutes.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.models import Max, Model

from connectors.audit import rows as make
from connectors.audit import trail, words
from connectors.audit.grammar import A2J, CREATED, DELETED, J2A, STATE, STEP, UPDATED, MappingEvent, write
from connectors.audit.models import Case, Certainty, ChainHead, Entry, HistoryRow, Intake, IntakeRun, MirrorLine, Source
from connectors.audit.terms import PUBLISHED
from connectors.audit.trail import Act
from connectors.models import Connector, Person, Role
from tests.make import intake_run

TABLES: tuple[type[Model], ...] = (Entry, MirrorLine, HistoryRow)
LAST = datetime(2026, 11, 20, 17, tzinfo=UTC)
DAYS = 3 * 365
BATCH = 5000
BASE = 10_000  # rows that are made, not copied, of a history of three years
# What `fill` does not make: plans behind entries, entries of runs, and which line is of another change than its own.
SET_DOWN = {"pairings", "plans", "runs of the intake", "lines of Align's log"}
LEFT = "Olga Leverton"  # changed a lot in the first of the three years, and nothing since
FIRST_NAMES = ("Dana", "Omar", "Priya", "Lukas", "Mei", "Sofia", "Tom", "Aisha")
LAST_NAMES = ("Ray", "Haddad", "Novak", "Lindqvist", "Okafor")
STATUSES = ("In Review", "Ready for QA", "Dev Complete", "Accepted", "Blocked", "Done", "To Do", "In Progress", "UAT")
TARGETS = ("Pending approval", "Ready to start", "In progress", "Dev complete", "Test complete", "Accepted")
TYPES = ("Story", "Story", "Story", "Feature", "Feature", "Defect", "Task")


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Whom and what the history is about."""

    connectors: Sequence[Connector]
    people: Sequence[Person]


@dataclass(frozen=True, kw_only=True)
class Block:
    """What `fill` wrote: the first key in each table, and how many there are."""

    first: Mapping[type[Model], int]
    size: Mapping[type[Model], int]


def three_years(count: int) -> Cast:
    """A history of about `count` rows, two thirds of it from after somebody who changed a lot had left."""
    copies = max(count // BASE, 3)
    recent = round(copies * 2 / 3)
    length = timedelta(days=DAYS) / copies
    cast = make_cast()
    multiply(fill(BASE, cast, until=LAST, length=length), recent, length)
    older = fill(BASE, cast, until=LAST - recent * length, length=length, has_left=False, seed=6)
    multiply(older, copies - recent, length)
    return cast


def fill(count: int, cast: Cast, *, until: datetime, length: timedelta, has_left: bool = True, seed: int = 5) -> Block:
    """Write `count` rows up to a moment; about two of three are our own, the rest are lines without a cause here."""
    chance = random.Random(seed)  # nosec B311
    head = ChainHead.objects.get_or_create(pk=1)[0]
    before = _last_keys()
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        times = [until - length / count * (count - 1 - number) for number in numbers]
        _write([_one(cast, chance, at, has_left=has_left) for at in times], head, chance)
    head.save()
    after = _last_keys()
    return Block(
        first={model: key + 1 for model, key in before.items()},
        size={model: after[model] - before[model] for model in TABLES},
    )


def multiply(block: Block, times: int, length: timedelta) -> None:
    """Have the block `times` times, each copy a length earlier than the one before."""
    for copy in range(1, times):
        with transaction.atomic():
            for model in TABLES:
                _copy(model, block, copy, length * copy)
    ChainHead.objects.update(seq=_last_keys()[Entry])
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [MirrorLine, HistoryRow]):
            cursor.execute(statement)


def _last_keys() -> dict[type[Model], int]:
    return {model: model._default_manager.aggregate(last=Max("pk"))["last"] or 0 for model in TABLES}


def _copy(model: type[Model], block: Block, copy: int, earlier: timedelta) -> None:
    shifted = {
        "at": "strftime('%%Y-%%m-%%d %%H:%%M:%%S', at, %s)" if connection.vendor == "sqlite" else "at + %s::interval",
        "occurrence": f"occurrence + {copy}",
        "seq": f"seq + {copy * block.size[Entry]}",
        "entry_seq": f"entry_seq + {copy * block.size[Entry]}",
        "line_id": f"line_id + {copy * block.size[MirrorLine]}",
        "id": f"id + {copy * block.size[model]}",
    }
    columns = [field.column for field in model._meta.concrete_fields]
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(shifted.get(str(name), f'"{name}"') for name in columns)
    key, table, first = model._meta.pk.column, model._meta.db_table, block.first[model]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} WHERE {key} >= %s AND {key} < %s",
            [f"-{earlier.total_seconds():.0f} seconds", first, first + block.size[model]],
        )


def make_cast() -> Cast:
    connectors = [
        Connector.objects.get_or_create(
            slug=f"site-{number}",
            defaults={
                "name": f"Acme site {number}",
                "align_site": f"https://align-{number}.example.test",
                "align_connector_id": 120 + number,
                "jira_site": f"https://jira-{number}.example.test",
            },
        )[0]
        for number in range(3)
    ]
    names = [f"{first} {last}" for first in FIRST_NAMES for last in LAST_NAMES]
    return Cast(connectors=connectors, people=[_person(name) for name in (LEFT, *names)])


def _person(name: str) -> Person:
    email = f"{name.lower().replace(' ', '.')}@example.test"
    found = Person.objects.filter(email=email).first()
    return found or Person.objects.create_user(email, name=name, role=Role.ADMIN)


# -- one happening ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Happening:
    """An act of ours, a line of Align's log, or both."""

    at: datetime
    connector: Connector
    act: Act | None = None
    description: str = ""


def _one(cast: Cast, chance: random.Random, at: datetime, *, has_left: bool) -> Happening:
    connector = chance.choices(cast.connectors, (80, 19, 1))[0]
    kind = chance.random()
    if kind < 0.05:
        return Happening(at=at, connector=connector, description=f"Connector saved by hand, note {chance.random()}")
    event = _event(chance, connector)
    if kind < 0.35:
        return Happening(at=at, connector=connector, description=write(event))
    actor = cast.people[0] if not has_left and chance.random() < 0.3 else chance.choice(cast.people[1:])
    others = chance.choices(cast.people[1:], k=3)
    act = _change(chance, connector, actor, others, event) if kind < 0.9 else _plan(chance, connector, actor)
    return Happening(
        at=at,
        connector=connector,
        act=replace(act, happened_at=at),
        description=write(event) if kind < 0.8 else "",
    )


def _event(chance: random.Random, connector: Connector) -> MappingEvent:
    direction, action = chance.choice((J2A, A2J)), chance.choices((UPDATED, CREATED, DELETED), (6, 3, 1))[0]
    source, before, after = (chance.randrange(300) for _ in range(3))
    targets = _status if direction == A2J else _target
    sources = _target if direction == A2J else _status
    return MappingEvent(
        connector_id=connector.align_connector_id,
        action=action,
        kind=chance.choice((STATE, STEP)),
        direction=direction,
        work_item_type=chance.choice(TYPES),
        source_id=sources(source)[0],
        source_name=sources(source)[1],
        project_key=f"P{min(int(chance.expovariate(0.03)), 199):03d}" if direction == A2J else None,
        before_id=None if action == CREATED else targets(before)[0],
        before_name="" if action == CREATED else targets(before)[1],
        after_id=None if action == DELETED else targets(after)[0],
        after_name="" if action == DELETED else targets(after)[1],
    )


@cache
def _status(number: int) -> tuple[int, str]:
    name = STATUSES[number % len(STATUSES)]
    return 20001 + number, name if number < len(STATUSES) else f"{name} {number // len(STATUSES)}"


@cache
def _target(number: int) -> tuple[int, str]:
    return number % 6, TARGETS[number % 6]


def _change(
    chance: random.Random, connector: Connector, actor: Person, others: Sequence[Person], event: MappingEvent
) -> Act:
    author, planner, approver = others
    plan = chance.randrange(1, 20_000)
    return Act(
        action=trail.CHANGE_DONE,
        actor=actor,
        connector=connector,
        subject=f"plan {plan} change {chance.randrange(1, 50)}",
        sentence=make.in_words(event),
        event=event,
        plan=plan,
        project_key=event.project_key or "",
        author=author,
        planner=planner,
        approver=approver,
        reason=chance.choice(("Column for QA added", "Workflow of the spring release", "Correction after review")),
        ticket=f"CHG-{plan:05d}",
    )


def _plan(chance: random.Random, connector: Connector, actor: Person) -> Act:
    """Of plans that are not there; none says that it was made, since that each of them is gone would be found."""
    plan = chance.randrange(1, 20_000)
    action = chance.choice(("plan.approved", "plan.finished", "mapping.edited", "credential.rotated"))
    return Act(
        action=action,
        actor=actor,
        connector=connector,
        subject=f"plan {plan}",
        sentence=f"Plan {plan} with {chance.randrange(1, 50)} changes: {action.partition('.')[2]}.",
        plan=plan,
    )


# -- writing ----------------------------------------------------------------------------------------------------------


def _write(happenings: Sequence[Happening], head: ChainHead, chance: random.Random) -> None:
    lines = {place: _line(each, chance) for place, each in enumerate(happenings) if each.description}
    MirrorLine.objects.bulk_create(lines.values(), batch_size=1000)
    entries = {place: _entry(each, head) for place, each in enumerate(happenings) if each.act}
    Entry.objects.bulk_create(entries.values(), batch_size=1000)
    made = [
        _of_entry(each, entries[place], lines.get(place)) if each.act else _of_line(each, lines[place])
        for place, each in enumerate(happenings)
    ]
    HistoryRow.objects.bulk_create(made, batch_size=1000)


@cache
def run_of(connector: Connector) -> IntakeRun:
    """One for all lines of a connector; no entry tells of it."""
    return connector.intake_runs.first() or intake_run(connector)


def _line(each: Happening, chance: random.Random) -> MirrorLine:
    return MirrorLine(
        connector=each.connector,
        type=each.connector.config_name,
        user="Jira Align System",
        at=each.at,
        description=each.description,
        digest=hashlib.sha256(chance.randbytes(16)).hexdigest(),
        intake=Intake.ENDPOINT,
        run=run_of(each.connector),
    )


def _entry(each: Happening, head: ChainHead) -> Entry:
    assert each.act
    seq, prev = head.seq + 1, head.hash
    body = trail.canonical(trail._body(each.act, seq=seq, at=each.at))
    entry = Entry(seq=seq, prev=prev, hash=trail.digest(prev, body), body=body, at=each.at, action=each.act.action)
    head.seq, head.hash = seq, entry.hash
    return entry


def _of_entry(each: Happening, entry: Entry, line: MirrorLine | None) -> HistoryRow:
    row = make.of_entry(entry)
    if line:
        row.line, row.certainty, row.identical = line, Certainty.EXACT, 1
        row.text = words.with_remote(row.text, line.user)
    return row


def _of_line(each: Happening, line: MirrorLine) -> HistoryRow:
    """As `make.of_lines`, but without asking the catalogue, which such a history does not have."""
    row = make._of_line(each.connector, line, PUBLISHED)
    row.project_stated = not row.parsed or bool(row.project_key)
    row.text = make.words_of_line(row, line, each.connector.name)
    return row


def open_cases() -> None:
    """One for each line without a cause, as the intake opens them."""
    case, row, line = Case._meta.db_table, HistoryRow._meta.db_table, MirrorLine._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {case} (connector_id, line_id, at, opened_at, state, note, decided_by)"
            f" SELECT connector_id, line_id, at, (SELECT recorded_at FROM {line} WHERE id = line_id), 'open', '', ''"
            f" FROM {row} WHERE source = 'outside' AND line_id IS NOT NULL"
        )


def described() -> Iterator[tuple[str, Any]]:
    """What there is now, for the head of a benchmark's table."""
    yield "rows", HistoryRow.objects.count()
    yield "lines", MirrorLine.objects.count()
    yield "entries", Entry.objects.count()
    yield "outside", HistoryRow.objects.filter(source=Source.OUTSIDE).count()

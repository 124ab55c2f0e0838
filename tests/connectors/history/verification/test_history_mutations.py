"""Whatever is changed in a table of the history is found by a check of it, except what no entry says."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.audit import checkpoints, deliveries, triggers, verification
from alignadmin.audit.models import Entry
from connectors.history.cases import services
from connectors.history.intake import withdrawals
from connectors.history.mirror import labels
from connectors.history.reviews import questions, sign_off, week_counts
from connectors.models import Case, Connector, HistoryRow, Intake, IntakeRun
from mappings.contract import decisions
from mappings.contract.reading import TYPE_IDS
from mappings.models import ContractFact
from tests.connectors.history.verification.test_comparison import differences
from tests.support import history_mutations as mutations
from tests.support import intake_helpers, review_helpers
from tests.support.history_mutations import Falsified
from tests.support.mapping_helpers import apply_all, approved_plan, edit, make_plan

pytestmark = pytest.mark.django_db(transaction=True)
IN_REVIEW, QA, BLOCKED = 10013, 10015, 10017


@pytest.fixture
def whole(connector: Connector, people: dict[Role, Person]) -> Connector:
    """A row in every table: three plans; lines taken in, withdrawn, explained; a question, a review, a checkpoint."""
    admin, editor, reviewer = people[Role.ADMIN], people[Role.EDITOR], people[Role.REVIEWER]
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=editor)
    edit(connector, "j2a-state", QA, None, actor=editor)
    apply_all(connector, actor=admin)
    edit(connector, "j2a-state", BLOCKED, 2, actor=editor)
    approved_plan(connector, actor=admin)
    edit(connector, "j2a-state", IN_REVIEW, 2, actor=editor)
    make_plan(connector, actor=editor)
    since = timezone.now() - timedelta(hours=2)
    take_in(connector, since, range(6), actor=admin)
    take_in(connector, since, range(3, 9), actor=editor)
    run = IntakeRun.objects.filter(connector=connector).order_by("-number")[0]
    withdrawals.withdraw(run, "The wrong file.", actor=editor)
    take_in(connector, since, range(4, 7), actor=admin)
    first, second, third = Case.objects.filter(state="open").order_by("pk")[:3]
    services.explain([first.pk, second.pk], "A trial.", actor=editor)
    services.take_back(third.pk, "Put back by hand.", actor=editor)
    row = HistoryRow.objects.filter(action="plan.made").order_by("pk")[0]
    asked = questions.ask(row, admin.pk, "Why?", actor=reviewer)
    questions.answer(asked, "A QA column was added.", actor=admin)
    week = review_helpers.past_week()
    line = week_counts.line_of(week, timezone.now())
    seen = sign_off.SeenWeek(review=0, rows=line.rows, open_cases=line.open_cases)
    labels.decide(connector, {"User Story": "story", "作業": "task"}, actor=editor)
    labels.decide(connector, {"作業": ""}, actor=admin)
    use_other_type_ids(connector, actor=admin)
    sign_off.sign(week, note="Quiet.", seen=seen, actor=reviewer)
    checkpoints.make(checkpoints.COMMAND)
    deliveries.deliver_due()
    assert differences() == []
    return connector


def use_other_type_ids(connector: Connector, *, actor: Person) -> None:
    """As was seen in what Align answers."""
    ContractFact.objects.filter(connector=connector, family="a2j-state", name=TYPE_IDS).update(value=[2, 4, 9])
    decisions.take_over(connector, "a2j-state", "feature=2,story=4,defect=9", actor=actor)


def take_in(connector: Connector, since: object, numbers: range, *, actor: Person) -> None:
    text = "\n".join(
        f"{connector.config_name}\tSam\t{since + timedelta(minutes=number):%Y-%m-%d %H:%M:%S}\t"  # type: ignore[operator]
        f"{review_helpers.written(number)}"
        for number in numbers
    )
    intake_helpers.take_in(connector, text, intake=Intake.PASTE, actor=actor)


@pytest.fixture
def lifted(whole: Connector) -> Iterator[None]:
    with triggers.lifted():
        yield


def is_found() -> bool:
    return verification.verify().sentence.startswith("The chain is broken") or bool(differences())


def unfound(act: Callable[[], Falsified | None]) -> tuple[Falsified | None, bool]:
    """What was done, and whether it was found; the database is as before."""
    with transaction.atomic():
        done = act()
        found = done is None or is_found()
        transaction.set_rollback(True)
    return done, found


def hunt(rounds: int, seed: int) -> None:
    rng = random.Random(seed)
    missed, done = [], Counter[str]()
    for _ in range(rounds):
        acts: list[Callable[[], Falsified | None]] = [
            lambda model=model, field=field: mutations.edit(rng, model, field)  # type: ignore[misc]
            for model, field in mutations.all_columns()
        ]
        acts += [
            lambda model=model, act=act: act(rng, model)  # type: ignore[misc]
            for model in mutations.TABLES
            for act in (mutations.delete, mutations.double, mutations.swap)
        ]
        for falsify in acts:
            falsified, found = unfound(falsify)
            if falsified:
                done[falsified.table] += 1
            if falsified and not found:
                missed.append(falsified)
    print(f"{done.total()} falsifications, all of them to be found: {dict(done)}")
    assert not missed, "\n".join(f"{each.table}: {each.what}" for each in missed)
    assert all(done[model.__name__] for model in mutations.TABLES)


def test_each_column_of_each_table_is_compared(lifted: None) -> None:
    hunt(1, 20260301)


def unreadable(body: str) -> Iterator[str]:
    """What somebody who may write to the table can make of an entry, so that reading it raises something."""
    said = json.loads(body)
    yield from ("x", "[]", "{}")
    for name, value in (("data", None), ("event", "x"), ("connector", "x"), ("actor", "x"), ("at", 5)):
        yield json.dumps({**said, name: value})


def test_an_entry_that_cannot_be_read_keeps_no_table_from_being_compared(lifted: None) -> None:
    first = {entry.action: entry for entry in Entry.objects.order_by("-seq")}
    assert len(first) > 10
    for entry in first.values():
        for body in unreadable(entry.body):
            with transaction.atomic():
                Entry.objects.filter(pk=entry.pk).update(body=body)
                found = differences()
                transaction.set_rollback(True)
            assert all(each.sentence for each in found)
    assert differences() == []


@pytest.mark.soak
def test_thousands_of_random_falsifications_are_found(lifted: None, seed: int) -> None:
    hunt(25, seed)

"""Several mappings are taken in the order of a reader of Align's lists, and before the head of the history."""

from __future__ import annotations

import pytest

from alignadmin.accounts.models import Person
from alignadmin.audit.entries import lock_head
from connectors.align.resources import WriteAnswer
from connectors.jobs import runner
from connectors.models import Connector, Job
from mappings import planning
from mappings.applying.journal import Journal
from mappings.applying.outcomes import Outcome
from mappings.applying.resolve_unknown import resolve_unknown
from mappings.edits import services
from mappings.edits.services import EditRequest, MatrixKey
from mappings.engine.values import TypeName
from mappings.models import Change, Mapping
from tests.support.mapping_helpers import approved_plan, edit, mapping
from tests.support.side_by_side import do_cross

pytestmark = pytest.mark.django_db(transaction=True)
IN_REVIEW, QA = 10013, 10014


@pytest.fixture
def journal(connector: Connector, admin: Person) -> Journal:
    """Of a plan of two changes in the hands of a worker."""
    for source, wanted in ((IN_REVIEW, 3), (QA, 4)):
        edit(connector, "j2a-state", source, wanted, actor=admin)
    plan = planning.start_apply(approved_plan(connector, actor=admin), typed=connector.slug, actor=admin)
    run = runner.claim("this worker", Job.objects.get(kind="apply").pk)
    assert run is not None
    return Journal(run=run, plan=plan)


def under_way(journal: Journal) -> list[Change]:
    """Its changes by the key of their mapping, sent and not answered yet."""
    found = journal.plan.changes.order_by("mapping_id").select_related("plan__connector", "mapping", "scope__project")
    changes = list(found)
    assert journal.mark_sending(changes) == changes
    return changes


def take(pk: int | None) -> None:
    Mapping.objects.locked().get(pk=pk or 0)


def states(journal: Journal) -> list[str]:
    return list(journal.plan.changes.order_by("mapping_id").values_list("state", flat=True))


def test_answers_that_come_in_any_order_are_recorded_beside_a_reading_of_the_list(journal: Journal) -> None:
    low, high = under_way(journal)
    answer = WriteAnswer(status=200, remote_id=None, text="")
    outcomes = [Outcome(change=each, answer=answer) for each in (high, low)]
    ended = do_cross(lambda: take(low.mapping_id), lambda: take(high.mapping_id), lambda: journal.record(outcomes))
    assert ended is None
    assert states(journal) == ["done", "done"]


def test_what_got_no_answer_is_settled_beside_somebody_who_edits_one_of_its_mappings(journal: Journal) -> None:
    """An edit takes its mapping and then the head of the history, to which each settled change adds an entry."""
    low, high = under_way(journal)
    for change in (low, high):
        Mapping.objects.filter(pk=change.mapping_id or 0).update(observed=change.after)
    ended = do_cross(
        lambda: take(high.mapping_id), lock_head, lambda: resolve_unknown(journal, [low, high], send_again=True)
    )
    assert ended == []
    assert states(journal) == ["done", "done"]


def test_a_form_of_many_edits_is_stored_beside_a_reading_of_the_list(connector: Connector, admin: Person) -> None:
    scope = mapping(connector, "j2a-state", IN_REVIEW).scope
    low, high = scope.mappings.filter(work_item_type="story").order_by("pk")[:2]
    edits = [
        EditRequest(
            key=MatrixKey(scope=row.scope, work_item_type=TypeName(row.work_item_type), source_id=row.source_id),
            wanted=5,
            seen=row.wanted,
        )
        for row in (high, low)
    ]
    ended = do_cross(lambda: take(low.pk), lambda: take(high.pk), lambda: services.set_many(edits, actor=admin))
    assert isinstance(ended, tuple)
    assert ended[1] == []
    assert {row.wanted for row in Mapping.objects.filter(pk__in=[low.pk, high.pk])} == {5}


def test_a_first_edit_waits_for_a_reading_that_may_make_the_same_row(connector: Connector, admin: Person) -> None:
    row = mapping(connector, "j2a-state", IN_REVIEW)
    scope, key = row.scope, {"work_item_type": row.work_item_type, "source_id": row.source_id}
    row.delete()
    wish = EditRequest(
        key=MatrixKey(scope=scope, work_item_type=TypeName(row.work_item_type), source_id=row.source_id),
        wanted=5,
        seen=None,
    )
    ended = do_cross(
        lambda: type(scope).objects.locked().get(pk=scope.pk),
        lambda: Mapping.objects.create(scope=scope, **key),
        lambda: services.set_wanted(wish, actor=admin),
    )
    assert isinstance(ended, Mapping)
    assert Mapping.objects.get(scope=scope, **key).wanted == 5

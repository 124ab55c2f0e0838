"""Outside changes: a case each until somebody explains it or takes it back, or until its cause is found."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.entries import lock_head
from alignadmin.audit.models import Entry
from connectors.align.audit_sentences import CREATED, DELETED, J2A, UPDATED, MappingEvent, write
from connectors.history.cases import services
from connectors.history.mirror.drift_observation import DriftObservation
from connectors.history.mirror.matching import rejoin
from connectors.models import Case, CaseState, Connector, HistoryRow, Intake, MirrorLine
from tests.connectors.history.intake.test_audit_intake import row as pasted
from tests.connectors.history.mirror.test_audit_join import (
    NOON,
    OURS,
    OUTSIDE,
    align,
    line,
    minutes,
    ours,
    theirs,
    told,
)
from tests.mappings.drift.test_drift_watch import change_elsewhere, change_way_back, connector, lists_tick, log_tick
from tests.support.events import EVENT
from tests.support.intake_helpers import take_in
from tests.support.sandbox_fixture import RunningSandbox

if TYPE_CHECKING:
    from tests.conftest import SignIn

__all__ = ["align", "connector"]
BACK = replace(EVENT, before_id=10013, before_name="In Review", after_id=10012, after_name="QA")


def only_case() -> Case:
    return Case.objects.get()


def entries(action: str) -> list[str]:
    return list(Entry.objects.filter(action=action).order_by("seq").values_list("body", flat=True))


def outside_rows(connector: Connector) -> int:
    return HistoryRow.objects.filter(connector=connector, source=OUTSIDE).count()


# --- opened, and closed by the join -----------------------------------------------------------------------------------


def test_a_line_without_a_cause_opens_a_case_and_one_with_a_cause_does_not(align: Connector) -> None:
    ours(align, (EVENT, NOON))
    theirs(align, told(EVENT, minutes(1)), told(BACK, minutes(2)), line("Connector saved", NOON))
    assert services.open_cases(align) == 1
    case = only_case()
    assert case.line is not None
    assert (case.line.description, case.at) == (write(BACK), minutes(2))


def test_a_case_whose_line_finds_its_cause_is_closed_with_a_sentence(align: Connector) -> None:
    theirs(align, told(EVENT, minutes(1)))
    ours(align, (EVENT, NOON))
    case = only_case()
    assert (case.state, case.decided_by) == (CaseState.EXPLAINED, "")
    assert case.note.startswith("Its cause was found: plan 1, AlignAdmin")
    assert str(case.decided_seq) in entries("case.closed")[0]
    assert case.decided_seq is not None
    assert Entry.objects.get(seq=case.decided_seq).action == "case.closed"


def test_cases_survive_a_rejoin_as_they_were_decided(align: Connector, people: dict[Role, Person]) -> None:
    theirs(align, *(told(replace(EVENT, source_id=number), NOON) for number in (3, 4, 5)))
    explained = Case.objects.order_by("pk")[1]
    services.explain([explained.pk], "A trial.", actor=people[Role.EDITOR])
    before = list(Case.objects.order_by("pk").values())
    HistoryRow.objects.filter(source=OUTSIDE).update(source=OUTSIDE, candidates=["X"])
    for _ in range(2):
        with transaction.atomic():
            lock_head()
            rejoin(align)
    assert list(Case.objects.order_by("pk").values()) == before


def test_of_identical_lines_the_explained_one_stays_explained_when_another_is_the_surplus(
    align: Connector, people: dict[Role, Person]
) -> None:
    ours(align, (EVENT, NOON))
    theirs(align, told(EVENT, minutes(1)), told(EVENT, minutes(2)))
    services.explain([only_case().pk], "It was Dana.", actor=people[Role.EDITOR])
    theirs(align, told(EVENT, minutes(-1)))  # an earlier one takes the change, the middle one is a surplus too
    assert sorted(Case.objects.values_list("state", flat=True)) == ["explained", "open"]
    ours(align, (replace(EVENT, project_key="B"), minutes(0)))
    assert sorted(Case.objects.values_list("state", flat=True)) == ["explained", "explained"]
    assert outside_rows(align) == 1


def test_a_change_of_ours_that_does_the_reverse_takes_it_back(align: Connector) -> None:
    theirs(align, told(BACK, minutes(0)), told(BACK, minutes(1)))
    ours(align, (replace(EVENT, source_id=4), minutes(8)))
    assert services.open_cases(align) == 2
    ours(align, (EVENT, minutes(9)))  # one change takes one back, the newest
    newest, oldest = Case.objects.order_by("-at")
    assert (newest.state, oldest.state) == (CaseState.REVERTED, CaseState.OPEN)
    assert newest.note.startswith("Taken back by plan 1, AlignAdmin")


def test_two_changes_of_ours_at_once_take_two_back(align: Connector) -> None:
    theirs(align, told(BACK, minutes(0)), told(BACK, minutes(1)))
    ours(align, (EVENT, minutes(8)), (EVENT, minutes(9)))
    assert set(Case.objects.values_list("state", flat=True)) == {CaseState.REVERTED}


def test_what_we_changed_before_somebody_else_did_takes_nothing_back(align: Connector) -> None:
    theirs(align, told(BACK, minutes(20)))
    ours(align, (EVENT, minutes(10)))  # told late
    assert only_case().state == CaseState.OPEN


def test_a_change_that_leads_back_from_somewhere_else_takes_nothing_back(align: Connector) -> None:
    theirs(align, told(BACK, minutes(0)))
    ours(align, (replace(EVENT, before_id=10099, before_name="Blocked"), minutes(9)))
    assert only_case().state == CaseState.OPEN


def test_what_a_person_said_stays_when_the_cause_is_found(align: Connector, people: dict[Role, Person]) -> None:
    theirs(align, told(EVENT, minutes(1)))
    services.take_back(only_case().pk, "Put back in Align.", actor=people[Role.EDITOR])
    ours(align, (EVENT, NOON))
    case = only_case()
    assert (case.state, case.note, case.decided_by) == (CaseState.REVERTED, "Put back in Align.", Role.EDITOR.label)
    assert entries("case.closed") == []


@pytest.mark.parametrize(("theirs_did", "ours_did"), [(CREATED, DELETED), (DELETED, CREATED)])
def test_what_was_created_or_deleted_outside_is_taken_back_by_the_other(
    align: Connector, theirs_did: str, ours_did: str
) -> None:
    base = replace(EVENT, direction=J2A, project_key=None, source_id=10013, before_id=3, after_id=3)
    theirs(align, told(replace(base, action=theirs_did), NOON))
    ours(align, (replace(base, action=ours_did), minutes(9)))
    assert only_case().state == CaseState.REVERTED


# --- what people say --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.EDITOR, Role.REVIEWER, Role.ADMIN])
def test_a_case_is_explained_with_a_note_that_is_an_entry(align: Connector, signed_in: SignIn, role: Role) -> None:
    theirs(align, told(EVENT, NOON))
    client, address = signed_in(role), f"/history/cases/{only_case().pk}/"
    for shown in (client.get(address).content.decode(), client.get("/history/cases/").content.decode()):
        (field,) = re.findall(r"<textarea[^>]*>", shown)
        assert " required" in field
        assert "Needed: without a note nothing is explained." in shown
    refused = client.post(address, {"note": "  "})
    assert (refused.status_code, only_case().state) == (400, CaseState.OPEN)
    assert "Say why" in refused.content.decode()
    swept = client.post("/history/cases/explain/", {"every": "1", "newest": only_case().pk, "note": " \n"})
    assert (swept.status_code, only_case().state) == (400, CaseState.OPEN)
    assert client.post(address, {"note": "Agreed with <b>Dana</b>."}).status_code == 303
    case = only_case()
    assert (case.state, case.note, case.decided_by) == (CaseState.EXPLAINED, "Agreed with <b>Dana</b>.", role.label)
    entry = Entry.objects.get(action="case.explained")
    assert entry.seq == case.decided_seq
    assert "Agreed with <b>Dana</b>." in entry.body
    page = client.get(address).content.decode()
    assert "Agreed with &lt;b&gt;Dana&lt;/b&gt;." in page
    again = client.post(address, {"note": "Mine."})
    assert again.status_code == 400
    assert "no longer open: explained by" in again.content.decode()
    assert len(entries("case.explained")) == 1


def test_a_viewer_sees_cases_and_explains_none(align: Connector, signed_in: SignIn) -> None:
    theirs(align, told(EVENT, NOON))
    viewer, address = signed_in(Role.VIEWER), f"/history/cases/{only_case().pk}/"
    assert viewer.get(address).status_code == 200
    assert 'name="note"' not in viewer.get(address).content.decode()
    assert viewer.post(address, {"note": "Why not."}).status_code == 403
    assert only_case().state == CaseState.OPEN


def test_it_can_be_said_to_be_put_back_elsewhere(align: Connector, signed_in: SignIn) -> None:
    theirs(align, told(EVENT, NOON))
    form = {"note": "Put back in Align.", "reverted": "1"}
    assert signed_in(Role.EDITOR).post(f"/history/cases/{only_case().pk}/", form).status_code == 303
    assert only_case().state == CaseState.REVERTED
    assert len(entries("case.taken-back")) == 1


def test_many_are_explained_at_once_and_what_came_in_since_is_not_swept_along(
    align: Connector, signed_in: SignIn
) -> None:
    theirs(align, *(told(replace(EVENT, source_id=number), minutes(-60 * number)) for number in range(60)))
    editor = signed_in(Role.EDITOR)
    page = editor.get("/history/cases/?connector=acme").content.decode()
    newest = Case.objects.latest("pk").pk
    assert f'name="newest" value="{newest}"' in page
    ticked = list(Case.objects.order_by("pk").values_list("pk", flat=True)[:2])
    editor.post("/history/cases/explain/", {"case": [*map(str, ticked), "x", "9" * 30], "note": "Two."})
    theirs(align, told(replace(EVENT, source_id=99), NOON))
    form = {"every": "1", "newest": str(newest), "connector": "acme", "state": "open", "until": "2026-11-19"}
    editor.post("/history/cases/explain/", form | {"note": "Before our time."})
    by_note = {note: Case.objects.filter(note=note).count() for note in ("Two.", "Before our time.", "")}
    assert by_note["Two."] == 2
    assert by_note["Before our time."] == Case.objects.filter(at__lt=minutes(-720)).exclude(note="Two.").count() > 40
    assert Case.objects.filter(state="open", at__gte=minutes(-720)).count() == by_note[""]
    assert len(entries("case.explained")) == 2


@pytest.mark.parametrize("query", ["state=x", "connector=nobody", "until=yesterday", "page=9999", "page=%00"])
def test_a_filter_that_is_wrong_is_no_error(align: Connector, signed_in: SignIn, query: str) -> None:
    assert signed_in(Role.VIEWER).get(f"/history/cases/?{query}").status_code == 200


def test_the_list_filters_and_costs_the_same_queries_for_many(
    align: Connector, signed_in: SignIn, django_assert_max_num_queries: object
) -> None:
    theirs(align, *(told(replace(EVENT, source_id=number), minutes(number)) for number in range(45)))
    services.explain([Case.objects.latest("at").pk], "It was me.", actor=Person.objects.get(role=Role.ADMIN))
    viewer = signed_in(Role.VIEWER)
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        assert viewer.get("/history/cases/").content.decode().count("<tr>") == 45  # and the head
    assert viewer.get("/history/cases/?state=explained").content.decode().count("<tr>") == 2
    assert viewer.get("/history/cases/?state=all").content.decode().count("<tr>") == 46
    assert viewer.get("/history/cases/?state=reverted").content.decode().count("<tr>") == 0


def test_the_row_of_a_case_and_the_overview_and_the_navigation_say_so(align: Connector, signed_in: SignIn) -> None:
    Connector.objects.update(catalogue_at=timezone.now())
    theirs(align, told(EVENT, NOON))
    admin: Client = signed_in(Role.ADMIN)
    row = HistoryRow.objects.get(source=OUTSIDE)
    assert f"/history/cases/{only_case().pk}/" in admin.get(f"/history/{row.number}/").content.decode()
    overview = admin.get("/").content.decode()
    assert "1 outside change not explained" in overview
    assert "1 outside change" not in signed_in(Role.VIEWER).get("/").content.decode()
    services.explain([only_case().pk], "Known.", actor=Person.objects.get(role=Role.ADMIN))
    assert "that nobody has explained" not in admin.get("/").content.decode()


# --- what only the watch has seen -------------------------------------------------------------------------------------

SEEN: MappingEvent = replace(EVENT, before_id=10012, after_id=10013)


def seen(event: MappingEvent = SEEN, *projects: str, at: float = 20) -> DriftObservation:
    return DriftObservation(event=event, projects=projects or ("PROJ",), since=NOON, at=minutes(at))


def test_a_sighting_without_a_line_is_an_outside_change_once(align: Connector) -> None:
    assert services.record_observations(align, [seen()]) == 1
    assert services.record_observations(align, [seen()]) == 0
    row = HistoryRow.objects.get()
    assert (row.source, row.action, row.project_key, row.at) == (OUTSIDE, UPDATED, "PROJ", minutes(20))
    assert only_case().entry_seq == row.entry_seq


def test_a_line_that_comes_later_is_the_cause_and_the_case_is_one(align: Connector) -> None:
    services.record_observations(align, [seen()])
    theirs(align, told(replace(SEEN, before_id=10011), minutes(7)), told(replace(SEEN, source_id=4), minutes(7)))
    case = Case.objects.get(entry_seq__isnull=False)
    assert case.line is not None
    assert (case.at, case.line.at) == (minutes(7), minutes(7))
    assert Case.objects.count() == 2  # the other line is another change
    assert outside_rows(align) == 2
    entry = HistoryRow.objects.get(entry_seq=case.entry_seq)
    assert (entry.source, entry.action) == (OURS, "mapping.changed_elsewhere")


def test_a_line_that_was_there_already_needs_no_sighting_and_each_line_tells_one(align: Connector) -> None:
    theirs(align, told(SEEN, minutes(7)))
    assert services.record_observations(align, [seen(), seen(SEEN, "B")]) == 1
    assert Case.objects.count() == 2


@pytest.mark.parametrize(
    ("other", "at"),
    [(SEEN, -6.0), (SEEN, 26.0), (replace(SEEN, after_id=7), 7.0), (replace(SEEN, work_item_type="Task"), 7.0)],
)
def test_a_line_of_another_time_or_value_is_another_change(align: Connector, other: MappingEvent, at: float) -> None:
    services.record_observations(align, [seen()])
    theirs(align, told(other, minutes(at)))
    assert Case.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_what_the_watch_finds_and_no_line_tells_is_told_and_a_late_line_joins_it(
    connector: Connector, sandbox: RunningSandbox, signed_in: SignIn, people: dict[Role, Person], settings: Settings
) -> None:
    """Over HTTP: two rows change at the sandbox without a line, one with; the window passes; a line is pasted."""
    log_tick(connector)
    there = Case.objects.count()
    change_elsewhere(sandbox, 3, audit=False)
    change_way_back(sandbox, 10015, audit=False)
    sandbox.edit("update_mapping", family="j2a_state", type=9, source=10013, target=1)
    log_tick(connector)
    lists_tick(connector)
    told_by_line = Case.objects.count() - there
    assert Case.objects.filter(entry_seq__isnull=False).count() == 0  # the window has not passed
    settings.AUDIT_CLOCK_SKEW = 0.0
    log_tick(connector)
    alone = Case.objects.filter(entry_seq__isnull=False)
    assert (told_by_line, alone.count()) == (1, 2)
    log_tick(connector)
    lists_tick(connector)
    assert alone.count() == 2
    row = HistoryRow.objects.get(entry_seq__in=alone.values("entry_seq"), direction="j2a")
    assert (row.action, row.object_id, row.after_id, row.source) == (UPDATED, 10013, 3, OUTSIDE)
    case = alone.get(entry_seq=row.entry_seq)
    page = signed_in(Role.EDITOR).get(f"/history/cases/{case.pk}/").content.decode()
    assert f"/connectors/{connector.slug}/drift/?row=" in page
    settings.AUDIT_CLOCK_SKEW = 300.0
    sentence = write(MappingEvent(**{**vars(_event_of(row)), "project_key": None}))
    stamp = (row.at - timedelta(minutes=1)).strftime("%Y-%m-%d %H:%M:%S")
    take_in(connector, pasted(sentence, stamp), intake=Intake.PASTE, actor=people[Role.REVIEWER])
    case.refresh_from_db()
    assert case.line == MirrorLine.objects.latest("pk")
    assert Case.objects.count() == there + 3


def _event_of(row: HistoryRow) -> MappingEvent:
    return replace(
        EVENT,
        action=row.action,
        direction=row.direction,
        source_id=row.object_id,
        source_name=row.object_name,
        before_id=row.before_id,
        before_name=row.before_name,
        after_id=row.after_id,
        after_name=row.after_name,
    )

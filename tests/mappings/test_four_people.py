"""Four people of every change, at the HTTP edge: Eli edits, Pia plans, Dana approves, Ann applies; and one number."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import Entry
from alignadmin.due_work import run_due
from connectors.catalogue import workflows
from connectors.history.mirror import projection as make_rows
from connectors.jobs import runner
from connectors.models import Connector, HistoryRow, Job, JobKind, JobState, MirrorLine, Source
from mappings import planning
from mappings.drift.decisions import seen
from mappings.engine.values import Situation
from mappings.models import Mapping, Plan
from mappings.planning import roll_back
from tests.support import factories, mapping_helpers, pack_helpers
from tests.support.mapping_helpers import edit, mapping, observe
from tests.support.people_helpers import said
from tests.support.review_helpers import address, change, past_week, sign
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
IN_REVIEW, QA = 10013, 10015
MATRIX, NEW = "/connectors/acme/mappings/", "/connectors/acme/plan/"
SignIn = Callable[[Role], Client]


@dataclass(frozen=True, kw_only=True)
class Four:
    eli: Person
    pia: Person
    dana: Person
    ann: Person

    def __iter__(self) -> Any:
        return iter((self.eli, self.pia, self.dana, self.ann))


@pytest.fixture
def four(db: None) -> Four:
    def one(name: str, role: Role) -> Person:
        return factories.person(role, email=f"{name.split()[0].lower()}@people.example", name=name)

    return Four(
        eli=one("Eli Writes", Role.EDITOR),
        pia=one("Pia Plans", Role.EDITOR),
        dana=one("Dana Approves", Role.ADMIN),
        ann=one("Ann Applies", Role.ADMIN),
    )


@pytest.fixture
def acme(connector: Connector, four: Four) -> Connector:
    return connector


@pytest.fixture
def reviewer(signed_in: SignIn) -> Client:
    return signed_in(Role.REVIEWER)


def browser_of(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


# --- what people do, each in a browser ---------------------------------------------------------------------------


def set_cell(person: Person, target: int, *, seen: int, status: int = IN_REVIEW) -> None:
    """`seen`: what the cell's row leads to on the page."""
    form = {"scope": "PROJ", "status": status, "target": target, "seen": seen, "to": "j2a"}
    answer = browser_of(person).post(f"{MATRIX}cell/", form)
    assert answer.status_code in (200, 303), said(answer)


def planned(connector: Connector, person: Person) -> Plan:
    form = {"row": mapping_helpers.waiting(connector), "reason": "QA column added", "ticket": "CHG-2291"}
    answer = browser_of(person).post(NEW, form)
    assert answer.status_code == 303, said(answer)
    return Plan.objects.latest("pk")


def approved(plan: Plan, person: Person) -> Plan:
    form = {"fingerprint": plan.fingerprint, "warnings": "on"}
    answer = browser_of(person).post(f"/plans/{plan.pk}/approve/", form)
    assert answer.status_code == 303, said(answer)
    return plan


def applied(plan: Plan, person: Person) -> Plan:
    answer = browser_of(person).post(f"/plans/{plan.pk}/apply/", {"confirm": "acme"})
    assert answer.status_code == 303, said(answer)
    run_due()
    assert set(plan.changes.values_list("state", flat=True)) == {"done"}
    return plan


def through_all(connector: Connector, four: Four) -> Plan:
    """What waits is planned by Pia, approved by Dana and applied by Ann."""
    return applied(approved(planned(connector, four.pia), four.dana), four.ann)


def decide(person: Person, word: str, row: Mapping) -> None:
    form = {"one": f"{word} {seen(row).token}", "reason": "as it was agreed"}
    answer = browser_of(person).post("/connectors/acme/drift/decide/", form)
    assert answer.status_code == 303, said(answer)


def drift(connector: Connector, sandbox: RunningSandbox, target: int = 5) -> Mapping:
    sandbox.edit("update_mapping", family="j2a_state", type=4, source=IN_REVIEW, target=target)
    observe(connector)
    return mapping(connector, "j2a-state", IN_REVIEW)


def done(plan: Plan, source: int = IN_REVIEW) -> dict[str, Any]:
    """The entry of a change that Align took."""
    found = [json.loads(entry.body) for entry in Entry.objects.filter(action="change.done").order_by("seq")]
    (body,) = [each for each in found if each["plan"] == plan.pk and each["event"]["source_id"] == source]
    return dict(body)


def names(body: dict[str, Any]) -> tuple[str | None, list[str]]:
    """The author and the earlier ones."""
    people = body["people"]
    return people["author"]["name"], [each["name"] for each in people["earlier"]]


def found(client: Client, query: str) -> set[str]:
    results = client.get("/api/v1/history/", {"q": query, "limit": "1000"}).json()["results"]
    return {each["number"] for each in results}


def seen_on(client: Client, address: str) -> str:
    """A page's words, those of different tags apart."""
    return " ".join(re.sub("<[^>]*>", " ", client.get(address).content.decode()).split())


# --- four people -------------------------------------------------------------------------------------------------


def test_a_change_tells_who_wanted_planned_approved_and_applied_it(
    acme: Connector, four: Four, reviewer: Client
) -> None:
    set_cell(four.eli, 3, seen=2)
    plan = through_all(acme, four)
    body = done(plan)
    assert body["people"] == {
        "author": {"id": four.eli.pk, "name": "Eli Writes", "email": "eli@people.example", "role": "editor"},
        "planner": {"id": four.pia.pk, "name": "Pia Plans", "email": "pia@people.example", "role": "editor"},
        "earlier": [],
    }
    assert (body["approver"]["id"], body["actor"]["id"]) == (four.dana.pk, four.ann.pk)

    made = json.loads(Entry.objects.get(action="plan.made").body)
    assert made["data"]["authors"] == [{"id": four.eli.pk, "name": "Eli Writes", "changes": 1}]

    row = HistoryRow.objects.get(entry_seq=body["seq"])
    assert [row.person_id, row.planner_id, row.approver_id, row.applier_id] == [each.pk for each in four]
    assert row.person_email == "eli@people.example"
    table = said(reviewer.get("/history/", {"q": f"plan:{plan.pk} action:updated"}))
    for told in ("Eli Writes", "approved by Dana Approves"):
        assert told in table
    panel = seen_on(reviewer, f"/history/{body['seq']}/")
    for told in ("Author Eli Writes", "Planned by Pia Plans", "Approved by Dana Approves", "Applied by Ann Applies"):
        assert told in panel
    rest = reviewer.get(f"/api/v1/history/{body['seq']}/").json()
    parts = ("person_name", "planner_name", "approver_name", "applier_name")
    assert [rest[part] for part in parts] == [each.name for each in four]
    shown = browser_of(four.eli).get(f"/api/v1/plans/{plan.pk}/").json()
    assert [(each["author_name"], each["author_email"]) for each in shown["changes"]] == [
        ("Eli Writes", "eli@people.example")
    ]


def test_each_of_the_four_is_found_by_any_part_and_by_their_own_alone(
    acme: Connector, four: Four, reviewer: Client
) -> None:
    set_cell(four.eli, 3, seen=2)
    number = str(done(through_all(acme, four))["seq"])
    parts = ("author", "planner", "approver", "applier")
    for part, person in zip(parts, four, strict=True):
        first = person.name.split()[0].lower()
        for value in (first, f'"{person.name}"', person.email):
            assert number in found(reviewer, f"actor:{value}")
            assert number in found(reviewer, f"{part}:{value}")
            for other in set(parts) - {part}:
                assert number not in found(reviewer, f"{other}:{value}"), (other, value)
    changes = "action:updated plan:" + str(Plan.objects.get().pk)
    assert found(reviewer, f"{changes} author:eli planner:pia approver:dana applier:ann") == {number}
    assert not found(reviewer, f"{changes} author:pia")
    assert number in found(reviewer, "Pia Plans"), "as plain words, too"
    by_field = reviewer.get("/history/", {"planner": "pia", "tidy": "1"})
    assert by_field["Location"].endswith("?q=planner%3Apia")
    assert "planned by" in said(reviewer.get("/history/", {"q": "planner:pia"}))


def test_acts_on_a_whole_plan_are_found_by_the_part_of_who_did_them(
    acme: Connector, four: Four, reviewer: Client
) -> None:
    set_cell(four.eli, 3, seen=2)
    through_all(acme, four)
    for action, part, name in (
        ("plan.made", "planner", "pia"),
        ("plan.approved", "approver", "dana"),
        ("plan.started", "applier", "ann"),
    ):
        number = str(Entry.objects.get(action=action).seq)
        assert found(reviewer, f"action:{action} {part}:{name}") == {number}
    started = seen_on(reviewer, f"/history/{number}/")
    assert "Planned by Pia Plans" in started
    assert "Applied by" not in started


def test_the_names_of_that_time_stay_and_are_found_when_everybody_is_called_otherwise(
    acme: Connector, four: Four, reviewer: Client
) -> None:
    set_cell(four.eli, 3, seen=2)
    plan = planned(acme, four.pia)
    Person.objects.filter(pk=four.eli.pk).update(name="Elisabeth Later", email="later@people.example")
    number = str(done(applied(approved(plan, four.dana), four.ann))["seq"])
    for person in four:
        Person.objects.filter(pk=person.pk).update(name="Somebody Else", email=f"x{person.pk}@people.example")
    assert "Eli Writes" in said(reviewer.get(f"/history/{number}/")), "the name when it was planned"
    assert number in found(reviewer, "author:eli@people.example applier:ann approver:dana planner:pia")
    assert number not in found(reviewer, "author:elisabeth")
    assert number not in found(reviewer, 'actor:"Somebody Else"')


def test_earlier_editors_of_a_row_stand_in_its_entry_until_it_was_in_sync(
    acme: Connector, four: Four, reviewer: Client
) -> None:
    set_cell(four.dana, 3, seen=2)
    set_cell(four.pia, 4, seen=3)
    set_cell(four.eli, 5, seen=4)
    first = done(through_all(acme, four))
    assert names(first) == ("Eli Writes", ["Dana Approves", "Pia Plans"])
    assert first["people"]["earlier"][0] == {
        "id": four.dana.pk,
        "name": "Dana Approves",
        "email": "dana@people.example",
        "role": "admin",
    }
    assert "Edits before it Dana Approves , Pia Plans" in seen_on(reviewer, f"/history/{first['seq']}/")
    set_cell(four.pia, 2, seen=5)
    assert names(done(through_all(acme, four))) == ("Pia Plans", []), "what was applied is nobody's edit any more"


def test_undo_gives_the_value_back_to_whoever_wanted_it_and_redo_takes_it_again(acme: Connector, four: Four) -> None:
    set_cell(four.pia, 3, seen=2)
    set_cell(four.eli, 4, seen=3)
    browser = browser_of(four.eli)
    browser.post(f"{MATRIX}undo/", {"scope": "PROJ"})
    row = mapping(acme, "j2a-state", IN_REVIEW)
    assert (row.wanted, row.wanted_by) == (3, four.pia)
    browser.post(f"{MATRIX}redo/", {"scope": "PROJ"})
    row.refresh_from_db()
    assert (row.wanted, row.wanted_by) == (4, four.eli)
    browser.post(f"{MATRIX}undo/", {"scope": "PROJ"})
    assert names(done(through_all(acme, four))) == ("Pia Plans", [])


def test_an_edit_that_was_taken_back_and_made_again_is_still_an_earlier_one(acme: Connector, four: Four) -> None:
    set_cell(four.pia, 3, seen=2)
    for act in ("undo", "redo"):
        browser_of(four.pia).post(f"{MATRIX}{act}/", {"scope": "PROJ"})
    set_cell(four.eli, 4, seen=3)
    assert names(done(through_all(acme, four))) == ("Eli Writes", ["Pia Plans"])


# --- other ways to decide what is sent ---------------------------------------------------------------------------


def test_the_same_value_of_somebody_else_is_another_plan(acme: Connector, four: Four) -> None:
    set_cell(four.eli, 3, seen=2)
    first = planned(acme, four.pia)
    assert planned(acme, four.pia) == first
    set_cell(four.ann, 4, seen=3)
    set_cell(four.ann, 3, seen=4)
    second = planned(acme, four.pia)
    assert second != first
    assert [each.author for each in (first.changes.get(), second.changes.get())] == [four.eli, four.ann]


def test_who_restores_is_the_author_and_the_former_one_stands_beside(
    acme: Connector, sandbox: RunningSandbox, four: Four
) -> None:
    set_cell(four.eli, 3, seen=2)
    through_all(acme, four)
    decide(four.dana, "restore", drift(acme, sandbox))
    decided = json.loads(Entry.objects.get(action="drift.restore").body)
    assert names(decided) == ("Dana Approves", ["Eli Writes"])
    plan = applied(approved(planned(acme, four.pia), four.ann), four.ann)
    assert names(done(plan)) == ("Dana Approves", ["Eli Writes"])


def test_who_keeps_mine_in_a_conflict_is_the_author_and_the_editor_stands_beside(
    acme: Connector, sandbox: RunningSandbox, four: Four
) -> None:
    set_cell(four.pia, 4, seen=2)
    set_cell(four.eli, 3, seen=4)
    row = drift(acme, sandbox)
    assert row.situation == Situation.CONFLICT
    decide(four.dana, "restore", row)
    assert names(done(through_all(acme, four))) == ("Dana Approves", ["Eli Writes", "Pia Plans"])


def test_who_adopts_is_the_person_and_nothing_is_sent(acme: Connector, sandbox: RunningSandbox, four: Four) -> None:
    set_cell(four.pia, 3, seen=2)
    decide(four.eli, "adopt", drift(acme, sandbox))
    row = HistoryRow.objects.get(action="drift.adopt")
    assert (row.person_id, row.planner_id, row.applier_id) == (four.eli.pk, None, None)
    assert mapping(acme, "j2a-state", IN_REVIEW).wanted_by == four.eli
    assert not mapping_helpers.waiting(acme)


def test_a_roll_back_is_of_whoever_asked_for_it(acme: Connector, four: Four) -> None:
    set_cell(four.eli, 3, seen=2)
    plan = through_all(acme, four)
    reason = f"{roll_back.opening(plan)}it broke the reports"
    answer = browser_of(four.pia).post(f"/plans/{plan.pk}/roll-back/", {"reason": reason})
    assert answer.status_code == 303, said(answer)
    back = Plan.objects.latest("pk")
    assert names(done(applied(approved(back, four.dana), four.ann))) == ("Pia Plans", [])


def test_a_refreshed_plan_keeps_authors_and_planner_whoever_refreshes_it(
    acme: Connector, sandbox: RunningSandbox, four: Four
) -> None:
    set_cell(four.eli, 3, seen=2)
    set_cell(four.eli, 4, seen=3, status=QA)
    plan = planned(acme, four.pia)
    Mapping.objects.filter(source_id=QA).update(wanted_by=None)  # nobody knows any more
    sandbox.edit("update_mapping", family="j2a_state", type=4, source=IN_REVIEW, target=5)
    browser_of(four.ann).post(f"/plans/{plan.pk}/refresh/")
    assert runner.run_now(Job.objects.latest("pk")).state == JobState.DONE
    new = Plan.objects.latest("pk")
    assert (new.replaces, new.author) == (plan, four.pia)
    assert [each.author for each in new.changes.all()] == [four.pia], "her who planned it, not her who refreshed it"
    made = json.loads(Entry.objects.filter(action="plan.made").latest("seq").body)
    assert (made["actor"]["id"], made["people"]["planner"]["id"]) == (four.ann.pk, four.pia.pk)


def test_of_duplicates_the_author_is_who_chose_which_one_stays(
    acme: Connector, sandbox: RunningSandbox, four: Four
) -> None:
    sandbox.edit("create_mapping", family="j2a_state", type=4, source=IN_REVIEW, target=5)
    observe(acme)
    row = mapping(acme, "j2a-state", IN_REVIEW)
    set_cell(four.eli, 4, seen=2)
    answer = browser_of(four.dana).post(
        f"{MATRIX}keep/", {"scope": "PROJ", "mapping": row.pk, "record": str(row.remote_id)}
    )
    assert answer.status_code in (200, 303), said(answer)
    plan = planned(acme, four.pia)
    assert {(each.is_spare, each.author) for each in plan.changes.all()} == {(False, four.eli), (True, four.dana)}


def test_a_plan_of_many_rows_asks_no_more_than_one_of_few(acme: Connector, four: Four) -> None:
    of_stories = mapping_helpers.scope(acme, "j2a-state").mappings.filter(work_item_type="story")
    sources = list(of_stories.values_list("source_id", flat=True))
    assert len(sources) > 4
    for source, person in ((source, person) for source in sources for person in (four.pia, four.eli)):
        held = mapping(acme, "j2a-state", source).wanted
        edit(acme, "j2a-state", source, 5 if held != 5 else 4, actor=person)
    waiting = mapping_helpers.waiting(acme)
    counts = []
    for ids in (waiting[:1], waiting):
        workflows.forget()  # else the second finds what the first has read
        with CaptureQueriesContext(connection) as asked:
            planning.make_plan(acme, ids, actor=four.pia, reason="x")
        counts.append(len(asked))
    assert counts[0] == counts[1]
    assert {len(change.earlier) for change in Plan.objects.latest("pk").changes.all()} == {1}


# --- weeks -------------------------------------------------------------------------------------------------------


@pytest.fixture
def align(four: Four) -> Connector:
    """Nothing has happened yet, so that the history begins in the week of a test."""
    return pack_helpers.connector()


@pytest.mark.parametrize("part", ["author", "planner", "approver", "applier"])
def test_nobody_signs_a_week_in_which_they_had_one_of_the_four_parts(
    align: Connector, four: Four, people: dict[Role, Person], part: str
) -> None:
    week, own = past_week(), people[Role.REVIEWER]
    parts = {"author": four.eli, "planner": four.pia, "approver": four.dana, "applier": four.ann} | {part: own}
    told = change(week, parts.pop("applier"), align, **parts)
    Person.objects.filter(pk=own.pk).update(name="Called Otherwise", email="otherwise@people.example")
    answer = sign(browser_of(Person.objects.get(pk=own.pk)), week, "fine")
    assert answer.status_code == 409
    assert "Changes of your own are in this week" in said(answer)
    assert Entry.objects.get(seq=told.seq).action == "change.done"
    namesake = factories.person(Role.REVIEWER, email="namesake@people.example", name=own.name)
    assert sign(browser_of(namesake), week, "fine").status_code == 303, "a name alone is nobody"


def test_a_week_counts_authors_and_leads_to_just_those_rows(
    align: Connector, four: Four, people: dict[Role, Person]
) -> None:
    week = past_week()
    for _ in range(3):
        change(week, four.ann, align, approver=four.dana, author=four.eli, planner=four.pia)
    change(week, four.ann, align, approver=four.dana, author=four.pia, planner=four.pia)
    reviewer = browser_of(people[Role.REVIEWER])
    page = reviewer.get(address(week)).context["page"]
    assert [(each.name, each.rows) for each in page.people] == [("Eli Writes", 3), ("Pia Plans", 1)]
    for each in page.people:
        assert len(reviewer.get(each.address).context["rows"]) == each.rows


def test_the_overview_names_the_author(align: Connector, four: Four, reviewer: Client) -> None:
    change(past_week(), four.ann, align, author=four.eli, planner=four.pia, sentence="QA leads elsewhere.")
    assert "Eli Writes" in said(reviewer.get("/"))
    assert "Ann Applies" not in said(reviewer.get("/"))


# --- packs -------------------------------------------------------------------------------------------------------


def test_a_pack_has_the_four_in_its_rows_its_table_and_its_plans(acme: Connector, four: Four, reviewer: Client) -> None:
    set_cell(four.pia, 4, seen=2)
    set_cell(four.eli, 3, seen=4)
    plan = through_all(acme, four)
    pack = pack_helpers.made(reviewer, f"plan:{plan.pk} action:updated")
    (row,) = pack_helpers.objects(pack, "rows.jsonl")
    parts = ("person", "planner", "approver", "applier")
    assert [row[f"{part}_id"] for part in parts] == [each.pk for each in four]
    assert [row[f"{part}_name"] for part in parts] == [each.name for each in four]
    (line,) = pack_helpers.table(pack)
    assert [line[part] for part in ("Person", "Planned by", "Approved by", "Applied by")] == [e.name for e in four]
    about, *changes = pack_helpers.objects(pack, "plans.jsonl")
    assert [about[part]["name"] for part in ("planner", "approver", "applied_by")] == [e.name for e in list(four)[1:]]
    (told,) = [each for each in changes if each["action"] == "change.done"]
    assert [told[part]["name"] for part in ("author", "planner", "approver", "applier")] == [e.name for e in four]
    assert [each["name"] for each in told["earlier"]] == ["Pia Plans"]


# --- one number --------------------------------------------------------------------------------------------------


def test_a_row_has_one_number_in_page_address_api_and_pack(
    acme: Connector, sandbox: RunningSandbox, four: Four, reviewer: Client
) -> None:
    set_cell(four.eli, 3, seen=2)
    plan = through_all(acme, four)
    sandbox.edit("update_mapping", family="j2a_state", type=4, source=QA, target=1)
    assert runner.run_now(runner.start(acme, JobKind.INTAKE, actor=None)).state == JobState.DONE
    ours = HistoryRow.objects.get(plan=plan.pk, action="updated")
    theirs = HistoryRow.objects.filter(source=Source.OUTSIDE).latest("at")
    assert ours.number == str(ours.entry_seq)
    assert theirs.number == f"line-{theirs.line_id}"
    for row, called in ((ours, f"#{ours.entry_seq}"), (theirs, f"line {theirs.line_id}")):
        html = reviewer.get("/history/").content.decode()
        assert f'id="row-{row.number}" href="/history/{row.number}/" hx-get="/history/?row={row.number}"' in html
        assert called in said(reviewer.get("/history/"))
        assert row.called in said(reviewer.get(f"/history/{row.number}/"))
        assert row.called in said(reviewer.get("/history/", {"row": row.number}))
        assert reviewer.get(f"/api/v1/history/{row.number}/").json()["number"] == row.number
        assert row.number in found(reviewer, "")
    pack = pack_helpers.made(reviewer)
    told = pack_helpers.objects(pack, "rows.jsonl")
    assert [each["line"]["id"] for each in told if each["seq"] is None].count(theirs.line_id) == 1
    assert ours.entry_seq in {each["seq"] for each in told}
    table = pack_helpers.table(pack)
    assert {str(theirs.line_id), str(ours.line_id)} <= {each["Align line"] for each in table}


def test_the_number_of_a_line_leads_to_the_row_of_its_cause(acme: Connector, four: Four, reviewer: Client) -> None:
    set_cell(four.eli, 3, seen=2)
    plan = through_all(acme, four)
    assert runner.run_now(runner.start(acme, JobKind.INTAKE, actor=None)).state == JobState.DONE
    ours = HistoryRow.objects.get(plan=plan.pk, action="updated")
    line = MirrorLine.objects.get(row=ours)
    answer = reviewer.get(f"/history/line-{line.pk}/")
    assert answer.status_code == 303
    assert answer["Location"] == f"/history/{ours.entry_seq}/"
    assert f"Line {line.pk} Type" in seen_on(reviewer, answer["Location"])


@pytest.mark.parametrize("number", ["0", "999999999999999999", "line-999999999999999999", "row-1", "line-0"])
def test_a_number_of_no_row_is_not_found(acme: Connector, reviewer: Client, number: str) -> None:
    for path in (f"/history/{number}/", f"/api/v1/history/{number}/"):
        assert reviewer.get(path).status_code == 404


@pytest.mark.parametrize("number", ["", "x", "15", "line-", "line-x", "²", "-5", "9" * 5000, "row-9", "line-9" * 900])
def test_any_row_in_the_address_of_the_history_is_answered(acme: Connector, reviewer: Client, number: str) -> None:
    assert reviewer.get("/history/", {"row": number}).status_code == 200


def test_an_invented_row_can_be_looked_at_and_is_told_to_be_of_nothing(acme: Connector, reviewer: Client) -> None:
    row = HistoryRow.objects.create(at=Entry.objects.latest("seq").at, source=Source.OURS, action="updated")
    assert row.number == f"row-{row.pk}"
    assert f"row {row.pk} differs, not trusted" in said(reviewer.get("/history/"))
    assert reviewer.get(f"/history/{row.number}/").status_code == 200
    assert reviewer.get(f"/api/v1/history/{row.number}/").json()["number"] == row.number
    made = HistoryRow.objects.exclude(entry_seq=None).latest("pk")
    assert reviewer.get(f"/history/row-{made.pk}/").status_code == 404, "it has a number of its own"


# --- what was kept before ----------------------------------------------------------------------------------------


def test_entries_without_people_are_read_as_before_and_searched_by_their_two(
    acme: Connector, four: Four, reviewer: Client
) -> None:
    entry = change(past_week(), four.ann, acme, approver=four.dana)
    body = json.loads(entry.body)
    del body["people"]
    row = make_rows.of_entry(Entry(seq=entry.seq, body=json.dumps(body)))
    assert (row.person_id, row.applier_id, row.approver_id, row.planner_id) == (
        four.ann.pk,
        four.ann.pk,
        four.dana.pk,
        None,
    )

"""Reviews of the history: the weeks, who may sign one, what a sign-off says, samples that can be drawn again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import Entry
from connectors.history.reviews import sign_off, weeks
from connectors.history.reviews.views import SIGN
from connectors.history.reviews.weeks import Week
from connectors.models import Connector, HistoryRow, Review
from tests.conftest import People
from tests.support import factories
from tests.support.people_helpers import at_once, entries, said, send, sign_in, unwritable_history
from tests.support.review_helpers import (
    REVIEWS,
    act,
    address,
    change,
    explain,
    first_entry,
    form_of,
    outside,
    past_week,
    sign,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def week() -> Week:
    return past_week(2)


@pytest.fixture
def began(people: People) -> Week:
    """The week of the first entry: four weeks ago."""
    started = past_week(4)
    first_entry(started.since + timedelta(hours=1), people[Role.ADMIN])
    return started


@pytest.fixture
def align(began: Week, people: People) -> Connector:
    return factories.connector("http://127.0.0.1:9", actor=people[Role.ADMIN])


@pytest.fixture
def reviewer(began: Week, signed_in: Callable[[Role], Client]) -> Client:
    return signed_in(Role.REVIEWER)


@pytest.fixture
def second_admin(people: People) -> Person:
    return factories.person(Role.ADMIN, email="sam@example.test", name="Sam Second")


def client_of(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


# --- the weeks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "monday"),
    [
        (datetime(2026, 3, 2, 0, 0, 0, tzinfo=UTC), "2026-03-02"),
        (datetime(2026, 3, 8, 23, 59, 59, 999999, tzinfo=UTC), "2026-03-02"),
        (datetime.fromisoformat("2026-03-09T00:30:00+01:00"), "2026-03-02"),
        (datetime(2026, 1, 1, tzinfo=UTC), "2025-12-29"),
    ],
)
def test_a_week_goes_from_monday_to_sunday_in_utc(at: datetime, monday: str) -> None:
    assert weeks.week_of(at).slug == monday


@pytest.mark.parametrize(
    "wish", ["2026-03-03", "1999-01-04", "2999-01-07", "9999-12-31", "0001-01-01", "week", "2026-13-45"]
)
def test_what_is_no_week_to_review_is_not_there(reviewer: Client, align: Connector, wish: str) -> None:
    assert reviewer.get(f"{REVIEWS}{past_week(1).slug}/").status_code == 200
    assert reviewer.get(f"{REVIEWS}{wish}/").status_code == 404
    assert reviewer.post(f"{REVIEWS}{wish}/sign/").status_code == 404


def test_the_page_that_confirms_a_sign_off_says_what_is_signed() -> None:
    sent = [("note", "Fine"), ("rows", "7"), ("cases", "2"), ("seen", "0")]
    said_ = {"Note": "Fine", "Rows looked through": "7", "Open cases": "2"}
    assert dict(SIGN.lines(sent, {})) == {**said_, "Sample": "none"}
    assert dict(SIGN.lines([*sent, ("sample", "12")], {})) == {**said_, "Sample": "that of entry 12"}


def test_the_page_of_a_week_sums_it_up_and_leads_to_exactly_its_rows(
    reviewer: Client, align: Connector, week: Week, people: People
) -> None:
    act(week, people[Role.EDITOR], align, action="plan.started", plan=7)
    act(week, people[Role.ADMIN], align, action="plan.emergency_approved", plan=7)
    outside(week, align, people[Role.REVIEWER])
    act(week.before, people[Role.EDITOR], align)
    page = reviewer.get(address(week)).context["page"]
    assert {(each.name, each.rows) for each in page.actions} == {
        ("created", 1),
        ("plan.started", 1),
        ("plan.emergency_approved", 1),
    }
    assert {each.name for each in page.people} == {"Editor", "Admin", "ext-api"}
    assert [(each.name, each.rows) for each in page.connectors] == [("Acme", 3)]
    assert [row.plan for row in page.applied] == [7]
    assert [row.plan for row in page.emergencies] == [7]
    found = reviewer.get(page.rows_address)
    assert found.status_code == 200
    assert {row.pk for row in found.context["rows"]} == set(weeks.rows_of(week).values_list("pk", flat=True))


# --- signing ----------------------------------------------------------------------------------------------------------


def test_signing_is_an_entry_with_what_the_week_was(
    reviewer: Client, align: Connector, week: Week, people: People
) -> None:
    act(week, people[Role.EDITOR], align)
    outside(week, align, people[Role.EDITOR])
    last = Entry.objects.latest("seq")
    answer = sign(reviewer, week, "Asked the team, all is well.")
    assert answer.headers["Location"] == address(week)
    (entry,) = entries("history.reviewed")
    assert entry["actor"]["name"] == "Reviewer"
    assert entry["reason"] == "Asked the team, all is well."
    stated = entry["data"]
    assert (stated["week"], stated["rows"], stated["outside"], stated["open_cases"]) == (week.slug, 2, 1, 1)
    assert (stated["until_seq"], stated["head"]) == (last.seq, last.hash)
    assert stated["by_action"] == {"created": 1, "plan.made": 1}
    signed = Review.objects.get()
    assert (signed.week, signed.person_name, signed.rows, signed.until_seq) == (week.monday, "Reviewer", 2, last.seq)
    assert signed.entry_seq == entry["seq"]
    text = said(reviewer.get(address(week)))
    assert "reviewed Reviewer" in text
    assert "Asked the team, all is well." in text


def test_the_weeks_up_to_the_first_unsigned_one_are_reviewed(reviewer: Client, began: Week, align: Connector) -> None:
    assert sign_off.overdue() == 3
    assert reviewer.get(REVIEWS).context["page"].review_status.until is None
    sign(reviewer, began)
    sign(reviewer, past_week(1))
    review_status = reviewer.get(REVIEWS).context["page"].review_status
    assert (review_status.until, review_status.open, review_status.overdue, review_status.oldest) == (
        began.sunday,
        2,
        2,
        began.after,
    )
    for back in (3, 2):
        sign(reviewer, past_week(back))
    assert reviewer.get(REVIEWS).context["page"].review_status.until == past_week(1).sunday
    assert sign_off.overdue() == 0


def test_a_week_with_open_cases_needs_a_note(reviewer: Client, align: Connector, week: Week, people: People) -> None:
    (row,) = outside(week, align, people[Role.EDITOR])
    answer = sign(reviewer, week, "  \n ")
    assert answer.status_code == 409
    assert "say in the note why" in said(answer)
    assert not Review.objects.exists()
    explain(row, people[Role.EDITOR])
    assert sign(reviewer, week, "").status_code == 303


def test_the_running_week_is_not_signed(reviewer: Client, align: Connector) -> None:
    answer = sign(reviewer, past_week(0))
    assert answer.status_code == 409
    assert "is not over" in said(answer)
    assert sign(reviewer, past_week(1)).status_code == 303


def test_a_signed_week_is_not_signed_twice(reviewer: Client, align: Connector, week: Week) -> None:
    assert sign(reviewer, week).status_code == 303
    again = sign(reviewer, week)
    assert again.status_code == 409
    assert "nothing has changed in it since" in said(again)
    assert len(entries("history.reviewed")) == 1


def test_who_signs_a_page_that_somebody_signed_meanwhile_is_told_by_whom(
    reviewer: Client, align: Connector, week: Week, people: People
) -> None:
    late = factories.person(Role.REVIEWER, email="late@example.test", name="Lara Late")
    form = form_of(client_of(late), week)
    sign(reviewer, week)
    answer = client_of(late).post(address(week, "sign"), form | {"note": "mine"})
    assert answer.status_code == 409
    assert "Reviewer signed this week at" in said(answer)


def test_late_rows_make_a_signed_week_changed_and_it_can_be_signed_again(
    reviewer: Client, align: Connector, week: Week, people: People
) -> None:
    sign(reviewer, week, "first")
    before = Review.objects.get()
    act(week, people[Role.EDITOR], align)
    text = said(reviewer.get(address(week)))
    assert "changed since" in text
    assert "1 row more is in this week now" in text
    assert sign(reviewer, week, "second").status_code == 303
    after = Review.objects.get()
    assert (after.pk, after.note, after.rows) == (before.pk, "second", before.rows + 1)
    first, second = entries("history.reviewed")
    assert second["data"]["before"] == first["seq"]
    assert "again" in second["sentence"]
    assert "changed since" not in said(reviewer.get(address(week)))


def test_it_refuses_a_page_that_does_not_show_what_came_in_meanwhile(
    reviewer: Client, align: Connector, week: Week, people: People
) -> None:
    form = form_of(reviewer, week) | {"note": "seen"}
    act(week, people[Role.EDITOR], align)
    answer = reviewer.post(address(week, "sign"), form)
    assert answer.status_code == 409
    assert "The week has changed since you opened it" in said(answer)
    assert "seen" in answer.content.decode(), "the note is not lost"
    assert sign(reviewer, week, "seen").status_code == 303


@pytest.mark.parametrize("field", ["seen", "rows", "cases", "sample"])
@pytest.mark.parametrize("value", ["", "x", "-1", "9" * 30, "١"])
def test_a_form_with_nonsense_in_it_signs_nothing_wrong(
    reviewer: Client, align: Connector, week: Week, people: People, field: str, value: str
) -> None:
    act(week, people[Role.EDITOR], align)
    form = form_of(reviewer, week) | {"note": "n", field: value}
    answer = reviewer.post(address(week, "sign"), form)
    signs = field in ("seen", "cases", "sample")  # which are 0 there, as what is no number is read
    assert answer.status_code == (303 if signs else 409)


def test_it_refuses_a_note_longer_than_a_page(reviewer: Client, align: Connector, week: Week) -> None:
    assert sign(reviewer, week, "x" * 4001).status_code == 409
    assert sign(reviewer, week, "x" * 4000).status_code == 303


def test_signing_needs_a_fresh_sign_in(reviewer: Client, align: Connector, week: Week, settings: Settings) -> None:
    settings.FRESH_SIGN_IN = -1
    assert "You sign that you have looked through" in said(reviewer.get(address(week)))
    answer = reviewer.post(address(week, "sign"), form_of(reviewer, week))
    assert answer.headers["Location"].startswith("/accounts/reauthenticate/")
    assert not Review.objects.exists()
    settings.FRESH_SIGN_IN = 600
    assert sign(reviewer, week).status_code == 303


def test_nothing_is_signed_when_its_entry_cannot_be_written(reviewer: Client, align: Connector, week: Week) -> None:
    form = form_of(reviewer, week)
    reviewer.raise_request_exception = False
    with unwritable_history():
        assert reviewer.post(address(week, "sign"), form).status_code == 500
    assert not Review.objects.exists()
    assert sign(reviewer, week).status_code == 303


@pytest.mark.django_db(transaction=True)
def test_of_two_reviewers_at_once_one_wins_and_the_other_is_told(align: Connector, week: Week, people: People) -> None:
    second = factories.person(Role.REVIEWER, email="second@example.test", name="Sara Second")
    seen = sign_off.SeenWeek(review=0, rows=0, open_cases=0)
    both = [people[Role.REVIEWER], second]
    refusals = at_once([partial(sign_off.sign, week, note="", seen=seen, actor=person) for person in both])
    winner = Review.objects.get().person_name
    assert len(refusals) == 1
    assert refusals[0].startswith(f"{winner} signed this week at")
    assert len(entries("history.reviewed")) == 1


# --- who may ----------------------------------------------------------------------------------------------------------


def test_an_admin_signs_only_once_made_a_reviewer(
    align: Connector, week: Week, people: People, second_admin: Person
) -> None:
    client = client_of(second_admin)
    assert sign(client, week).status_code == 403
    boss = client_of(people[Role.ADMIN])
    assert send(boss, "person-reviews", second_admin, reviews="yes", seen="no").status_code == 303
    (entry,) = entries("person.reviewer_set")
    assert entry["data"] == {"before": False, "after": True}
    assert "Sam Second may review, too." in entry["sentence"]
    assert sign(client, week).status_code == 303


def test_a_reviewer_besides_is_one_no_more_once_that_is_taken_back(
    align: Connector, week: Week, people: People, second_admin: Person
) -> None:
    boss, client = client_of(people[Role.ADMIN]), client_of(second_admin)
    send(boss, "person-reviews", second_admin, reviews="yes", seen="no")
    assert client.post(address(week, "sample"), {"number": "1"}).status_code == 409
    assert send(boss, "person-reviews", second_admin, seen="no").status_code == 409, "the page is out of date"
    assert send(boss, "person-reviews", second_admin, seen="yes").status_code == 303
    assert client.post(address(week, "sample"), {"number": "1"}).status_code == 403


def test_nobody_makes_themselves_a_reviewer_and_no_other_role_has_the_box(people: People, second_admin: Person) -> None:
    boss = client_of(people[Role.ADMIN])
    assert send(boss, "person-reviews", people[Role.ADMIN], reviews="yes", seen="no").status_code == 409
    assert send(boss, "person-reviews", people[Role.EDITOR], reviews="yes", seen="no").status_code == 409
    assert not Person.objects.filter(reviews=True).exists()
    assert 'name="reviews"' in boss.get(f"/settings/people/{second_admin.pk}/").content.decode()
    assert 'name="reviews"' not in boss.get(f"/settings/people/{people[Role.EDITOR].pk}/").content.decode()


def test_the_right_to_review_goes_with_the_role_of_admin(people: People, second_admin: Person) -> None:
    boss = client_of(people[Role.ADMIN])
    send(boss, "person-reviews", second_admin, reviews="yes", seen="no")
    send(boss, "person-role", second_admin, role="editor", seen="admin")
    send(boss, "person-role", second_admin, role="admin", seen="editor")
    second_admin.refresh_from_db()
    assert second_admin.reviews is False


@pytest.mark.parametrize("part", ["person", "approver", "Align user", "Align e-mail"])
def test_nobody_signs_a_week_with_changes_of_their_own(
    align: Connector, week: Week, people: People, second_admin: Person, part: str
) -> None:
    second_admin.reviews = True
    second_admin.save()
    client, other = client_of(second_admin), client_of(people[Role.REVIEWER])
    if part == "person":
        change(week, second_admin, align)
    elif part == "approver":
        change(week, people[Role.EDITOR], align, approver=second_admin)
        Person.objects.filter(pk=second_admin.pk).update(name="Samantha Renamed")
    else:
        outside(week, align, people[Role.REVIEWER], user="SAM second" if part == "Align user" else second_admin.email)
    answer = sign(client, week, "all good")
    assert answer.status_code == 409
    text = said(answer)
    assert "This week contains your own changes, so someone else has to sign it:" in text
    assert weeks.rows_of(week).get().sentence[:30] in text
    assert sign(client, week.before).status_code == 303, "another week has none"
    assert sign(other, week, "all good").status_code == 303


def test_who_was_an_editor_does_not_sign_what_they_did_then(align: Connector, week: Week, people: People) -> None:
    change(week, people[Role.EDITOR], align)
    Person.objects.filter(pk=people[Role.EDITOR].pk).update(role=Role.REVIEWER)
    assert sign(client_of(people[Role.EDITOR]), week).status_code == 409
    assert sign(client_of(people[Role.EDITOR]), week.before).status_code == 303


def test_reviewing_and_ones_own_account_are_no_changes(align: Connector, week: Week, people: People) -> None:
    own = people[Role.REVIEWER]
    for action in ("history.verified", "history.sampled", "question.asked", "case.explained", "log.taken-in"):
        act(week, own, action=action)
    act(week, own, action="person.signed_in", subject=f"person {own.pk}")
    assert sign(client_of(own), week).status_code == 303


# --- samples ----------------------------------------------------------------------------------------------------------


def test_a_sample_is_an_entry_and_can_be_drawn_again_from_its_seed(
    reviewer: Client, align: Connector, week: Week, people: People
) -> None:
    for _ in range(12):
        act(week, people[Role.EDITOR], align)
    outside(week, align, people[Role.EDITOR], count=3)
    answer = reviewer.post(address(week, "sample"), {"number": "5", "among": "all"})
    (drawn,) = entries("history.sampled")
    assert answer.headers["Location"] == f"{address(week)}?sample={drawn['seq']}#sample"
    stated = drawn["data"]
    assert (stated["population"], len(stated["keys"])) == (15, 5)
    rows = weeks.rows_of(week).values_list("entry_seq", "line")
    keys = [f"entry {seq}" if seq else f"line {line}" for seq, line in rows]
    again = sorted(keys, key=lambda key: hashlib.sha256(f"{stated['seed']}:{key}".encode()).hexdigest())[:5]
    assert stated["keys"] == again
    page = reviewer.get(address(week), {"sample": drawn["seq"]}).context["page"]
    assert {f"entry {row.entry_seq}" if row.entry_seq else f"line {row.line_id}" for row in page.sample_rows} == set(
        again
    )
    sign(reviewer, week, "fine", sample=drawn["seq"])
    (signed,) = entries("history.reviewed")
    assert signed["data"]["sample"] == stated
    assert len(reviewer.get(address(week)).context["page"].sample_rows) == 5, "the page shows what was looked at"


def test_a_sample_of_changes_holds_nothing_else(reviewer: Client, align: Connector, week: Week, people: People) -> None:
    act(week, people[Role.EDITOR], align)
    mapped = change(week, people[Role.EDITOR], align)
    reviewer.post(address(week, "sample"), {"number": "9", "among": "changes"})
    assert entries("history.sampled")[0]["data"]["keys"] == [f"entry {mapped.seq}"]


@pytest.mark.parametrize(
    "form", [{"number": "0"}, {"number": "101"}, {"number": "-3"}, {"number": "x"}, {"number": "5", "among": "mine"}]
)
def test_it_refuses_a_sample_of_no_size_or_choice(
    reviewer: Client, align: Connector, week: Week, people: People, form: dict[str, str]
) -> None:
    act(week, people[Role.EDITOR], align)
    assert reviewer.post(address(week, "sample"), form).status_code == 409
    assert reviewer.post(address(week, "sample"), {"number": "5"}).status_code == 303
    assert len(entries("history.sampled")) == 1


def test_it_refuses_to_sign_with_a_sample_of_another_week(
    reviewer: Client, align: Connector, week: Week, people: People
) -> None:
    act(week.before, people[Role.EDITOR], align)
    reviewer.post(address(week.before, "sample"), {"number": "1"})
    (drawn,) = entries("history.sampled")
    assert sign(reviewer, week, sample=drawn["seq"]).status_code == 409
    assert sign(reviewer, week.before, sample=drawn["seq"]).status_code == 303


# --- where it is told -------------------------------------------------------------------------------------------------


def test_the_overview_and_the_navigation_tell_reviewers_what_is_overdue(
    signed_in: Callable[[Role], Client], align: Connector
) -> None:
    text = said(signed_in(Role.REVIEWER).get("/"))
    assert "4 weeks to sign, the oldest" in text
    assert "3 overdue" in text
    assert "History3 need attention" in text
    assert "Reviews of the history" not in said(signed_in(Role.EDITOR).get("/"))
    assert "History3 need attention" not in said(signed_in(Role.ADMIN).get("/")), "an admin who does not review"


def test_a_sign_off_reads_well_in_the_history(reviewer: Client, align: Connector, week: Week) -> None:
    sign(reviewer, week, "quiet week")
    row = HistoryRow.objects.get(action="history.reviewed")
    assert row.sentence == f"Signed off the week {week}: 0 rows, 0 outside changes, 0 open cases."
    assert json.loads(Entry.objects.get(action="history.reviewed").body)["subject"] == week.subject
    assert timezone.now() - row.at < timedelta(minutes=5)
    assert sign_in("reviewer@example.test", "wrong").get(REVIEWS).status_code == 302

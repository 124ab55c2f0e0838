"""Reviews by quarter: which weeks it has, what its page says of them, quiet weeks signed together, prepared notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from alignadmin.accounts.models import Person, Role
from connectors.history.reviews import quarters, questions, quiet_weeks, weeks
from connectors.history.reviews.quarter_page import QuarterPage
from connectors.history.reviews.quarter_views import SIGN
from connectors.history.reviews.quarters import Quarter
from connectors.history.reviews.weeks import Week
from connectors.models import Connector, Question, Review, ReviewDraft
from tests.conftest import People
from tests.support import factories
from tests.support.people_helpers import entries, said, unwritable_history
from tests.support.review_helpers import (
    REVIEWS,
    act,
    address,
    change,
    explain,
    first_entry,
    outside,
    past_week,
    quarter_address,
    quiet_form,
    sign,
)

SignIn = Callable[[Role], Client]


def test_each_week_is_of_the_one_quarter_that_has_its_thursday() -> None:
    """The calendar repeats itself after 400 years."""
    quarter, sizes, last = Quarter(year=2000, number=1), Counter[int](), None
    while quarter.year < 2400:
        assert all(quarters.quarter_of(week) == quarter for week in quarter.weeks)
        assert last is None or quarter.weeks[0] == last.after, "no week is left out"
        assert quarter.after.before == quarter
        last, sizes[len(quarter.weeks)] = quarter.weeks[-1], sizes[len(quarter.weeks)] + 1
        quarter = quarter.after
    assert sizes == {13: 1443, 14: 114, 12: 43}
    of_2026 = Quarter(year=2026, number=4)
    assert (of_2026.weeks[0].slug, of_2026.weeks[-1].slug, len(of_2026.weeks)) == ("2026-09-28", "2026-12-28", 14)
    assert Quarter(year=2027, number=1).weeks[0].number == "2027-W01"


# --- the page ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def quarter(people: People) -> Quarter:
    """One that is over: reviews begin in its first week."""
    found = quarters.quarter_of(past_week(20))
    first_entry(found.weeks[0].since + timedelta(hours=1), people[Role.ADMIN])
    return found


@pytest.fixture
def align(quarter: Quarter, people: People) -> Connector:
    return factories.connector("http://127.0.0.1:9", actor=people[Role.ADMIN])


@pytest.fixture
def reviewer(quarter: Quarter, signed_in: SignIn) -> Client:
    return signed_in(Role.REVIEWER)


def asked(week: Week, people: People) -> Question:
    row = weeks.rows_of(week).exclude(action__startswith="question").earliest("id")
    return questions.ask(row, people[Role.EDITOR].pk, "Which ticket?", actor=people[Role.REVIEWER])


def page_of(client: Client, quarter: Quarter) -> QuarterPage:
    page: QuarterPage = client.get(quarter_address(quarter)).context["page"]
    return page


@pytest.mark.django_db
def test_a_quarter_says_of_each_week_what_is_open_and_who_signed_it(
    reviewer: Client, quarter: Quarter, align: Connector, people: People, signed_in: SignIn
) -> None:
    with CaptureQueriesContext(connection) as of_nothing:
        page_of(reviewer, quarter)
    before = len(of_nothing)
    opened, explained, open_, answered, signed, changed, own, quiet, *rest = quarter.weeks
    outside(opened, align, people[Role.ADMIN], count=2)
    for row in outside(explained, align, people[Role.ADMIN], user="other"):
        explain(row, people[Role.EDITOR])
    for week in (open_, answered, own, quiet):
        change(week, people[Role.EDITOR], align)
    asked(open_, people)
    questions.answer(asked(answered, people), "CHG-7", actor=people[Role.EDITOR])
    act(own, people[Role.REVIEWER], align, action="plan.approved", sentence="Approved plan 7.")
    act(own, people[Role.REVIEWER], align, action="plan.approved", sentence="Approved plan 8.")
    for week in (signed, changed):
        assert sign(reviewer, week, "Fine.").status_code == 303
    change(changed, people[Role.EDITOR], align)

    page_of(reviewer, quarter)  # which says what was signed, once
    with CaptureQueriesContext(connection) as of_much:
        page = page_of(reviewer, quarter)
    assert len(of_much) <= before + 1, "none of a week or a row: one names own changes"
    cells = {cell.week: cell for cell in page.cells}
    assert list(cells) == quarter.weeks
    states = {week: cell.state.value for week, cell in cells.items()}
    assert (states[signed], states[changed], states[quiet]) == ("signed", "changed", "late")
    lines = {week: cell.line for week, cell in cells.items() if cell.line}
    counts = {
        week: (line.rows, line.outside, line.open_cases, line.explained_cases)
        for week, line in lines.items()
        if line.rows
    }
    first = 1  # the row that reviews begin with
    assert counts[opened] == (2 + first, 2, 2, 0)
    assert counts[explained] == (1, 1, 0, 1)
    assert counts[quiet] == (1, 0, 0, 0)
    of_questions = {week: (line.open_questions, line.answered_questions) for week, line in lines.items()}
    assert (of_questions[open_], of_questions[answered], of_questions[quiet]) == ((1, 0), (0, 1), (0, 0))
    assert [line.week for line in page.quiet] == [explained, answered, changed, quiet, *rest]
    assert [(cell.week, cell.own.rows) for cell in page.left_out if cell.own] == [(own, 2)]
    assert [(line.week, why) for line, why in page.not_quiet] == [
        (opened, "2 outside changes not explained"),
        (open_, "1 question not answered"),
    ]
    assert (page.sums.signed, page.sums.weeks) == (1, len(quarter.weeks))
    found = reviewer.get(page.cases_address)
    assert len(found.context["rows"]) == 2
    text = said(reviewer.get(quarter_address(quarter)))
    for told in ("Approved plan 7.", "2 changes", "of its Thursday", "1 of ", "! changed"[2:], "Reviewer", "Fine."):
        assert told in text
    assert "Quiet weeks" not in said(signed_in(Role.ADMIN).get(quarter_address(quarter))), "who does not review"


@pytest.mark.django_db
def test_a_week_before_the_first_entry_is_not_told_as_if_somebody_had_missed_it(
    people: People, signed_in: SignIn
) -> None:
    quarter = quarters.quarter_of(past_week(20))
    first_entry(quarter.weeks[1].since + timedelta(hours=1), people[Role.ADMIN])
    answer = signed_in(Role.REVIEWER).get(quarter_address(quarter))
    assert [cell.state.value for cell in answer.context["page"].cells][:2] == ["before", "late"]
    assert said(answer).count("before the first entry") == 1


@pytest.mark.django_db
def test_quarters_lead_to_each_other_from_the_running_one_to_the_first(reviewer: Client, quarter: Quarter) -> None:
    page, seen = reviewer.get(REVIEWS).context["page"], []
    assert page.after is None
    assert page.quarter == quarters.quarter_of(past_week(0))
    while page.before:
        seen += [cell.week for cell in page.cells if cell.line]
        before = page.before
        page = page_of(reviewer, before)
        assert page.after == quarters.quarter_of(before.weeks[-1]).after
    assert page.quarter == quarter
    assert sorted([*seen, *(cell.week for cell in page.cells if cell.line)]) == [
        Week(monday=quarter.weeks[0].monday + timedelta(weeks=each))
        for each in range((past_week(0).monday - quarter.weeks[0].monday).days // 7 + 1)
    ]
    for slug in (quarter.before.slug, "0000-Q1", "9999-Q4", "2026-Q5", "2026-Q0"):
        assert reviewer.get(f"{REVIEWS}{slug}/").status_code == 404, slug
        assert reviewer.post(f"{REVIEWS}{slug}/sign/").status_code == 404, slug


# --- signing quiet weeks together -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_quiet_weeks_are_signed_by_one_act_with_one_note_and_an_entry_each(
    reviewer: Client, quarter: Quarter, align: Connector, people: People, settings: Settings
) -> None:
    outside(quarter.weeks[0], align, people[Role.ADMIN])
    act(quarter.weeks[1], people[Role.REVIEWER], align)
    for week in quarter.weeks[2:5]:
        change(week, people[Role.EDITOR], align)
    quiet, form = quarter.weeks[2:], quiet_form(reviewer, quarter)
    settings.FRESH_SIGN_IN = -1
    answer = reviewer.post(quarter_address(quarter, "sign"), form)
    assert answer.headers["Location"].startswith("/accounts/reauthenticate/")
    lines = dict(SIGN.lines(list(form.items()), {}))
    assert f"{quiet[0]}, 1 row; {quiet[1]}, 1 row" in lines["Weeks"]
    assert not Review.objects.exists()
    settings.FRESH_SIGN_IN = 600
    reviewer.raise_request_exception = False
    with unwritable_history():
        assert reviewer.post(quarter_address(quarter, "sign"), form).status_code == 500
    assert not Review.objects.exists()

    with CaptureQueriesContext(connection) as queries:
        assert reviewer.post(quarter_address(quarter, "sign"), form).headers["Location"] == quarter_address(quarter)
    assert len(queries) < 60, "however many weeks"
    signed = entries("history.reviewed")
    assert [each["data"]["week"] for each in signed] == [week.slug for week in quiet]
    assert {each["reason"] for each in signed} == {"Looked at every change."}
    assert signed[0]["data"]["by_action"] == {"created": 1}
    assert signed[3]["data"]["rows"] == 0
    assert all(each["data"]["together"] == [week.slug for week in quiet] for each in signed)
    reviews = {each.week: each.entry_seq for each in Review.objects.all()}
    assert reviews == {week.monday: each["seq"] for week, each in zip(quiet, signed, strict=True)}
    assert page_of(reviewer, quarter).quiet == []
    change(quiet[0], people[Role.EDITOR], align)
    assert reviewer.post(quarter_address(quarter, "sign"), quiet_form(reviewer, quarter, "Late.")).status_code == 303
    again = entries("history.reviewed")[-1]
    assert (again["data"]["before"], "together" in again["data"]) == (signed[0]["seq"], False)


@pytest.mark.django_db
def test_a_week_that_is_quiet_no_more_is_named_and_then_none_is_signed(
    reviewer: Client, quarter: Quarter, align: Connector, people: People
) -> None:
    """Each week of the form is changed in another way after the page was drawn; the last form is of now, and holds."""
    late = factories.person(Role.REVIEWER, email="late@example.test", name="Lara Late")
    other = Client()
    other.force_login(late)
    mine, rows, case, question, elsewhere = quarter.weeks[:5]
    change(question, people[Role.EDITOR], align)
    changes: list[tuple[Week, Callable[[], object], str]] = [
        (rows, lambda: change(rows, people[Role.EDITOR], align), "it has 1 row now, and had 0"),
        (case, lambda: outside(case, align, people[Role.ADMIN]), "1 outside change not explained"),
        (question, lambda: asked(question, people), "1 question not answered"),
        (elsewhere, lambda: sign(other, elsewhere, "Mine."), "Lara Late signed it at"),
        (mine, lambda: act(mine, people[Role.REVIEWER], align), "it has 1 change of your own"),
    ]
    for week, happens, why in changes:
        form = quiet_form(reviewer, quarter, "My words.")
        happens()
        before = len(entries("history.reviewed"))
        answer = reviewer.post(quarter_address(quarter, "sign"), form)
        text = said(answer)
        assert answer.status_code == 409, why
        assert f"Nothing was signed, because of {week}: {why}" in text
        assert "My words." in answer.content.decode(), "the note is not lost"
        assert len(entries("history.reviewed")) == before
    running, form = past_week(0), quiet_form(reviewer, quarter)
    for wrong in (
        {"note": "  \n"},
        {"note": "x" * 4001},
        {"weeks": ""},
        {"weeks": "2026-13-45.0.0"},
        {"weeks": form["weeks"].partition(" ")[0] + " nonsense"},
        {"weeks": f"{form['weeks']} {form['weeks']}"},
        {"weeks": f"{running.slug}.0.{weeks.rows_of(running).count()}"},  # of another quarter
        {"weeks": f"{quarter.weeks[6].monday + timedelta(days=1)}.0.0"},
    ):
        assert reviewer.post(quarter_address(quarter, "sign"), form | wrong).status_code == 409, wrong
    of_now = f"{running.slug}.0.{weeks.rows_of(running).count()}"
    here = quarters.quarter_of(running)
    answer = reviewer.post(quarter_address(here, "sign"), {"weeks": of_now, "note": "Early."})
    assert "it is not over" in said(answer)
    assert Review.objects.count() == 1
    assert reviewer.post(quarter_address(quarter, "sign"), form).status_code == 303
    assert Review.objects.count() == len(quarter.weeks) - 3, "all but those that are open, and one's own"


# --- preparing --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("day", ["9999-12-27", "2026-11-24", "2026-02-30"])
def test_what_no_week_of_a_page_says_names_none(day: str) -> None:
    assert quiet_weeks.read(f"{day}.0.1") == []
    assert quiet_weeks.in_words(f"{day}.0.1") == f"{day}.0.1"


def test_a_note_is_prepared_for_a_running_week_and_stands_there_when_it_is_over(
    reviewer: Client, quarter: Quarter, align: Connector, people: People
) -> None:
    late = factories.person(Role.REVIEWER, email="late@example.test", name="Lara Late")
    other = Client()
    other.force_login(late)
    running, before = past_week(0), len(entries("history.reviewed"))
    assert reviewer.post(address(running, "draft"), {"note": "x" * 4001}).status_code == 409
    assert reviewer.post(address(running, "draft"), {"note": "Ask Eli about <b>CHG-1</b>."}).status_code == 303
    assert reviewer.post(address(running, "draft"), {"note": "Asked Eli about <b>CHG-1</b>."}).status_code == 303
    page = reviewer.get(address(running))
    assert "Asked Eli about &lt;b&gt;CHG-1" in page.content.decode()
    assert "Save note" in page.content.decode()
    assert "Asked Eli" not in other.get(address(running)).content.decode(), "it is theirs alone"
    assert reviewer.post(address(running, "sign"), {"note": "Early."}).status_code == 409
    assert len(entries("history.reviewed")) == before

    over, second = quarter.weeks[3:5]
    ReviewDraft.objects.update(week=over.monday)  # the week has passed
    assert "Asked Eli" in reviewer.get(address(over)).content.decode()
    assert page_of(reviewer, quarter).prepared == f"{over}: Asked Eli about <b>CHG-1</b>."
    ReviewDraft.objects.create(week=over.monday, person=late, note="Mine.", kept_at=timezone.now())
    assert sign(reviewer, over, "Eli says it was CHG-1.").status_code == 303
    assert not ReviewDraft.objects.exists()
    assert reviewer.post(address(over, "draft"), {"note": "Late."}).status_code == 409
    for note, kept in (("Two.", 1), (" ", 0), ("Three.", 1)):
        assert reviewer.post(address(second, "draft"), {"note": note}).status_code == 303
        assert ReviewDraft.objects.count() == kept
    reviewer.post(quarter_address(quarter, "sign"), quiet_form(reviewer, quarter))
    assert not ReviewDraft.objects.exists()
    Person.objects.filter(pk=late.pk).update(role=Role.EDITOR)
    assert other.post(address(running, "draft"), {"note": "No."}).status_code == 404

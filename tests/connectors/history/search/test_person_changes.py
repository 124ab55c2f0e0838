"""What one person had a part in: counts by the person's number, and the rows that each of them leads to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from connectors.history.reviews import weeks
from connectors.history.search import query_language
from connectors.history.search.person_changes import DAYS
from tests.conftest import People
from tests.support import factories
from tests.support.people_helpers import said
from tests.support.review_helpers import EVENT, act, change, past_week

pytestmark = pytest.mark.django_db


def test_a_person_s_page_leads_to_their_changes_by_each_of_the_four(
    people: People, signed_in: Callable[[Role], Client]
) -> None:
    """A namesake's are not theirs, and theirs stay theirs under another name."""
    connector = factories.connector("http://127.0.0.1:9", actor=people[Role.ADMIN])
    eli, admin = people[Role.EDITOR], people[Role.ADMIN]
    namesake = factories.person(Role.EDITOR, email="other@example.test", name=eli.name)
    week, long_ago = past_week(2), weeks.week_of(timezone.now() - timedelta(days=DAYS + 14))
    change(week, admin, connector, author=eli, planner=namesake)
    change(week, admin, connector, author=namesake, planner=eli, approver=eli)
    change(week, eli, connector, author=namesake, planner=namesake)
    change(long_ago, admin, connector, author=eli)
    act(week, eli, connector)  # no change of a mapping
    act(week, eli, connector, action="change.failed", event=vars(EVENT), plan=1, author=eli)  # nor is one that failed
    Person.objects.filter(pk=eli.pk).update(name="Eli Renamed")

    boss, reviewer = signed_in(Role.ADMIN), signed_in(Role.REVIEWER)
    found = {
        "person": boss.get(f"/settings/people/{eli.pk}/").context["page"].changes,
        "history-person": reviewer.get(f"/history/people/{eli.pk}/").context["changes"],
    }
    for where, changes in found.items():
        counts = {part.label: part.changes for part in changes.parts}
        assert counts == {"Any part": 3, "Author": 1, "Planned": 1, "Approved": 1, "Applied": 1}, where
    for part in found["person"].parts:
        page = reviewer.get(part.address)
        assert len(page.context["rows"]) == part.changes, part.label
        assert f"Eli Renamed (#{eli.pk})" in said(page)
    assert len(reviewer.get(found["person"].address).context["rows"]) == 5
    assert "Eli Renamed" not in said(signed_in(Role.VIEWER).get(found["person"].parts[0].address))
    row = reviewer.get(found["person"].parts[1].address).context["rows"][0]
    assert f"/history/people/{eli.pk}/" in reviewer.get(f"/history/{row.number}/").content.decode()
    assert "/history/people/" not in signed_in(Role.VIEWER).get(f"/history/{row.number}/").content.decode()
    assert signed_in(Role.EDITOR).get(f"/history/people/{eli.pk}/").status_code == 404
    assert reviewer.get("/history/people/999999/").status_code == 404


@pytest.mark.parametrize("name", ["actor", "author", "planner", "approver", "applier"])
def test_names_and_numbers_are_not_mixed_in_one_search(name: str) -> None:
    assert query_language.trouble(query_language.parse(f"{name}:#1 {name}:#2")) == ()
    (problem,) = query_language.trouble(query_language.parse(f"{name}:#1 {name}:eli"))
    assert problem == f"{name}: takes names or numbers such as #12, not both in one search."
    assert query_language.rows(query_language.parse(f"{name}:#1 {name}:eli")).count() == 0

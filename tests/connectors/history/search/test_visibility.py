"""Who sees which rows of the history: page, drawer, API, export, search, counts and saved searches agree on one rule.

The rule is written here by hand, once more: what is of sign-ins, people, credentials, connectors, the log or the
history itself is for reviewers and admins.
"""

from __future__ import annotations

import csv
import io
import re
from html import unescape

import pytest
from django.db import transaction
from django.test import Client

from alignadmin.accounts.models import Person, Role
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from connectors.align.audit_sentences import write
from connectors.history.search import action_words, saved_views
from connectors.models import Connector, HistoryRow
from connectors.ports.audited import context_of, event_fields
from tests.connectors.history.search.test_history_pages import NOON, align, lines, people, signed_in, text_of
from tests.support.events import EVENT

__all__ = ["align", "people"]

WORD = "zebra"  # in the sentence of every entry
PRIVATE = re.compile(
    r"(person|setting|credential|connector|pack|history|keys|question|log|terms|explorer|query|prerequisite)[. ]"
    r"|(webhook|agreement|import|import-undo|item-trial|verification)[.]"
    r"|.*(_told|\.told|_sent)$"
)
WITHOUT_ROW = {"change.sent", "credential.used", "log.read"}
OF_THE_DRAWER = {"HX-Request": "true", "HX-Target": "_drawer"}
OF_A_MAPPING = {"change.done", "change.failed"}


@pytest.fixture
def rows(align: Connector, people: dict[Role, Person]) -> dict[str, str]:
    """A row of every kind: its action by its number."""
    acts = [each for each in action_words.WORDS if each not in ("created", "updated", "deleted", "log line")]
    with transaction.atomic():
        trail.record_all(
            [
                AuditRecord(
                    action=action,
                    actor=people[Role.ADMIN],
                    context=context_of(align),
                    subject=f"thing {number}",
                    sentence=f"Something happened to a {WORD}.",
                    event=event_fields(EVENT) if action in OF_A_MAPPING else None,
                    plan=7 if action.startswith("change.") else None,
                    happened_at=NOON,
                )
                for number, action in enumerate([*acts, "not.in-the-table"])
            ]
        )
    lines(align, write(EVENT), f"The {WORD} was saved by hand")
    found = {row.number: row.action for row in HistoryRow.objects.all()}
    assert set(found.values()) == {*acts, "not.in-the-table", "updated", "log line"} - WITHOUT_ROW - {"change.done"}
    return found


def may_see(role: Role, action: str) -> bool:
    return role in (Role.ADMIN, Role.REVIEWER) or not (PRIVATE.match(action) or action == "not.in-the-table")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR, Role.REVIEWER])
def test_page_api_export_search_and_counts_show_what_the_rule_says(
    role: Role, rows: dict[str, str], people: dict[Role, Person]
) -> None:
    person, client = people[role], signed_in(people[role])
    allowed = {number for number, action in rows.items() if may_see(role, action)}
    assert len(allowed) > 40
    assert (allowed == set(rows)) == (role == Role.REVIEWER)

    found = {each["number"] for each in client.get("/api/v1/history/?limit=1000").json()["results"]}
    assert found == allowed
    assert shown_on_pages(client, "/history/") == allowed
    assert exported(client, "") == allowed

    with_word = {each for each in allowed if WORD in HistoryRow.objects.get(**key_of(each)).sentence}
    saved = saved_views.SavedViewLine(view=saved_views.save("Zebras", WORD, shared=False, actor=person), is_own=True)
    assert shown_on_pages(client, saved.address) == with_word
    assert exported(client, WORD) == with_word
    days = re.findall(r'aria-label="[^"]*: (\d+) rows', text_of(client, f"/history/?q={WORD}&days=yes"))
    assert sum(map(int, days)) == len(with_word)
    assert f"<dt>Rows</dt><dd>{len(with_word)}</dd>" in text_of(client, f"/history/export/?q={WORD}")

    signed_in_rows = {number for number, action in rows.items() if action == "person.signed_in"}
    assert shown_on_pages(client, "/history/?q=action:person.signed_in") == signed_in_rows & allowed
    assert ("entries of the chain" in text_of(client, "/history/")) == (role == Role.REVIEWER)


def test_a_row_that_one_may_not_see_is_not_there(rows: dict[str, str], people: dict[Role, Person]) -> None:
    editor = signed_in(people[Role.EDITOR])
    for number, action in rows.items():
        status = 200 if may_see(Role.EDITOR, action) else 404
        assert editor.get(f"/api/v1/history/{number}/").status_code == status, action
    hidden = next(number for number, action in rows.items() if action == "credential.switched")
    seen = next(number for number, action in rows.items() if action == "plan.made")
    assert editor.get(f"/history/{hidden}/").status_code == 404
    assert editor.get(f"/history/?row={hidden}", headers=OF_THE_DRAWER).status_code == 404
    assert 'id="_panel"' not in text_of(editor, f"/history/?row={hidden}")
    html = text_of(editor, f"/history/{seen}/")
    neighbours = set(re.findall(r'<li><a href="/history/([^"/]*)/"', html))
    assert neighbours
    assert all(may_see(Role.EDITOR, rows[number]) for number in neighbours)


def test_a_shared_search_is_seen_by_those_who_see_as_much_as_who_shares_it(people: dict[Role, Person]) -> None:
    for role in (Role.REVIEWER, Role.EDITOR):
        saved_views.save(f"Of the {role}", "action:updated", shared=True, actor=people[role])
    for role in Role:
        seen = {each.view.name for each in saved_views.seen_by(people[role])}
        assert seen == {"Of the editor", *(["Of the reviewer"] if may_see(role, "person.added") else [])}
        html = text_of(signed_in(people[role]), "/history/views/")
        told = "reviewers and admins" if may_see(role, "person.added") else "everybody who sees the history"
        assert f"Share with {told}" in html
        assert ("Of the reviewer" in html) == may_see(role, "person.added")
    Person.objects.filter(role=Role.REVIEWER).update(role=Role.VIEWER)
    assert "Of the reviewer" not in text_of(signed_in(people[Role.EDITOR]), "/history/views/")
    former = signed_in(Person.objects.get(pk=people[Role.REVIEWER].pk))
    assert "Share with reviewers and admins" in text_of(former, "/history/views/"), "one's own, as it was shared"


def test_a_row_is_opened_only_beside_a_view_that_has_it(rows: dict[str, str], people: dict[Role, Person]) -> None:
    editor = signed_in(people[Role.EDITOR])
    number = next(number for number, action in rows.items() if action == "plan.made")
    for view, status in (
        ("", 200),
        (f"q={WORD}&", 200),
        ("q=action:updated&", 404),
        ("q=other&", 404),
        ("as=align&", 404),
    ):
        address = f"/history/?{view}row={number}"
        assert editor.get(address, headers=OF_THE_DRAWER).status_code == status, view
        html = text_of(editor, address)
        assert ('id="_panel"' in html, "The row of this address is not shown" in html) == (status == 200, status == 404)
        assert ("Export this view" in html) == ("align" not in view)


def test_no_button_is_shown_that_leads_to_nothing(rows: dict[str, str], people: dict[Role, Person]) -> None:
    for role in Role:
        client = signed_in(people[role])
        html = text_of(client, "/history/?row=" + next(iter(rows)))
        found = {unescape(each) for each in re.findall(r'<a[^>]* href="(/history/[^"#?]+)', html)}
        addresses = sorted(each for each in found if not re.fullmatch(r"/history/(line-)?\d+/", each))
        assert addresses
        wrong = [each for each in addresses if client.get(each).status_code not in (200, 302)]
        assert wrong == [], role


def shown_on_pages(client: Client, address: str | None) -> set[str]:
    found: set[str] = set()
    while address:
        html = text_of(client, address)
        found |= set(re.findall(r'<a id="row-([^"]*)"', html))
        older = re.search(r'<a class="btn" href="([^"]*)">Older</a>', html)
        address = unescape(older[1]) if older else None
    return found


def exported(client: Client, query: str) -> set[str]:
    """The export's own entry is written after its rows are."""
    answer = client.post("/history/export/", {"q": query})
    assert answer.status_code == 200
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    found = {line["Number"] for line in csv.DictReader(io.StringIO(text))}
    HistoryRow.objects.filter(action="history.exported", sentence__startswith="Exported ").delete()
    return found


def key_of(number: str) -> dict[str, int]:
    return {"line_id": int(number[5:])} if number.startswith("line-") else {"entry_seq": int(number)}

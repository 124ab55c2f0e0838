"""The history pages: what they show, to whom, and that no name in them is taken for markup."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.accounts.recent_sign_in import BEGAN, SEEN
from alignadmin.audit import trail, triggers
from alignadmin.audit.entries import AuditRecord
from alignadmin.audit.models import Entry
from alignadmin.due_work import run_due
from connectors.align.audit_sentences import DELETED, J2A, MappingEvent, write
from connectors.history.intake.pasted_log import LogLine
from connectors.history.search.forms import asked
from connectors.history.search.query_language import Search
from connectors.models import Connector, HistoryRow, Intake, MirrorLine, SavedView
from connectors.ports.audited import context_of, event_fields
from tests.support import factories
from tests.support.events import EVENT
from tests.support.intake_helpers import import_lines

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script> \"'& → ] To [ \u202eabc\nline"


@pytest.fixture
def align(db: None) -> Connector:
    return Connector.objects.create(
        slug="acme",
        name="Acme production",
        align_site="https://acme.example.test",
        align_connector_id=123,
        jira_site="https://jira.example.test",
        time_zone="Europe/Warsaw",
    )


@pytest.fixture
def people(db: None) -> dict[Role, Person]:
    return {
        role: Person.objects.create_user(f"{role.value}@example.test", name=f"The {role.label}", role=role)
        for role in Role
    }


@pytest.fixture
def reviewer(people: dict[Role, Person]) -> Client:
    return signed_in(people[Role.REVIEWER])


def signed_in(person: Person) -> Client:
    """A session without the act of signing in, which would be an entry of its own."""
    client = Client()
    session = client.session
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session[BEGAN] = session[SEEN] = timezone.now().timestamp()
    session.save()
    return client


def done(connector: Connector, actor: Person | None, *events: MappingEvent, at: datetime = NOON) -> None:
    acts = [
        AuditRecord(
            action="change.done",
            actor=actor,
            context=context_of(connector),
            subject="plan 7 change 1",
            sentence=f"{event.source_name} now leads to {event.after_name}.",
            event=event_fields(event),
            plan=7,
            project_key=event.project_key or "",
            reason="QA column added",
            ticket="CHG-2291",
            approver=actor,
            happened_at=at + timedelta(hours=number),
        )
        for number, event in enumerate(events)
    ]
    with transaction.atomic():
        trail.record_all(acts)


def lines(connector: Connector, *descriptions: str, at: datetime = NOON) -> None:
    taken = [
        LogLine(
            number=number,
            raw="",
            type="CONFIG 123",
            user="Jira Align System",
            at=at + timedelta(hours=number),
            description=description,
        )
        for number, description in enumerate(descriptions)
    ]
    factories.lines_taken_in(connector, taken, Intake.PASTE, NOON)


def text_of(client: Client, address: str, **headers: str) -> str:
    response = client.get(address, headers=headers)
    assert response.status_code == 200, response.content[:500]
    return response.content.decode()


def body_rows(html: str) -> int:
    return len(re.findall(r'<a id="row-', html))


class TestTable:
    def test_an_empty_history_says_what_will_stand_here(self, reviewer: Client) -> None:
        assert "No activity yet" in text_of(reviewer, "/history/")

    def test_a_change_shows_who_when_why_and_its_line(
        self, reviewer: Client, align: Connector, people: dict[Role, Person]
    ) -> None:
        done(align, people[Role.ADMIN], EVENT)
        lines(align, write(EVENT))
        html = text_of(reviewer, "/history/")
        for words in ("The Admin", "approved by", "CONFIG 123", "Dev complete", "QA", "In Review", "CHG-2291"):
            assert words in html
        assert "in Align&#x27;s log" in html or "in Align's log" in html
        assert body_rows(html) == 1

    def test_what_has_no_cause_is_marked_and_its_project_is_not_made_up(
        self, reviewer: Client, align: Connector
    ) -> None:
        lines(align, write(EVENT))
        html = text_of(reviewer, "/history/")
        assert "no cause here" in html
        assert "project not stated by Align" in html

    def test_as_align_shows_the_four_columns_and_marks_what_it_lacks(
        self, reviewer: Client, align: Connector, people: dict[Role, Person]
    ) -> None:
        done(align, people[Role.ADMIN], replace(EVENT, source_id=4))
        lines(align, write(EVENT), "Connector saved by hand")
        html = text_of(reviewer, "/history/?as=align")
        assert write(EVENT) in unescape(html)
        assert "Connector saved by hand" in html
        assert "not seen in Align's log yet" in unescape(html)
        assert body_rows(html) == 3

    def test_names_are_never_markup(self, reviewer: Client, align: Connector, people: dict[Role, Person]) -> None:
        Connector.objects.filter(pk=align.pk).update(name=HOSTILE)
        Person.objects.filter(pk=people[Role.ADMIN].pk).update(name=HOSTILE)
        align.refresh_from_db()
        people[Role.ADMIN].refresh_from_db()
        event = replace(EVENT, source_name=HOSTILE, before_name=HOSTILE, after_name=HOSTILE, project_key="<i>K")
        done(align, people[Role.ADMIN], event)
        lines(align, write(replace(event, source_id=5)), HOSTILE)
        addresses = ["/history/", "/history/?as=align", "/history/intake/", f"/history/?q={HOSTILE[:8]}&person=<i>"]
        addresses += [f"/history/{row.number}/" for row in HistoryRow.objects.all()]
        addresses += [f"/history/?row={row.number}" for row in HistoryRow.objects.all()]
        for address in addresses:
            html = text_of(reviewer, address)
            assert "<script>alert" not in html
            assert "<i>" not in html
            assert "&lt;script&gt;alert" in html or "person=" in address

    def test_the_page_takes_few_queries_however_many_rows(
        self, reviewer: Client, align: Connector, people: dict[Role, Person]
    ) -> None:
        counts = []
        for _ in range(4):  # at the end there is more than a page
            done(align, people[Role.ADMIN], *([EVENT, replace(EVENT, source_id=4)] * 10))
            lines(align, write(EVENT), *(f"raw {number}" for number in range(10)))
            opened = HistoryRow.objects.exclude(line=None).earliest("pk").number  # in Align's log, so beside its table
            with CaptureQueriesContext(connection) as queries:
                html = text_of(reviewer, f"/history/?row={opened}&connector=acme&as=align")
            assert 'aria-current="true"' in html
            assert "Open full page" in html
            counts.append(len(queries))
        assert counts[2] == counts[3]
        # PostgreSQL is told how to plan a search, and looks through more windows of time.
        assert max(counts) <= {"sqlite": 57, "postgresql": 65}[connection.vendor]

    def test_kept_raw_lines_are_counted_and_found(self, reviewer: Client, align: Connector) -> None:
        lines(align, write(EVENT), "something else")
        html = text_of(reviewer, "/history/")
        assert re.search(r"<b>1</b><small><a href=\"[^\"]*q=raw:yes\">unparsed lines", html)
        assert body_rows(text_of(reviewer, "/history/?q=raw:yes")) == 1


FILTERS = [
    ("since=2026-11-21", 1),
    ("until=2026-11-20", 3),
    ("connector=acme", 4),
    ("action=deleted", 1),
    ("action=plan", 1),
    ("kind=state", 2),
    ("direction=a2j", 1),
    ("direction=j2a", 1),
    ("type=story", 2),
    ("type=task", 0),
    ("project=proj", 1),
    ("project=OTHER", 0),
    ("person=the admin", 2),
    ("person=jira align", 2),
    ("source=outside", 1),
    ("source=alignadmin", 2),
    ("plan=9", 1),
    ("q=dev COMPLETE", 1),
    ("q=10013", 2),
    ("q=100%25", 2),  # punctuation does not matter, and a word is found by its beginning
    ("q=zebra", 0),
    ("q=action:deleted", 1),
    ("q=before:%22test complete%22 source:outside", 1),
    ("actor=the+admin&ticket=CHG-2291", 1),
    ("was=qa&became=in+review", 1),
    ("case=open", 1),
    ("raw=true", 1),
    ("source=alignadmin&kind=state&q=review", 1),
]


def parts_of(search: Search) -> set[str]:
    return {*map(str, search.terms), *search.words}


class TestFilters:
    @pytest.fixture(autouse=True)
    def _rows(self, align: Connector, people: dict[Role, Person]) -> None:
        done(align, people[Role.ADMIN], EVENT)
        deleted = replace(EVENT, action=DELETED, direction=J2A, source_id=10013, source_name="In Review")
        lines(align, write(replace(deleted, before_id=3, before_name="Test complete")), "something else")
        MirrorLine.objects.count()
        with transaction.atomic():
            trail.record(
                AuditRecord(
                    action="plan.made",
                    actor=people[Role.ADMIN],
                    context=context_of(align),
                    subject="plan 9",
                    sentence="Planned 3 changes.",
                    plan=9,
                    happened_at=NOON + timedelta(days=1),
                )
            )
        # The status is known as one that all company-managed projects share.
        row = HistoryRow.objects.get(direction=J2A)
        row.project_stated = True
        row.text = row.text.replace(":nowhere", "")
        row.save()

    @pytest.mark.parametrize(("query", "rows"), FILTERS)
    def test_each_filter_narrows_and_shows_a_chip_that_removes_it(
        self, reviewer: Client, query: str, rows: int
    ) -> None:
        html = text_of(reviewer, f"/history/?{query}")
        assert body_rows(html) == rows
        removals = [unescape(each) for each in re.findall(r'<a href="([^"]*)" aria-label="Remove the filter', html)]
        parts = parts_of(asked(QueryDict(query)))
        assert removals
        assert len(removals) == len(parts)
        for removal in removals:
            left = parts_of(asked(QueryDict(urlsplit(removal).query)))
            assert len(left) == len(parts) - 1
            assert left < parts

    def test_a_line_without_a_project_stays_under_every_project_and_says_so(
        self, reviewer: Client, align: Connector
    ) -> None:
        lines(align, write(replace(EVENT, source_id=5)))
        html = text_of(reviewer, "/history/?project=ELSEWHERE")
        assert body_rows(html) == 1
        assert "project not stated by Align" in html

    @pytest.mark.parametrize(
        "query",
        [
            "since=someday",
            "kind=x",
            "connector=nobody",
            "plan=-1",
            "type=<b>",
            "q=%00",
            "q=nothing:known",
            "q=after:",
            "case=x",
        ],
    )
    def test_a_filter_that_is_not_understood_is_named_and_shows_nothing(self, reviewer: Client, query: str) -> None:
        html = text_of(reviewer, f"/history/?{query}")
        assert 'class="error"' in html
        assert body_rows(html) == 0

    @pytest.mark.parametrize(
        "query", ["before=x", "after=1-", "row=x", "row=999999999999999999", "before=9-9", "row=²"]
    )
    def test_a_broken_address_is_no_error(self, reviewer: Client, query: str) -> None:
        text_of(reviewer, f"/history/?{query}")

    def test_a_bar_narrows_to_its_day_and_keeps_the_other_filters(self, reviewer: Client) -> None:
        html = text_of(reviewer, "/history/?source=alignadmin&days=yes")
        links = re.findall(r'<a href="([^"]*)" aria-label="([^"]*) rows, (\d+) outside"', html)
        assert [label for _, label, _ in links] == ["20 Nov 2026: 1", "21 Nov 2026: 1"]
        narrowed = unescape(links[0][0])
        assert parse_qs(urlsplit(narrowed).query) == {
            "q": ["source:alignadmin since:2026-11-20 until:2026-11-20"],
            "days": ["yes"],
        }
        assert body_rows(text_of(reviewer, narrowed)) == 1
        assert "style=" not in html


class TestSearchBox:
    def test_the_fields_show_the_qualifiers_and_lead_to_an_address_without_the_empty_ones(
        self, reviewer: Client, align: Connector
    ) -> None:
        html = text_of(reviewer, '/history/?q=type:story after:"In Review" since:2026-03-01 type:epic raw:yes words')
        fields = html.partition('id="fields"')[2].partition("</form>")[0]
        assert 'name="became" value="In Review"' in fields
        assert 'name="since" value="2026-03-01"' in fields
        assert "checked" in fields
        assert 'name="q" value="type:story type:epic words"' in fields
        answer = reviewer.get("/history/?tidy=1&q=words&became=In+Review&type=&since=2026-03-01&as=align")
        assert answer.status_code == 303
        assert parse_qs(urlsplit(answer["Location"]).query) == {
            "q": ['since:2026-03-01 after:"In Review" words'],
            "as": ["align"],
        }

    def test_quick_ranges_stand_in_the_address_and_none_is_chosen_unasked(
        self, reviewer: Client, align: Connector
    ) -> None:
        done(align, None, EVENT, at=timezone.now() - timedelta(days=20))
        html = text_of(reviewer, "/history/?q=action:updated")
        ranges = re.findall(r'<a class="chip" href="([^"]*)"( aria-current="true")?>([^<]*)</a>', html)
        assert [label for _, _, label in ranges] == ["All", "Today", "7 days", "30 days", "90 days", "This quarter"]
        assert [label for _, on, label in ranges if on] == ["All"]
        addresses = {label: unescape(address) for address, _, label in ranges}
        assert parse_qs(urlsplit(addresses["7 days"]).query)["q"] == ["action:updated since:7d"]
        assert body_rows(text_of(reviewer, addresses["7 days"])) == 0
        assert body_rows(text_of(reviewer, addresses["30 days"])) == 1

    def test_a_day_is_a_day_of_the_viewers_zone(
        self, reviewer: Client, align: Connector, people: dict[Role, Person]
    ) -> None:
        done(align, None, EVENT, at=datetime(2026, 3, 9, 22, 30, tzinfo=UTC))
        assert body_rows(text_of(reviewer, "/history/?q=since:2026-03-10")) == 0
        Person.objects.filter(pk=people[Role.REVIEWER].pk).update(time_zone="Europe/Warsaw")
        assert body_rows(text_of(reviewer, "/history/?q=since:2026-03-10")) == 0
        assert body_rows(text_of(reviewer, "/history/?q=since:2026-03-09 until:2026-03-09")) == 1
        Person.objects.filter(pk=people[Role.REVIEWER].pk).update(time_zone="Asia/Tokyo")
        html = text_of(reviewer, "/history/?q=since:2026-03-10 until:2026-03-10&days=yes")
        assert body_rows(html) == 1
        assert "10 Mar 2026: 1 rows" in html

    def test_a_row_opens_beside_the_page_one_is_on(self, reviewer: Client, align: Connector) -> None:
        done(align, None, *(replace(EVENT, source_id=number) for number in range(60)))
        html = text_of(reviewer, "/history/?q=type:story")
        older = unescape(re.search(r'<a class="btn" href="([^"]*)">Older</a>', html)[1])  # type: ignore[index]
        html = text_of(reviewer, older)
        row = unescape(re.search(r'id="row-\d+" href="/history/\d+/" hx-get="([^"]*)"', html)[1])  # type: ignore[index]
        assert set(parse_qs(urlsplit(row).query)) == {"q", "before", "row"}
        assert body_rows(text_of(reviewer, row)) == 10


class TestSavedSearches:
    def save(self, client: Client, name: str, q: str = "type:story", **more: str) -> tuple[int, str]:
        answer = client.post("/history/views/", {"name": name, "q": q, **more}, follow=True)
        return answer.status_code, unescape(answer.content.decode())

    def test_a_search_is_saved_opened_renamed_and_deleted(self, reviewer: Client, align: Connector) -> None:
        done(align, None, EVENT)
        status, html = self.save(reviewer, "  Stories   in March ", "type:story   since:2026-03")
        assert (status, "saved as “Stories in March”" in html) == (200, True)
        view = SavedView.objects.get()
        assert view.query == "type:story since:2026-03"
        link = re.search(r'<a href="([^"]*)"><bdi class="wrap">Stories in March', text_of(reviewer, "/history/"))
        assert link
        assert body_rows(text_of(reviewer, unescape(link[1]))) == 1
        reviewer.post(f"/history/views/{view.pk}/", {"name": "Stories", "shared": "yes"})
        view.refresh_from_db()
        assert (view.name, view.shared) == ("Stories", True)
        assert reviewer.post(f"/history/views/{view.pk}/delete/").status_code == 303
        assert not SavedView.objects.exists()
        assert reviewer.post(f"/history/views/{view.pk}/delete/").status_code == 404

    def test_a_shared_search_is_seen_by_others_and_changed_by_nobody_else(
        self, reviewer: Client, people: dict[Role, Person]
    ) -> None:
        self.save(reviewer, "Mine alone")
        self.save(reviewer, "For all", shared="yes")
        admin = signed_in(people[Role.ADMIN])
        html = text_of(admin, "/history/views/")
        assert ("For all" in html, "Mine alone" in html) == (True, False)
        for view in SavedView.objects.all():
            for address in (f"/history/views/{view.pk}/", f"/history/views/{view.pk}/delete/"):
                assert admin.post(address, {"name": "Taken"}).status_code == 404
        assert set(SavedView.objects.values_list("name", flat=True)) == {"For all", "Mine alone"}

    @pytest.mark.parametrize(
        ("name", "q", "sentence"),
        [
            ("", "type:story", "needs a name"),
            ("n" * 81, "type:story", "81 characters"),
            ("Known", "type:story", "named “Known” already"),
            ("Odd", "nothing:known", "There is no qualifier “nothing”"),
            ("Odd", "connector:nobody", "There is no connector “nobody”"),
            ("Long", " ".join(f"{'w' * 200}{n}" for n in range(25)), "one that is saved may have"),
        ],
    )
    def test_it_refuses_what_cannot_be_saved_and_keeps_what_was_typed(
        self, reviewer: Client, name: str, q: str, sentence: str
    ) -> None:
        self.save(reviewer, "Known")
        status, html = self.save(reviewer, name, q)
        assert (status, sentence in html) == (400, True)
        assert f'value="{name}"' in html
        assert SavedView.objects.count() == 1

    def test_it_refuses_the_fifty_first(self, reviewer: Client) -> None:
        for number in range(50):
            assert self.save(reviewer, f"View {number}")[0] == 200
        status, html = self.save(reviewer, "One more")
        assert (status, "which is the most" in html) == (400, True)

    def test_names_are_never_markup(self, reviewer: Client) -> None:
        self.save(reviewer, "<script>alert(1)</script>", '"<script>alert(2)</script>"')
        for address in ("/history/views/", "/history/"):
            assert "<script>alert" not in text_of(reviewer, address)


def test_pages_by_key_show_every_row_once_in_both_directions(reviewer: Client, align: Connector) -> None:
    at = [NOON + timedelta(minutes=number // 7) for number in range(125)]
    HistoryRow.objects.bulk_create(
        [
            HistoryRow(at=when, connector=align, source="align", action="x", sentence=f"n{n}")
            for n, when in enumerate(at)
        ]
    )
    expected = list(HistoryRow.objects.order_by("-at", "-id").values_list("pk", flat=True))

    def walk(address: str | None, word: str) -> list[list[int]]:
        pages = []
        while address:
            html = text_of(reviewer, address)
            pages.append([int(number) for number in re.findall(r'id="row-row-(\d+)"', html)])
            last = address
            found = re.search(rf'<a class="btn" href="([^"]*)">{word}</a>', html)
            address = unescape(found[1]) if found else None
        self_address.append(last)
        return pages

    self_address: list[str] = []
    older = walk("/history/", "Older")
    assert [number for shown in older for number in shown] == expected
    newer = walk(self_address[-1], "Newer")
    assert newer[-1][-1:] == older[0][-1:] or newer[-1] == older[0][: len(newer[-1])]
    assert {number for shown in newer for number in shown} == set(expected)


class TestPanel:
    def test_it_is_a_page_and_a_fragment(self, reviewer: Client, align: Connector, people: dict[Role, Person]) -> None:
        done(align, people[Role.ADMIN], EVENT, replace(EVENT, source_id=1))
        lines(align, write(EVENT))
        row = HistoryRow.objects.order_by("at").first()
        assert row is not None
        page = text_of(reviewer, f"/history/{row.number}/")
        assert "<html" in page
        response = reviewer.get(f"/history/{row.number}/", headers={"HX-Request": "true"})
        fragment = response.content.decode()
        assert "HX-Request" in response["Vary"]
        assert fragment.lstrip().startswith('<aside class="card" id="_panel"')
        for words in ("QA column added", write(EVENT), "is unaltered", "Context"):
            assert words in unescape(fragment)

    def test_a_changed_entry_or_row_is_said_aloud(self, reviewer: Client, align: Connector) -> None:
        done(align, None, EVENT)
        row = HistoryRow.objects.get()
        HistoryRow.objects.update(after_name="Somewhere else")
        said = "This row differs from its entry: after name says “Somewhere else”, the entry says “In Review”"
        for address in (f"/history/{row.number}/", "/history/"):
            assert said in text_of(reviewer, address)
            assert "Do not rely on it" in text_of(reviewer, address)
        with triggers.lifted():
            Entry.objects.update(body=Entry.objects.get().body.replace("QA", "QB"))
        assert "has been altered" in text_of(reviewer, f"/history/{row.number}/")

    def test_an_unknown_row_is_not_found(self, reviewer: Client) -> None:
        assert reviewer.get("/history/77/").status_code == 404


class TestIntakePage:
    ROW = f"CONFIG 123\tJira Align System\t2026-11-20 13:00:00\t{write(EVENT)}"

    def post(self, client: Client, **fields: Any) -> tuple[int, str]:
        slug = str(fields.pop("connector", "acme"))
        response = import_lines(client, slug=slug, **fields)
        return response.status_code, unescape(response.content.decode())

    def test_pasted_lines_are_counted_and_shown(self, reviewer: Client, align: Connector) -> None:
        status, html = self.post(reviewer, text=f"{self.ROW}\nbroken <b>")
        assert status == 200
        assert "2 lines read, 2 new, 0 already here." in html
        assert "Line 2: <bdi>it does not have the four columns" in html
        assert MirrorLine.objects.earliest("at").at == NOON  # Warsaw is an hour ahead
        assert "2 lines read, 0 new, 2 already here." in self.post(reviewer, text=f"{self.ROW}\nbroken <b>")[1]

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_an_uploaded_file_is_read(self, reviewer: Client, align: Connector, encoding: str) -> None:
        file = SimpleUploadedFile("log.csv", self.ROW.encode(encoding))
        status, html = self.post(reviewer, file=file)
        assert (status, MirrorLine.objects.get().intake) == (200, "upload")
        assert MirrorLine.objects.get().description == write(EVENT)
        assert "1 line read" in html

    def test_an_upload_over_ten_megabytes_is_refused_before_it_is_read(
        self, reviewer: Client, align: Connector
    ) -> None:
        class Unread:
            def read(self, *size: int) -> bytes:
                raise AssertionError("the body was read")

            readline = read

        length: Any = {"CONTENT_LENGTH": str(11 * 1024 * 1024), "wsgi.input": Unread()}
        response = reviewer.post("/history/intake/", **length)
        assert response.status_code == 413
        assert "more than 10 MB" in response.content.decode()
        assert not MirrorLine.objects.exists()

    def test_a_file_just_over_the_limit_is_refused_too(self, reviewer: Client, align: Connector) -> None:
        file = SimpleUploadedFile("log.csv", b"x" * (10 * 1024 * 1024 + 1))
        status, html = self.post(reviewer, file=file)
        assert (status, "more than 10 MB" in html) == (400, True)

    def test_a_day_and_month_that_can_be_either_are_asked_for(self, reviewer: Client, align: Connector) -> None:
        text = self.ROW.replace("2026-11-20", "03/04/2026")
        status, html = self.post(reviewer, text=text)
        assert (status, "whether the day or the month comes first" in html) == (400, True)
        assert text in html  # nothing typed is lost
        assert self.post(reviewer, text=text, order="day")[0] == 200
        assert MirrorLine.objects.get().at == datetime(2026, 4, 3, 11, tzinfo=UTC)

    @pytest.mark.parametrize(
        "fields", [{}, {"text": "  "}, {"text": "x", "connector": "nobody"}, {"text": "x", "order": "y"}]
    )
    def test_bad_forms_are_refused_with_a_sentence(
        self, reviewer: Client, align: Connector, fields: dict[str, str]
    ) -> None:
        status, html = self.post(reviewer, **fields)
        assert (status, 'role="alert"' in html) == (400, True)

    def test_it_needs_the_token_of_the_form(self, people: dict[Role, Person], align: Connector) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(people[Role.REVIEWER])
        assert client.post("/history/intake/", {"connector": "acme", "text": self.ROW}).status_code == 403
        page = client.get("/history/intake/").content.decode()
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert found
        sent = {"connector": "acme", "text": self.ROW, "csrfmiddlewaretoken": found[1]}
        assert client.post("/history/intake/", sent).status_code == 303

    def test_it_says_why_lines_are_pasted_and_when_they_last_came(self, reviewer: Client, align: Connector) -> None:
        Connector.objects.update(audit_source="none", intake_at=NOON)
        for address in ("/history/", "/history/intake/"):
            assert "does not answer at https://acme.example.test" in text_of(reviewer, address)
        assert "20 Nov 2026 12:00:00" in text_of(reviewer, "/history/")


class TestVerifying:
    def test_the_button_checks_everything_and_is_an_entry_itself(self, reviewer: Client, align: Connector) -> None:
        done(align, None, EVENT)
        assert reviewer.post("/history/verify/").status_code == 303
        assert "queued" in text_of(reviewer, "/history/")
        run_due()
        last = Entry.objects.latest("seq")
        assert last.action == "history.verified"
        assert "The chain holds: 1 entries, from 1 to 1" in json.loads(last.body)["sentence"]
        assert "Every row says what its entry or line says" in json.loads(last.body)["sentence"]
        html = text_of(reviewer, "/history/")
        assert "verified up to entry 1," in html
        assert "queued" not in html

    def test_a_broken_chain_names_its_first_wrong_entry(self, reviewer: Client, align: Connector) -> None:
        done(align, None, EVENT, EVENT)
        with triggers.lifted():
            Entry.objects.filter(seq=2).update(body="{}")
        reviewer.post("/history/verify/")
        run_due()
        html = text_of(reviewer, "/history/")
        assert "The chain is broken at entry 2" in html
        assert "not trusted" in html


@pytest.mark.parametrize("address", ["/history/", "/history/export/", "/history/intake/", "/api/v1/history/"])
def test_nobody_sees_the_history_without_a_sign_in(db: None, address: str) -> None:
    assert Client().get(address).status_code in (302, 403)


def test_nothing_in_the_history_can_be_deleted(reviewer: Client, align: Connector) -> None:
    done(align, None, EVENT)
    number = HistoryRow.objects.get().number
    for address in (f"/history/{number}/", f"/api/v1/history/{number}/"):
        for method in ("post", "put", "patch", "delete"):
            assert getattr(reviewer, method)(address).status_code in (403, 405)
    assert reviewer.get("/history/verify/").status_code == 405


class TestRest:
    def test_it_lists_newest_first_with_the_pages_filters(self, reviewer: Client, align: Connector) -> None:
        done(align, None, EVENT, replace(EVENT, source_id=4))
        lines(align, write(EVENT), "something else")
        answer = reviewer.get("/api/v1/history/?kind=state").json()
        assert [row["object_id"] for row in answer["results"]] == [4, 3]
        assert answer["results"][1]["line"]["description"] == write(EVENT)
        assert answer["results"][0]["connector"] == "acme"

    def test_it_pages_by_key(self, reviewer: Client, align: Connector) -> None:
        done(align, None, *(replace(EVENT, source_id=number) for number in range(5)))
        first = reviewer.get("/api/v1/history/?limit=3").json()
        second = reviewer.get(first["next"]).json()
        assert [row["object_id"] for row in first["results"] + second["results"]] == [4, 3, 2, 1, 0]

    def test_it_takes_the_search_of_the_page_and_goes_back_and_forth(self, reviewer: Client, align: Connector) -> None:
        done(align, None, *(replace(EVENT, source_id=number) for number in range(5)), replace(EVENT, project_key="X"))
        first = reviewer.get("/api/v1/history/?q=project:PROJ&limit=3").json()
        assert [row["object_id"] for row in first["results"]] == [4, 3, 2]
        assert first["previous"] is None
        second = reviewer.get(first["next"]).json()
        assert [row["object_id"] for row in second["results"]] == [1, 0]
        assert second["next"] is None
        assert reviewer.get(second["previous"]).json()["results"] == first["results"]

    @pytest.mark.parametrize("query", ["kind=x", "q=nothing:known", "q=connector:nobody"])
    def test_a_filter_that_is_not_understood_is_refused(self, reviewer: Client, query: str) -> None:
        assert reviewer.get(f"/api/v1/history/?{query}").status_code == 400

    def test_a_cursor_that_leads_nowhere_is_not_found(self, reviewer: Client) -> None:
        assert reviewer.get("/api/v1/history/?cursor=x").status_code == 404


def test_times_are_told_in_utc_on_hover(reviewer: Client, align: Connector) -> None:
    done(align, None, EVENT)
    with timezone.override("Asia/Tokyo"):
        html = text_of(reviewer, "/history/")
    assert 'title="2026-11-20 12:00:00 UTC"' in html

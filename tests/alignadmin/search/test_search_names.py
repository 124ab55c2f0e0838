"""What the search finds: written with its owner, compared, made again, and shown to those alone who may see it."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.accounts.people import services as people_services
from alignadmin.accounts.people.search_names import PEOPLE
from alignadmin.accounts.rights import Right
from alignadmin.search import checking, queries, writing
from alignadmin.search.kinds import KINDS
from alignadmin.search.models import SearchName
from connectors.catalogue.search_names import PROJECTS, STATUSES
from connectors.models import Carried, Connector, Project, Status, StatusCategory
from connectors.setup import services
from connectors.setup.connection_test import data_of
from mappings.models import Plan
from mappings.planning.search_names import PLANS
from tests.support import factories

SEE = [Right.SEE.value]
EVERYTHING = [right.value for right in Right]


def names(text: str, rights: list[str] = EVERYTHING) -> dict[str, list[str]]:
    return {group.key: [place.label for place in group.places] for group in queries.find(text, rights)}


@pytest.fixture
def acme(people: dict[Role, Person]) -> Connector:
    """Three projects and three statuses, and their names as a reading of the catalogue writes them."""
    made = factories.connector("http://127.0.0.1:9", actor=people[Role.ADMIN])
    for number, (key, name) in enumerate(
        (("PAY", "Payments"), ("PROJ", "Proj of 100 % _ wonders"), ("OLD", "Payroll"))
    ):
        carried = Carried.NO if key == "OLD" else Carried.YES
        Project.objects.create(
            connector=made, jira_id=number, key=key, name=name, carried=carried, in_scope=carried == Carried.YES
        )
    for number, name in ((10001, "To Do"), (10002, "In Review"), (10003, "In Review")):
        Status.objects.create(connector=made, jira_id=number, name=name, category=StatusCategory.TODO)
    for kind in (PROJECTS, STATUSES):
        writing.write_of_connector(kind, made.pk)
    writing.write(PEOPLE, [person.pk for person in people.values()])
    return made


def test_every_kind_is_found_by_parts_of_its_name_the_best_first(acme: Connector, people: dict[Role, Person]) -> None:
    now = timezone.now()
    plan = Plan.objects.create(
        connector=acme,
        author=people[Role.EDITOR],
        reason="Payments go live",
        ticket="CHG-77",
        fingerprint="0" * 64,
        created_at=now,
        seen_at=now,
    )
    writing.write(PLANS, [plan.pk])
    assert names("pay")["project"] == ["PAY Payments", "OLD Payroll"]
    assert names("PAYments live") == {"plan": [f"Plan {plan.pk}: Payments go live"]}
    assert names("chg-77") == {"plan": [f"Plan {plan.pk}: Payments go live"]}
    assert names("10002") == {"status": ["In Review"]}
    assert names("in review") == {"status": ["In Review", "In Review"]}
    assert names("config 123") == {"connector": ["Acme"]}
    assert names("editor@") == {"person": ["Editor"]}
    [statuses] = queries.find("10002", SEE)
    assert statuses.places[0].where == "Acme · To do · 10002"
    assert statuses.places[0].href == "/connectors/acme/mappings/?q=In+Review"
    [projects] = queries.find("payroll", SEE)
    assert projects.places[0].where == "Acme · company-managed · not in Align’s connector"
    assert projects.places[0].href.startswith("/connectors/acme/projects/?q=")


@pytest.mark.parametrize(
    "text", ["", "  ", "\x00", "%", "_%", "'", '"', "\\", "' OR 1=1 --", "x" * 10_000, "\u200b", "é" * 300]
)
def test_what_nobody_types_finds_nothing_and_breaks_nothing(
    text: str, acme: Connector, client: Client, people: dict[Role, Person]
) -> None:
    """But for what stands in a name as it is."""
    found = {label for labels in names(text).values() for label in labels}
    assert found <= {"PROJ Proj of 100 % _ wonders"}
    assert (text == "%") == bool(found)
    client.force_login(people[Role.ADMIN])
    for headers in ({}, {"HX-Request": "true"}, {"HX-Request": "true", "HX-Target": "find-options"}):
        assert client.get("/search/", {"q": text}, headers=headers).status_code == 200
    assert client.get("/search/", {"q": text, "kind": "project", "page": "x"}).status_code == 200


def test_who_may_not_see_people_finds_none_and_no_sign_of_them(
    acme: Connector, client: Client, people: dict[Role, Person]
) -> None:
    for role, sees in ((Role.ADMIN, True), (Role.REVIEWER, False), (Role.EDITOR, False), (Role.VIEWER, False)):
        own = Client()
        own.force_login(people[role])
        page = own.get("/search/", {"q": "example.test"}).content.decode()
        assert ("/settings/people/" in page) == sees
        assert (">People<" in page) == sees
        assert own.get("/search/", {"q": "x", "kind": "person"}).status_code == (200 if sees else 404)
        assert ("Invite a person" in own.get("/search/", {"q": "invite"}).content.decode()) == sees
        assert ("Evidence packs" in own.get("/search/", {"q": "evid"}).content.decode()) == (
            role in (Role.ADMIN, Role.REVIEWER)
        )
    SearchName.objects.filter(kind="status").update(right=Right.CONFIGURE)
    assert names("review", SEE) == {}  # the right of each name stands in the query, whatever its kind says


def test_a_page_of_one_kind_leads_on(acme: Connector, client: Client, people: dict[Role, Person]) -> None:
    rows = [Project(connector=acme, jira_id=100 + n, key=f"Z{n:03}", name="Zoo", in_scope=True) for n in range(60)]
    Project.objects.bulk_create(rows)
    writing.write_of_connector(PROJECTS, acme.pk)
    client.force_login(people[Role.VIEWER])
    first = client.get("/search/", {"q": "zoo"}).content.decode()
    assert first.count("Zoo</bdi>") == queries.MOST_SHOWN
    assert "/search/?q=zoo&amp;kind=project" in first
    one = client.get("/search/", {"q": "zoo", "kind": "project"}).content.decode()
    assert (one.count("Zoo</bdi>"), "page=2" in one, "Previous" in one) == (50, True, False)
    two = client.get("/search/", {"q": "zoo", "kind": "project", "page": "2"}).content.decode()
    assert (two.count("Zoo</bdi>"), "page=3" in two, "Previous" in two) == (10, False, True)
    options = client.get("/search/", {"q": "zoo"}, headers={"HX-Request": "true", "HX-Target": "find-options"})
    assert options.content.decode().count('role="option"') == queries.MOST_SHOWN + 1
    assert "<html" not in options.content.decode()


def test_names_follow_the_services_that_change_them(acme: Connector, people: dict[Role, Person]) -> None:
    admin = people[Role.ADMIN]
    data = data_of(acme)
    services.edit_connector(acme, type(data)(**(vars(data) | {"name": "Umbrella"})), actor=admin)
    assert names("umbrella") == {"connector": ["Umbrella"]}
    invited = people_services.invite("zoe@example.test", "Zoe", Role.VIEWER, actor=admin)
    assert names("zoe") == {"person": ["Zoe"]}
    people_services.edit(invited, "Yara", actor=admin)
    assert names("yara") == {"person": ["Yara"]}
    people_services.add_admin("wanda@example.test", "Wanda", "a long enough password")
    assert names("wanda") == {"person": ["Wanda"]}
    Project.objects.filter(key="OLD").delete()
    writing.write_of_connector(PROJECTS, acme.pk)
    assert "OLD Payroll" not in names("pay")["project"]
    assert checking.find_differences() == []


def test_what_differs_is_named_by_the_check_and_written_again(acme: Connector) -> None:
    assert checking.find_differences() == []
    SearchName.objects.filter(label="PAY Payments").update(label="Nonsense")
    SearchName.objects.filter(label="To Do").delete()
    SearchName.objects.create(kind="project", target=999, label="Ghost", folded="ghost", right="see")
    SearchName.objects.create(kind="unicorn", target=1, label="Horn", folded="horn", right="see")
    said = StringIO()
    with pytest.raises(SystemExit):
        call_command("search_names", "--check", stdout=said)
    assert "“PAY Payments” (project" in said.getvalue()
    assert "is stored as “Nonsense”" in said.getvalue()
    assert "“To Do” (status" in said.getvalue()
    assert "“Ghost” (project 999) is no longer there." in said.getvalue()
    call_command("search_names", stdout=said)
    assert "Written again: " in said.getvalue()
    assert checking.find_differences() == []
    call_command("search_names", "--check", stdout=said)
    assert "Every name is as its table has it." in said.getvalue()


def test_a_database_of_before_gets_its_names_with_the_upgrade(acme: Connector) -> None:
    before = set(SearchName.objects.values_list("kind", "target", "label", "folded"))
    with transaction.atomic():
        SearchName.objects.all().delete()
        checking.on_migrated(sender=None)  # type: ignore[arg-type]
    assert set(SearchName.objects.values_list("kind", "target", "label", "folded")) == before
    assert set(KINDS) == {"project", "status", "plan", "connector", "person", "import"}


def test_an_upgrade_that_was_cut_off_is_gone_on_with(acme: Connector) -> None:
    before = SearchName.objects.count()
    SearchName.objects.exclude(kind=PROJECTS.key).delete()
    checking.on_migrated(sender=None)  # type: ignore[arg-type]
    assert SearchName.objects.count() == before


def test_what_is_called_just_so_comes_before_what_only_begins_so(acme: Connector) -> None:
    """A key among longer ones, an id among longer ones: short names of others do not push it out."""
    for number in range(8):
        Project.objects.create(connector=acme, jira_id=20 + number, key=f"PAY{number}", name="X", in_scope=True)
        Status.objects.create(connector=acme, jira_id=100010 + number, name="X", category=StatusCategory.TODO)
    for kind in (PROJECTS, STATUSES):
        writing.write_of_connector(kind, acme.pk)
    assert names("pay", SEE)["project"][0] == "PAY Payments"
    assert names("10001", SEE)["status"][0] == "To Do"


def test_a_status_leads_to_a_matrix_only_where_it_stands_on_one(acme: Connector) -> None:
    own = Project.objects.get(key="OLD")
    for number, (project, vanished_at) in enumerate(((None, None), (own, None), (None, timezone.now()))):
        Status.objects.create(
            connector=acme,
            jira_id=500 + number,
            name=f"Led {number}",
            category=StatusCategory.TODO,
            project=project,
            vanished_at=vanished_at,
        )
    writing.write_of_connector(STATUSES, acme.pk)
    (group,) = queries.find("led", SEE)
    shown = {place.label: place.href.partition("?")[0] for place in group.places}
    assert shown == {
        "Led 0": "/connectors/acme/mappings/",
        "Led 1": "/connectors/acme/",
        "Led 2": "/connectors/acme/",
    }

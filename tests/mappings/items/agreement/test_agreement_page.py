"""The page of the agreement check: who sees and does what, what it says to bad input, and a link that is mended."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from alignadmin.accounts.models import Role
from connectors.jobs import runner
from connectors.models import Connector, Job, JobKind, JobState, Project
from mappings.engine.agreement import AgreementOutcome
from mappings.items.agreement.severed import not_in_align
from mappings.models import AgreementRun, AgreementSetting, ComparedItem, ItemLink
from tests.conftest import SignIn
from tests.support.agreement_helpers import TwoSides, compare_project, pair
from tests.support.ours_helpers import act, out_of_align
from tests.support.people_helpers import entries, said

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/connectors/acme/agreement/"


def ask(client: Client, key: str, issue: str = "") -> Any:
    return client.post(f"{PAGE}compare/", {"project": Project.objects.get(key=key).pk, "issue": issue})


def work() -> None:
    for job in Job.objects.filter(kind=JobKind.AGREEMENT, state=JobState.QUEUED):
        runner.run_now(job)


def test_an_editor_compares_a_project_and_finds_what_stands_apart(
    connector: Connector, sides: TwoSides, signed_in: SignIn
) -> None:
    editor = signed_in(Role.EDITOR)
    assert "Nothing was compared yet" in said(editor.get(PAGE))
    assert ask(editor, "PAY").status_code == 303
    assert ask(editor, "PAY").status_code == 303  # the one that is queued is the one
    assert AgreementRun.objects.count() == 1
    assert "Under way" in said(editor.get(PAGE))
    work()
    shown = said(editor.get(PAGE))
    assert "PAY-2" in shown
    assert "Out of scope" in shown
    assert f"{pair('PAY-2').issue_key}" in said(editor.get(f"{PAGE}?reason={pair('PAY-2').reason}"))
    assert "PAY-28" not in said(editor.get(f"{PAGE}?outcome=apart"))
    assert "Nothing that stands apart fits these filters" in said(editor.get(f"{PAGE}?reason=token"))
    for odd in ("?reason=%00&level=x&project=99999999999999999999999&page=-1", "?page=nothing&outcome=alike"):
        assert editor.get(f"{PAGE}{odd}").status_code == 200
    assert [each["subject"] for each in entries("agreement.asked")] == ["project PAY"]
    # A reviewer reads it and starts nothing; a viewer does not see items.
    reviewer, viewer = signed_in(Role.REVIEWER), signed_in(Role.VIEWER)
    assert "Compare now" not in said(reviewer.get(PAGE))
    assert viewer.get(PAGE).status_code in (403, 404)


def test_bad_input_is_answered_with_a_sentence_and_changes_nothing(
    connector: Connector, sides: TwoSides, signed_in: SignIn
) -> None:
    editor = signed_in(Role.EDITOR)
    for form in ({}, {"project": "0"}, {"project": "9" * 400}, {"project": "PAY"}):
        answer = editor.post(f"{PAGE}compare/", form)
        assert (answer.status_code, "Choose a project that is compared." in said(answer)) == (409, True), form
    assert "no key of an issue" in said(ask(editor, "PAY", "X" * 300))
    assert not AgreementRun.objects.exists()
    assert ask(editor, "PAY", "PAY-99999").status_code == 303
    work()
    assert Job.objects.latest("pk").state == JobState.FAILED
    assert "Jira shows no issue PAY-99999" in said(editor.get(PAGE))
    assert not ComparedItem.objects.exists()
    admin = signed_in(Role.ADMIN)
    assert admin.post(f"{PAGE}switch/", {"on": "perhaps"}).status_code == 409
    assert admin.post(f"{PAGE}link/", {"issue": "PAY-2", "item": "1"}).status_code == 404
    assert not AgreementSetting.objects.exists()


def test_an_admin_switches_it_on_with_an_entry(connector: Connector, sides: TwoSides, signed_in: SignIn) -> None:
    admin = signed_in(Role.ADMIN)
    assert "requests a day" in said(admin.get(PAGE))
    assert admin.post(f"{PAGE}switch/", {"on": "yes"}).status_code == 303
    assert AgreementSetting.objects.get(connector=connector).is_on
    assert admin.post(f"{PAGE}switch/", {"on": "yes"}).status_code == 303
    assert admin.post(f"{PAGE}switch/", {"on": "no"}).status_code == 303
    assert [each["data"]["on"] for each in entries("agreement.switched")] == [True, False]


def test_a_link_of_ours_is_severed_with_its_item_and_linked_again_by_a_person(
    connector: Connector, sides: TwoSides, signed_in: SignIn
) -> None:
    configurer = signed_in(Role.ADMIN)
    out_of_align(configurer, connector, sides.sandbox, "PAY")
    assert act(configurer, "take", "PAY").status_code == 303
    project = Project.objects.get(key="PAY")
    issue = sides.jira("GET", "/issue/PAY-2")
    link = ItemLink.objects.create(
        connector=connector,
        project=project,
        jira_id=int(issue["id"]),
        issue_key="PAY-2",
        level="story",
        align_id=1,
        sent_at=timezone.now(),
        linked_at=timezone.now(),
    )
    actor = project.ours_by
    assert actor is not None
    compare_project(connector, "PAY", actor, "PAY-2")
    assert (pair("PAY-2").outcome, pair("PAY-2").align_id) == ("apart", 1)
    ItemLink.objects.update(level="feature")  # as of an issue that has become a story since
    ComparedItem.objects.update(issue_type_id=1)
    compare_project(connector, "PAY", actor, "PAY-2")
    assert pair("PAY-2").outcome == AgreementOutcome.SEVERED
    assert "would be a story, and item 1 is a feature" in pair("PAY-2").sentence
    assert configurer.post(f"{PAGE}link/", {"issue": "PAY-2", "item": "1"}).status_code == 303
    work()
    link.refresh_from_db()
    assert (link.level, link.severed_at, pair("PAY-2").outcome) == ("story", None, "apart")
    sides.sandbox.edit("archive_item", object="story", id=1)
    compare_project(connector, "PAY", actor, "PAY-2")
    link.refresh_from_db()
    assert pair("PAY-2").outcome == AgreementOutcome.SEVERED
    assert "recycle bin" in link.severed_why
    sides.sandbox.edit("archive_item", object="story", id=1, archived=False)
    compare_project(connector, "PAY", actor, "PAY-2")
    assert pair("PAY-2").outcome == AgreementOutcome.SEVERED  # until somebody links it again
    assert "Link again" in said(configurer.get(PAGE))
    for typed in ("", "-1", "x", "9" * 30):
        answer = configurer.post(f"{PAGE}link/", {"issue": "PAY-2", "item": typed})
        assert (answer.status_code, "Type the id of the item" in said(answer)) == (409, True), typed
    assert configurer.post(f"{PAGE}link/", {"issue": "PAY-2", "item": "1"}).status_code == 303
    work()
    link.refresh_from_db()
    assert (link.severed_at, link.severed_why, link.align_id) == (None, "", 1)
    assert pair("PAY-2").outcome == "apart"
    assert [each["subject"] for each in entries("agreement.linked")] == ["issue PAY-2"] * 2
    stale = configurer.post(f"{PAGE}link/", {"issue": "PAY-2", "item": "1"})
    assert "not severed any more" in said(stale)
    # Our account saw less of Align for a night: nobody has to link what it shows again.
    ItemLink.objects.update(severed_at=timezone.now(), severed_why=not_in_align(1))
    compare_project(connector, "PAY", actor, "PAY-2")
    link.refresh_from_db()
    assert (pair("PAY-2").outcome, link.severed_at, link.severed_why) == ("apart", None, "")

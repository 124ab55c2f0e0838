"""The fields of both systems as a job reads and stores them, against the sandbox over real HTTP."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from alignadmin.audit.models import Entry
from alignadmin.due_work import run_due
from alignadmin.errors import Refused
from connectors.catalogue.fields.jira_fields import MOST_PROJECTS
from connectors.catalogue.fields.job import EVERY, read_fields_now, start_due_field_readings
from connectors.catalogue.findings import CHANGED, words_of
from connectors.field_types.value_types import ValueType
from connectors.jobs import runner
from connectors.models import (
    Connector,
    FieldReading,
    FieldRow,
    Finding,
    Job,
    JobKind,
    JobState,
    System,
    WorkItemType,
)
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
TEAM, ENVIRONMENTS, CHANNEL = "customfield_10030", "customfield_10031", "customfield_91301"


def read(owner: Connector) -> Job:
    owner.refresh_from_db()
    job = runner.run_now(runner.start(owner, JobKind.FIELDS, actor=None))
    assert job.state == JobState.DONE, job.error
    return job


def field(owner: Connector, system: System, key: str, type_: WorkItemType = WorkItemType.FEATURE) -> FieldRow:
    return FieldRow.objects.get(connector=owner, system=system, work_item_type=type_, key=key)


def said() -> set[str]:
    return {words_of(each) for each in Finding.objects.all()}


# --- a first reading --------------------------------------------------------------------------------------------------


def test_both_sides_are_told_in_one_vocabulary_of_types(connector: Connector) -> None:
    read(connector)
    align = {each.key: each for each in FieldRow.objects.filter(system=System.ALIGN, work_item_type="feature")}
    jira = {each.key: each for each in FieldRow.objects.filter(system=System.JIRA, work_item_type="feature")}
    assert {key: align[key].type for key in ("title", "description", "ownerId", "releaseVehicleIds", CHANNEL)} == {
        "title": "text",
        "description": "rich text",
        "ownerId": "user",
        "releaseVehicleIds": "several releases",
        CHANNEL: "multi select",
    }
    assert {key: jira[key].type for key in ("summary", "description", "assignee", "fixVersions", TEAM)} == {
        "summary": "text",
        "description": "rich text",
        "assignee": "user",
        "fixVersions": "several releases",
        TEAM: "single select",
    }
    assert align["ownerId"].name == "Owner"
    assert align[CHANNEL].name == "Channel"
    assert [each["name"] for each in align[CHANNEL].options] == ["Web", "App", "Phone"]
    assert [each["id"] for each in jira[TEAM].options] == ["10100", "10101", "10102"]
    assert not Finding.objects.exists(), "a first reading finds nothing"
    assert not Entry.objects.filter(action=CHANGED).exists()


def test_what_must_and_what_can_be_written_is_as_the_screens_tell(connector: Connector) -> None:
    read(connector)
    assert field(connector, System.JIRA, "summary").is_required is True
    assert field(connector, System.JIRA, "priority").is_required is False, "it has a default"
    assert field(connector, System.JIRA, "created").is_writable is False
    assert field(connector, System.JIRA, TEAM).is_writable is True
    formula = field(connector, System.JIRA, "customfield_10040")
    assert (formula.is_formula, formula.is_writable, formula.told.words) == (True, False, "number (formula)")
    assert field(connector, System.ALIGN, "customfield_91506", WorkItemType.DEFECT).is_required is True
    assert field(connector, System.ALIGN, "title").is_required is None, "no document says it"
    asked = FieldReading.objects.get(system=System.JIRA, work_item_type="feature").asked
    assert "BILL" in asked
    assert len(asked) == MOST_PROJECTS
    assert field(connector, System.JIRA, "summary").required_in == sorted(asked)


def test_a_field_of_another_type_of_issue_is_not_among_them(connector: Connector) -> None:
    read(connector)
    keys = set(FieldRow.objects.filter(system=System.JIRA, work_item_type="feature").values_list("key", flat=True))
    assert "customfield_10011" in keys, "epics have a name"
    assert "customfield_10016" not in keys, "and no story points"
    assert field(connector, System.JIRA, "customfield_10016", WorkItemType.STORY).type == ValueType.NUMBER


# --- what differs -----------------------------------------------------------------------------------------------------


def test_each_difference_is_found_once_with_its_names_and_date(connector: Connector, sandbox: RunningSandbox) -> None:
    read(connector)
    sandbox.edit("add_field", site="jira", id="customfield_10900", name="Region", kind="string")
    sandbox.edit("set_field", site="jira", id=TEAM, name="Squad")
    sandbox.edit("set_field", site="jira", id="customfield_10032", kind="string", custom="x:textfield")
    sandbox.edit("set_field", site="jira", id="customfield_10036", required=True)
    sandbox.edit("set_field", site="jira", id="customfield_10038", gone=True)
    sandbox.edit("set_field", site="align", object="feature", id=CHANNEL, options={"61": "Web", "62": "Mobile app"})
    before = timezone.now()
    read(connector)
    assert said() == {
        "Region (customfield_10900) is new in Jira",
        f"Delivery team ({TEAM}) is called Squad",
        "Effort in days (customfield_10032) is of type text, and was of type number",
        "Change record (customfield_10036) is required, and was optional",
        "Design (customfield_10038) is gone from Jira",
        f"App of Channel ({CHANNEL}) is called Mobile app",
        f"Phone of Channel ({CHANNEL}) is gone from Jira Align",
    }
    assert min(each.found_at for each in Finding.objects.all()) >= before
    assert Entry.objects.filter(action=CHANGED).count() == 2, "one for each system"
    read(connector)
    assert Finding.objects.count() == 7, "what was found is not found again"


def test_what_is_back_ends_that_it_was_gone(connector: Connector, sandbox: RunningSandbox) -> None:
    read(connector)
    for gone in (True, False):
        sandbox.edit("set_field", site="jira", id=TEAM, gone=gone)
        read(connector)
    assert said() == {f"Delivery team ({TEAM}) is gone from Jira", f"Delivery team ({TEAM}) is back in Jira"}
    assert Finding.objects.get(change="gone").ended_at is not None
    assert field(connector, System.JIRA, TEAM).vanished_at is None


def test_a_reading_that_says_nothing_new_changes_nothing(connector: Connector) -> None:
    read(connector)
    rows = list(FieldRow.objects.order_by("pk").values())
    entries = Entry.objects.count()
    read(connector)
    assert list(FieldRow.objects.order_by("pk").values()) == rows
    assert Entry.objects.filter(seq__gt=entries, action=CHANGED).count() == 0


def test_a_field_that_leaves_all_screens_is_not_gone_but_cannot_be_written(
    connector: Connector, sandbox: RunningSandbox
) -> None:
    sandbox.edit("add_field", site="jira", id="customfield_10900", name="Region", kind="string")
    read(connector)
    sandbox.edit("set_field", site="jira", id="customfield_10900", written=False)
    read(connector)
    assert said() == {"Region (customfield_10900) is read only, and was writable"}
    row = field(connector, System.JIRA, "customfield_10900")
    assert (row.vanished_at, row.is_writable) == (None, False)


# --- what cannot be read ----------------------------------------------------------------------------------------------


def test_a_system_that_does_not_answer_leaves_what_is_known_and_stops_not_the_other(
    connector: Connector, sandbox: RunningSandbox
) -> None:
    read(connector)
    sandbox.edit("add_field", site="jira", id="customfield_10900", name="Region", kind="string")
    sandbox.edit("set_token", site="align", token="sandbox-align-token", expired=True)
    known = FieldRow.objects.filter(system=System.ALIGN, vanished_at=None).count()
    read(connector)
    assert FieldRow.objects.filter(system=System.ALIGN, vanished_at=None).count() == known
    assert FieldReading.objects.filter(system=System.ALIGN).exclude(error="").count() == len(WorkItemType)
    assert "Region (customfield_10900) is new in Jira" in said()


def test_where_neither_answers_the_job_fails_with_both_reasons(connector: Connector, sandbox: RunningSandbox) -> None:
    sandbox.edit("set_token", site="align", token="sandbox-align-token", expired=True)
    sandbox.edit("set_token", site="jira", token="sandbox-jira-token", expired=True)
    job = runner.run_now(runner.start(connector, JobKind.FIELDS, actor=None))
    assert job.state == JobState.FAILED
    assert "Jira" in job.error
    assert not FieldRow.objects.exists()


def test_without_the_right_to_create_issues_nobody_claims_to_know_what_is_required(
    connector: Connector, sandbox: RunningSandbox
) -> None:
    sandbox.edit("set_token", site="jira", token="sandbox-jira-token", permissions={"CREATE_ISSUES": False})
    read(connector)
    summary = field(connector, System.JIRA, "summary")
    assert (summary.is_required, summary.is_writable) == (None, None)
    reading = FieldReading.objects.get(system=System.JIRA, work_item_type="feature")
    assert "needs Create issues" in reading.remarks
    assert reading.error == ""
    sandbox.edit("set_token", site="jira", token="sandbox-jira-token", permissions={})
    read(connector)
    assert not Finding.objects.exists(), "what is told for the first time has not changed"
    assert field(connector, System.JIRA, "summary").is_required is True


# --- when -------------------------------------------------------------------------------------------------------------


def test_once_asked_for_they_are_read_every_day_by_one_job(connector: Connector) -> None:
    assert start_due_field_readings() == 0, "nobody has asked for them"
    read(connector)
    assert start_due_field_readings() == 0
    FieldReading.objects.update(tried_at=timezone.now() - EVERY - timedelta(minutes=1))
    assert start_due_field_readings() == 1
    assert start_due_field_readings() == 0, "one is under way"
    run_due()
    assert FieldReading.objects.filter(tried_at__gt=timezone.now() - EVERY).count() == 2 * len(WorkItemType)


def test_a_connector_that_is_not_active_or_was_never_read_is_refused_with_what_to_do(
    connector: Connector, admin: object
) -> None:
    for values, words in (({"catalogue_at": None}, "Refresh them first"), ({"is_active": False}, "Activate it first")):
        for name, value in values.items():
            setattr(connector, name, value)
        with pytest.raises(Refused, match=words):
            read_fields_now(connector, actor=admin)  # type: ignore[arg-type]

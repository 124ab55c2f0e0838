"""What a connector's Align is seen to answer: read, used, told when it changes, and taken over by a click."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import Entry
from connectors.align.paging import MAPPING_LISTS
from connectors.jobs import runner
from connectors.models import Connector, HistoryRow, Job, JobKind, JobState, PageCap, Probe
from connectors.setup import maintenance
from mappings.contract.job import start_due_observations
from mappings.contract.proposals import proposals
from mappings.contract.reading import PAGE_LIMIT
from mappings.contract.views import NOTE
from mappings.engine.families import A2J_STATE, J2A_STATE, J2A_STEP
from mappings.engine.values import Situation, TypeName
from mappings.models import ContractFact, Mapping
from tests.connectors.history.verification.test_comparison import differences
from tests.support import mapping_helpers as steps
from tests.support.intake_helpers import import_lines
from tests.support.sandbox_fixture import RunningSandbox

SignIn = Callable[[Role], Client]
PAGE = "/connectors/acme/contract/"
FEATURE = TypeName.FEATURE
pytestmark = pytest.mark.django_db


@pytest.fixture
def configurer(signed_in: SignIn) -> Client:
    return signed_in(Role.ADMIN)


def look(connector: Connector, actor: Person | None = None, **params: Any) -> Job:
    return runner.run_now(runner.start(connector, JobKind.CONTRACT, actor=actor, params=params))


def looked(connector: Connector) -> None:
    job = look(connector)
    assert job.state == JobState.DONE, job.error


def fact(family: str, name: str) -> ContractFact | None:
    return ContractFact.objects.filter(family=family, name=name).first()


def value(family: str, name: str) -> Any:
    found = fact(family, name)
    return found.value if found else None


def text(answer: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", answer.content.decode())).split())


def entries(action: str) -> list[str]:
    return list(HistoryRow.objects.filter(action=action).order_by("id").values_list("sentence", flat=True))


def crowd(sandbox: RunningSandbox, number: int) -> None:
    """More records in one list of states than a page holds; of strange statuses, since Align checks them nowhere."""
    for status in range(20000, 20000 + number):
        sandbox.edit("create_mapping", family="j2a_state", type=4, source=status, target=2, audit=False)


# --- reading ----------------------------------------------------------------------------------------------------------


def test_the_published_contract_is_seen_and_nothing_is_alarmed(
    sandbox: RunningSandbox, connector: Connector, configurer: Client
) -> None:
    sandbox.clear_journal()
    looked(connector)
    assert len(sandbox.journal()) <= 20
    assert sandbox.journal("POST") == []
    assert value("j2a-state", "type-ids") == [2, 3, 4, 6, 9]  # with a record that is outside the table
    assert {"id", "workItemTypeId", "alignStateId", "jiraStatusId"} <= set(value("a2j-state", "fields"))
    assert value("j2a-state", "page-limit") is None  # its lists are short
    told = text(configurer.get(PAGE))
    assert "Only a list of more than 100 records shows it" in told
    assert "Only a create shows it" in told
    assert "differently from before" not in text(configurer.get("/connectors/acme/"))


@pytest.mark.parametrize(
    ("limit", "refuses", "expected"), [("20", "clamp", 20), ("20", "400", 20), ("100", "400", 100)]
)
def test_a_long_list_shows_how_many_records_one_answer_holds(
    sandbox: RunningSandbox, connector: Connector, limit: str, refuses: str, expected: int
) -> None:
    sandbox.reset(page_limit=limit, top_over_limit=refuses)
    crowd(sandbox, 100)
    job = look(connector)
    if (limit, refuses) == ("20", "400"):  # not even 100 at once may be asked for
        assert job.state == JobState.FAILED
        return
    assert value("j2a-state", "page-limit") == expected


def test_more_at_once_than_published_is_seen_and_not_asked_for(sandbox: RunningSandbox, connector: Connector) -> None:
    sandbox.reset(page_limit="200")
    crowd(sandbox, 120)
    looked(connector)
    assert value("j2a-state", "page-limit") == 101
    sandbox.clear_journal()
    steps.observe(connector)
    asked = [each["query"] for each in sandbox.journal("GET", "mappings")]
    assert asked
    assert all("$top=100" in query for query in asked)


def test_a_page_that_got_smaller_is_seen_and_everything_is_read_again(
    sandbox: RunningSandbox, connector: Connector
) -> None:
    assert PageCap.objects.filter(family=MAPPING_LISTS).update(largest=100) == 1
    sandbox.reset(page_limit="20")
    crowd(sandbox, 50)
    looked(connector)
    assert PageCap.objects.get(family=MAPPING_LISTS).largest == 20
    follow = Job.objects.get(kind="refresh", state=JobState.QUEUED)
    assert follow.params == {"then": "observe"}, "the catalogue first, and then the lists"


def test_a_family_that_cannot_be_read_is_told_and_the_others_are_stored(
    sandbox: RunningSandbox, connector: Connector, configurer: Client
) -> None:
    ContractFact.objects.all().delete()  # of the look that follows the first refresh
    sandbox.faults({"path": "mappings/process-steps", "status": 400})
    job = look(connector)
    assert job.state == JobState.FAILED
    assert job.error.startswith("Process step mappings, Jira to Align: ")
    assert value("j2a-state", "type-ids")
    assert value("j2a-step", "type-ids") is None
    assert "No record was seen" in text(configurer.get(PAGE))


# --- changes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("switch", "choice", "family", "name", "told"),
    [
        ("record_fields", "more", "j2a-state", "fields", "with isActive"),
        ("record_fields", "fewer", "a2j-state", "fields", "without alignStateName, jiraStatusName"),
        ("type_ids", "examples", "j2a-state", "type-ids", "now 2, 4"),
    ],
)
def test_a_change_is_alarmed_on_every_page_until_an_admin_has_taken_note(
    sandbox: RunningSandbox,
    connector: Connector,
    configurer: Client,
    signed_in: SignIn,
    switch: str,
    choice: str,
    family: str,
    name: str,
    told: str,
) -> None:
    looked(connector)
    sandbox.reset(**{switch: choice})
    looked(connector)
    changed = fact(family, name)
    assert changed is not None
    assert changed.changed_at is not None
    assert any(told in sentence for sentence in entries("contract.changed"))
    for address in ("/connectors/acme/", "/connectors/acme/mappings/", PAGE):
        assert "Jira Align answers Acme differently from before." in text(configurer.get(address)), address
    viewer = text(signed_in(Role.VIEWER).get("/connectors/acme/"))
    assert "Ask an admin to look at it." in viewer
    for each in ContractFact.objects.filter(changed_at__isnull=False):
        assert note(configurer, each).status_code == 303
    assert "differently from before" not in text(configurer.get(PAGE))
    assert len(entries("contract.noted")) == len(entries("contract.changed"))


def note(client: Client, changed: ContractFact, **over: str) -> Any:
    at = changed.changed_at.isoformat() if changed.changed_at else ""
    return client.post(f"{PAGE}note/", {"fact": str(changed.pk), "changed_at": at} | over)


def test_the_page_that_confirms_says_which_change_is_taken_note_of(bare_connector: Connector) -> None:
    changed = ContractFact.objects.create(
        connector=bare_connector, family=J2A_STATE.code, name=PAGE_LIMIT, value=50, before=100,
        seen_at=timezone.now(), changed_at=timezone.now(),
    )  # fmt: skip
    titles = [NOTE.title({"fact": fact}, {"slug": "acme"}) for fact in (str(changed.pk), "x")]
    assert re.search(
        r"Acknowledge a change of Acme: records in one answer of .*: at most 100, now at most 50$", titles[0]
    )
    assert titles[1] == "Acknowledge a change of Acme: one that is gone"


def test_taking_note_twice_is_once_and_a_page_from_before_takes_no_note_of_what_came_after(
    sandbox: RunningSandbox, connector: Connector, configurer: Client, signed_in: SignIn
) -> None:
    looked(connector)
    sandbox.reset(record_fields="more")
    looked(connector)
    changed = fact("j2a-state", "fields")
    assert changed is not None
    stale = note(configurer, changed, changed_at=(timezone.now() - timedelta(days=1)).isoformat())
    assert stale.status_code == 409
    assert "changed again" in text(stale)
    for wrong in ({"fact": "x"}, {"fact": "9" * 30}, {"changed_at": ""}, {"changed_at": "2026-02-31T00:00:00+00:00"}):
        assert note(configurer, changed, **wrong).status_code == 409
    assert note(signed_in(Role.EDITOR), changed).status_code == 403
    assert [note(configurer, changed).status_code for _ in range(2)] == [303, 303]
    assert len([each for each in entries("contract.noted") if "Jira to Align" in each and "states" in each]) == 1


def test_types_that_come_and_go_with_their_records_are_no_change(sandbox: RunningSandbox, connector: Connector) -> None:
    looked(connector)
    assert value("j2a-step", "type-ids") == [2, 3]
    stories = Mapping.objects.filter(scope__family="j2a-step", work_item_type="story", observed__isnull=False)
    for status, project in stories.values_list("source_id", "scope__project__key"):
        sandbox.edit("delete_mapping", family="j2a_step", type=3, source=status, project=project)
    looked(connector)
    assert value("j2a-step", "type-ids") == [2]
    assert entries("contract.changed") == []


# --- type ids ---------------------------------------------------------------------------------------------------------


def test_type_ids_that_differ_from_the_table_are_taken_over_by_a_click(
    sandbox: RunningSandbox, connector: Connector, configurer: Client, admin: Person
) -> None:
    """The rows keep what was wanted and agreed on, and nothing that was there before is a change made elsewhere."""
    features = Mapping.objects.filter(scope__family="j2a-state", work_item_type="feature")
    known = set(features.values_list("source_id", "wanted"))
    assert known
    sandbox.reset(type_ids="examples")
    steps.observe(connector)
    looked(connector)
    assert "Feature 2" in text(configurer.get(PAGE))
    form = {"family": "j2a-state", "type_ids": "feature=2,story=4,task=6,defect=9"}
    assert [configurer.post(f"{PAGE}types/", form).status_code for _ in range(2)] == [303, 303]
    connector.refresh_from_db()
    assert connector.type_ids == {"j2a-state": {"feature": 2}}
    assert len(entries("contract.type_ids")) == 1
    runner.run_now(Job.objects.get(kind="observe", state=JobState.QUEUED))
    assert set(features.values_list("source_id", "wanted")) == known | {(10018, 0)}  # strange until now
    assert set(features.values_list("situation", flat=True)) == {Situation.IN_SYNC.value}
    status = features.order_by("source_id").values_list("source_id", flat=True)[0]
    steps.edit(connector, "j2a-state", status, 5, actor=admin, type_=FEATURE)
    steps.apply_all(connector, actor=admin)
    assert steps.mapping(connector, "j2a-state", status, type_=FEATURE).observed == 5


def test_lines_of_the_log_with_a_type_id_that_is_taken_over_follow_it(
    sandbox: RunningSandbox, connector: Connector, configurer: Client
) -> None:
    """The site calls its types otherwise, so the id is all that tells which one was meant."""
    sandbox.reset(type_ids="examples")
    steps.observe(connector)
    looked(connector)
    line = (
        "CONFIG Created - State mapping - Jira To Align - Saga - In Review (10013) Id: 9041, ConnectorId: 123, "
        "WorkItemTypeId: 2, JiraStatusId: 10013, JiraStatusName: In Review, AlignStateId: 3, "
        "AlignStateName: Dev complete"
    )
    pasted = f"{connector.config_name}\tJira Align System\t2026-11-20 12:00:00\t{line}"
    assert import_lines(configurer, text=pasted).status_code == 200
    row = HistoryRow.objects.get(line__description=line)
    assert (row.parsed, row.work_item_type) == (True, "saga")
    assert line not in configurer.get("/history/?as=align&q=type:feature").content.decode()
    form = {"family": "j2a-state", "type_ids": "feature=2,story=4,task=6,defect=9"}
    assert configurer.post(f"{PAGE}types/", form).status_code == 303
    row.refresh_from_db()
    assert row.work_item_type == "feature"
    assert line in configurer.get("/history/?as=align&q=type:feature").content.decode()
    assert differences() == []


@pytest.mark.parametrize(
    "form",
    [
        {"family": "j2a-state", "type_ids": "feature=7,story=4,task=6,defect=9"},
        {"family": "nowhere", "type_ids": "feature=2"},
        {"family": "", "type_ids": ""},
        {"family": "a2j-state", "type_ids": "x" * 10_000},
    ],
)
def test_only_type_ids_that_were_seen_are_taken_over(
    sandbox: RunningSandbox, connector: Connector, configurer: Client, form: dict[str, str]
) -> None:
    sandbox.reset(type_ids="examples")
    looked(connector)
    assert configurer.post(f"{PAGE}types/", form).status_code == 409
    connector.refresh_from_db()
    assert connector.type_ids == {}
    good = {"family": "j2a-state", "type_ids": "feature=2,story=4,task=6,defect=9"}
    assert configurer.post(f"{PAGE}types/", good).status_code == 303


def test_type_ids_stay_while_a_plan_holds_the_ones_before(
    sandbox: RunningSandbox, connector: Connector, configurer: Client, admin: Person
) -> None:
    steps.edit(connector, "j2a-state", 10017, 2, actor=admin)
    plan = steps.make_plan(connector, actor=admin)
    sandbox.reset(type_ids="examples")
    looked(connector)
    form = {"family": "j2a-state", "type_ids": "feature=2,story=4,task=6,defect=9"}
    refused = configurer.post(f"{PAGE}types/", form)
    assert refused.status_code == 409
    assert f"Plan {plan.pk} holds changes" in text(refused)
    configurer.post(f"/plans/{plan.pk}/cancel/")
    assert configurer.post(f"{PAGE}types/", form).status_code == 303


def test_what_is_proposed_explains_every_id_that_was_seen() -> None:
    def words(family: Any, seen: set[int], current: Any = None) -> list[str]:
        return [each.words for each in proposals(family, seen=seen, current=current or family.type_ids)]

    assert words(J2A_STATE, {3, 4, 6, 9}) == []
    assert words(J2A_STATE, {4}) == []
    assert words(J2A_STATE, {2, 4, 9}) == ["Feature 2", "Task 2"]
    assert words(J2A_STATE, {2, 3, 4, 6, 9}) == []  # an alias: one id for each type is all there is
    assert words(J2A_STEP, {3, 4}) == ["Feature 3, Story 4", "Feature 4"]
    assert words(A2J_STATE, {3, 5, 4}) == ["Defect 5"]
    overridden = dict(J2A_STATE.type_ids) | {FEATURE: 2}
    assert words(J2A_STATE, {3, 4}, overridden)[0] == "Feature 3"
    assert words(J2A_STATE, {4, 9}, overridden) == ["Feature 3"]
    assert words(J2A_STATE, {2, 4}, overridden) == []


# --- a create, with consent -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("answers", "shown"), [("object", "the record"), ("id", "its bare id"), ("empty", "nothing")])
def test_one_create_and_one_delete_with_consent_show_how_a_create_is_answered(
    sandbox: RunningSandbox, connector: Connector, configurer: Client, answers: str, shown: str
) -> None:
    sandbox.reset(post_answer=answers)
    sandbox.clear_journal()
    assert try_create(configurer).status_code == 303
    assert runner.run_now(Job.objects.get(kind=JobKind.CONTRACT, state=JobState.QUEUED)).state == JobState.DONE
    assert [each["method"] for each in sandbox.journal() if each["method"] != "GET"] == ["POST", "DELETE"]
    assert value("a2j-state", "post-answer") == {"empty": "nothing"}.get(answers, answers)
    assert shown in text(configurer.get(PAGE))
    assert Entry.objects.filter(action="change.sent").count() == 2
    assert not Probe.objects.filter(finished_at=None).exists()


def test_a_record_whose_delete_is_not_found_is_absent_only_where_its_list_says_so(
    sandbox: RunningSandbox, connector: Connector, configurer: Client
) -> None:
    assert try_create(configurer).status_code == 303
    sandbox.faults({"method": "DELETE", "status": 404, "times": 9, "body": ""})
    job = runner.run_now(Job.objects.get(kind=JobKind.CONTRACT, state=JobState.QUEUED))
    assert "could not delete it" in job.error + text(configurer.get(PAGE))
    assert "Its list holds it all the same." in text(configurer.get(PAGE))
    failed = Entry.objects.get(action="change.failed")
    assert "Its list holds it all the same." in failed.body


def try_create(client: Client, **over: str) -> Any:
    key = re.search(r'<option value="(a2j-state:[^"]+)"', client.get(PAGE).content.decode())
    assert key is not None
    return client.post(f"{PAGE}look/", {"write_key": key[1], "consent": "yes"} | over)


@pytest.mark.parametrize(
    ("over", "says"),
    [
        ({"consent": ""}, "tick that you agree"),
        ({"write_key": ""}, "Choose the key"),
        ({"write_key": "a2j-state:1:story:0:1"}, "no longer free"),
    ],
)
def test_nothing_is_written_without_consent_to_a_free_key(
    sandbox: RunningSandbox, connector: Connector, configurer: Client, over: dict[str, str], says: str
) -> None:
    refused = try_create(configurer, **over)
    assert refused.status_code == 409
    assert says in text(refused)
    assert not Job.objects.filter(kind=JobKind.CONTRACT, state=JobState.QUEUED).exists()
    assert try_create(configurer).status_code == 303


def test_a_worker_that_takes_the_job_over_does_not_write_again(
    sandbox: RunningSandbox, connector: Connector, configurer: Client
) -> None:
    try_create(configurer)
    job = Job.objects.get(kind=JobKind.CONTRACT, state=JobState.QUEUED)
    runner.run_now(job)
    Job.objects.filter(pk=job.pk).update(state=JobState.QUEUED)  # as if its end had not been written
    job.refresh_from_db()
    sandbox.clear_journal()
    assert runner.run_now(job).state == JobState.DONE
    assert sandbox.journal("POST") == []


def test_a_create_that_is_refused_is_told_and_nothing_stays_open(
    sandbox: RunningSandbox, connector: Connector, configurer: Client
) -> None:
    sandbox.edit("set_token", site="align", token="sandbox-align-token", rights=["read"])
    try_create(configurer)
    job = runner.run_now(Job.objects.get(kind=JobKind.CONTRACT, state=JobState.QUEUED))
    assert job.state == JobState.FAILED
    assert value("a2j-state", "post-answer") is None
    assert value("a2j-state", "fields")  # what could be read is stored
    assert not Probe.objects.filter(finished_at=None).exists()


# --- by the clock -----------------------------------------------------------------------------------------------------


def test_the_clock_looks_once_an_interval_and_not_in_maintenance(connector: Connector, admin: Person) -> None:
    Connector.objects.update(contract_due_at=None)
    maintenance.begin(connector, reason="Upgrade", actor=admin)
    assert start_due_observations() == 0
    maintenance.end(connector, actor=admin)
    assert start_due_observations() == 0  # every list is being read, and tells which are the largest
    runner.run_now(Job.objects.get(kind="observe", state=JobState.QUEUED))
    assert [start_due_observations(), start_due_observations()] == [1, 0]
    assert Job.objects.filter(kind=JobKind.CONTRACT, state=JobState.QUEUED).count() == 1


def test_nobody_looks_in_maintenance(connector: Connector, configurer: Client, admin: Person) -> None:
    maintenance.begin(connector, reason="Upgrade", actor=admin)
    refused = configurer.post(f"{PAGE}look/")
    assert refused.status_code == 409
    assert "Upgrade" in text(refused)
    maintenance.end(connector, actor=admin)
    assert configurer.post(f"{PAGE}look/").status_code == 303

"""Type ids of a connector: chosen from the table, the examples, what was seen, or its own, and then used in plans."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from alignadmin.accounts.models import Person, Role
from connectors.jobs import runner
from connectors.models import Connector, Job, JobKind, JobState, Project
from mappings.engine.families import J2A_STATE
from mappings.engine.type_likelihood import likely_types
from mappings.engine.values import TypeName
from mappings.models import ContractFact, Mapping, Scope
from tests import SAMPLES
from tests.mappings.contract.test_contract import PAGE, entries, looked, text, try_create
from tests.support import factories as make
from tests.support import mapping_helpers as steps
from tests.support.sandbox_fixture import RunningSandbox

SignIn = Callable[[Role], Client]
FEATURE = TypeName.FEATURE
# Source and target of the published examples, by direction.
TO_ALIGN = ((10001, 1), (10002, 2), (10003, 5))
pytestmark = pytest.mark.django_db


@pytest.fixture
def configurer(signed_in: SignIn) -> Client:
    return signed_in(Role.ADMIN)


def choose(client: Client, choice: str, **own: str) -> Any:
    return client.post(f"{PAGE}types/", {"choice": choice} | {f"own-{name}": number for name, number in own.items()})


def own_form(**changes: str) -> dict[str, str]:
    published = {
        "j2a-state": {"feature": 3, "story": 4, "task": 6, "defect": 9},
        "a2j-state": {"feature": 3, "story": 4, "defect": 9},
        "j2a-step": {"feature": 2, "story": 3},
        "a2j-step": {"feature": 3, "story": 4},
    }
    form = {f"{code}-{type_}": str(id_) for code, ids in published.items() for type_, id_ in ids.items()}
    return form | {name.replace("_", "-"): number for name, number in changes.items()}


def read_again() -> None:
    runner.run_now(Job.objects.get(kind=JobKind.OBSERVE, state=JobState.QUEUED))


def test_the_published_examples_can_be_chosen_while_every_list_is_empty_of_features(
    sandbox: RunningSandbox, connector: Connector, configurer: Client
) -> None:
    assert choose(configurer, "examples").status_code == 303
    connector.refresh_from_db()
    assert connector.type_ids == {"j2a-state": {"feature": 2}, "a2j-state": {"feature": 2}}
    assert entries("contract.type_ids") == [
        "Chose the published examples for the type ids of states, Jira to Align: Feature 2, before Feature 3.",
        "Chose the published examples for the type ids of states, Align to Jira: Feature 2, before Feature 3.",
    ]
    assert choose(configurer, "examples").status_code == 303
    assert len(entries("contract.type_ids")) == 2
    assert choose(configurer, "table").status_code == 303
    connector.refresh_from_db()
    assert connector.type_ids == {}


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"choice": "magic"}, "one of the four choices"),
        ({"choice": "own", **{f"own-{k}": v for k, v in own_form(j2a_state_feature="4").items()}}, "the same type id"),
        ({"choice": "own", **{f"own-{k}": v for k, v in own_form(j2a_step_story="x").items()}}, "whole number"),
        ({"choice": "own", **{f"own-{k}": v for k, v in own_form(j2a_step_story="0").items()}}, "whole number"),
        ({"choice": "own"}, "whole number"),
    ],
)
def test_own_type_ids_that_cannot_be_are_refused(
    connector: Connector, configurer: Client, form: dict[str, str], says: str
) -> None:
    refused = configurer.post(f"{PAGE}types/", form)
    assert refused.status_code == 409
    assert says in text(refused)
    connector.refresh_from_db()
    assert connector.type_ids == {}
    assert choose(configurer, "own", **own_form(j2a_state_feature="7")).status_code == 303
    connector.refresh_from_db()
    assert connector.type_ids == {"j2a-state": {"feature": 7}}
    assert "Own type ids in use" in text(configurer.get(PAGE))


def test_what_the_log_calls_a_record_decides_what_is_proposed(
    sandbox: RunningSandbox, connector: Connector, configurer: Client
) -> None:
    """Two types would explain an id that neither has records of: Align's own word beside the id says which."""
    for status in (10001, 10002, 10013, 10003, 10019):
        sandbox.edit("delete_mapping", family="j2a_state", type=6, source=status)
    sandbox.reset(type_ids="examples")
    sandbox.edit("create_mapping", family="j2a_state", type=3, source=10017, target=2)
    steps.read_log(connector)
    steps.observe(connector)
    looked(connector)
    assert ContractFact.objects.get(family="j2a-state", name="log-words").value == {"2": ["feature"]}
    shown = text(configurer.get(PAGE))
    assert "The published examples fits what was seen" in shown
    assert "the log calls a record of type 2 Feature" in shown
    assert "Task 2" not in shown
    assert choose(configurer, "seen").status_code == 303
    connector.refresh_from_db()
    assert connector.type_ids["j2a-state"] == {"feature": 2}


# --- the published examples -------------------------------------------------------------------------------------------


def published_bodies(name: str) -> list[str]:
    samples = json.loads((SAMPLES / f"{name}.json").read_text())
    return sorted(_plain(each["path"], each["body"]) for each in samples if each["method"] == "POST")


def _plain(path: str, body: dict[str, Any]) -> str:
    return f"{path.lower().split('/connectors/123/')[1]} {json.dumps(body, sort_keys=True)}"


@pytest.mark.parametrize(("name", "seed"), [("example1", "examples-company"), ("example2", "examples")])
def test_a_plan_sends_exactly_the_bodies_of_the_published_examples(
    transactional_db: None,
    sandbox: RunningSandbox,
    bare_connector: Connector,
    configurer: Client,
    admin: Person,
    name: str,
    seed: str,
) -> None:
    sandbox.reset(seed=seed, type_ids="examples")
    connector = make.refreshed(bare_connector)
    assert choose(configurer, "examples").status_code == 303
    read_again()
    connector.refresh_from_db()
    for status, state in TO_ALIGN:
        steps.edit(connector, "j2a-state", status, state, actor=admin, project="PROJ", type_=FEATURE)
        steps.edit(connector, "a2j-state", state, status, actor=admin, project="PROJ", type_=FEATURE)
    sandbox.clear_journal()
    plan = steps.apply_all(connector, actor=admin)
    assert set(steps.states(plan)) == {"done"}
    posts = sandbox.journal("POST", "mappings")
    assert sorted(_plain(each["path"], each["body"]) for each in posts) == published_bodies(name)


def test_the_matrix_shows_the_three_lists_of_the_published_mixed_environment(
    transactional_db: None, sandbox: RunningSandbox, bare_connector: Connector, configurer: Client
) -> None:
    sandbox.reset(seed="examples-mixed", type_ids="examples")
    connector = make.refreshed(bare_connector)
    assert choose(configurer, "examples").status_code == 303
    read_again()
    for project, first in (("", 10000), ("PROJ1", 10200), ("PROJ2", 10300)):
        scope = steps.scope(connector, "j2a-state", project)
        rows = Mapping.objects.filter(scope=scope, work_item_type=FEATURE).order_by("source_id")
        assert list(rows.values_list("source_id", "observed")) == [(first + 1, 1), (first + 2, 2), (first + 3, 5)]
        shown = text(configurer.get(f"/connectors/acme/mappings/?type=feature&scope={project}"))
        assert "not mapped" not in shown
    path = "/connectors/123/mappings/states"
    for asked in (1, 2):
        found = sandbox.align("GET", f"{path}?ProjectKey=PROJ1&WorkItemTypeId={asked}").json()
        assert [each["workItemTypeId"] for each in found] == [2, 2, 2]


def test_a_line_of_the_log_carries_the_id_of_its_record(sandbox: RunningSandbox) -> None:
    sandbox.reset(type_ids="examples")
    body = {"workItemTypeId": 2, "jiraStatusId": 10017, "alignStateId": 2}
    assert sandbox.align("POST", "/connectors/123/mappings/states", json=body).json()["workItemTypeId"] == 2
    line = sandbox.align("GET", "/connectors/123/auditlog").json()[0]["description"]
    assert "- Feature - Blocked (10017) " in line
    assert "WorkItemTypeId: 2," in line


# --- proven by a create -----------------------------------------------------------------------------------------------


def consent(client: Client, beginning: str) -> Job:
    """To one create and one delete at the first key offered of that family and type."""
    keys = re.findall(r'<option value="([^"]+:[^"]+)"', client.get(PAGE).content.decode())
    chosen = next(key for key in keys if re.match(beginning, key))
    assert client.post(f"{PAGE}look/", {"write_key": chosen, "consent": "yes"}).status_code == 303
    return runner.run_now(Job.objects.get(kind=JobKind.CONTRACT, state=JobState.QUEUED))


@pytest.mark.parametrize("family", ["j2a-state", "a2j-state", "j2a-step", "a2j-step"])
def test_one_create_and_its_delete_prove_a_type_id_in_each_family(
    sandbox: RunningSandbox, connector: Connector, configurer: Client, family: str
) -> None:
    before = set(Mapping.objects.values_list("pk", "observed", "wanted"))
    sandbox.clear_journal()
    job = consent(configurer, f"{family}:[0-9]+:feature:")
    assert job.state == JobState.DONE, job.error
    sent = [each for each in sandbox.journal() if each["method"] != "GET"]
    assert [each["method"] for each in sent] == ["POST", "DELETE"]
    published = 2 if family == "j2a-step" else 3
    assert sent[0]["body"]["workItemTypeId"] == published
    proof = ContractFact.objects.get(family=family, name="type-proof")
    assert proof.value == {"feature": {"id": published, "taken": True}}
    assert f"Feature {published} taken" in text(configurer.get(PAGE))
    steps.observe(connector)
    assert set(Mapping.objects.values_list("pk", "observed", "wanted")) == before


def test_own_ids_that_align_refuses_are_told_and_those_it_takes_are_proven(
    sandbox: RunningSandbox, connector: Connector, configurer: Client
) -> None:
    sandbox.reset(type_ids="examples")
    assert choose(configurer, "own", **own_form(a2j_state_feature="7")).status_code == 303
    read_again()
    looked(connector)
    job = consent(configurer, "a2j-state:[0-9]+:feature:")
    assert "work item type id 7 is not valid" in job.error
    shown = text(configurer.get(PAGE))
    assert "Feature 7 refused" in shown
    assert "Align refuses Feature 7: choose other type ids." in shown
    assert choose(configurer, "own", **own_form(a2j_state_feature="2")).status_code == 303
    read_again()
    assert consent(configurer, "a2j-state:[0-9]+:feature:").state == JobState.DONE
    shown = text(configurer.get(PAGE))
    assert "Feature 2 taken" in shown
    assert "Align refuses" not in shown


@pytest.mark.parametrize("switch", ["project_key_on_write", "project_key_in_body"])
def test_a_create_at_a_team_managed_project_is_sent_with_its_key_where_it_has_to_be(
    sandbox: RunningSandbox, connector: Connector, configurer: Client, switch: str
) -> None:
    Project.objects.filter(connector=connector, team_managed=False).update(scope_choice="out", in_scope=False)
    Scope.objects.filter(connector=connector, project=None).update(error="Not read.")
    sandbox.reset(**{switch: "required"})
    to_align = switch == "project_key_on_write"
    sandbox.clear_journal()
    job = consent(configurer, f"{'j2a' if to_align else 'a2j'}-state:[1-9][0-9]*:story:")
    assert job.state == JobState.DONE, job.error
    writes = [each["method"] for each in sandbox.journal() if each["method"] != "GET"]
    assert writes == ["POST", "POST", "DELETE"] + (["DELETE"] if to_align else [])


# --- a refusal that is about the type id ------------------------------------------------------------------------------


def test_a_change_that_is_refused_for_its_type_id_leads_to_the_choice(
    sandbox: RunningSandbox, connector: Connector, configurer: Client, admin: Person
) -> None:
    steps.edit(connector, "j2a-state", 10017, 2, actor=admin, type_=FEATURE)
    steps.edit(connector, "j2a-state", 10017, 2, actor=admin)
    plan = steps.approved_plan(connector, actor=admin)
    sandbox.reset(type_ids="examples")
    steps.apply(plan, actor=admin)
    assert sorted(steps.states(plan)) == ["done", "failed"]
    shown = configurer.get(f"/plans/{plan.pk}/").content.decode()
    assert shown.count('href="/connectors/acme/contract/#type-ids"') == 1
    assert "Choose the type ids of this connector" in shown


def test_a_probe_and_a_look_that_are_refused_for_the_type_id_lead_to_the_choice(
    sandbox: RunningSandbox, connector: Connector, configurer: Client
) -> None:
    reason = {"errors": {"WorkItemTypeId": ["The work item type id 4 is not valid for this mapping."]}}
    sandbox.faults({"method": "POST", "path": "mappings", "status": 400, "body": json.dumps(reason)})
    assert try_create(configurer).status_code == 303
    job = runner.run_now(Job.objects.get(kind=JobKind.CONTRACT, state=JobState.QUEUED))
    assert "The work item type id 4 is not valid" in job.error
    shown = configurer.get(PAGE).content.decode()
    assert shown.count('href="/connectors/acme/contract/#type-ids"') == 1


# --- records of an id that no type has --------------------------------------------------------------------------------


@pytest.fixture
def by_examples(transactional_db: None, sandbox: RunningSandbox, bare_connector: Connector) -> Connector:
    """Its Features have id 2, in lists that are read by the published table from the beginning."""
    sandbox.reset(type_ids="examples")
    connector = make.refreshed(bare_connector)
    looked(connector)
    return connector


def test_records_that_are_given_another_type_id_are_no_change_made_elsewhere(
    sandbox: RunningSandbox, connector: Connector
) -> None:
    sandbox.reset(type_ids="examples")
    steps.observe(connector)
    features = Mapping.objects.filter(scope__family="j2a-state", work_item_type=FEATURE)
    assert set(features.values_list("situation", flat=True)) == {"in_sync"}
    sandbox.edit("delete_mapping", family="j2a_state", type=3, source=10001)
    steps.observe(connector)
    assert features.get(source_id=10001, scope__project=None).situation == "drifted"


def test_an_unrecognised_record_is_unknown_in_the_matrix_and_never_not_mapped(
    by_examples: Connector, configurer: Client
) -> None:
    features = configurer.get("/connectors/acme/mappings/?type=feature").content.decode()
    row = features[features.index("id=h10001 ") :]
    header = row[: row.index("</th>")]
    assert "unknown: a record of type 2 stands here" in header
    assert "not mapped" not in header
    listed = text(configurer.get("/connectors/acme/mappings/?type=feature&view=list"))
    assert "To Do 10001 unknown: a record of type 2 stands here" in listed
    assert "most likely Feature" in listed
    stories = text(configurer.get("/connectors/acme/mappings/?view=list"))
    assert "a record of type" not in stories  # Stories have an id of their own there
    assert "Blocked 10017 not mapped" in stories


def test_a_status_with_an_unrecognised_record_warns_a_plan_and_is_mapped_once_the_ids_are_chosen(
    by_examples: Connector, configurer: Client, admin: Person
) -> None:
    steps.edit(by_examples, "j2a-state", 10001, 3, actor=admin, type_=FEATURE)
    plan = steps.make_plan(by_examples, actor=admin)
    assert any("a record of type 2 stands here" in each for each in plan.warnings)
    configurer.post(f"/plans/{plan.pk}/cancel/")
    assert choose(configurer, "examples").status_code == 303
    read_again()
    features = text(configurer.get("/connectors/acme/mappings/?type=feature"))
    assert "a record of type" not in features
    assert steps.mapping(by_examples, "j2a-state", 10001, type_=FEATURE).observed == 1


def test_where_two_types_may_be_meant_both_are_unknown_and_the_likelier_comes_first() -> None:
    table, seen = J2A_STATE.type_ids, {4, 9}
    assert likely_types(J2A_STATE, 2, current=table, seen=seen, log_words={}) == (FEATURE, TypeName.TASK)
    assert likely_types(J2A_STATE, 2, current=table, seen={3, 4, 6, 9}, log_words={}) == (FEATURE,)
    said = {2: (TypeName.TASK,)}
    assert likely_types(J2A_STATE, 2, current=table, seen=seen, log_words=said) == (TypeName.TASK,)
    unsaid = {2: (TypeName.TASK, FEATURE)}
    assert likely_types(J2A_STATE, 2, current=table, seen=seen, log_words=unsaid)[0] == FEATURE
    assert set(likely_types(J2A_STATE, 77, current=table, seen=set(table.values()), log_words={})) == set(table)

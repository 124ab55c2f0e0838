"""Steps 5 to 10 of the set-up as a function of facts, and those facts as they are read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from alignadmin.accounts.models import Person
from connectors.catalogue.issue_types import IssueTypes
from connectors.models import Connector, FieldReading, FieldRow, IssueType, Project
from connectors.ports.setup_steps import SetupCheck, SetupCheckState, SetupPlace, SetupStepState
from connectors.setup.services import store_type_matches
from mappings.engine.values import TypeName
from mappings.hierarchy.standing import HierarchyStanding
from mappings.models import AgreedLine, Mapping, Scope
from mappings.setup_steps.facts import MappingSetupFacts, TypeCoverage, facts_of_mappings
from mappings.setup_steps.fields_facts import facts_of_fields
from mappings.setup_steps.fields_rules import fields_step
from mappings.setup_steps.rules import mapping_steps
from mappings.setup_steps.scope_facts import ScopeSetupFacts
from mappings.setup_steps.scope_rules import import_step
from tests.support.field_helpers import ALIGN, JIRA, row, small

DONE, TO_DO, BROKEN = SetupStepState.DONE, SetupStepState.TO_DO, SetupStepState.BROKEN
OK, OPEN, FAILED, CONFIRMED = (
    SetupCheckState.OK,
    SetupCheckState.OPEN,
    SetupCheckState.FAILED,
    SetupCheckState.CONFIRMED,
)
CODES = ("work-item-types", "statuses-pulled", "bidirectional-sync", "process-flows", "step-field")


def known(**states: SetupCheckState) -> dict[str, SetupCheck]:
    named = {**dict.fromkeys(CODES, OK), "statuses-left": OPEN, **{k.replace("_", "-"): v for k, v in states.items()}}
    return {code: SetupCheck(id=code, label=code, state=state, sentence="S.") for code, state in named.items()}


ALL = TypeCoverage(work_item_type=TypeName.STORY, mapped=9, total=9)
FITS = HierarchyStanding(is_read=True)
WELL = MappingSetupFacts(slug="acme", coverage=[ALL], lists=30, sharing=14, hierarchy=FITS)
GAPS = replace(WELL, coverage=[replace(ALL, mapped=7)])


@pytest.mark.parametrize(
    ("facts", "checks", "types", "statuses"),
    [
        (None, {}, TO_DO, TO_DO),
        (WELL, known(), DONE, DONE),
        (WELL, known(work_item_types=OPEN), TO_DO, DONE),
        (WELL, known(work_item_types=FAILED), BROKEN, DONE),
        (replace(WELL, hierarchy=HierarchyStanding()), known(), TO_DO, DONE),
        (replace(WELL, hierarchy=replace(FITS, errors=["It cannot."])), known(), BROKEN, DONE),
        (replace(WELL, hierarchy=replace(FITS, warnings=["Look."], pending=2)), known(), DONE, DONE),  # recommended
        (replace(WELL, hierarchy=replace(FITS, proposal=7, proposer="Eva")), known(), DONE, DONE),  # likewise
        (WELL, known(statuses_pulled=OPEN), DONE, TO_DO),
        (WELL, known(bidirectional_sync=OPEN), DONE, TO_DO),
        (WELL, known(process_flows=OPEN, step_field=OPEN), DONE, DONE),  # only for process steps
        (GAPS, known(), DONE, TO_DO),
        (GAPS, known(statuses_left=CONFIRMED), DONE, DONE),
        (replace(WELL, unread=2), known(), DONE, TO_DO),
        (replace(WELL, unread=2, trouble="Align did not answer."), known(), DONE, BROKEN),
        (replace(WELL, coverage=[]), known(statuses_left=CONFIRMED), DONE, TO_DO),
        (replace(WELL, duplicates=2), known(), DONE, DONE),  # recommended
    ],
)
def test_facts_decide_the_state_of_the_steps(
    facts: MappingSetupFacts | None, checks: dict[str, SetupCheck], types: SetupStepState, statuses: SetupStepState
) -> None:
    steps = {step.number: step for step in mapping_steps(facts, checks)}
    assert list(steps) == [5, 6, 7, 8, 9, 10]
    assert (steps[5].state, steps[8].state) == (types, statuses)
    for number in (6, 7, 9, 10):
        assert steps[number].state is SetupStepState.OPTIONAL


def test_the_hierarchy_is_told_by_its_checks() -> None:
    told = HierarchyStanding(is_read=True, errors=["A.", "B."], warnings=["C."], proposal=7, proposer="Eva")
    step = next(iter(mapping_steps(replace(WELL, hierarchy=told), known())))
    found = {check.id: (check.state, check.sentence) for check in step.checks[1:]}
    assert found == {
        "hierarchy-order": (FAILED, "A. And 1 more problem."),
        "hierarchy-projects": (OPEN, "C."),
        "hierarchy-agreed": (OPEN, "Proposal 7 by Eva waits for an admin."),
    }
    assert all(check.mend == SetupPlace(page="hierarchy", of=("acme",)) for check in step.checks)


def test_a_gap_is_told_with_what_it_leads_to_and_where_it_is_mended() -> None:
    step = next(step for step in mapping_steps(GAPS, known()) if step.key == "statuses")
    (gap,) = (check for check in step.checks if check.id == "statuses-left")
    assert gap.sentence.startswith("7 of 9 statuses mapped; the other 2 fall to 0 - Pending approval.")
    assert gap.mend == SetupPlace(page="coverage", of=("acme",), query="state=unmapped")
    assert gap.can_confirm
    assert step.links[0].sentence == "7 of 9 statuses mapped"
    assert step.links[-1].sentence == "14 company-managed projects share their mappings"


def test_the_facts_are_those_of_the_catalogue_and_of_the_mappings(
    connector: Connector, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(32):
        facts = facts_of_mappings(connector, IssueTypes(connector))
    assert facts.lists > facts.unread == 0
    assert facts.read_at is not None
    assert facts.sharing == 14
    assert facts.team_managed > 0
    story = next(each for each in facts.coverage if each.work_item_type is TypeName.STORY)
    assert 0 < story.mapped < story.total
    assert (facts.edits, facts.confirmed) == (0, 0)


def test_what_is_left_out_for_the_states_decides_none(connector: Connector) -> None:
    """A list that was not read, a status without a mapping, several records of a key, an edit: each decides alike."""
    same_states(connector)
    Mapping.objects.filter(pk=Mapping.objects.values("pk")[:1]).update(duplicates=[[7, 1]], waits=True)
    same_states(connector)
    Mapping.objects.filter(scope__family="j2a-state").delete()
    same_states(connector)
    Scope.objects.filter(pk__in=Scope.objects.values("pk")[:1]).update(error="Refused.")
    same_states(connector)


def test_what_is_left_out_of_a_hierarchy_for_the_states_decides_none(connector: Connector, admin: Person) -> None:
    """A type that only some projects have, levels in the wrong order, those of one project, and nothing read."""
    store_type_matches(connector, {None: {"story": ["Story", "Nowhere"], "defect": ["Bug"]}})
    assert same_states(connector)["types"] == BROKEN
    store_type_matches(connector, {None: {"story": ["Story"], "feature": ["Epic"]}})
    assert same_states(connector)["types"] == DONE
    project = Project.objects.get(connector=connector, key="PROJ")
    store_type_matches(connector, {project: {"feature": ["Sub-task"]}})
    assert same_states(connector)["types"] == BROKEN
    IssueType.objects.filter(connector=connector).update(vanished_at=timezone.now())
    assert same_states(connector)["types"] == TO_DO


@pytest.mark.parametrize("only", [False, True])
def test_a_field_decides_the_step_of_fields_for_the_states_too(bare_connector: Connector, only: bool) -> None:
    acme = small(bare_connector)

    def state() -> str:
        return fields_step(facts_of_fields(acme, for_states=only)).state

    assert state() == DONE
    needed = row(acme, ALIGN, "customfield_9", name="Found in", of="defect", is_required=True)
    row(acme, JIRA, "summary", of="defect")
    assert state() == SetupStepState.OPTIONAL
    needed.delete()
    assert state() == DONE
    pair = {"jira": "customfield_51", "direction": "both", "options": []}
    AgreedLine.objects.create(connector=acme, subject="fields", key="feature:customfield_1", value=pair)
    assert state() == DONE
    FieldRow.objects.filter(key="customfield_51").update(vanished_at=timezone.now())
    assert state() == SetupStepState.OPTIONAL
    FieldRow.objects.update(vanished_at=None)
    assert state() == DONE
    FieldReading.objects.filter(system="align", work_item_type="task").update(error="Refused.")
    assert state() == SetupStepState.OPTIONAL
    FieldReading.objects.filter(system="align", work_item_type="task").delete()
    assert state() == SetupStepState.OPTIONAL


def same_states(connector: Connector) -> dict[str, SetupStepState]:
    """Of the steps by their keys, where no check of the readiness stands in their way."""
    matches = IssueTypes(connector)
    both = [facts_of_mappings(connector, matches, for_states=only) for only in (False, True)]
    for checks in (known(), known(statuses_left=CONFIRMED), known(statuses_pulled=FAILED)):
        with_all, for_states = ([step.state for step in mapping_steps(facts, checks)] for facts in both)
        assert for_states == with_all
    return {step.key: step.state for step in mapping_steps(both[0], known())}


@pytest.mark.parametrize(
    ("told", "states"),
    [
        ({}, [OK, SetupCheckState.OPEN, SetupCheckState.NOT_NEEDED]),
        ({"is_rehearsed": True}, [OK, OK, SetupCheckState.NOT_NEEDED]),
        ({"is_rehearsed": True, "ours": 2, "unrehearsed": 1, "unimported": 2}, [OK, *[SetupCheckState.OPEN] * 2]),
        ({"is_rehearsed": True, "ours": 2}, [OK, OK, OK]),
    ],
)
def test_a_rehearsal_and_an_import_of_each_project_of_ours_are_asked_for(
    told: dict[str, int], states: list[SetupCheckState]
) -> None:
    step = import_step(ScopeSetupFacts(slug="acme", is_decided=True, projects=3, **told))  # type: ignore[arg-type]
    assert [each.state for each in step.checks] == states
    is_done = SetupCheckState.OPEN not in states
    assert step.state is (DONE if is_done else SetupStepState.OPTIONAL)


@pytest.mark.parametrize(
    ("told", "state", "said"),
    [
        (ScopeSetupFacts(slug="acme"), OPEN, "Not decided yet. Type which ones; saved empty, it is every open issue."),
        (ScopeSetupFacts(slug="acme", pending=2, projects=1), OPEN, "2 lines of the draft not proposed yet."),
        (
            ScopeSetupFacts(slug="acme", is_decided=True, shared="labels = x", own=2, proposal=7, proposer="Eva"),
            OK,
            "Shared by all projects: labels = x. 2 projects differ. Proposal 7 by Eva waits for an admin.",
        ),
    ],
)
def test_what_is_decided_of_an_import_is_told(told: ScopeSetupFacts, state: SetupCheckState, said: str) -> None:
    step = import_step(told)
    check = step.checks[0]
    assert (check.state, check.sentence.endswith(said)) == (state, True)
    assert step.state is SetupStepState.OPTIONAL, "nothing was rehearsed"
    assert any("for comparison only" in tip for tip in step.tips) is bool(told.carried)

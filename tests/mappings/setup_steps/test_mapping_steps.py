"""Steps 5 to 10 of the set-up as a function of facts, and those facts as they are read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connectors.catalogue.issue_types import IssueTypes
from connectors.models import Connector
from connectors.ports.setup_steps import SetupCheck, SetupCheckState, SetupPlace, SetupStepState
from mappings.engine.values import TypeName
from mappings.hierarchy.standing import HierarchyStanding
from mappings.models import Mapping, Scope
from mappings.setup_steps.facts import MappingSetupFacts, TypeCoverage, facts_of_mappings
from mappings.setup_steps.rules import mapping_steps

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
    assert (steps[6].state, steps[6].has_page) == (SetupStepState.OPTIONAL, True)
    for number in (7, 9, 10):
        assert (steps[number].state, steps[number].has_page) == (SetupStepState.LATER, False)


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
        facts = facts_of_mappings(connector, IssueTypes(connector).places())
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


def same_states(connector: Connector) -> None:
    places = IssueTypes(connector).places()
    for checks in (known(), known(statuses_left=CONFIRMED), known(statuses_pulled=FAILED)):
        with_all, for_states = (
            [step.state for step in mapping_steps(facts_of_mappings(connector, places, for_states=only), checks)]
            for only in (False, True)
        )
        assert for_states == with_all

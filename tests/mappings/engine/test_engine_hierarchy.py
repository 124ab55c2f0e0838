"""Align's levels and Jira's issue types: what fits, breaks the order, stands twice, is gone, or missing somewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.align.terminology import LEVELS, Terminology
from mappings.engine.configuration import ConfigurationProblem
from mappings.engine.hierarchy import (
    ABOVE,
    HierarchyPlace,
    JiraType,
    TypesOfProject,
    by_name,
    check_hierarchy,
    jira_type,
    schemes,
)

SITE = by_name(
    [
        jira_type("Initiative", level=2, is_subtask=False),
        jira_type("Epic", level=1, is_subtask=False),
        *(jira_type(name, level=0, is_subtask=False) for name in ("Story", "Bug", "Task")),
        jira_type("Sub-task", level=-1, is_subtask=True),
    ]
)
ALIGNS = {"feature": ["Epic"], "story": ["Story"], "task": ["Sub-task"], "defect": ["Bug"]}
USUAL = {"Initiative": "", "Epic": "feature", "Story": "story", "Bug": "defect", "Task": "", "Sub-task": "task"}


def shared(chosen: Mapping[str, Sequence[str]], types: Mapping[str, JiraType] = SITE) -> HierarchyPlace:
    return HierarchyPlace(code="shared", chosen=chosen, types=types)


def problems(
    chosen: Mapping[str, Sequence[str]], *projects: TypesOfProject, types: Mapping[str, JiraType] = SITE
) -> list[ConfigurationProblem]:
    return check_hierarchy([shared(chosen, types)], projects)


def codes(chosen: Mapping[str, Sequence[str]], types: Mapping[str, JiraType] = SITE) -> list[str]:
    return [each.code for each in problems(chosen, types=types)]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (ALIGNS, []),
        ({**ALIGNS, "epic": ["Initiative"]}, []),
        ({"theme": ["Initiative"], "epic": ["Epic"], "feature": ["Story", "Bug", "Task"], "story": ["Sub-task"]}, []),
        ({**ALIGNS, "story": ["Story", "Task"]}, []),
        ({**ALIGNS, "defect": ["Sub-task"], "task": []}, []),
        ({}, []),
        ({"feature": ["Story"], "story": ["Epic"]}, ["order-broken"]),
        ({"feature": ["Story"], "story": ["Task"]}, ["order-broken"]),
        ({"feature": ["Story"], "defect": ["Bug"]}, ["order-broken"]),
        ({"theme": ["Epic"], "task": ["Initiative"]}, ["order-broken"]),
        ({"epic": ["Sub-task"], "feature": ["Epic"]}, ["order-broken"]),
        ({**ALIGNS, "story": ["Story", "Bug"]}, ["type-twice"]),
        ({**ALIGNS, "capability": ["Epic"]}, ["type-twice"]),
        ({**ALIGNS, "task": ["Chore"]}, ["type-gone"]),
    ],
)
def test_what_fits_and_what_does_not(chosen: dict[str, list[str]], expected: list[str]) -> None:
    assert codes(chosen) == expected


def test_an_epic_below_its_story_is_told_by_both_names_and_why() -> None:
    (found,) = check_hierarchy(
        [shared({"feature": ["Story"], "story": ["Epic"]})], [], Terminology(names={"story": "User Story"})
    )
    assert found.sentence == (
        "A User Story belongs to a Feature, so Epic would have to belong to Story. In Jira Epic is on a higher level "
        "than Story, so it never can."
    )
    (same,) = problems({"feature": ["Story"], "story": ["Task"]})
    assert "In Jira Task is on the level of Story, so it never can." in same.sentence
    assert same.key == "shared:story"


def test_where_jira_tells_no_level_only_sub_tasks_are_known_to_be_low() -> None:
    types = by_name(
        [
            jira_type("Epic", level=None, is_subtask=False),
            jira_type("Story", level=None, is_subtask=False),
            jira_type("Sub-task", level=None, is_subtask=True),
        ]
    )
    assert codes({"feature": ["Epic"], "story": ["Story"], "task": ["Sub-task"]}, types) == []
    assert codes({"feature": ["Story"], "story": ["Epic"]}, types) == [], "nobody knows"
    assert codes({"feature": ["Sub-task"], "story": ["Epic"]}, types) == ["order-broken"]


def test_types_of_one_name_and_two_levels_are_given_the_benefit_of_the_doubt() -> None:
    types = {
        **SITE,
        **by_name([jira_type("Work", level=1, is_subtask=False), jira_type("Work", level=0, is_subtask=False)]),
    }
    assert types["Work"] == JiraType(name="Work", lowest=0, highest=1)
    assert codes({"feature": ["Work"], "story": ["Story"]}, types) == []
    assert codes({"feature": ["Work"], "story": ["Epic"]}, types) == ["order-broken"]


# --- projects ----------------------------------------------------------------------------------------------------


def test_projects_that_lack_a_level_are_named_and_those_with_something_of_their_own_asked_for_that() -> None:
    full = ["Epic", "Story", "Sub-task", "Bug"]
    projects = [
        TypesOfProject(key="A", names=full),
        TypesOfProject(key="B", names=["Epic", "Story", "Sub-task"]),
        TypesOfProject(key="C", names=["Epic", "Task", "Sub-task", "Bug"]),
        TypesOfProject(key="D", names=["Epic", "Task", "Sub-task", "Bug"], own={"story": ["Task"]}),
        TypesOfProject(key="E", names=["Epic", "Story"], own={"task": [], "defect": []}),
    ]
    found = problems(ALIGNS, *projects)
    assert [(each.code, each.key) for each in found] == [
        ("type-missing", "shared:story"),
        ("type-missing", "shared:defect"),
    ]
    assert found[0].sentence == "Nothing that stands for Story is in 1 of 5 projects: C."
    assert found[1].sentence == "Nothing that stands for Defect is in 1 of 4 projects: B."


def test_a_level_that_no_project_uses_is_told_as_that_and_many_projects_are_counted() -> None:
    many = [TypesOfProject(key=f"P{number:02}", names=["Epic", "Story", "Sub-task"]) for number in range(15)]
    (unused,) = problems(ALIGNS, *many)
    assert (unused.code, unused.sentence) == (
        "level-unused",
        "No project in scope has an issue type that stands for Defect.",
    )
    (missing,) = problems(ALIGNS, *many, TypesOfProject(key="Z", names=list(SITE)))
    assert missing.sentence.endswith("15 of 16 projects: P00, P01, P02, P03, P04, P05, P06, P07, P08, P09 and 5 more.")


def test_what_a_project_takes_over_is_not_told_again() -> None:
    broken = {"feature": ["Story"], "story": ["Task"]}
    own = HierarchyPlace(code="7", label="PROJ", chosen={**broken, "defect": ["Bug"]}, types=SITE, decided=["defect"])
    found = check_hierarchy([shared(broken), own], [])
    assert [(each.code, each.key) for each in found] == [("order-broken", "shared:story"), ("order-broken", "7:defect")]
    assert "Bug would have to belong to Story in PROJ." in found[1].sentence


# --- schemes -----------------------------------------------------------------------------------------------------


def test_both_schemes_fit_and_differ_by_one_level() -> None:
    align, roadmap = schemes(SITE, USUAL)
    assert align.levels == ALIGNS
    assert roadmap.levels == {
        "theme": ["Initiative"],
        "epic": ["Epic"],
        "feature": ["Bug", "Story", "Task"],
        "story": ["Sub-task"],
    }


NAMES = [f"T{number}" for number in range(6)]
LEVEL = st.one_of(st.none(), st.integers(-1, 3))
SITES = st.lists(
    st.builds(
        lambda name, level, sub: jira_type(name, level=level, is_subtask=sub),
        st.sampled_from(NAMES),
        LEVEL,
        st.booleans(),
    ),
    max_size=8,
).map(by_name)
CHOICES = st.dictionaries(st.sampled_from(LEVELS), st.lists(st.sampled_from(NAMES), max_size=3), max_size=7)


@given(SITES, CHOICES)
def test_whatever_has_no_error_can_be_ordered_by_jira_s_levels(
    types: dict[str, JiraType], chosen: dict[str, list[str]]
) -> None:
    found = problems(chosen, types=types)
    if any(each.code in ("type-gone", "type-twice", "order-broken") for each in found):
        return
    standing = [(level, types[name]) for level, names in chosen.items() for name in names]
    for level, child in standing:
        for above, parent in standing:
            if above in ABOVE[level]:
                assert parent.highest > child.lowest, (above, parent, level, child)


@given(SITES, CHOICES)
def test_each_error_names_its_line_and_no_two_are_the_same(
    types: dict[str, JiraType], chosen: dict[str, list[str]]
) -> None:
    found = problems(chosen, types=types)
    assert len({each.identity for each in found}) == len(found) or any(
        len(set(names)) < len(names) for names in chosen.values()
    )
    assert all(each.key.startswith("shared:") and each.sentence.endswith(".") for each in found)


@given(SITES)
def test_a_scheme_of_a_site_that_tells_its_levels_never_breaks_the_order(types: dict[str, JiraType]) -> None:
    plain = {name: each for name, each in types.items() if each.lowest == each.highest}
    usual = {name: {1: "feature", -1: "task", 0: "story"}.get(each.lowest, "") for name, each in plain.items()}
    for scheme in schemes(plain, usual):
        assert codes(scheme.levels, plain) == []

"""Fields of both sides as pairs: what fits, which way a value may go, what pairs by itself, and which options agree.

Source: the set-up of such an integration, step 6: core fields pair by themselves, the types of a pair are identical,
a formula counts as its result's type. Pure: no database, no clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from alignadmin.folding import fold
from connectors.field_types.value_types import ToldType, ValueType

SUBJECT = "fields"  # of the lines in which pairs are decided: their keys are a work item type and a field of Align


class FieldSide(StrEnum):
    ALIGN = "align"
    JIRA = "jira"

    @property
    def label(self) -> str:
        return "Jira Align" if self is FieldSide.ALIGN else "Jira"


class FieldDirection(StrEnum):
    TO_ALIGN = "to-align"
    TO_JIRA = "to-jira"
    BOTH = "both"
    ONCE = "once"  # to Align, when an item is imported, and never again

    @property
    def label(self) -> str:
        return _DIRECTIONS[self]

    @property
    def writes(self) -> frozenset[FieldSide]:
        if self is FieldDirection.BOTH:
            return frozenset(FieldSide)
        return frozenset({FieldSide.JIRA if self is FieldDirection.TO_JIRA else FieldSide.ALIGN})


_DIRECTIONS = {
    FieldDirection.TO_ALIGN: "Jira to Align",
    FieldDirection.TO_JIRA: "Align to Jira",
    FieldDirection.BOTH: "both ways",
    FieldDirection.ONCE: "only once, at import",
}


class FieldGroup(StrEnum):
    """In the order of the page."""

    CORE = "core"
    PRIMARY = "primary"
    DEFAULT = "default"
    CUSTOM = "custom"
    OTHER = "other"

    @property
    def label(self) -> str:
        return _GROUPS[self]


_GROUPS = {
    FieldGroup.CORE: "Paired by themselves",
    FieldGroup.PRIMARY: "Primary fields",
    FieldGroup.DEFAULT: "Default fields",
    FieldGroup.CUSTOM: "Custom fields",
    FieldGroup.OTHER: "Other fields of Jira Align",
}


@dataclass(frozen=True, kw_only=True)
class FieldOption:
    id: str
    name: str


@dataclass(frozen=True, kw_only=True)
class SideField:
    """A field of one side. `is_required` and `is_writable` are None where the side does not tell.

    `is_gone`: it was there, and is told no more. `required_in`: keys of projects, where it is not required in all.
    """

    side: FieldSide
    key: str
    name: str
    told: ToldType
    options: tuple[FieldOption, ...] = ()
    is_custom: bool = False
    is_required: bool | None = None
    is_writable: bool | None = None
    is_gone: bool = False
    required_in: tuple[str, ...] = ()

    @property
    def can_be_target(self) -> bool:
        """What nobody tells to be read only may be tried: the first write says it."""
        return self.is_writable is not False and not self.told.is_formula

    @property
    def words(self) -> str:
        return f"{self.name} ({self.key}) in {self.side.label}"


@dataclass(frozen=True, kw_only=True)
class FieldPair:
    """`options`: of a select, pairs of ids of an option of Align and one of Jira."""

    align: str
    jira: str
    direction: FieldDirection
    options: tuple[tuple[str, str], ...] = ()


# --- what fits --------------------------------------------------------------------------------------------------------


def misfit(align: SideField, jira: SideField) -> str:
    """Why these two cannot be a pair, naming both types; empty where they can."""
    for each in (align, jira):
        if each.told.type is ValueType.UNKNOWN:
            return f"{each.words} is of a type that is not known here ({each.told.spelled or 'not told'})."
    if align.told.type is not jira.told.type:
        return (
            f"{align.words} is of type {align.told.words}, and {jira.words} of type {jira.told.words}. A pair has one "
            "type on both sides."
        )
    if not directions(align, jira):
        return f"Neither {align.words} nor {jira.words} can be written."
    return ""


def directions(align: SideField, jira: SideField) -> tuple[FieldDirection, ...]:
    """Those that write nothing which cannot be written: a formula is a source only."""
    writable = {each.side for each in (align, jira) if each.can_be_target}
    return tuple(each for each in FieldDirection if each.writes <= writable)


# --- what is settled without a choice ---------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class CoreField:
    """`jira`: the id of Jira's field, or the end of the type of a custom one, which each site numbers for itself."""

    align: str
    jira: str


CORE = (
    CoreField(align="title", jira="summary"),
    CoreField(align="description", jira="description"),
    CoreField(align="priority", jira="priority"),
    CoreField(align="ownerId", jira="assignee"),
    CoreField(align="iterationId", jira="gh-sprint"),
)
CORE_OF_ALIGN = frozenset(each.align for each in CORE)
BY_MATRIX = {
    FieldSide.ALIGN: frozenset({"state", "processStepId", "processStepName"}),
    FieldSide.JIRA: frozenset({"status", "statusCategory"}),
}
# What says which item it is, where it hangs and who made it: hierarchy and import set these, nobody pairs them.
BY_IMPORT = {
    FieldSide.ALIGN: frozenset(
        {
            *("externalId", "externalKey", "externalProject", "jiraProjectKey", "isExternal", "isRecycled"),
            *("parentId", "epicId", "featureId", "storyId"),
            *("createdBy", "createDate", "lastUpdatedBy", "lastUpdatedDate"),
        }
    ),
    FieldSide.JIRA: frozenset({"project", "issuetype", "parent", "subtasks"}),
}
_JIRA_TYPES_BY_IMPORT = ("gh-epic-link", "gh-epic-label")
PRIMARY = frozenset({"points", "releaseVehicleIds", "releaseId", "teamId"})
DEFAULT = frozenset(
    {
        *("productObjectiveIds", "businessValue", "totalHours", "hoursLeft", "severity"),
        *("startInitiationDate", "targetCompletionDate", "acceptedDate"),
    }
)


def by_itself(field: SideField) -> str:
    """Why nobody chooses a partner for it; empty where somebody may."""
    if field.key in BY_MATRIX[field.side]:
        return "Statuses go by the matrix, step 8."
    if field.key in BY_IMPORT[field.side] or field.told.spelled.endswith(_JIRA_TYPES_BY_IMPORT):
        return "Import and hierarchy set it."
    if field.side is FieldSide.ALIGN and field.key in CORE_OF_ALIGN:
        return "It pairs by itself."
    return ""


def core_pairs(align: Iterable[SideField], jira: Iterable[SideField]) -> list[tuple[SideField, SideField]]:
    """Those that both sides have, without a choice and both ways."""
    of_align = {each.key: each for each in align if not each.is_gone}
    of_jira = [each for each in jira if not each.is_gone]
    found = []
    for core in CORE:
        partner = next((each for each in of_jira if _is_core(core, each)), None)
        if core.align in of_align and partner is not None:
            found.append((of_align[core.align], partner))
    return found


def _is_core(core: CoreField, field: SideField) -> bool:
    return field.told.spelled.endswith(core.jira) if field.is_custom else field.key == core.jira


def group_of(field: SideField) -> FieldGroup:
    """Of a field of Align."""
    if field.is_custom:
        return FieldGroup.CUSTOM
    if field.key in CORE_OF_ALIGN:
        return FieldGroup.CORE
    if field.key in PRIMARY:
        return FieldGroup.PRIMARY
    return FieldGroup.DEFAULT if field.key in DEFAULT else FieldGroup.OTHER


# --- suggestions ------------------------------------------------------------------------------------------------------

_USUAL: Mapping[str, tuple[str, ...]] = {  # ids of Jira, ends of its types, and names that sites give
    "points": ("jsw-story-points", "story points", "story point estimate"),
    "releaseVehicleIds": ("fixVersions",),
    "teamId": ("atlassian-team",),
    "targetCompletionDate": ("duedate",),
}


@dataclass(frozen=True, kw_only=True)
class SuggestedPartner:
    field: SideField
    why: str


class Suggestions:
    """Partners among the fields of Jira, which are looked through once."""

    def __init__(self, jira: Iterable[SideField]) -> None:
        there = [each for each in jira if not each.is_gone and not by_itself(each)]
        self._by_name: dict[str, list[SideField]] = {}
        self._by_mark: dict[str, list[SideField]] = {}
        for each in there:
            self._by_name.setdefault(fold(each.name), []).append(each)
            for mark in {each.key, fold(each.name), each.told.spelled.rpartition(", ")[2]}:
                self._by_mark.setdefault(mark, []).append(each)

    def of(self, align: SideField) -> SuggestedPartner | None:
        """One that fits; none where several are alike, since nobody could say which is meant."""
        if by_itself(align) or align.is_gone:
            return None
        for mark in _USUAL.get(align.key, ()):
            if found := self._only(align, self._by_mark.get(mark, ())):
                return SuggestedPartner(field=found, why="usual partner")
        found = self._only(align, self._by_name.get(fold(align.name), ()))
        return SuggestedPartner(field=found, why="same name") if found else None

    def _only(self, align: SideField, found: Iterable[SideField]) -> SideField | None:
        fitting = [each for each in found if not misfit(align, each)]
        return fitting[0] if len(fitting) == 1 else None


def matched_options(align: Iterable[FieldOption], jira: Iterable[FieldOption]) -> dict[str, str]:
    """Options of Align to those of Jira by their names, as people read them; a name that is there twice has none."""
    of_align, of_jira = _once(align), _once(jira)
    return {of_align[name]: of_jira[name] for name in of_align if name in of_jira}


def _once(options: Iterable[FieldOption]) -> dict[str, str]:
    named = [(fold(each.name), each.id) for each in options]
    often = Counter(name for name, _ in named)
    return {name: id_ for name, id_ in named if name and often[name] == 1}

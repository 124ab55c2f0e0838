"""What a difference in Jira or Align leads to, worked out for many at once from reach, mappings and lists as known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from django.db.models import Count, Q
from django.utils.text import get_text_list

from connectors.align.terminology import Terminology
from connectors.catalogue.issue_types import IssueTypes
from connectors.models import Connector, FindingChange, FindingKind, ReachableStatus, has_lists
from mappings.edits.unrecognised import Unrecognised, by_place, strange_records
from mappings.engine import words
from mappings.engine.families import A2J_STATE, A2J_STEP, J2A_STATE, J2A_STEP
from mappings.engine.values import TypeName
from mappings.models import Mapping, Scope

J2A, A2J = (J2A_STATE.code, J2A_STEP.code), (A2J_STATE.code, A2J_STEP.code)
BY_ID = "mappings go by its id and stay as they are"
LEADS_TO = {
    (FindingKind.STATUS, FindingChange.RENAMED): BY_ID,
    (FindingKind.STATUS, FindingChange.MOVED): "look at the mappings of the projects that had it",
    (FindingKind.ISSUE_TYPE, FindingChange.MOVED): "look whether it still fits the level of Align that it stands for",
    (FindingKind.ISSUE_TYPE, FindingChange.NEW): "say for which work item type it stands, if for any",
    (FindingKind.ISSUE_TYPE, FindingChange.BACK): "say for which work item type it stands, if for any",
    (FindingKind.ISSUE_TYPE, FindingChange.RENAMED): "it goes on standing for the same work item type",
    (FindingKind.ISSUE_TYPE, FindingChange.GONE): "look whether another type stands for its work items now",
    (FindingKind.PROJECT, FindingChange.NEW): "once Align's connector has it, its statuses need mappings",
    (FindingKind.PROJECT, FindingChange.BACK): "its mappings count again",
    (FindingKind.PROJECT, FindingChange.RENAMED): "Align may go on calling it as before",
    (FindingKind.PROJECT, FindingChange.GONE): "its mappings stay in Align and nothing reaches them",
    (FindingKind.PROJECT, FindingChange.MOVED): "look whether its statuses are mapped as they should",
    (FindingKind.PROJECT_KIND, FindingChange.MOVED): "its mappings from Jira to Align are kept in another list now",
    (FindingKind.PROGRAMME, FindingChange.MOVED): "look whether its process steps are still the right ones",
    (FindingKind.FLOW, FindingChange.NEW): "statuses can be led to its steps",
    (FindingKind.FLOW, FindingChange.BACK): "statuses can be led to its steps",
    (FindingKind.FLOW, FindingChange.RENAMED): BY_ID,
    (FindingKind.FLOW, FindingChange.MOVED): "look whether mappings lead to its steps",
    (FindingKind.FLOW, FindingChange.GONE): "look whether mappings lead to its steps",
    (FindingKind.FIELD, FindingChange.NEW): "it can be paired",
    (FindingKind.FIELD, FindingChange.BACK): "a pair of it carries values again",
    (FindingKind.FIELD, FindingChange.RENAMED): "pairs go by its id and stay as they are",
    (FindingKind.FIELD, FindingChange.GONE): "its pair carries nothing any more, the others go on",
    (FindingKind.FIELD_TYPE, FindingChange.MOVED): "its pair carries nothing until both sides have one type again",
    (FindingKind.FIELD_OPTION, FindingChange.RENAMED): "options are matched by their ids and stay so",
    (FindingKind.FIELD_OPTION, FindingChange.GONE): "its pair carries nothing until its options are matched anew",
    (FindingKind.FIELD_USE, FindingChange.MOVED): "look whether its pair still goes the way it should",
    (FindingKind.STEP, FindingChange.NEW): "statuses can be led to it",
    (FindingKind.STEP, FindingChange.BACK): "statuses can be led to it",
    (FindingKind.STEP, FindingChange.RENAMED): BY_ID,
    (FindingKind.STEP, FindingChange.MOVED): "look whether it is still the right one where mappings lead to it",
}


@dataclass(frozen=True, kw_only=True)
class Reached:
    """That items of one type can have a status in a project, and whether Align has a mapping for that.

    `has_strange`: a record of an unknown type id stands there, so nobody knows whether it is this one.
    """

    project_id: int
    project_key: str
    work_item_type: TypeName
    is_known: bool
    is_mapped: bool
    has_edit: bool
    has_strange: bool = False


class StatusEffects:
    """Of some Jira statuses of one connector, in a fixed number of queries; each made when it is first asked for."""

    def __init__(self, connector: Connector, status_ids: Collection[int]) -> None:
        self.connector = connector
        self.ids = sorted(set(status_ids))

    @cached_property
    def reached(self) -> dict[int, list[Reached]]:
        """By status; types that Align takes no state for are left out, since nothing falls there."""
        found: dict[int, list[Reached]] = defaultdict(list)
        seen: set[tuple[int, int, TypeName]] = set()
        for status_id, project_id, key, is_team, issue_type in self._reach:
            for type_ in self._types(issue_type, project_id):
                if (status_id, project_id, type_) in seen:
                    continue
                seen.add((status_id, project_id, type_))
                scope = self._scopes.get(project_id if is_team else None)
                has_strange = scope is not None and status_id in self._unrecognised.get((scope.pk, type_), {})
                observed, wanted = self._rows.get((scope.pk if scope else 0, type_.value, status_id), (None, None))
                found[status_id].append(
                    Reached(
                        project_id=project_id,
                        project_key=key,
                        work_item_type=type_,
                        is_known=bool(scope and scope.known) and not has_strange,
                        has_strange=has_strange,
                        is_mapped=observed is not None,
                        has_edit=wanted is not None and observed is None,
                    )
                )
        return found

    @cached_property
    def _reach(self) -> list[tuple[int, int, str, bool, int]]:
        mine = ReachableStatus.objects.filter(has_lists("project__"), project__connector=self.connector)
        rows = mine.filter(status__jira_id__in=self.ids)
        columns = ("status__jira_id", "project_id", "project__key", "project__team_managed", "issue_type_id")
        return list(rows.order_by("project__key", "issue_type_id").values_list(*columns))

    @cached_property
    def _issue_types(self) -> IssueTypes:
        return IssueTypes(self.connector)

    def _types(self, issue_type: int, project_id: int) -> Iterator[TypeName]:
        for type_ in TypeName:
            if J2A_STATE.knows(type_) and issue_type in self._issue_types.of(type_, project_id):
                yield type_

    @cached_property
    def _scopes(self) -> dict[int | None, Scope]:
        """The lists of states from Jira to Align by project; None: the one that company-managed projects share."""
        own = {project_id for _, project_id, _, is_team, _ in self._reach if is_team}
        lists = Scope.objects.filter(connector=self.connector, family=J2A_STATE.code, is_ours=False)
        return {scope.project_id: scope for scope in lists.filter(Q(project=None) | Q(project__in=own))}

    @cached_property
    def _unrecognised(self) -> Unrecognised:
        """Where a record of an unknown type id stands, which may be the mapping that seems to be missing."""
        return by_place(strange_records(self.connector, self._scopes.values()))

    @cached_property
    def _rows(self) -> dict[tuple[int, str, int], tuple[int | None, int | None]]:
        rows = Mapping.objects.filter(scope__in=[each.pk for each in self._scopes.values()], source_id__in=self.ids)
        columns = ("scope_id", "work_item_type", "source_id", "observed", "wanted")
        return {
            (scope, type_, source): (seen, wanted) for scope, type_, source, seen, wanted in rows.values_list(*columns)
        }


def falls(reached: Iterable[Reached]) -> list[Reached]:
    return [each for each in reached if each.is_known and not each.is_mapped]


def effect_of(reached: Collection[Reached], called: Terminology) -> str:
    """What a status that is new, or back, leads to where it is reached."""
    if not reached:
        return "no project in scope that Align carries reaches it so far"
    falling = falls(reached)
    if falling:
        types = [type_ for type_ in TypeName if any(each.work_item_type is type_ for each in falling)]
        items = get_text_list([called.items(type_) for type_ in types], "and")
        until = " until the edit is applied" if all(each.has_edit for each in falling) else ""
        return f"{items} that reach it fall to {words.FALLS_TO}{until}"
    if any(each.has_strange for each in reached):
        return "whether it is mapped is not known, since Align has a record of an unknown type id for it"
    if not all(each.is_known for each in reached):
        return "whether it is mapped is not known, since Align's list could not be read"
    return "it is mapped"


def still_named(connector: Connector, *, statuses: Collection[int], steps: Collection[int]) -> dict[int, int]:
    """How many mappings in Align name each of these that are gone; ids of statuses and steps do not meet here."""
    found: dict[int, int] = defaultdict(int)
    for ids, sources, targets in ((statuses, J2A, A2J), (steps, (A2J_STEP.code,), (J2A_STEP.code,))):
        if not ids:
            continue
        rows = Mapping.objects.filter(scope__connector=connector, observed__isnull=False).order_by()
        as_source = rows.filter(scope__family__in=sources, source_id__in=ids).values_list("source_id")
        as_target = rows.filter(scope__family__in=targets, observed__in=ids).values_list("observed")
        for counted in (as_source, as_target):
            for id_, number in counted.annotate(number=Count("pk")):
                found[id_] += number
    return found

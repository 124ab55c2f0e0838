"""The mapping records that apply to one status and one item, each with who changed it last and in which plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.urls import reverse

from connectors.align.audit_sentences import CREATED, DELETED, UPDATED
from connectors.models import Connector, HistoryRow, Project, Source
from mappings.edits.names import Names
from mappings.engine.families import FAMILIES, Family, family_of
from mappings.engine.values import Direction, Kind, TypeName
from mappings.matrix.address import url_of_cell
from mappings.matrix.lines import source_name, value_name
from mappings.models import Change, ChangeState, Scope
from mappings.models import Mapping as MappingRow

MOST_LINES = 50  # of the history that are looked at for one record


@dataclass(frozen=True, kw_only=True)
class LastChange:
    """`who` changed it, `how` it came about; not `is_certain`: Align's line may be about another project."""

    at: datetime | None
    who: str
    how: str
    href: str
    is_certain: bool = True


@dataclass(frozen=True, kw_only=True)
class RecordLine:
    """What one status, or one state or step, leads to. `value` is None where there is no record.

    `record`: by what Align knows it. `differs`: that Align has another value, or that another one is wanted.
    """

    kind: str
    direction: str
    source: str
    target: str
    value: int | None
    place: str
    record: str
    href: str
    differs: Sequence[str]
    changed: LastChange | None


class ItemRecords:
    """Of one project and one level that has mappings; each list is read once."""

    def __init__(self, connector: Connector, project: Project, level: str, status_id: int) -> None:
        self.connector, self.project, self.level, self.status_id = connector, project, level, status_id
        self.is_ours = project.is_ours
        of_list = Q(scope__project=project) if project.team_managed else Q(scope__project=None)
        of_status = Q(scope__family__startswith=f"{Direction.JIRA_TO_ALIGN}-", source_id=status_id) & of_list
        of_project = Q(scope__family__startswith=f"{Direction.ALIGN_TO_JIRA}-", scope__project=project)
        found = MappingRow.objects.filter(
            of_status | of_project, scope__connector=connector, scope__is_ours=self.is_ours, work_item_type=level
        )
        self.rows = list(found.select_related("scope__project", "scope__connector").order_by("source_id"))

    def to_jira(self, kind: Kind) -> dict[int, int]:
        """State or step -> the status that it wants, as it is in force."""
        code = family_of(kind, Direction.ALIGN_TO_JIRA).code
        return {
            each.source_id: each.applied for each in self.rows if each.scope.family == code and each.applied is not None
        }

    def lines(self, names: Names, *, state: int | None, step: int | None) -> list[RecordLine]:
        """Of the status, and of the state and step that the item shows, where they are known."""
        wanted: list[tuple[Kind, Direction, int]] = [
            (kind, direction, source)
            for kind, shown in ((Kind.STATE, state), (Kind.STEP, step))
            for direction, source in (
                (Direction.JIRA_TO_ALIGN, self.status_id),
                (Direction.ALIGN_TO_JIRA, shown),
            )
            if source is not None and family_of(kind, direction).knows(TypeName(self.level))
        ]
        by_key = {(each.scope.family, each.source_id): each for each in self.rows}
        asked = [(family_of(kind, direction), source) for kind, direction, source in wanted]
        found = [(family, source, by_key.get((family.code, source))) for family, source in asked]
        changes = _last_plans(row for _, _, row in found if row is not None)
        return [self._line(names, family, source, row, changes) for family, source, row in found]

    def _line(
        self, names: Names, family: Family, source: int, row: MappingRow | None, changes: Mapping[int, Change]
    ) -> RecordLine:
        is_to_align = family.direction is Direction.JIRA_TO_ALIGN
        project = None if is_to_align and not self.project.team_managed else self.project
        value = row.applied if row else None
        return RecordLine(
            kind=family.kind.label,
            direction=family.direction.label,
            source=source_name(row, names) if row else names.of(family.kind, family.direction, source=source),
            target=value_name(row, value, names) if row else "not mapped",
            value=value,
            place=self._place(project),
            record=self._record(row),
            href=url_of_cell(
                self.connector, family.code, project, self.level, source=source, value=value, is_ours=self.is_ours
            ),
            differs=_differs(row, names) if row else (),
            changed=self._last_change(family, source, row, changes),
        )

    def _place(self, project: Project | None) -> str:
        of = f"project {project.key}" if project else "shared by the company-managed projects"
        return f"{of}, kept here" if self.is_ours else of

    def _record(self, row: MappingRow | None) -> str:
        if row is None or row.applied is None:
            return ""
        return str(row.remote_id) if row.remote_id is not None else "kept here" if self.is_ours else ""

    def _last_change(
        self, family: Family, source: int, row: MappingRow | None, changes: Mapping[int, Change]
    ) -> LastChange | None:
        planned = changes.get(row.pk) if row else None
        at = (planned.answered_at or planned.plan.finished_at) if planned else None
        outside = self._last_outside(family, source)
        if outside is not None and (at is None or outside.at is None or outside.at > at):
            return outside
        if planned is None:
            return None
        who = planned.author_name or str(planned.plan.author)
        href = f"{reverse('plan', args=[planned.plan_id])}#change-{planned.position}"
        return LastChange(at=at, who=who, how=f"Plan {planned.plan_id}", href=href)

    def _last_outside(self, family: Family, source: int) -> LastChange | None:
        """By a line of Align's log that is of no plan of ours."""
        rows = HistoryRow.objects.filter(
            connector=self.connector,
            source=Source.OUTSIDE,
            object_id=source,
            direction=family.direction.value,
            kind=family.kind.value,
            work_item_type=self.level,
            action__in=(CREATED, UPDATED, DELETED),
        )
        if self.is_ours:
            return None
        keys = {self.project.key, self.project.wire_key}
        of_shared = family.direction is Direction.JIRA_TO_ALIGN and not self.project.team_managed
        for row in rows.defer("text").order_by("-at", "-id")[:MOST_LINES]:
            if row.project_stated and row.project_key not in ({""} if of_shared else keys):
                continue
            return LastChange(
                at=row.at,
                who=row.person_name,
                how="Changed outside",
                href=reverse("history-row", args=[row.number]),
                is_certain=row.project_stated,
            )
        return None


def _differs(row: MappingRow, names: Names) -> list[str]:
    found = []
    if row.observed != row.applied:
        found.append(f"Align has {value_name(row, row.observed, names)} by now.")
    if row.wanted != row.applied:
        found.append(f"{value_name(row, row.wanted, names)} is wanted, and not applied yet.")
    return found


def _last_plans(rows: Iterable[MappingRow]) -> dict[int, Change]:
    """The last change of each that took effect, by the mapping's key."""
    done = Change.objects.filter(mapping__in=list(rows), state=ChangeState.DONE)
    return {
        each.mapping_id: each
        for each in done.select_related("plan__author").order_by("pk")
        if each.mapping_id is not None
    }


def has_records(level: str) -> bool:
    """Whether statuses are mapped for a level at all."""
    return level in frozenset(TypeName)


def lists_unread(connector: Connector, project: Project, level: str) -> bool:
    """Whether a list that applies was never read, or is not believed."""
    own = Q(project=project) if project.team_managed else Q(project=None)
    to_align = Q(family__startswith=f"{Direction.JIRA_TO_ALIGN}-") & own
    to_jira = Q(family__startswith=f"{Direction.ALIGN_TO_JIRA}-", project=project)
    codes = [code for code, family in FAMILIES.items() if family.knows(TypeName(level))]
    scopes = Scope.objects.filter(to_align | to_jira, connector=connector, is_ours=project.is_ours, family__in=codes)
    known = {each.family for each in scopes if each.known}
    return not known.issuperset(codes)

"""What the matrix page shows beside the grid: scope bar, waiting edits, open decisions, links."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

from django.db.models import Q
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from connectors.jobs.runner import latest
from connectors.models import Connector, Job, JobKind, Project, has_lists, ours
from mappings.edits.catalogue_facts import projects_of_ours
from mappings.edits.matrix_data import Facts
from mappings.edits.names import Names
from mappings.edits.queries import OPEN_SITUATIONS
from mappings.edits.unrecognised import StrangeRecord
from mappings.edits.unused import former_sentence, why_gone
from mappings.engine.checks import Problem, check
from mappings.engine.families import family_of
from mappings.engine.matrix import Matrix, Only, StatusCoverage, build, count_rows, coverage_of
from mappings.engine.problem_groups import ProblemGroup, ProblemPlaces, counted_places, group_problems
from mappings.engine.redrawing import CheckedView
from mappings.engine.values import Direction, Kind, Situation, TypeName
from mappings.engine.view import View
from mappings.findings.lines import FindingLine, attention
from mappings.in_use.lines import InUseLine, in_use_lines
from mappings.matrix import flow_picture
from mappings.matrix.address import DIRECTIONS, Link, MatrixAddress, type_refusal
from mappings.matrix.beside import digest_beside
from mappings.matrix.counting import Counting
from mappings.matrix.lines import (
    DuplicateLine,
    EditLine,
    OpenLine,
    Places,
    duplicate_line,
    edit_line,
    open_line,
    status_ids,
)
from mappings.matrix.numbers import MatrixNumbers, count_numbers
from mappings.matrix.pending import Pending, listed, pending_in
from mappings.matrix.scope_options import scope_options
from mappings.models import Mapping, Scope

MOST_OPTIONS = 200  # of projects in the scope bar; with more, the key is typed
MOST_FOREIGN = 100
TOGGLE_LABELS = {Only.UNMAPPED: "only unmapped", Only.CHANGED: "only changed", Only.PROBLEMS: "only problems"}


class MatrixPage:
    """One matrix for one person; everything is loaded when it is first asked for."""

    def __init__(self, address: MatrixAddress, person: Person, facts: Facts | None = None) -> None:
        self.address = address
        self.person = person
        self.connector: Connector = address.connector
        self.facts = facts or Facts(self.connector, [address.shown])

    def after_edit(self, mapping: Mapping) -> MatrixPage:
        """The same page with one row as it is now."""
        return MatrixPage(self.address, self.person, self.facts.with_row(mapping))

    def read_again(self) -> MatrixPage:
        return MatrixPage(self.address, self.person, self.facts.read_rows_again())

    # --- the grid ----------------------------------------------------------------------------------------------

    @cached_property
    def facts_view(self) -> View:
        return self.facts.view(self.address.shown)

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        return check(self.facts_view)

    @cached_property
    def matrix(self) -> Matrix:
        return build(self.facts_view, problems=self.problems, only=self.address.only, text=self.address.q)

    @property
    def checked(self) -> CheckedView:
        return CheckedView(view=self.facts_view, problems=self.problems)

    @cached_property
    def counts(self) -> dict[Only, int]:
        return count_rows(self.facts_view, self.problems)

    @cached_property
    def coverage(self) -> StatusCoverage:
        return coverage_of(self.facts_view)

    @property
    def digests(self) -> str:
        """Of what stands beside the cells and of the pending edits: the browser sends them with an edit."""
        return f"{self.beside_digest}-{self.pending.digest}"

    @cached_property
    def beside_digest(self) -> str:
        return digest_beside(self.checked, self.counts, self.coverage, has_open=self.has_open)

    @cached_property
    def picture(self) -> flow_picture.Picture | None:
        """Only a matrix that can be drawn is built for it."""
        if len(self.facts_view.ids_in_rows) > flow_picture.MOST:
            return None
        return flow_picture.draw(self.matrix, self.address.kind)

    @cached_property
    def scopes(self) -> list[Scope]:
        found = [self.facts.scope(self.address.shown, direction) for direction in Direction]
        return [scope for scope in found if scope is not None]

    @property
    def observed_at(self) -> datetime | None:
        times = [scope.observed_at for scope in self.scopes]
        return min(times) if times and all(times) else None  # type: ignore[type-var]

    @property
    def statuses_at(self) -> datetime | None:
        """When Jira was last asked which statuses the project reaches; of many, when its lists were read."""
        project = self.address.project
        return project.read_at if project else self.connector.jira_lists_at

    @property
    def drawn_at(self) -> datetime:
        """For paper, which says nothing of "12 min ago" later."""
        return timezone.now()

    @property
    def errors(self) -> list[str]:
        return [scope.error for scope in self.scopes if scope.error]

    @property
    def can_edit(self) -> bool:
        return may(self.person, Right.EDIT) and not self.connector.disconnected_at

    @property
    def gone(self) -> str:
        """Why the project shown has no mappings that could be set any more; empty where it has."""
        project = self.address.project
        return "" if project is None else former_sentence(project) if self.address.former else why_gone(project)

    @property
    def locked(self) -> str:
        """Why no cell can be set; empty where it can."""
        if self.connector.disconnected_at:
            return "This connector is disconnected: its mappings are shown as they were read last."
        if not self.can_edit:
            return "Your role reads mappings. An editor or an admin can change them."
        return self.gone

    # --- problems by kind ---

    @cached_property
    def problem_groups(self) -> tuple[ProblemGroup, ...]:
        return group_problems(self.facts_view, self.problems)

    @cached_property
    def problem_places(self) -> ProblemPlaces:
        """What the card and its toggle count: rows and columns with something that is wrong."""
        return counted_places(self.facts_view, self.problems)

    # --- the scope bar -----------------------------------------------------------------------------------------

    @cached_property
    def projects(self) -> list[Project]:
        """Those to choose from, and one more where there are more."""
        shown = Project.objects.filter(has_lists() | ours(), connector=self.connector)
        return list(shown.only("pk", "key", "name", "team_managed", "ours_at")[: MOST_OPTIONS + 1])

    @cached_property
    def numbers(self) -> MatrixNumbers:
        return count_numbers(self.connector, self.person)

    @property
    def sharing_projects(self) -> int:
        """How many projects a dot of the shared scope is for."""
        if self.address.is_ours:
            return projects_of_ours(self.connector).filter(team_managed=False).count()
        return self._sharing

    @property
    def _sharing(self) -> int:
        return self.numbers.sharing if self.pending.sharing is None else self.pending.sharing

    @cached_property
    def scope_options(self) -> list[tuple[str, str, bool]]:
        """(value, label, selected); the first is the shared scope."""
        return scope_options(self.address, self.projects[:MOST_OPTIONS], self._sharing, is_gone=bool(self.gone))

    @property
    def has_more_projects(self) -> bool:
        return len(self.projects) > MOST_OPTIONS

    @property
    def kinds(self) -> list[Link]:
        labels = {Kind.STATE: "States", Kind.STEP: "Process steps"}
        return [
            Link(label=label, href=self._for_kind(kind).url, current=kind is self.address.kind)
            for kind, label in labels.items()
        ]

    def _for_kind(self, kind: Kind) -> MatrixAddress:
        known = family_of(kind, Direction.JIRA_TO_ALIGN).knows(self.address.work_item_type)
        type_ = self.address.work_item_type if known else TypeName.STORY
        return self.address.but(kind=kind, work_item_type=type_)

    @property
    def types(self) -> list[Link]:
        return [self._type_link(type_) for type_ in TypeName]

    def _type_link(self, type_: TypeName) -> Link:
        known = family_of(self.address.kind, Direction.JIRA_TO_ALIGN).knows(type_)
        return Link(
            label=self.connector.terminology.name(type_),
            href=self.address.but(work_item_type=type_).url,
            current=type_ is self.address.work_item_type,
            disabled="" if known else type_refusal(self.address.kind, Direction.JIRA_TO_ALIGN, type_),
        )

    @property
    def directions(self) -> list[Link]:
        return [self._direction_link(value, label) for value, label in DIRECTIONS.items()]

    def _direction_link(self, value: str, label: str) -> Link:
        only_back = value == Direction.ALIGN_TO_JIRA.value
        return Link(
            label=label,
            href=self.address.but(direction=value).url,
            current=value == self.address.direction,
            disabled=self.address.refusal(Direction.ALIGN_TO_JIRA) if only_back else "",
        )

    @property
    def ring_note(self) -> str:
        """Why there are no rings here, where both directions are asked for."""
        wants = self.address.draws(Direction.ALIGN_TO_JIRA)
        return self.address.refusal(Direction.ALIGN_TO_JIRA) if wants else ""

    @property
    def toggle_numbers(self) -> list[int]:
        """Of the toggles and of the kinds of problems that rows are filtered by: all that an edit changes of them."""
        return [*self.counts.values(), *(self._rows_of_kind(code) for code in sorted(self.address.only - set(Only)))]

    @property
    def toggles(self) -> list[Link]:
        return [
            Link(
                label=label,
                href=self.address.toggled(toggle).url,
                current=toggle in self.address.only,
                count=self.counts[toggle],
            )
            for toggle, label in TOGGLE_LABELS.items()
        ] + [self._kind_link(code) for code in sorted(self.address.only - set(Only))]

    def _kind_link(self, code: str) -> Link:
        """Of a kind of problem that rows are filtered by: where it can be taken out again."""
        label = f"only {code.replace('-', ' ')}"
        return Link(label=label, href=self.address.toggled(code).url, current=True, count=self._rows_of_kind(code))

    def _rows_of_kind(self, code: str) -> int:
        return next((len(each.places.rows) for each in self.problem_groups if each.code == code), 0)

    @property
    def views(self) -> list[Link]:
        return [
            Link(label=label, href=self.address.but(view=view).url, current=view == self.address.view)
            for view, label in (("grid", "Grid"), ("list", "List"))
        ]

    # --- what is new or gone ---

    @cached_property
    def noticed(self) -> list[FindingLine]:
        """Of the project shown, or of any where all are."""
        project = self.address.project
        if not self.numbers.news:
            return []
        lines = attention(self.connector)
        return [line for line in lines if line.concerns(project.pk if project else None)]

    # --- how many issues there are ---

    @cached_property
    def in_use(self) -> list[InUseLine]:
        """Statuses without a mapping in which issues are, as the clock counted them; those of the type shown first."""
        if not self.numbers.in_use or self.address.is_ours:
            return []
        lines = [line for line in in_use_lines(self.connector) if line.concerns(self.address.project)]
        return sorted(lines, key=lambda line: line.work_item_type is not self.address.work_item_type)

    @cached_property
    def counting(self) -> Counting:
        return Counting(self.connector, self.address, self.matrix)

    @cached_property
    def row_counts(self) -> dict[int, int]:
        """Issues now by status: what somebody counted, else what the clock did of unmapped ones, where that is all."""
        project, type_ = self.address.project, self.address.work_item_type
        own = project.pk if project else None
        lines = [line for line in self.in_use if line.work_item_type is type_ and line.only_project == own]
        found = {line.status_id: line.number for line in lines if line.status_id is not None and not line.is_least}
        return found | {status_id: each.number for status_id, each in self.counting.known.items()}

    # --- beside the grid ---------------------------------------------------------------------------------------

    @cached_property
    def _waiting(self) -> list[Mapping]:
        return listed(self.connector, self.person)

    @cached_property
    def pending(self) -> Pending:
        """An answer to an edit knows it without the names of all of them."""
        return pending_in(self._waiting)

    def list_alone(self, mapping: Mapping) -> None:
        """What an edit of a draft that was empty makes of the card, without another reading."""
        mapping.number = 1  # type: ignore[attr-defined]  # as `listed` gives it
        self._waiting = [mapping]

    @property
    def edit_count(self) -> int:
        return self.pending.number

    @cached_property
    def edits(self) -> list[EditLine]:
        return self.edit_lines(self._waiting)

    def edit_lines(self, mappings: Sequence[Mapping]) -> list[EditLine]:
        names, places = self._names(mappings), Places()
        return [edit_line(mapping, names, self.person, places) for mapping in mappings]

    @cached_property
    def undo_redo(self) -> dict[str, bool]:
        """Whether there is something to take back, and to do again."""
        return {"undo": bool(self.numbers.done), "redo": bool(self.numbers.undone)}

    @cached_property
    def _open(self) -> list[Mapping]:
        """Rows of the scopes shown that somebody has to decide on, or to choose a record of."""
        known = [scope.pk for scope in self.scopes if scope.known]
        type_ = self.address.work_item_type
        to_decide = Q(situation__in=[*OPEN_SITUATIONS, Situation.ACCEPTED]) | ~Q(duplicates=[])
        found = Mapping.objects.filter(to_decide, scope_id__in=known, work_item_type=type_)
        return list(found.select_related("scope__project", "scope__connector").order_by("scope_id", "source_id"))

    @cached_property
    def has_open(self) -> bool:
        """Whether there is a row to decide on or to choose a record of; known from the rows at hand."""
        rows = (row for d in Direction for row in self.facts.rows_of(self.address.shown, d))
        open_ = (*OPEN_SITUATIONS, Situation.ACCEPTED)
        return any(row.duplicates or row.situation in open_ for row in rows)

    @property
    def has_duplicates(self) -> bool:
        return self.has_open and any(m.duplicates for m in self._open)

    @property
    def decisions(self) -> list[OpenLine]:
        rows = [m for m in self._open if m.situation in OPEN_SITUATIONS] if self.has_open else []
        names = self._names(rows)
        return [open_line(mapping, names) for mapping in rows]

    @property
    def accepted(self) -> list[OpenLine]:
        rows = [m for m in self._open if m.situation == Situation.ACCEPTED] if self.has_open else []
        names = self._names(rows)
        return [open_line(mapping, names) for mapping in rows]

    @property
    def duplicates(self) -> list[DuplicateLine]:
        rows = [m for m in self._open if m.duplicates] if self.has_open else []
        names = self._names(rows)
        return [duplicate_line(mapping, names) for mapping in rows]

    @property
    def foreign(self) -> list[StrangeRecord]:
        """Records of these lists with a type id that no type has: those that are likeliest of the type shown first."""
        here, shown = self.address.work_item_type, {scope.pk for scope in self.scopes}
        found = [record for record in self.facts.strange_records if record.scope_id in shown]
        found.sort(key=lambda each: each.types.index(here) if here in each.types else len(TypeName))
        return found[:MOST_FOREIGN]

    @cached_property
    def job(self) -> Job | None:
        return latest(self.connector, JobKind.REFRESH, JobKind.OBSERVE)

    def _names(self, mappings: Sequence[Mapping]) -> Names:
        ids = {id_ for mapping in mappings for id_ in status_ids(mapping)}
        catalogue = self.facts.catalogue
        known = {**catalogue.statuses(ids - self.facts.statuses.keys()), **self.facts.statuses}
        steps = {target.id: target.name for _, target in catalogue.steps}
        steps |= {id_: target.name for targets in self.facts.targets.values() for id_, target in targets.items()}
        return Names(statuses={id_: status.name for id_, status in known.items()}, steps=steps)

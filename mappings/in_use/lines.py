"""What the last counts say: which statuses without a mapping have issues in them, as pages tell it.

Compared with the mappings as they are now: a status that was mapped since is not told any more, without a new count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from alignadmin.text import counted
from connectors.align.terminology import ALIGNS_OWN, Terminology
from connectors.models import Connector, Project, Status
from mappings.engine import words
from mappings.engine.families import J2A_STATE
from mappings.engine.values import TypeName
from mappings.findings.lines import matrix_url
from mappings.models import InUseCount, InUseRound, Mapping, Scope
from mappings.models.in_use import ELSEWHERE

NAMED_PROJECTS = 2
MOST_REASONS = 3
# Work item type, status, and the project that alone has it; of statuses of several teams, the question below 0.
Spot = tuple[TypeName, int, int | None]


@dataclass(frozen=True, kw_only=True)
class InUseLine:
    """Issues in one status that no mapping knows. `projects` is empty where company-managed projects share it.

    `only_project` is the one that all of them are in, where that is known. `status_id` None: in statuses of which the
    catalogue does not know yet that these issues can have them. `is_least`: not all projects that share the status were
    counted, so there may be more.
    """

    work_item_type: TypeName
    status_id: int | None
    name: str
    number: int
    counted_at: datetime | None
    projects: Sequence[str]
    only_project: int | None
    is_shared: bool
    has_edit: bool
    is_least: bool
    href: str
    called: Terminology = ALIGNS_OWN

    @property
    def items(self) -> str:
        return f"{'at least ' if self.is_least else ''}{self.called.counted(self.number, self.work_item_type)}"

    @property
    def sentence(self) -> str:
        """ "143 stories are in Blocked (10017) now and show 0 - Pending approval", or "At least 143 stories ..." """
        are, show = ("is", "shows") if self.number == 1 else ("are", "show")
        status = f"{self.name} ({self.status_id})" if self.status_id is not None else self.name
        until = " until the edit is applied" if self.has_edit else ""
        items = self.items[:1].upper() + self.items[1:]
        return f"{items} {are} in {status}{self._where} now and {show} {words.FALLS_TO}{until}"

    @property
    def text(self) -> str:
        return f"{self.sentence}."

    @property
    def _where(self) -> str:
        keys = self.projects
        if not keys:
            return ""
        if len(keys) <= NAMED_PROJECTS:
            return f" of {' and '.join(keys)}"
        return f" of {', '.join(keys[:NAMED_PROJECTS])} and {len(keys) - NAMED_PROJECTS} more projects"

    def concerns(self, project: Project | None) -> bool:
        """Whether a matrix tells it. That of one company-managed project does not: the number is that of all."""
        return self.is_shared if project is None else not self.is_shared and project.key in self.projects


def counts_in_use(connector: Connector) -> QuerySet[InUseCount]:
    """Those that `in_use_lines` are made from."""
    return _recent(connector).filter(total__gt=0)


def _recent(connector: Connector) -> QuerySet[InUseCount]:
    """What may be told as being so now: where nobody asks Jira any more, an old number says nothing."""
    return InUseCount.objects.filter(connector=connector, asked_at__gte=_oldest())


def _oldest() -> datetime:
    return timezone.now() - max(timedelta(days=1), timedelta(seconds=3 * settings.IN_USE_INTERVAL))


def unanswered(connector: Connector) -> list[str]:
    """Why it cannot be said that no issue is in a status without a mapping, in sentences; empty where it can."""
    rows = InUseCount.objects.filter(connector=connector)
    errors = list(rows.exclude(error="").order_by("error").values_list("error", flat=True).distinct()[:MOST_REASONS])
    open_ = rows.filter(Q(counted_at=None) | ~Q(pending=[]), error="").count()
    if open_:
        errors.append(f"Not answered to the end yet: {counted(open_, 'question')} to Jira.")
    elif not errors and not rows.exists():
        errors.append("No list of mappings was read yet, so there is nothing to ask Jira about.")
    return errors


def last_round(connector: Connector) -> InUseRound | None:
    return InUseRound.objects.filter(connector=connector).first()


def in_use_lines(connector: Connector) -> list[InUseLine]:
    """The most issues first; at most five queries, and one where nothing was found."""
    questions, oldest = list(InUseCount.objects.filter(connector=connector).order_by("pk")), _oldest()
    rows = [row for row in questions if row.total and row.asked_at is not None and row.asked_at >= oldest]
    if not rows:
        return []
    facts = _CountedFacts(connector, rows, _SharedQuestions(questions, oldest))
    lines = [line for spot, some in _by_spot(rows, facts).items() if (line := facts.line(spot, some))]
    return sorted([*lines, *facts.elsewhere(rows)], key=lambda line: (-line.number, line.name, line.work_item_type))


def _by_spot(rows: Iterable[InUseCount], facts: _CountedFacts) -> dict[Spot, list[tuple[InUseCount, int]]]:
    """Company-managed projects may be asked in several questions."""
    found: dict[Spot, list[tuple[InUseCount, int]]] = defaultdict(list)
    for row in rows:
        for id_, number in row.statuses.items():
            if int(id_) == ELSEWHERE:
                continue
            owner = None if row.is_shared else facts.owner(int(id_), row)
            spot = (TypeName(row.work_item_type), int(id_), owner if owner is not None or row.is_shared else -row.pk)
            found[spot].append((row, number))
    return found


class _SharedQuestions:
    """Those about company-managed projects, which are asked in several questions and told in one number."""

    def __init__(self, questions: Iterable[InUseCount], oldest: datetime) -> None:
        self._oldest = oldest
        self._questions = [each for each in questions if each.is_shared]

    def tell_all(self, type_: TypeName, status_id: int) -> bool:
        """Whether each question of the type has said how many issues are in the status."""
        return all(self._tells(each, status_id) for each in self._questions if each.work_item_type == type_)

    def _tells(self, row: InUseCount, status_id: int) -> bool:
        """What was once counted to the end stands, until it is so old that nothing of it is told."""
        if row.asked_at is None or row.asked_at < self._oldest:
            return False
        return row.counted_at is not None or (not row.error and status_id not in row.pending)


class _CountedFacts:
    """Names, keys and mappings of what the counts name."""

    def __init__(self, connector: Connector, rows: Sequence[InUseCount], shared: _SharedQuestions) -> None:
        self.connector, self.shared = connector, shared
        ids = {int(id_) for row in rows for id_ in row.statuses}
        found = Status.objects.filter(connector=connector, jira_id__in=ids)
        self.statuses = {row[0]: row[1:] for row in found.values_list("jira_id", "name", "project_id")}
        teams = {pk for row in rows if not row.is_shared for pk in row.projects}
        keys = Project.objects.filter(pk__in=teams).order_by("key").values_list("pk", "key") if teams else []
        self.keys: dict[int, str] = dict(keys)
        lists = Scope.objects.filter(connector=connector, family=J2A_STATE.code, is_ours=False)
        self.scopes = {scope.pk: scope.project_id for scope in lists if scope.known}
        mappings = Mapping.objects.filter(scope__in=self.scopes, source_id__in=ids)
        columns = ("scope_id", "work_item_type", "source_id", "observed", "wanted")
        self.rows = {
            (self.scopes[scope], TypeName(type_), source): (observed, wanted)
            for scope, type_, source, observed, wanted in mappings.values_list(*columns)
        }

    def owner(self, status_id: int, row: InUseCount) -> int | None:
        """The project that all issues of this row with this status are in, where one alone can have it."""
        _, owner = self.statuses.get(status_id, ("", None))
        return row.projects[0] if len(row.projects) == 1 else owner if owner in row.projects else None

    def line(self, spot: Spot, some: Sequence[tuple[InUseCount, int]]) -> InUseLine | None:
        """None where a list was not read since, or where the status is mapped by now."""
        type_, status_id, owner = spot
        first = some[0][0]
        projects = [] if first.is_shared else [owner] if owner in self.keys else first.projects
        places = [None] if first.is_shared else projects
        known = [self.rows.get((place, type_, status_id), (None, None)) for place in places if self._is_known(place)]
        if not known or all(observed is not None for observed, _ in known):
            return None
        name = self.statuses.get(status_id, (f"Status {status_id}", None))[0]
        wanted = all(wanted is not None for observed, wanted in known if observed is None)
        number = sum(number for _, number in some)
        is_least = first.is_shared and not self.shared.tell_all(type_, status_id)
        line = self._line(first, name, number, projects, status_id=status_id, edit=wanted)
        counted_at = [at for row, _ in some if (at := row.counted_at or row.asked_at)]
        return replace(line, is_least=is_least, counted_at=min(counted_at, default=None))

    def _is_known(self, project_id: int | None) -> bool:
        return project_id in self.scopes.values()

    def elsewhere(self, rows: Iterable[InUseCount]) -> list[InUseLine]:
        """Issues that are in none of the statuses that were asked for."""
        return [
            self._line(row, "other statuses without a mapping", number, [] if row.is_shared else row.projects)
            for row in rows
            if (number := row.statuses.get(str(ELSEWHERE)))
        ]

    def _line(
        self,
        row: InUseCount,
        name: str,
        number: int,
        projects: Sequence[int | None],
        *,
        status_id: int | None = None,
        edit: bool = False,
    ) -> InUseLine:
        keys = [self.keys[pk] for pk in projects if pk in self.keys]
        type_ = TypeName(row.work_item_type)
        return InUseLine(
            work_item_type=type_,
            status_id=status_id,
            name=name,
            number=number,
            counted_at=row.counted_at or row.asked_at,
            projects=keys,
            only_project=projects[0] if len(projects) == 1 else None,
            is_shared=row.is_shared,
            has_edit=edit,
            is_least=False,
            called=self.connector.terminology,
            href=matrix_url(
                self.connector,
                type="" if type_ is TypeName.STORY else type_.value,
                scope=keys[0] if keys else "",
                q="" if status_id is None else str(status_id),
            ),
        )

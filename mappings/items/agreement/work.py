"""What the jobs of the agreement check share: clients that read alone, and lots that are compared and stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from alignadmin.errors import Refused
from alignadmin.text import counted
from connectors.align import AlignClient
from connectors.credentials import clients
from connectors.jira import JiraClient, JqlRefused
from connectors.jobs.runner import JobFailed, Run
from connectors.models import Project
from mappings.engine.agreement import usual_lag
from mappings.engine.items import IssueFacts
from mappings.items.agreement.comparison import ProjectComparison
from mappings.items.agreement.queries import compared_projects, lag_of
from mappings.items.agreement.reading import read_issues_of
from mappings.items.agreement.storing import store, store_gone, store_outside, store_requests
from mappings.items.prediction.issues import AT_ONCE
from mappings.models import AgreementRun, ComparedItem

MOST_UNREAD = 5  # sentences that are kept
NOT_SHOWN = "It is not among the issues of the scope any more."
HIDDEN = (
    "Jira does not show the project to our account. Nothing was severed: give the account of Jira’s token the right to "
    "browse it, or take the project out of scope."
)
CHANGE_IT = "Change which issues are imported, in step 7 of the set-up."


@dataclass(kw_only=True)
class AgreementWork:
    """What the jobs have in common: the clients, a comparison for each project, and lots that are stored.

    `unread`: why records of Jira could not be read. Why projects were not compared is kept with the run, which may go
    on in another job.
    """

    run: Run
    kept: AgreementRun
    interactive: bool = False
    unread: list[str] = field(default_factory=list)
    _comparisons: dict[int, ProjectComparison] = field(default_factory=dict)
    _counted: int = 0

    @cached_property
    def jira(self) -> JiraClient:
        return clients.jira_client(
            self.run.connector, job=self.run.job, interactive=self.interactive, on_wait=self.run.waits_for
        )

    @cached_property
    def align(self) -> AlignClient:
        # Whether a token may see these objects says nothing of what the connector needs it for.
        return clients.align_client(
            self.run.connector,
            job=self.run.job,
            interactive=self.interactive,
            on_wait=self.run.waits_for,
            notes_forbidden=False,
        )

    @cached_property
    def projects(self) -> dict[int, Project]:
        """By Jira's id, those that are compared."""
        return {each.jira_id: each for each in compared_projects(self.run.connector)}

    def of(self, project: Project) -> ProjectComparison:
        if project.pk not in self._comparisons:
            self._comparisons[project.pk] = ProjectComparison(
                connector=self.run.connector,
                project=project,
                jira=self.jira,
                align=self.align,
                lag=timedelta(seconds=usual_lag(*lag_of(self.run.connector))),
                unread=self.unread,
            )
        return self._comparisons[project.pk]

    @contextmanager
    def counted(self) -> Iterator[None]:
        """What was sent is added to the run, whatever became of it."""
        try:
            yield
        finally:
            sent = self.jira.sent + self.align.sent
            store_requests(self.kept, sent - self._counted)
            self._counted = sent

    @property
    def sent(self) -> int:
        return self.jira.sent + self.align.sent

    def compare(self, project: Project, issues: Sequence[IssueFacts], read_at: datetime) -> None:
        for first in range(0, len(issues), AT_ONCE):
            lot = issues[first : first + AT_ONCE]
            store(self.run, self.kept, project, self.of(project).compare(lot), read_at)
            self.run.progress(f"{project.key}: {counted(self.kept.issues, 'issue')} compared", done=self.kept.issues)

    def compare_rows(self, rows: Collection[ComparedItem]) -> None:
        """At most a hundred, of any projects: their issues are read anew by their ids."""
        by_project: dict[int, list[ComparedItem]] = defaultdict(list)
        for row in rows:
            by_project[row.project_id].append(row)
        projects = {each.pk: each for each in self.projects.values()}
        for pk, own in by_project.items():
            project = projects.get(pk)
            if project is None:
                left = own[0].project
                store_outside(self.run, self.kept, own, f"{left.key} is not in scope here any more.", timezone.now())
                continue
            with self.leaving_out(project):
                self._compare_rows_of(project, own)

    def _compare_rows_of(self, project: Project, own: Collection[ComparedItem]) -> None:
        read_at = timezone.now()
        self.of(project).forget_items()
        with self._told_why(project):
            found = read_issues_of(self.of(project), [each.jira_id for each in own])
        by_id = {each.jira_id: each for each in own}
        self.compare(project, found.inside, read_at)
        self._moved(found.elsewhere, by_id, read_at)
        outside = [by_id[each.id] for each in found.outside]
        store_outside(self.run, self.kept, outside, NOT_SHOWN, read_at)
        self._gone(project, [by_id[each] for each in found.gone], read_at)

    @contextmanager
    def leaving_out(self, project: Project) -> Iterator[None]:
        """A scope that cannot be asked, or a project that one side does not show us, is no matter of the others."""
        try:
            yield
        except (Refused, JobFailed) as error:
            self.tell(f"{project.key} was left out: {error}")

    @contextmanager
    def _told_why(self, project: Project) -> Iterator[None]:
        """Raises JobFailed where Jira cannot read the condition, which a project that it hides is a cause of, too."""
        try:
            yield
        except JqlRefused as refused:
            if not self._is_shown(project):
                raise JobFailed(HIDDEN) from refused
            raise JobFailed(f"Jira cannot read the condition of the scope. {refused} {CHANGE_IT}") from refused

    def tell_unread(self) -> None:
        for sentence in self.unread[:MOST_UNREAD]:
            self.tell(sentence)

    def tell(self, sentence: str) -> None:
        """Kept at once: the rest of the run may be another job's."""
        if sentence not in self.kept.left_out:
            self.kept.left_out = [*self.kept.left_out, sentence]
            AgreementRun.objects.filter(pk=self.kept.pk).update(left_out=self.kept.left_out)

    def _moved(self, issues: Iterable[IssueFacts], rows: Mapping[int, ComparedItem], read_at: datetime) -> None:
        """To another project: the item is followed where that one is compared, too."""
        for issue in issues:
            project = self.projects.get(issue.project_id)
            if project is not None:
                self.compare(project, [issue], read_at)
            else:
                said = f"The issue was moved, and is {issue.key} now, in a project that is not in scope here."
                store_outside(self.run, self.kept, [rows[issue.id]], said, read_at)

    def _gone(self, project: Project, rows: Collection[ComparedItem], read_at: datetime) -> None:
        if not rows:
            return
        self.jira.myself()  # to an account that has become anonymous, everything would be gone
        if not self._is_shown(project):
            raise JobFailed(HIDDEN)
        by_level: dict[str, set[int]] = defaultdict(set)
        for row in rows:
            if row.align_id is not None:
                by_level[row.level].add(row.align_id)
        left = {(level, id_) for level, ids in by_level.items() for id_ in self.of(project).items_left(level, ids)}
        if (
            len(left) < sum(map(len, by_level.values()))
            and project.programme_id
            and not self.of(project).sees_programme
        ):
            raise JobFailed(
                "Align does not show the project’s programme to our account, so nobody knows which items are left of "
                "issues that were deleted. Let the account of Align’s token see it."
            )
        store_gone(self.run, self.kept, rows, left, read_at)

    def _is_shown(self, project: Project) -> bool:
        """Each time that something is gone: of a project that an account may not browse any more all looks deleted."""
        return any(each.id == project.jira_id for each in self.jira.projects_with([project.jira_id]))

    def compare_project(self, project: Project) -> None:
        """All its issues, page by page; those that were compared since the run began are not compared once more. Then
        those that are not among them: gone, moved or outside of the scope now.
        """
        comparison, began_at = self.of(project), self.kept.started_at
        read_at = timezone.now()
        with self._told_why(project):
            for page in comparison.reading.by_jql(comparison.jql):
                self.compare(project, self._not_compared(page, began_at), read_at)
                read_at = timezone.now()
        before, last = Q(compared_at=None) | Q(compared_at__lt=began_at), 0
        rows = ComparedItem.objects.filter(before, project=project).select_related("project").order_by("pk")
        while left := list(rows.filter(pk__gt=last)[:AT_ONCE]):
            last = left[-1].pk
            self._compare_rows_of(project, left)

    def _not_compared(self, page: Sequence[IssueFacts], began_at: datetime) -> list[IssueFacts]:
        rows = ComparedItem.objects.filter(
            connector=self.run.connector, jira_id__in=[each.id for each in page], compared_at__gte=began_at
        )
        done = set(rows.values_list("jira_id", flat=True))
        return [each for each in page if each.id not in done]

    def finish(self) -> None:
        """A token that died meanwhile has made us anonymous, and what was answered less."""
        self.jira.myself()
        with transaction.atomic():
            self.run.assert_lease()
            told = " ".join(dict.fromkeys([*self.kept.left_out, *self.unread[:MOST_UNREAD]]))
            AgreementRun.objects.filter(pk=self.kept.pk).update(finished_at=timezone.now(), error=told, cursor=0)

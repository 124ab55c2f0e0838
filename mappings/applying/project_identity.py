"""Whether the projects of a plan, or of an import, are still those it was planned for: Jira is asked right before
each batch leaves, and before anything is sent again.

Align knows a project by its key, and the catalogue is read every few minutes: until then what is sent under the key of
a project that was deleted would go to the one that was made anew under it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.utils import timezone

from alignadmin.errors import SealError
from alignadmin.http.errors import RemoteError
from connectors.credentials import clients
from connectors.jira import JiraClient
from connectors.jobs.runner import Run
from connectors.models import Connector, Project
from mappings.edits.unused import why_gone
from mappings.models import Change

log = logging.getLogger(__name__)

PATIENCE = 5.0  # seconds for a slot of the rate budget
MOST_FAILED = 2  # looks in a row: a Jira that is down must not hold up every batch


@dataclass
class ProjectIdentity:
    """Of one run of an apply. Where Jira does not answer, what the catalogue read last stands."""

    run: Run
    connector: Connector
    gone: dict[int, str] = field(default_factory=dict)  # project -> why nothing is sent to it
    _client: JiraClient | None = None
    _failed: int = 0  # looks in a row

    def look(self, changes: Iterable[Change]) -> None:
        """None is asked for of what projects share."""
        self.look_at({change.scope.project for change in changes if change.scope and change.scope.project})

    def look_at(self, named: Iterable[Project]) -> None:
        """One request for 50 projects on Cloud, and one for all on Data Center."""
        asked = [each for each in named if each.pk not in self.gone and not why_gone(each)]
        if not asked or self._failed == MOST_FAILED:
            return
        try:
            lost = self._lost(sorted(asked, key=lambda each: each.jira_id))
        except (RemoteError, SealError) as error:
            self._failed += 1
            log.warning("before a batch of job %s Jira did not tell its projects: %s", self.run.job.pk, error)
            return
        self._failed = 0
        self.gone |= {each.pk: _why(each) for each in lost}
        if lost:  # so that everybody is told soon, and the project that has the key now is known
            Connector.objects.filter(pk=self.connector.pk).update(jira_lists_due_at=timezone.now())

    def _lost(self, projects: Sequence[Project]) -> list[Project]:
        """A token that died since the sign-in is shown no project at all, with 200: so the sign-in is asked again."""
        jira = self._jira()
        seen = jira.projects_with([each.jira_id for each in projects])
        there = {each.id for each in seen}
        lost = [each for each in projects if each.jira_id not in there and not seen.may_hold(each.jira_id, each.key)]
        if lost:
            jira.myself()
        return lost

    def why_not(self, change: Change) -> str:
        """Empty while its project is the one that it was planned for."""
        project_id = change.scope.project_id if change.scope else None
        return self.gone.get(project_id, "") if project_id is not None else ""

    @property
    def sent(self) -> int:
        """Requests so far."""
        return self._client.sent if self._client else 0

    def _jira(self) -> JiraClient:
        if self._client is None:
            self._client = clients.jira_client(
                self.connector, job=self.run.job, on_wait=self.run.waits_for, tries=1, patience=PATIENCE
            )
        return self._client


def _why(project: Project) -> str:
    return (
        f"Jira no longer shows this account the project {project.jira_id} that {project.key} was when this was "
        "planned: it was deleted, archived, made anew under its key, or may not be browsed any more."
    )

"""What the Jira account may do in single projects, asked when somebody wants to know: one call for each project."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.utils import timezone

from connectors.catalogue.reachable import OF_ONE_PROJECT, UnreadProject
from connectors.catalogue.refresh import MOST_THREADS
from connectors.credentials.probing.jira_needs import Granted, granted_in, known_keys
from connectors.jira.client import JiraClient
from connectors.jira.rights import JiraPermission
from connectors.jobs import runner
from connectors.jobs.threads import DatabaseThreads
from connectors.models import Project

# Reading needs the first; what import and synchronisation would need as well is told with its use.
ASKED_RIGHTS = (
    JiraPermission.BROWSE_PROJECTS,
    JiraPermission.CREATE_ISSUES,
    JiraPermission.EDIT_ISSUES,
    JiraPermission.ASSIGN_ISSUES,
    JiraPermission.TRANSITION_ISSUES,
)


def read_rights(run: runner.Run, jira: JiraClient, projects: Sequence[Project]) -> None:
    """Ask and store, each as it is answered. Raises RemoteError for what is not of one project."""
    if not projects:
        return
    known = known_keys(jira, list(ASKED_RIGHTS))

    def ask(project: Project) -> tuple[Project, Granted | UnreadProject]:
        try:
            return project, granted_in(jira, known, project.key)
        except OF_ONE_PROJECT as error:
            return project, UnreadProject(project=project, sentence=error.sentence)

    run.progress("rights in some projects", done=0, total=len(projects))
    with DatabaseThreads(min(MOST_THREADS, settings.APPLY_THREADS)) as threads:
        for done, (project, answer) in enumerate(threads.each_done(ask, projects), start=1):
            rights, refusal = ({}, answer.sentence) if isinstance(answer, UnreadProject) else (dict(answer), "")
            told = {"rights": rights, "rights_error": refusal, "rights_at": timezone.now()}
            Project.objects.filter(pk=project.pk).update(**told)
            run.progress(f"rights in {project.key}{' (not told)' if refusal else ''}", done=done)
    jira.myself()  # a token that died meanwhile has made us anonymous, and what was answered less

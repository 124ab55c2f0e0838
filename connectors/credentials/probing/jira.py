"""Probing a credential of Jira: the sign-in, and each right per project in scope, through Jira's permission resource.

One call for each project in scope tells all rights in it. Nothing is ever written to Jira.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings

from alignadmin.http.errors import BadRequest, RemoteError
from alignadmin.text import counted
from connectors.credentials.probing.align import NOT_TRIED, save_identity
from connectors.credentials.probing.clients import CannotProbe, ProbeClients
from connectors.credentials.probing.jira_needs import Granted, granted_in, known_keys
from connectors.credentials.probing.report import Comparison, ProbeReport, ReportLine, listed, not_visible
from connectors.jira.client import JiraClient
from connectors.jobs.threads import DatabaseThreads
from connectors.models import LineState, Project


@dataclass(frozen=True, kw_only=True)
class JiraRight:
    """A permission of Jira. `name` is what Jira's permission schemes call it."""

    code: str
    key: str
    name: str
    label: str


BROWSE = JiraRight(code="jira-browse", key="BROWSE_PROJECTS", name="Browse projects", label="Browse projects")
RIGHTS = (
    BROWSE,
    JiraRight(code="jira-create", key="CREATE_ISSUES", name="Create issues", label="Create issues"),
    JiraRight(code="jira-edit", key="EDIT_ISSUES", name="Edit issues", label="Edit issues"),
    JiraRight(code="jira-assign", key="ASSIGN_ISSUES", name="Assign issues", label="Assign issues"),
    JiraRight(code="jira-transition", key="TRANSITION_ISSUES", name="Transition issues", label="Transition issues"),
    JiraRight(code="jira-sprints", key="MANAGE_SPRINTS_PERMISSION", name="Manage sprints", label="Manage sprints"),
    JiraRight(code="jira-releases", key="ADMINISTER_PROJECTS", name="Administer projects", label="Manage releases"),
)
WEBHOOKS = JiraRight(code="jira-webhooks", key="ADMINISTER", name="Administer Jira", label="Register webhooks")
SIGN_IN, SIGN_IN_LABEL = "jira-sign-in", "Sign in"
FOR_THE_CONNECTOR = (
    "AlignAdmin only reads Jira; Align's connector needs this of its own Jira user, which may be another account."
)
GRANT = "Grant it in the permission scheme of the project (Jira, Project settings, Permissions)."
UNKNOWN = "Not tried: this Jira does not know the permission under this key. Look in the permission scheme yourself."


@dataclass(frozen=True, kw_only=True)
class Rights:
    """What was answered for each project; a project that is not visible grants nothing."""

    projects: Sequence[Project]
    by_project: Mapping[str, Granted]
    known: frozenset[str]

    def lacking(self, right: JiraRight) -> list[str]:
        return [each.key for each in self.projects if not self.by_project.get(each.key, {}).get(right.key, False)]


class JiraProbe:
    """One probe of Jira with one credential; `comparison` is known after `go`."""

    total = 2 + len(RIGHTS)

    def __init__(self, clients: ProbeClients, report: ProbeReport) -> None:
        self.clients = clients
        self.report = report
        self.comparison = Comparison()
        self.in_scope = clients.in_scope

    def go(self) -> None:
        """Lines are stored only once a last look at /myself has shown that nobody made us anonymous meanwhile."""
        try:
            client = self.clients.jira()
            user = client.myself()
            save_identity(self.clients.credential, f"{user.display_name} <{user.email}>" if user.email else user.id)
            lines = [self._line(SIGN_IN, SIGN_IN_LABEL, LineState.OK, f"Signed in as {user.display_name or user.id}.")]
            visible = {each.key: each.name for each in client.projects()}
            rights = self._rights(client, self.in_scope)
            lines += [self._browse_line(rights, len(visible))]
            lines += [self._right_line(right, rights) for right in RIGHTS if right is not BROWSE]
            webhooks = self._webhooks(client)
            client.myself()
        except (RemoteError, CannotProbe) as error:
            self._refuse_all(error.sentence if isinstance(error, RemoteError) else str(error))
            return
        self.comparison = self._compare(visible, rights, webhooks.state)
        for line in [*lines, webhooks]:
            self.report.add(line)

    def _refuse_all(self, sentence: str) -> None:
        self.report.add(self._line(SIGN_IN, SIGN_IN_LABEL, LineState.FAILED, sentence))
        for right in (*RIGHTS, WEBHOOKS):
            self.report.add(self._of(right, LineState.SKIPPED, NOT_TRIED, required=right is BROWSE))

    def _of(self, right: JiraRight, state: LineState, sentence: str, *, required: bool = False) -> ReportLine:
        return self._line(right.code, right.label, state, sentence, required=required)

    def _line(self, code: str, label: str, state: LineState, sentence: str, *, required: bool = True) -> ReportLine:
        return ReportLine(code=code, label=label, state=state, sentence=sentence, required=required)

    # -- asking ----------------------------------------------------------------------------------------------------

    def _rights(self, client: JiraClient, projects: Sequence[Project]) -> Rights:
        known = self._known_keys(client, projects)
        found: dict[str, Granted] = {}
        with DatabaseThreads(settings.APPLY_THREADS) as threads:
            asked = threads.each_done(lambda project: (project.key, granted_in(client, known, project.key)), projects)
            for done, (key, granted) in enumerate(asked, start=1):
                found[key] = granted
                self.report.run.progress(key, done=done, total=len(projects))
        return Rights(projects=projects, by_project=found, known=frozenset(known))

    def _known_keys(self, client: JiraClient, projects: Sequence[Project]) -> list[str]:
        """Asked once, and not where there is nothing to ask about."""
        keys = [right.key for right in RIGHTS]
        return known_keys(client, keys) if projects else keys

    def _webhooks(self, client: JiraClient) -> ReportLine:
        try:
            granted = client.permissions([WEBHOOKS.key]).get(WEBHOOKS.key)
        except BadRequest:
            granted = None
        if granted is None:
            return self._of(WEBHOOKS, LineState.SKIPPED, UNKNOWN)
        if granted:
            return self._of(WEBHOOKS, LineState.OK, "May administer Jira, which webhooks need.")
        missing = f"Lacks the global permission {WEBHOOKS.name} (Jira, Settings, System, Global permissions)."
        return self._of(WEBHOOKS, LineState.FAILED, f"{missing} {FOR_THE_CONNECTOR}")

    # -- in words --------------------------------------------------------------------------------------------------

    def _browse_line(self, rights: Rights, visible: int) -> ReportLine:
        """Required is that it sees anything; single projects that it does not see are losses to be confirmed."""
        lacking, total = rights.lacking(BROWSE), len(self.in_scope)
        if not visible or (total and len(lacking) == total):
            sentence = f"Sees no project in scope. The account needs the permission {BROWSE.name}. {GRANT}"
            return self._of(BROWSE, LineState.FAILED, sentence, required=True)
        if not total:
            sentence = f"Sees {counted(visible, 'project')}; none is in scope yet, so there is none to look at closer."
            return self._of(BROWSE, LineState.OK, sentence, required=True)
        if not lacking:
            return self._of(BROWSE, LineState.OK, f"In all {total} projects in scope.", required=True)
        return self._of(BROWSE, LineState.FAILED, f"Missing in {len(lacking)} of {total}: {listed(lacking)}. {GRANT}")

    def _right_line(self, right: JiraRight, rights: Rights) -> ReportLine:
        lacking, total = rights.lacking(right), len(self.in_scope)
        if not total:
            return self._of(right, LineState.SKIPPED, "Not tried: no project is in scope yet. Refresh the connector.")
        if right.key not in rights.known:
            return self._of(right, LineState.SKIPPED, UNKNOWN)
        if not lacking:
            return self._of(right, LineState.OK, f"In all {total} projects in scope.")
        missing = f"{right.name} is missing in {len(lacking)} of {total}: {listed(lacking)}."
        return self._of(right, LineState.FAILED, f"{missing} {GRANT} {FOR_THE_CONNECTOR}")

    # -- comparing -------------------------------------------------------------------------------------------------

    def _compare(self, visible: Mapping[str, str], rights: Rights, webhooks: str) -> Comparison:
        refusal, lost_rights = "", list[str]()
        try:
            client = self.clients.with_current().jira()
            expected = {each.key: each.name for each in client.projects()}
            lost_rights = self._lost_rights(client, rights, webhooks, set(expected))
            client.myself()
        except (RemoteError, CannotProbe) as error:
            refusal, lost_rights = (error.sentence if isinstance(error, RemoteError) else str(error)), []
            expected = {project.key: project.name for project in self.in_scope}
        expected = expected or dict(visible)
        lost = (*not_visible(expected, visible), *lost_rights)
        return Comparison(
            seen=len(expected.keys() & visible.keys()), expected=len(expected), lost=lost, refusal=refusal
        )

    def _lost_rights(self, client: JiraClient, rights: Rights, webhooks: str, sees: set[str]) -> list[str]:
        """Rights that only the current one has. It is asked about no project where the pending one lacks nothing."""
        lacking = {
            right: rights.lacking(right) for right in RIGHTS if right is not BROWSE and right.key in rights.known
        }
        # A project that is not visible at all is a loss of its own.
        hidden = set(rights.lacking(BROWSE))
        asked = {key for keys in lacking.values() for key in keys if key not in hidden and key in sees}
        current = self._rights(client, [each for each in self.in_scope if each.key in asked])
        sentences = []
        for right, keys in lacking.items():
            lost = [key for key in keys if key in asked and current.by_project[key].get(right.key)]
            if lost:
                sentences.append(f"{right.name} is lost in {listed(lost)}.")
        if webhooks == LineState.FAILED and client.permissions([WEBHOOKS.key]).get(WEBHOOKS.key):
            sentences.append(f"The global permission {WEBHOOKS.name} is lost.")
        return sentences

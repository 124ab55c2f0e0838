"""Probing a credential of Jira Align: by reading, and with consent by one create and one delete."""

from __future__ import annotations

from collections.abc import Callable

from alignadmin.http.errors import Forbidden, RemoteError, SignInRefused
from alignadmin.text import counted
from connectors.align.client import AlignClient
from connectors.align.resources import ConnectorProject
from connectors.credentials import clients
from connectors.credentials.probing.clients import CannotProbe, ProbeClients
from connectors.credentials.probing.report import Comparison, ProbeReport, ReportLine, not_visible
from connectors.credentials.rotation.probes import WRITE_LINE
from connectors.models import Credential, LineState, Probe
from connectors.ports.extensions import ProbeOutcome, extensions

NOT_TRIED = "Not tried, since the sign-in did not work."
WITHOUT_CONSENT = "Not tried: choose a free key and agree to one create and one delete there, then probe again."
MAY_NOT_CREATE = (
    "This token can read mappings but may not create them: its owner needs the system role right Jira Settings, not "
    "in read-only mode, and must be among the connector's Admins (Jira Align, Settings, Connectors, Jira Settings)."
)
LABELS = {
    "align-sign-in": "Sign in and see the connector",
    "align-projects": "Read the connector's projects",
    "align-mappings": "Read mappings",
    "align-flows": "Read process flows",
    WRITE_LINE: "Create and delete a mapping",
}
Try = Callable[[], str]


class Refusal(Exception):
    """A right is missing though Align answered; the message says what."""


class AlignProbe:
    """One probe of Align with one credential; `comparison` is known after `go`."""

    total = len(LABELS)

    def __init__(self, clients: ProbeClients, report: ProbeReport) -> None:
        self.clients = clients
        self.report = report
        self.comparison = Comparison()
        self.is_signed_in = True
        self._projects: list[ConnectorProject] = []

    def go(self) -> None:
        try:
            self.client = self.clients.align()
        except CannotProbe as cannot:
            self._refuse_all(str(cannot))
            return
        self._try("align-sign-in", self._sign_in)
        self._try("align-projects", self._read_projects)
        self._try("align-mappings", self._read_mappings)
        self._try("align-flows", self._read_flows, required=False)  # an older Align has none
        self.report.add(self._write_line())

    def _refuse_all(self, sentence: str) -> None:
        self._add("align-sign-in", LineState.FAILED, sentence)
        self.is_signed_in = False
        for code in list(LABELS)[1:-1]:
            self._add(code, LineState.SKIPPED, NOT_TRIED)
        self.report.add(self._write_line())

    def _try(self, code: str, attempt: Try, *, required: bool = True) -> None:
        """Once the sign-in is refused every further request would only repeat it."""
        if not self.is_signed_in:
            self._add(code, LineState.SKIPPED, NOT_TRIED, required=required)
            return
        try:
            self._add(code, LineState.OK, attempt(), required=required)
        except RemoteError as error:
            self.is_signed_in = code != "align-sign-in" and not isinstance(error, SignInRefused)
            is_needed = required or isinstance(error, SignInRefused)
            self._add(code, LineState.FAILED, error.sentence, required=is_needed)
        except Refusal as refusal:
            self._add(code, LineState.FAILED, str(refusal))

    def _add(self, code: str, state: LineState, sentence: str, *, required: bool = True) -> None:
        self.report.add(ReportLine(code=code, label=LABELS[code], state=state, sentence=sentence, required=required))

    # -- reading ---------------------------------------------------------------------------------------------------

    def _sign_in(self) -> str:
        connector, user = self.client.connector(), self.client.whoami()
        if user is not None:
            who = f"{user.name} <{user.email}>" if user.name and user.email else user.name or user.email
            save_identity(self.clients.credential, who)
        as_whom = f" as {self.clients.credential.identity}" if self.clients.credential.identity else ""
        return f"Signed in{as_whom}; connector {connector.name or connector.id} is there."

    def _read_projects(self) -> str:
        self._projects = self.client.projects()
        self.comparison = self._compare({each.project_key for each in self._projects})
        seen, expected = self.comparison.seen, self.comparison.expected
        if expected and not seen:
            raise Refusal(f"Sees none of {expected} projects: add its owner to their programs in Jira Align.")
        return f"Sees {seen} of {counted(expected, 'project')}."

    def _compare(self, keys: set[str]) -> Comparison:
        refusal = ""
        try:
            expected = {each.project_key: each.project_name for each in self.clients.with_current().align().projects()}
        except (RemoteError, CannotProbe) as error:
            refusal = error.sentence if isinstance(error, RemoteError) else str(error)
            expected = {project.wire_key: project.name for project in self.clients.carried}
        seen = len(keys & set(expected)) if expected else len(keys)
        lost = not_visible(expected, keys)
        return Comparison(seen=seen, expected=len(expected) or len(keys), lost=lost, refusal=refusal)

    def _read_mappings(self) -> str:
        states = len(self.client.list_mappings("mappings/states"))
        steps = len(self.client.list_mappings("mappings/process-steps"))
        shared = f"{counted(states, 'state mapping')} and {counted(steps, 'process step mapping')} are shared"
        if not self._projects:
            return f"Can read mappings: {shared}."
        key = self._projects[0].project_key
        own = len(self.client.list_mappings(f"projects/{key}/mappings/states"))
        return f"Can read mappings: {shared}, {counted(own, 'state mapping')} of {key}."

    def _read_flows(self) -> str:
        return f"Sees {counted(len(self.client.value_streams()), 'process flow')}."

    # -- writing ---------------------------------------------------------------------------------------------------

    def _write_line(self) -> ReportLine:
        probe = self.report.probe
        if not probe.write_key:
            return self._line(LineState.SKIPPED, WITHOUT_CONSENT, required=False)
        if not self.is_signed_in and not probe.write_state:
            return self._line(LineState.SKIPPED, NOT_TRIED)
        outcome = self._tidied(probe, self._write(probe))
        return self._line(LineState.OK if outcome.ok else LineState.FAILED, outcome.sentence)

    def _line(self, state: LineState, sentence: str, *, required: bool = True) -> ReportLine:
        return ReportLine(code=WRITE_LINE, label=LABELS[WRITE_LINE], state=state, sentence=sentence, required=required)

    def _write(self, probe: Probe) -> ProbeOutcome:
        try:
            return extensions().write_probe.run(probe, self.clients.align(read_only=False), self.report.run)
        except Forbidden:
            return ProbeOutcome(ok=False, sentence=MAY_NOT_CREATE)
        except RemoteError as error:
            return ProbeOutcome(ok=False, sentence=error.sentence)
        except CannotProbe as cannot:
            return ProbeOutcome(ok=False, sentence=str(cannot))

    def _tidied(self, probe: Probe, outcome: ProbeOutcome) -> ProbeOutcome:
        """What the pending one could not take away again goes with the one in use."""
        if not probe.write_state or probe.write_state == "done":
            return outcome
        run = self.report.run
        try:
            client: AlignClient = clients.align_client(
                self.clients.connector, job=run.job, read_only=False, interactive=True, on_wait=run.waits_for
            )
            tidied = extensions().write_probe.tidy(probe, client, run)
        except RemoteError as error:
            tidied = ProbeOutcome(ok=False, sentence=f"It could not be removed: {error.sentence}")
        return ProbeOutcome(ok=False, sentence=f"{outcome.sentence} {tidied.sentence}")


def save_identity(credential: Credential, who: str) -> None:
    """Whose it is, as the remote system says."""
    credential.identity = who[:320]
    Credential.objects.filter(pk=credential.pk).update(identity=credential.identity)

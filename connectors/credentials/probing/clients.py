"""The two ways a probe reads a system: with the pending credential, and with the current one to compare."""

from __future__ import annotations

from dataclasses import dataclass

from alignadmin.errors import SealError
from alignadmin.http.auth import BadToken
from alignadmin.http.errors import RemoteError
from connectors.align.client import AlignClient
from connectors.credentials import clients
from connectors.jira.client import JiraClient
from connectors.jobs import runner
from connectors.models import Carried, Connector, Credential, Project, Stage, in_scope_here


class CannotProbe(Exception):
    """A credential cannot be used at all; the message says why."""


@dataclass(frozen=True, kw_only=True)
class ProbeClients:
    """One probe's connector and job, and the credential that is looked with."""

    run: runner.Run
    connector: Connector
    credential: Credential

    def align(self, *, read_only: bool = True) -> AlignClient:
        return clients.client_of(self._remote(read_only), self.connector)

    def jira(self) -> JiraClient:
        return JiraClient(self._remote(True), clients.deployment_of(self.connector.jira_kind))

    def _remote(self, read_only: bool) -> clients.HealthTrackingRemote:
        try:
            return clients.credential_remote(
                self.credential, job=self.run.job, read_only=read_only, on_wait=self.run.waits_for
            )
        except RemoteError as error:
            raise CannotProbe(error.sentence) from error
        except (SealError, BadToken) as error:
            raise CannotProbe(str(error)) from error

    def with_current(self) -> ProbeClients:
        """The same clients with the credential in use."""
        current = Credential.objects.filter(
            connector=self.connector, system=self.credential.system, stage=Stage.CURRENT
        ).first()
        if current is None:
            raise CannotProbe(f"No {self.credential.get_system_display()} credential is in use.")
        return ProbeClients(run=self.run, connector=self.connector, credential=current)

    @property
    def in_scope(self) -> list[Project]:
        found = Project.objects.filter(in_scope_here(), connector=self.connector)
        return list(found.order_by("key"))

    @property
    def carried(self) -> list[Project]:
        """What Align's list has to show, whatever is in scope here."""
        found = Project.objects.filter(connector=self.connector, carried=Carried.YES, vanished_at=None)
        return list(found.order_by("key"))

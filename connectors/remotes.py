"""Signed-in clients for a connector's two systems, made from its current credentials.

Every answer is noted on the credential and the connector, so that the pages can say whether a secret still works.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from connectors import sealing
from connectors.align import ALIGN_WORDING, AlignClient
from connectors.budget import System as BudgetSystem
from connectors.budget import Wait, database_budget
from connectors.http import Answer, Basic, Bearer, Budget, Remote, Retry, Site
from connectors.http.answers import Wording
from connectors.http.auth import Auth
from connectors.http.errors import Forbidden, RemoteError, SignInRefused
from connectors.http.remote import Query
from connectors.jira import JIRA_WORDING, JiraClient
from connectors.models import Connector, Credential, CredentialKind, Stage, System

NOTE_EVERY = timedelta(minutes=1)  # a good answer is worth a write no more often than that
WORDINGS: dict[str, Wording] = {System.ALIGN: ALIGN_WORDING, System.JIRA: JIRA_WORDING}
BEARERS = (CredentialKind.ALIGN_BEARER, CredentialKind.JIRA_PAT)
OnWait = Callable[[str], None]


class NoCredential(RemoteError):
    """There is nothing to sign in with."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """Where and as whom to sign in; also for a form that is not saved yet."""

    system: System
    site: str
    kind: str
    user: str
    secret: str

    def __repr__(self) -> str:
        return f"Access({self.system}, {self.site}, {self.kind})"

    @property
    def auth(self) -> Auth:
        return Bearer(self.secret) if self.kind in BEARERS else Basic(self.user, self.secret)


class NotedRemote(Remote):
    """A Remote that notes on the credential how its calls were answered, and goes on with the one that replaces it."""

    def __init__(self, site: Site, credential: Credential, **options: Any) -> None:
        super().__init__(site, **options)
        self._connector_id, self._system = credential.connector_id, System(credential.system)
        self._credential_id = credential.pk
        self._noted_at = credential.used_at if not credential.last_answer else None

    def request(self, method: str, path: str, *, query: Query | None = None, body: Any = None) -> Answer:
        used = self._credential_id
        try:
            answer = super().request(method, path, query=query, body=body)
        except SignInRefused as error:
            # A request that was refused for its sign-in had no effect, so even a write may go again.
            if self._take_replacement_of(used):
                return self.request(method, path, query=query, body=body)
            self._note(used, error.sentence)
            raise
        except Forbidden as error:
            self._note(used, error.sentence)
            raise
        if self._noted_at is None or timezone.now() - self._noted_at > NOTE_EVERY:
            self._note(used, "")
        return answer

    def _take_replacement_of(self, used: int) -> bool:
        """An old Align token dies when the new one is made: a job under way continues once the new one is stored.

        Not so at Jira, where a dead token makes us anonymous: what was read before the 401 is not to be trusted.
        """
        if self._system is not System.ALIGN:
            return False
        current = _stored(self._connector_id, self._system, self.site.address)
        if current is None or current.pk == used:
            return False
        self._auth = access_of(current, self.site.address).auth
        self._credential_id = current.pk
        return True

    def _note(self, used: int, sentence: str) -> None:
        now = timezone.now()
        self._noted_at = None if sentence else now
        if not Credential.objects.filter(pk=used).update(used_at=now, last_answer=sentence):
            return  # replaced meanwhile: what the old secret was told says nothing about the new one
        # The other system's answer does not make up for a refusal of this one.
        refused = Credential.objects.filter(connector=self._connector_id, stage=Stage.CURRENT).exclude(last_answer="")
        values: dict[str, Any] = {"last_error": refused.values_list("last_answer", flat=True).first() or ""}
        if self._system is System.ALIGN and not sentence:
            values["answered_at"] = now
        Connector.objects.filter(pk=self._connector_id).update(**values)


def align_client(
    connector: Connector,
    *,
    read_only: bool = True,
    interactive: bool = False,
    on_wait: OnWait | None = None,
    patience: float | None = None,
) -> AlignClient:
    """A client for Align; it refuses to write unless `read_only=False`. `patience`: seconds to wait for a slot.

    `interactive` is for what a person's click waits for: it may use the reserved part of the rate budget.
    """
    remote = _remote(
        connector, System.ALIGN, read_only=read_only, interactive=interactive, on_wait=on_wait, patience=patience
    )
    return AlignClient(remote, connector.align_connector_id)


def jira_client(connector: Connector, *, interactive: bool = False, on_wait: OnWait | None = None) -> JiraClient:
    remote = _remote(connector, System.JIRA, read_only=True, interactive=interactive, on_wait=on_wait, patience=None)
    return JiraClient(remote, deployment_of(connector.jira_kind))


def deployment_of(jira_kind: str) -> Any:
    return jira_kind


def trial_remote(access: Access) -> Remote:
    """For testing a form that is not saved: nothing is noted, and a silent site is not asked many times."""
    site = site_of(access.system, access.site)
    budget = database_budget(_budget_system(access.system), site.origin, interactive=True)
    return Remote(site, budget=budget, auth=access.auth, retry=retry(tries=1, patience=settings.REQUEST_DEADLINE))


def _remote(
    connector: Connector,
    system: System,
    *,
    read_only: bool,
    interactive: bool,
    on_wait: OnWait | None,
    patience: float | None,
) -> Remote:
    credential = current_credential(connector, system)
    site = site_of(system, _address(connector, system))
    return NotedRemote(
        site,
        credential,
        budget=_budget(system, site, interactive=interactive, on_wait=on_wait),
        auth=access_of(credential, site.address).auth,
        retry=retry(patience=patience),
        read_only=read_only,
    )


def _budget(system: System, site: Site, *, interactive: bool, on_wait: OnWait | None) -> Budget:
    def tell(wait: Wait | None) -> None:
        if on_wait is not None:
            on_wait(wait.sentence if wait else "")

    return database_budget(_budget_system(system), site.origin, interactive=interactive, observer=tell)


def _budget_system(system: System) -> BudgetSystem:
    return "align" if system is System.ALIGN else "jira"


def retry(*, tries: int = 5, patience: float | None = None) -> Retry:
    block = settings.BUDGET_BLOCK
    longest = Retry.patience if patience is None else patience
    return Retry(tries=tries, patience=longest, least_block=block, block_jitter=min(5.0, block / 12))


def current_credential(connector: Connector, system: System) -> Credential:
    found = _stored(connector.pk, system, _address(connector, system))
    if found is None:
        raise NoCredential(f"No {system.label} credential is stored for {connector}: add one on the connector's page.")
    return found


def _stored(connector_id: int, system: System, address: str) -> Credential | None:
    """One query for both, so that a secret stored after a change of the site is never sent to the site before it."""
    stored = Credential.objects.filter(connector=connector_id, system=system, stage=Stage.CURRENT)
    same_site = {"connector__align_site" if system is System.ALIGN else "connector__jira_site": address}
    return stored.filter(**same_site).first()


def _address(connector: Connector, system: System) -> str:
    return connector.align_site if system is System.ALIGN else connector.jira_site


def access_of(credential: Credential, site: str) -> Access:
    """Opens the sealed secret. Raises sealing.DoesNotOpen."""
    return Access(
        system=System(credential.system),
        site=site,
        kind=credential.kind,
        user=credential.user,
        secret=sealing.open_secret(credential),
    )


def site_of(system: System, address: str) -> Site:
    """Raises AddressRefused for an address that the operator's settings do not allow."""
    return Site(
        address=address,
        allow_private=is_allowed_private(address),
        connect_timeout=settings.CONNECT_TIMEOUT,
        read_timeout=settings.READ_TIMEOUT,
        deadline=settings.REQUEST_DEADLINE,
        wording=WORDINGS[system],
    )


def is_allowed_private(address: str) -> bool:
    parts = urlsplit(address)
    return bool({parts.netloc, parts.hostname} & set(settings.ALLOWED_PRIVATE_HOSTS))


__all__ = ["Access", "NoCredential", "align_client", "jira_client", "trial_remote"]

"""Signed-in clients for a connector's two systems, made from its current credentials.

Every answer is noted on the credential and the connector, so that the pages can say whether a secret still works.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from alignadmin.egress import is_allowed_private
from alignadmin.http import Answer, Basic, Bearer, Budget, Remote, Retry, Site
from alignadmin.http.auth import Auth
from alignadmin.http.errors import Forbidden, RemoteError, SignInRefused
from alignadmin.http.remote import Call, Query
from alignadmin.http.responses import Received, Wording
from alignadmin.http.slot_reservation import Door
from connectors.align import ALIGN_WORDING, AlignClient
from connectors.budget.slots import System as BudgetSystem
from connectors.budget.slots import Wait, database_budget
from connectors.credentials import usage
from connectors.credentials.held import Held
from connectors.credentials.page_caps import StoredCaps
from connectors.credentials.retrying import retry
from connectors.credentials.values import open_secret
from connectors.jira import JIRA_WORDING, READING_POSTS, JiraClient, JiraWriter
from connectors.models import Connector, Credential, CredentialKind, Job, Stage, System

BELIEVED_FOR = 1.0  # seconds that a connector counts as connected without another look
STORE_EVERY = timedelta(minutes=1)  # a good answer is worth a write no more often than that
WORDINGS: dict[str, Wording] = {System.ALIGN: ALIGN_WORDING, System.JIRA: JIRA_WORDING}
BEARERS = (CredentialKind.ALIGN_BEARER, CredentialKind.JIRA_PAT)
REFUSED, FORBIDDEN = 401, 403
WHO_AM_I = "/rest/api/2/myself"  # on Cloud and on Data Center
TRY_AGAIN = "Try once more"  # the button on a credential's page
OnWait = Callable[[str], None]


class NoCredential(RemoteError):
    """There is nothing to sign in with."""


class LockedOut(RemoteError):
    """Nothing was sent: this password was refused, and nobody has allowed another try yet."""


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


class HealthTrackingRemote(Remote):
    """A Remote that notes on the credential how its calls were answered.

    Unless it is `pinned` to its credential, each call is signed in with what is current by then, so that a switch
    reaches a job under way.
    """

    def __init__(self, site: Site, credential: Credential, *, job: Job | None, pinned: bool, **options: Any) -> None:
        refuse_locked_out(credential)
        if job is not None:
            usage.record_use(job, credential)
        self._held = Held(credential.pk, access_of(credential, site.address).auth)
        super().__init__(site, auth=self._held, **options)
        self._job, self._pinned, self.notes_forbidden = job, pinned, True
        self._connector_id, self._system = credential.connector_id, System(credential.system)
        self._stored_at = credential.used_at if not credential.last_answer else None
        self._taking = threading.Lock()
        self._looked_at = 0.0  # when the connector was last seen to be connected, by the monotonic clock
        self._narrow = _narrow(credential)

    def request(self, method: str, path: str, *, query: Query | None = None, body: Any = None) -> Answer:
        with self._narrow:
            self._take_up()
            try:
                answer = super().request(method, path, query=query, body=body)
            except SignInRefused as error:
                used = self._held.sent
                # A request that was refused for its sign-in had no effect, so even a write may go again. Not at Jira,
                # where a dead token makes us anonymous: what was read before the 401 is not to be trusted.
                if self._system is System.ALIGN and self._take_up() != used:
                    return self.request(method, path, query=query, body=body)
                self._store_answer(used, error)
                raise
            except Forbidden as error:
                if self.notes_forbidden:
                    self._store_answer(self._held.sent, error)
                raise
            if self._stored_at is None or timezone.now() - self._stored_at > STORE_EVERY:
                self._store_answer(self._held.sent, None)
            return answer

    def _take_up(self) -> int:
        """Sign in with what is to be used now, and return its key. Raises LockedOut or NoCredential."""
        with self._taking:
            stored = self._to_use()
            # Removed, or stored for another site: what is under way ends at the site it knows.
            if stored is None:
                self._refuse_disconnected()
            else:
                self._looked_at = time.monotonic()
                refuse_locked_out(stored)
                if stored.pk != self._held.pk:
                    self._take(stored)
            return self._held.pk

    def _send(self, call: Call) -> Received:
        """A request may have waited for its slot: a connector that was disconnected meanwhile sends nothing more."""
        if time.monotonic() - self._looked_at > BELIEVED_FOR:
            self._refuse_disconnected()
        return super()._send(call)

    def _refuse_disconnected(self) -> None:
        """Raises NoCredential."""
        found = Connector.objects.filter(pk=self._connector_id, disconnected_at__isnull=False).first()
        if found is not None:
            raise NoCredential(f"{found} was disconnected meanwhile, so nothing more was sent.")
        self._looked_at = time.monotonic()

    def _to_use(self) -> Credential | None:
        if not self._pinned:
            return _stored(self._connector_id, self._system, self.site.address)
        stored = Credential.objects.filter(pk=self._held.pk).first()
        if stored is None:
            raise NoCredential("This credential was discarded meanwhile, so nothing more was sent with it.")
        return stored

    def _take(self, stored: Credential) -> None:
        if self._job is not None:
            usage.record_use(self._job, stored)
        auth = access_of(stored, self.site.address).auth
        if self._system is System.JIRA:
            self._prove(stored, auth)
        self._held.take(stored.pk, auth)
        self._narrow = _narrow(stored)
        self._stored_at = stored.used_at if not stored.last_answer else None

    def _prove(self, stored: Credential, auth: Auth) -> None:
        """At Jira only this resource says that a token is dead; lists would just become shorter in mid-job."""
        with Remote(self.site, budget=self._budget, auth=auth, retry=self._retry) as remote:
            try:
                remote.request("GET", WHO_AM_I)
            except (SignInRefused, Forbidden) as error:
                self._store_answer(stored.pk, error)
                raise

    def _store_answer(self, used: int, refused: RemoteError | None) -> None:
        now = timezone.now()
        self._stored_at = None if refused else now
        used_now = Credential.objects.filter(pk=used)
        if not isinstance(refused, SignInRefused):
            # An answer that was under way while the password was refused does not unlock it.
            used_now = used_now.exclude(kind=CredentialKind.JIRA_PASSWORD, refused_status=REFUSED)
        used_now.update(
            used_at=now,
            last_answer=refused.sentence if refused else "",
            # One that wants a CAPTCHA says so with 403, which is a refused sign-in all the same.
            refused_status=REFUSED if isinstance(refused, SignInRefused) else FORBIDDEN if refused else None,
        )
        if used_now.filter(stage=Stage.CURRENT).exists():
            self._store_on_connector(None if refused else now)

    def _store_on_connector(self, answered_at: datetime | None) -> None:
        # The other system's answer does not make up for a refusal of this one.
        refused = Credential.objects.filter(connector=self._connector_id, stage=Stage.CURRENT).exclude(last_answer="")
        values: dict[str, Any] = {"last_error": refused.values_list("last_answer", flat=True).first() or ""}
        if self._system is System.ALIGN and answered_at:
            values["answered_at"] = answered_at
        Connector.objects.filter(pk=self._connector_id).update(**values)


def refuse_locked_out(credential: Credential) -> None:
    """Raises LockedOut."""
    if is_locked_out(credential):
        raise LockedOut(
            f"Nothing was sent: Jira refused this password, and a few more failures lock the account. "
            f"Save the right password as pending on the Jira credential's page, or, once the account works in Jira "
            f'again (it may want a CAPTCHA: sign in once in a browser as {credential.user}), press "{TRY_AGAIN}" there.'
        )


def is_locked_out(credential: Credential) -> bool:
    """A refused Basic sign-in at a Data Center is never repeated by itself: the account would be locked."""
    return credential.kind == CredentialKind.JIRA_PASSWORD and credential.refused_status == REFUSED


def _narrow(credential: Credential) -> AbstractContextManager[Any]:
    """A password that has become wrong is refused twice at most, whatever the number of threads: the third locks."""
    return threading.BoundedSemaphore(2) if credential.kind == CredentialKind.JIRA_PASSWORD else nullcontext()


def align_client(
    connector: Connector,
    *,
    job: Job | None = None,
    read_only: bool = True,
    interactive: bool = False,
    on_wait: OnWait | None = None,
    tries: int = 5,
    patience: float | None = None,
    door: Door | None = None,
    notes_forbidden: bool = True,
) -> AlignClient:
    """A client for Align; it refuses to write unless `read_only=False`. `patience`: seconds to wait for a slot.

    `interactive` is for what a person's click waits for: it may use the reserved part of the rate budget.
    `job`: whose use of the secret is entered into the audit trail before the secret is opened.
    `door`: where slots are taken ahead of their requests. `notes_forbidden` False: for what only some tokens may see.
    """
    remote = _current_remote(
        connector,
        System.ALIGN,
        job=job,
        interactive=interactive,
        on_wait=on_wait,
        read_only=read_only,
        retry=retry(System.ALIGN, tries=tries, patience=patience),
        door=door,
    )
    remote.notes_forbidden = notes_forbidden
    return client_of(remote, connector)


def client_of(remote: Remote, connector: Connector) -> AlignClient:
    """Pages its lists as this connector's Align is known to answer them."""
    return AlignClient(remote, connector.align_connector_id, caps=StoredCaps(remote.site.origin))


def jira_client(
    connector: Connector,
    *,
    job: Job | None = None,
    interactive: bool = False,
    on_wait: OnWait | None = None,
    tries: int = 5,
    patience: float | None = None,
) -> JiraClient:
    """A client for Jira, which only reads. A page asks once (`tries=1`) and waits a few seconds for a slot at most."""
    waiting = retry(System.JIRA, tries=tries, patience=patience)
    remote = _current_remote(
        connector, System.JIRA, job=job, interactive=interactive, on_wait=on_wait, read_only=True, retry=waiting
    )
    return JiraClient(remote, deployment_of(connector.jira_kind))


def jira_writer(connector: Connector, *, job: Job | None = None, on_wait: OnWait | None = None) -> JiraWriter:
    """A client for Jira that may write; no page has one."""
    waiting = retry(System.JIRA)
    remote = _current_remote(
        connector, System.JIRA, job=job, interactive=False, on_wait=on_wait, read_only=False, retry=waiting
    )
    return JiraWriter(remote, deployment_of(connector.jira_kind))


def deployment_of(jira_kind: str) -> Any:
    return jira_kind


def connection_test_remote(access: Access, *, signed_in: bool = True) -> Remote:
    """For testing a form that is not saved: nothing is noted, and a silent site is not asked many times."""
    site = site_of(access.system, access.site)
    budget = database_budget(_budget_system(access.system), site.origin, interactive=True)
    once = retry(access.system, tries=1, patience=settings.REQUEST_DEADLINE)
    return Remote(site, budget=budget, auth=access.auth if signed_in else None, retry=once)


def credential_remote(
    credential: Credential,
    *,
    job: Job | None = None,
    interactive: bool = True,
    read_only: bool = True,
    on_wait: OnWait | None = None,
) -> HealthTrackingRemote:
    """Signed in with exactly this credential, also a pending or previous one, and never with one that replaces it."""
    return _tracking_remote(
        credential,
        job=job,
        pinned=True,
        interactive=interactive,
        on_wait=on_wait,
        read_only=read_only,
        retry=retry(System(credential.system)),
    )


def stored_connection_test_remote(credential: Credential) -> HealthTrackingRemote:
    """For testing a stored credential from its page: a refusal is stored, so that it is not repeated."""
    once = retry(System(credential.system), tries=1, patience=settings.REQUEST_DEADLINE)
    return _tracking_remote(
        credential, job=None, pinned=True, interactive=True, on_wait=None, read_only=True, retry=once
    )


def _current_remote(connector: Connector, system: System, **options: Any) -> HealthTrackingRemote:
    return _tracking_remote(current_credential(connector, system), pinned=False, **options)


def _tracking_remote(
    credential: Credential,
    *,
    job: Job | None,
    pinned: bool,
    interactive: bool,
    on_wait: OnWait | None,
    read_only: bool,
    retry: Retry,
    door: Door | None = None,
) -> HealthTrackingRemote:
    system = System(credential.system)
    site = site_of(system, _address(credential.connector, system))
    budget = _budget(system, site, interactive=interactive, on_wait=on_wait)
    if door is not None:
        budget = door.before(budget, deadline=site.deadline)
    return HealthTrackingRemote(
        site, credential, job=job, pinned=pinned, budget=budget, retry=retry, read_only=read_only
    )


def _budget(system: System, site: Site, *, interactive: bool, on_wait: OnWait | None) -> Budget:
    def report(wait: Wait | None) -> None:
        if on_wait is not None:
            on_wait(wait.sentence if wait else "")

    return database_budget(_budget_system(system), site.origin, interactive=interactive, observer=report)


def _budget_system(system: System) -> BudgetSystem:
    return "align" if system is System.ALIGN else "jira"


def current_credential(connector: Connector, system: System) -> Credential:
    found = _stored(connector.pk, system, _address(connector, system))
    if found is None:
        raise NoCredential(f"No {system.label} credential is stored for {connector}: add one on the connector's page.")
    return found


def _stored(connector_id: int, system: System, address: str) -> Credential | None:
    """One query for both, so that a secret stored after a change of the site is never sent to the site before it."""
    stored = Credential.objects.filter(connector=connector_id, system=system, stage=Stage.CURRENT)
    same_site = {"connector__align_site" if system is System.ALIGN else "connector__jira_site": address}
    return stored.filter(**same_site).select_related("connector").first()


def _address(connector: Connector, system: System) -> str:
    return connector.align_site if system is System.ALIGN else connector.jira_site


def access_of(credential: Credential, site: str) -> Access:
    """Opens the sealed secret. Raises sealing.DoesNotOpen."""
    return Access(
        system=System(credential.system),
        site=site,
        kind=credential.kind,
        user=credential.user,
        secret=open_secret(credential),
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
        reading_posts=READING_POSTS if system is System.JIRA else frozenset(),
    )

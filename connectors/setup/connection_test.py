"""Trying out a connection, stored or just typed: one line per check, nothing kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from alignadmin.accounts.models import Person
from alignadmin.errors import SealError
from alignadmin.http.auth import BadToken
from alignadmin.http.errors import RemoteError, SignInRefused
from alignadmin.http.remote import Remote
from connectors.align.client import AlignClient
from connectors.credentials import clients, usage
from connectors.credentials.clients import Access
from connectors.credentials.values import SecretData
from connectors.jira.client import JiraClient
from connectors.models import Connector, Credential, Stage, System
from connectors.setup.services import ConnectorData


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was tried, and what came of it in words for people."""

    label: str
    ok: bool
    sentence: str


Step = tuple[str, Callable[[], str]]


def try_connection(data: ConnectorData, secrets: Sequence[SecretData]) -> list[Check]:
    """Sign in at both sites and look; the first failure at a site ends its checks, since the rest would repeat it."""
    typed = {secret.system: secret for secret in secrets}
    return [*_try(System.ALIGN, data, typed), *_try(System.JIRA, data, typed)]


def try_stored(connector: Connector, system: System, *, actor: Person) -> list[Check]:
    """The same with a stored current secret; that it was used is entered first, and a refusal is noted."""
    stored = Credential.objects.filter(connector=connector, system=system, stage=Stage.CURRENT)
    return list(_try_stored(system, stored.select_related("connector").first(), actor))


def _try_stored(system: System, credential: Credential | None, actor: Person) -> Iterator[Check]:
    if credential is None:
        yield _without(system)
        return

    def connect() -> Remote:
        clients.refuse_locked_out(credential)
        usage.record_connection_test(credential, actor=actor)
        return clients.stored_connection_test_remote(credential)

    yield from _run_steps(system, data_of(credential.connector), connect)


def data_of(connector: Connector) -> ConnectorData:
    return ConnectorData(
        name=connector.name,
        align_site=connector.align_site,
        align_connector_id=connector.align_connector_id,
        jira_site=connector.jira_site,
        jira_kind=connector.jira_kind,
        time_zone=connector.time_zone,
        log_by_hand=connector.log_by_hand,
    )


def _try(system: System, data: ConnectorData, typed: dict[System, SecretData]) -> Iterator[Check]:
    secret = typed.get(system)
    if secret is None:
        yield _without(system)
        return
    site = data.align_site if system is System.ALIGN else data.jira_site
    access = Access(system=system, site=site, kind=secret.kind, user=secret.user, secret=secret.secret)
    yield from _run_steps(system, data, lambda: clients.connection_test_remote(access))


def _without(system: System) -> Check:
    return Check(label=f"{system.label}: credential", ok=False, sentence="None is stored: add one.")


def _run_steps(system: System, data: ConnectorData, connect: Callable[[], Remote]) -> Iterator[Check]:
    try:
        remote = connect()
    except (RemoteError, BadToken, SealError) as error:
        yield Check(label=f"{system.label}: address and credential", ok=False, sentence=str(error))
        return
    with remote:
        if system is System.ALIGN:
            yield from _run(_align_steps(AlignClient(remote, data.align_connector_id)))
        else:
            yield from _run(_jira_steps(JiraClient(remote, clients.deployment_of(data.jira_kind))))


def _run(steps: Iterable[Step]) -> Iterator[Check]:
    for label, step in steps:
        try:
            yield Check(label=label, ok=True, sentence=step())
        except RemoteError as error:
            yield Check(label=label, ok=False, sentence=error.sentence)
            return


def _align_steps(client: AlignClient) -> Iterator[Step]:
    yield "Align: connector", lambda: f"Signed in; connector {client.connector().name or client.connector_id} is there."
    yield "Align: projects", lambda: f"Sees {len(client.projects())} projects of the connector."
    yield (
        "Align: mappings",
        lambda: (
            f"Can read mappings ({len(client.list_mappings('mappings/states'))} shared states). Writing was not tried: "
            "the first apply may be refused."
        ),
    )
    yield "Align: process flows", lambda: _flows(client)


def _flows(client: AlignClient) -> str:
    """Only mappings of process steps need them, and an older Align has none: all else works without."""
    try:
        return f"Sees {len(client.value_streams())} process flows."
    except SignInRefused:
        raise
    except RemoteError as error:
        return f"Not read, which only mappings of process steps need. {error.sentence}"


def _jira_steps(client: JiraClient) -> Iterator[Step]:
    yield "Jira: sign-in", lambda: f"Signed in as {client.myself().display_name}."
    yield "Jira: projects", lambda: f"Sees {len(client.projects())} projects."
    yield "Jira: statuses", lambda: f"Sees {len(client.statuses())} statuses."

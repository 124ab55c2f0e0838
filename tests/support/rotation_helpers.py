"""What tests do with credentials, in the words of the product: stage, probe, switch."""

from __future__ import annotations

from datetime import date
from typing import Any

from alignadmin.accounts.models import Person
from connectors.credentials import rotation
from connectors.credentials.rotation import Staging
from connectors.credentials.values import SecretData
from connectors.jobs import runner
from connectors.models import Connector, Credential, CredentialKind, Job, JobState, Probe, Stage, System

SECOND = "svc-b@sandbox.test"  # a second service user
NEW_TOKEN = "the-new-token"  # opens nothing but the sandbox


def secret(
    token: str = NEW_TOKEN,
    *,
    kind: str = CredentialKind.ALIGN_BEARER,
    user: str = "",
    expires_on: date | None = None,
) -> SecretData:
    system = System.ALIGN if kind.startswith("align") else System.JIRA
    return SecretData(system=system, kind=kind, user=user, secret=token, expires_on=expires_on)


def stage(
    connector: Connector,
    token: str = NEW_TOKEN,
    *,
    actor: Person,
    kind: str = CredentialKind.ALIGN_BEARER,
    user: str = "",
    **staging: Any,
) -> Credential:
    return rotation.stage(connector, secret(token, kind=kind, user=user), Staging(**staging), actor=actor)


def run_probe(pending: Credential, *, actor: Person, write_key: str = "") -> Job:
    return runner.run_now(rotation.start_probe(pending.uuid, write_key=write_key, actor=actor))


def probe(pending: Credential, *, actor: Person, write_key: str = "") -> Probe:
    """To its end; the probe with its lines."""
    job = run_probe(pending, actor=actor, write_key=write_key)
    assert job.state == JobState.DONE, job.error
    found = rotation.latest_probe(pending)
    assert found is not None
    assert found.finished_at is not None
    return found


def lines(found: Probe) -> dict[str, str]:
    """Code -> state."""
    return dict(found.lines.values_list("code", "state"))


def sentence(found: Probe, code: str) -> str:
    return str(found.lines.get(code=code).sentence)


def at(connector: Connector, stage: Stage, system: System = System.ALIGN) -> Credential | None:
    return Credential.objects.filter(connector=connector, system=system, stage=stage).first()


def stages(connector: Connector, system: System = System.ALIGN) -> dict[str, int]:
    """Stage -> version."""
    rows = Credential.objects.filter(connector=connector, system=system)
    return dict(rows.values_list("stage", "version"))

"""Asking for a probe of a pending credential, and what its newest probe allows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.errors import Refused
from connectors.credentials.rotation.checks import is_expired, is_locked_out
from connectors.credentials.rotation.locking import GONE
from connectors.jobs import runner
from connectors.models import ACTIVE, Connector, Credential, Job, JobKind, LineState, Probe, Stage, System
from connectors.ports.extensions import WriteKey, extensions

WRITE_LINE = "align-write"  # of a probe: the one that is tried with consent alone
LOCKED_OUT = (
    "Jira refused this password, and it is not sent again by itself: a few more failures lock the account. "
    "Save the right password as pending, or make the account work in Jira again and allow one more try."
)


WRITING_UNTRIED = (
    "It is not known whether it may write: writing was not tried with this token, so the next apply may be refused. "
    "To know, probe once more with one create and one delete."
)


@dataclass(frozen=True, kw_only=True)
class Hindrances:
    """`blocking`: why there is no switch at all; `losses`: what has to be confirmed."""

    blocking: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)


def write_keys(connector: Connector) -> list[WriteKey]:
    return extensions().write_probe.keys(connector)


def start_probe(pending: UUID, *, write_key: str = "", actor: Person) -> Job:
    """Try the pending credential in the background. `write_key`: consent to one create and delete at this key."""
    found = Credential.objects.select_related("connector").filter(uuid=pending).first()
    if found is None:
        raise Refused(GONE)
    if found.stage != Stage.PENDING:
        raise Refused(f"This credential is {found.get_stage_display().lower()} by now: only a pending one is probed.")
    if is_locked_out(found):
        raise Refused(LOCKED_OUT)
    if write_key:
        _refuse_key(found, write_key)
    job = runner.start(
        found.connector, JobKind.PROBE, actor=actor, subject=str(pending), params={"write_key": write_key}
    )
    if write_key and job.params.get("write_key") != write_key:
        raise Refused("This credential is being probed already. Wait until that has ended, then probe with a write.")
    return job


def _refuse_key(pending: Credential, write_key: str) -> None:
    if pending.system != System.ALIGN:
        raise Refused("Only a Jira Align credential can be probed by writing: in Jira nothing is ever written.")
    if write_key not in {key.id for key in write_keys(pending.connector)}:
        raise Refused("This key is no longer free. Choose another for the write.")


def latest_probe(credential: Credential) -> Probe | None:
    return Probe.objects.filter(credential=credential).order_by("-started_at", "-pk").first()


def hindrances(pending: Credential) -> Hindrances:
    probe = latest_probe(pending)
    blocking = [*_about_itself(pending), *_about_probe(pending, probe)]
    return Hindrances(blocking=blocking, losses=_losses(probe) if probe and probe.finished_at else [])


def _losses(probe: Probe) -> list[str]:
    untried = probe.lines.filter(code=WRITE_LINE, state=LineState.SKIPPED).exists()
    return [*probe.lost, *([WRITING_UNTRIED] if untried else [])]


def _about_itself(pending: Credential) -> list[str]:
    found = []
    if is_expired(pending):
        found.append(f"This credential expired on {pending.expires_on}: stage another.")
    if is_locked_out(pending):
        found.append(LOCKED_OUT)
    return found


def _about_probe(pending: Credential, probe: Probe | None) -> list[str]:
    if probe is None:
        queued = Job.objects.filter(kind=JobKind.PROBE, subject=str(pending.uuid), state__in=ACTIVE).exists()
        return ["The probe is still running." if queued else "Probe it first: nothing has been tried with it yet."]
    if probe.finished_at is None:
        return ["The probe is still running, or was interrupted: wait for it, or probe again."]
    if timezone.now() - probe.finished_at > timedelta(seconds=settings.PROBE_MAX_AGE):
        minutes = int(settings.PROBE_MAX_AGE // 60)
        return [f"The probe is older than {minutes} min: probe again, so that what it found is known to hold."]
    failed = probe.lines.filter(required=True).exclude(state=LineState.OK)
    return [f"{line.label}: {line.sentence}" for line in failed]

"""What the page of one credential shows: where its rotation stands, and what may be done next. Never a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.egress import OutgoingAddresses, outgoing_addresses
from alignadmin.web.template_words import HOUR, span
from connectors.credentials import rotation
from connectors.credentials.expiry import Deadline, deadline
from connectors.credentials.preferences import PREVIOUS_KEPT
from connectors.credentials.rotation import Hindrances
from connectors.credentials.rotation.locking import by_stage
from connectors.models import (
    ACTIVE,
    Connector,
    Credential,
    CredentialKind,
    CredentialUse,
    HistoryRow,
    Job,
    JobKind,
    JobState,
    Probe,
    ProbeLine,
    Stage,
    System,
)
from connectors.ports.extensions import WriteKey

MOST_USES = 20
MOST_LINES = 20
USED = "credential.used"  # its entries are the list of uses
STEPS = ("stage", "probe", "switch", "retire")


@dataclass(frozen=True, kw_only=True)
class CredentialCard:
    """One stage of the credential, filled or empty."""

    stage: Stage
    credential: Credential | None
    is_personal: bool = False  # it signs in as somebody who signs in here too

    @property
    def deadline(self) -> Deadline | None:
        return deadline(self.credential) if self.credential else None


def _emails(credential: Credential) -> set[str]:
    """As whom it signs in: what was typed, and what the remote system said, like "Dana Admin <dana@acme.test>"."""
    return set(re.findall(r"[^\s<>]+@[^\s<>]+", f"{credential.user} {credential.identity}".lower()))


@dataclass(frozen=True)
class CredentialPage:
    """One connector's credentials for one system."""

    connector: Connector
    system: System

    @cached_property
    def _stored(self) -> Mapping[str, Credential]:
        return by_stage(self.connector, self.system)

    @property
    def pending(self) -> Credential | None:
        return self._stored.get(Stage.PENDING)

    @property
    def current(self) -> Credential | None:
        return self._stored.get(Stage.CURRENT)

    @property
    def previous(self) -> Credential | None:
        return self._stored.get(Stage.PREVIOUS)

    @cached_property
    def cards(self) -> list[CredentialCard]:
        named = {stage: _emails(each) for stage, each in self._stored.items()}
        emails = set().union(*named.values())
        people = set(Person.objects.filter(email__in=emails).values_list("email", flat=True)) if emails else set()
        return [
            CredentialCard(
                stage=stage, credential=self._stored.get(stage), is_personal=bool(named.get(stage, set()) & people)
            )
            for stage in (Stage.CURRENT, Stage.PENDING, Stage.PREVIOUS)
        ]

    # --- where the rotation stands ------------------------------------------------------------------------------------

    @cached_property
    def stands_at(self) -> str:
        if self.pending is not None:
            return "probe" if self.hindrances.blocking else "switch"
        return "retire" if self.previous is not None else "stage"

    @property
    def steps(self) -> list[tuple[str, str]]:
        """Each step with "done", "now" or "later"."""
        at = STEPS.index(self.stands_at)
        return [(step, "done" if n < at else "now" if n == at else "later") for n, step in enumerate(STEPS)]

    @cached_property
    def hindrances(self) -> Hindrances:
        return rotation.hindrances(self.pending) if self.pending else Hindrances()

    @cached_property
    def probe(self) -> Probe | None:
        return rotation.latest_probe(self.pending) if self.pending else None

    @cached_property
    def lines(self) -> Sequence[ProbeLine]:
        return list(self.probe.lines.all()) if self.probe else []

    @property
    def lacking(self) -> int:
        """Required rights that the newest probe did not find."""
        return sum(line.required and line.state != "ok" for line in self.lines)

    @cached_property
    def write_keys(self) -> list[WriteKey]:
        return rotation.write_keys(self.connector) if self.system is System.ALIGN and self.pending else []

    @cached_property
    def job(self) -> Job | None:
        """The probe of the pending one or the first calls of the current one: under way, or failed and not repeated."""
        subject = str(self.pending.uuid) if self.pending else ""
        found = self._newest(JobKind.PROBE, subject) if subject else None
        return found or self._newest(JobKind.WATCH, self.system.value)

    def _newest(self, kind: JobKind, subject: str) -> Job | None:
        jobs = Job.objects.filter(connector=self.connector, kind=kind, subject=subject).select_related("requested_by")
        newest = jobs.order_by("-id").first()
        return newest if newest and newest.state in (*ACTIVE, JobState.FAILED) else None

    @property
    def is_probing(self) -> bool:
        return self.job is not None and self.job.kind == JobKind.PROBE and self.job.state in ACTIVE

    @property
    def is_watching(self) -> bool:
        return self.job is not None and self.job.kind == JobKind.WATCH and self.job.state in ACTIVE

    @cached_property
    def why_not_back(self) -> str:
        return rotation.may_go_back(self.connector, self.system)

    @property
    def locked_out(self) -> list[Credential]:
        return [each for each in (self.current, self.pending) if each and rotation.is_locked_out(each)]

    @property
    def is_gap(self) -> bool:
        return self.system is System.ALIGN and self.connector.gap_since is not None

    @property
    def can_have_gap(self) -> bool:
        return self.current is not None and self.current.kind == CredentialKind.ALIGN_BEARER

    @property
    def kept_until(self) -> datetime | None:
        """Until when the current one would be kept, if the switch were now; None where it is of no use any more."""
        if self.current is None or (self.pending and self.pending.replaces_same_user):
            return None
        return timezone.now() + timedelta(seconds=PREVIOUS_KEPT.value())

    @property
    def kept_for(self) -> str:
        """A day reads better as 24 h."""
        seconds = PREVIOUS_KEPT.value()
        return f"{seconds / HOUR:.0f} h" if HOUR <= seconds <= 48 * HOUR else span(seconds)

    # --- what happened ------------------------------------------------------------------------------------------------

    @cached_property
    def uses(self) -> list[CredentialUse]:
        """The last jobs that opened one of the credentials that are still here."""
        known = [each.uuid for each in self._stored.values()]
        found = CredentialUse.objects.filter(credential_uuid__in=known).select_related("job")
        return list(found.order_by("-at", "-pk")[:MOST_USES])

    @cached_property
    def history(self) -> list[HistoryRow]:
        """Also of credentials that have been destroyed since."""
        rows = HistoryRow.objects.filter(connector=self.connector, action__startswith="credential.")
        named = rows.exclude(action=USED).filter(sentence__contains=f"{self.system.label} credential")
        return list(named.order_by("-at", "-id")[:MOST_LINES])

    @property
    def most_uses(self) -> int:
        return MOST_USES

    @property
    def egress(self) -> list[OutgoingAddresses]:
        return outgoing_addresses()

"""The journal of a trial: it moves by commits that the lease guards, each with its entry, before anything leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from alignadmin.audit import trail
from alignadmin.audit.entries import Actor, AuditRecord
from connectors.jobs.runner import Run
from connectors.models import Connector
from connectors.ports.audited import context_of
from mappings.items.importing.rules import why_connector_waits, why_not_written
from mappings.models import ItemTrial, ItemTrialState, ItemWriteFacts

ENDED = (ItemTrialState.DONE, ItemTrialState.LEFT, ItemTrialState.NOT_MADE)
CREATED, RECYCLED, REFUSED = "item-trial.sent", "item-trial.recycling", "item-trial.refused"


class TrialStopped(Exception):
    """Nothing more may be sent for it; the words say why."""


def trial_record(action: str, trial: ItemTrial, sentence: str, *, actor: Actor | None, **data: object) -> AuditRecord:
    return AuditRecord(
        action=action,
        actor=actor,
        context=context_of(trial.connector),
        subject=f"item trial {trial.pk}",
        sentence=sentence,
        data={"trial": trial.pk, "level": trial.level, "title": trial.marker, "item": trial.align_id, **data},
        project_key=trial.project.key,
        reason=trial.reason,
    )


@dataclass(frozen=True, kw_only=True)
class TrialJournal:
    job: Run
    trial: ItemTrial

    def leaving(self, state: ItemTrialState, action: str, sentence: str, sent: Mapping[str, Any]) -> None:
        """Before a request leaves, while the project is ours and the connector writes. Raises TrialStopped."""
        with transaction.atomic():
            self.job.assert_lease()
            connector = Connector.objects.get(pk=self.trial.connector_id)
            if why := why_connector_waits(connector) or why_not_written(self.trial.project_id):
                raise TrialStopped(why)
            if state == ItemTrialState.SENDING:
                self.trial.sent, self.trial.sent_at = dict(sent), timezone.now()
            self.trial.state, self.trial.error = state, ""
            self._save(action, sentence, sent=dict(sent))

    def move(self, state: ItemTrialState, action: str, sentence: str, *, error: str = "", **data: object) -> None:
        with transaction.atomic():
            self.job.assert_lease()
            self.trial.state, self.trial.error = state, error
            if state in ENDED:
                self.trial.finished_at = timezone.now()
            self._save(action, sentence, error=error, **data)

    def _save(self, action: str, sentence: str, **data: object) -> None:
        self.trial.save()
        trail.record(trial_record(action, self.trial, sentence, actor=self.job.actor, **data))

    def find(self, **findings: bool | None) -> None:
        """What was seen of it so far: a worker that takes it over does not look at what it has changed itself."""
        self.trial.findings = {**self.trial.findings, **findings}
        with transaction.atomic():
            self.job.assert_lease()
            self.trial.save(update_fields=["findings"])

    def stuck(self, error: str) -> None:
        """It goes no further for now; the state says what may stand in Align."""
        self.trial.error = error
        with transaction.atomic():
            self.job.assert_lease()
            self.trial.save(update_fields=["error"])

    def learn(self, sentence: str) -> None:
        """What was seen is what is known of the level from now on; what was not tried keeps what was known."""
        found = {name: value for name, value in self.trial.findings.items() if value is not None}
        with transaction.atomic():
            self.job.assert_lease()
            ItemWriteFacts.objects.update_or_create(
                connector_id=self.trial.connector_id,
                level=self.trial.level,
                defaults={**found, "seen_at": timezone.now(), "trial": self.trial},
            )
            record = trial_record("item-trial.learned", self.trial, sentence, actor=self.job.actor, found=found)
            trail.record(record)

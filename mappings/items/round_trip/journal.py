"""The journal of a verification: a write stands in it before it leaves, and moves by commits that the lease guards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from alignadmin.audit import trail
from connectors.jobs.runner import Run
from connectors.models import Carried, Project
from mappings.items.importing.rules import why_connector_waits
from mappings.items.round_trip.entries import end_sentence, sentence_of, told, trip_record
from mappings.items.round_trip.planning import apply_impossible
from mappings.models import (
    HopCode,
    HopState,
    RoundTrip,
    TripHop,
    TripPurpose,
    TripState,
    TripWrite,
    TripWriteState,
)

STOPPED = "stopped"  # by a person
NO_MORE = (TripWriteState.PLANNED,)
OTHER_HANDS = "Whether Align’s connector carries {key} has changed since, so nothing more was changed."


@dataclass(frozen=True, kw_only=True)
class TripJournal:
    """What one run of the job writes down of one verification."""

    job: Run
    trip: RoundTrip

    @contextmanager
    def commit(self) -> Iterator[RoundTrip]:
        """One transaction with the row locked. Raises LeaseLost once another worker has the job."""
        with transaction.atomic():
            self.job.assert_lease()
            yield RoundTrip.objects.locked().select_related("connector", "project").get(pk=self.trip.pk)

    def why_not_sent(self, trip: RoundTrip, purpose: str) -> str:
        """Within `commit`; the project's row is locked, so a reading of Align's list comes before, or after."""
        if why := why_connector_waits(trip.connector):
            return why
        if purpose == TripPurpose.RESTORE:
            return "" if trip.state == TripState.RETURNING else STOPPED
        if trip.state != TripState.RUNNING or trip.control:
            return STOPPED
        project = Project.objects.select_for_update(no_key=True, of=("self",)).get(pk=trip.project_id)
        if not project.in_scope or project.vanished_at is not None:
            return f"{project.key} is out of scope by now, so nothing more was changed."
        if (project.carried != Carried.NO) != trip.is_carried:
            return OTHER_HANDS.format(key=project.key)
        return ""

    def mark_sending(self, write: TripWrite) -> str:
        """Before it leaves, with its entry. Empty where it may; else why nothing more may, and nothing was marked."""
        now = timezone.now()
        with self.commit() as trip:
            if why := self.why_not_sent(trip, write.purpose):
                return why
            own = TripWrite.objects.filter(pk=write.pk, state=TripWriteState.PLANNED)
            if not own.update(
                state=TripWriteState.SENDING,
                sent_at=now,
                sends=write.sends + 1,
                before=write.before,
                before_words=write.before_words,
                transition=write.transition,
            ):
                return STOPPED
            write.state, write.sent_at, write.sends = TripWriteState.SENDING, now, write.sends + 1
            said = sentence_of(self.trip, write)
            trail.record(
                trip_record("verification.sending", self.trip, said, actor=self.trip.approver, write=told(write))
            )
        return ""

    def record(self, write: TripWrite, state: TripWriteState, detail: str = "") -> None:
        """What became of it."""
        write.state, write.detail, write.answered_at = state, detail, timezone.now()
        with self.commit():
            write.save(update_fields=["state", "detail", "answered_at"])

    def skip(self, write: TripWrite, code: HopCode, why: str) -> None:
        """It is not sent, so what would follow from it cannot be looked for."""
        with self.commit():
            TripWrite.objects.filter(pk=write.pk).update(state=TripWriteState.SKIPPED, detail=why)
            self.trip.hops.filter(code=code).update(state=HopState.IMPOSSIBLE, reason=why)

    def record_issue(self, write: TripWrite, issue_id: int, key: str) -> None:
        """The throw-away issue that was made."""
        write.state, write.answered_at = TripWriteState.DONE, timezone.now()
        with self.commit():
            write.save(update_fields=["state", "answered_at"])
            self._keep(jira_id=issue_id, issue_key=key)

    def keep_item(self, align_id: int) -> None:
        with self.commit():
            self._keep(align_id=align_id)

    def add_changes(
        self, found: Mapping[str, object], writes: Sequence[TripWrite], impossible: Mapping[HopCode, str]
    ) -> None:
        """Of a throw-away issue, once it and its item are there."""
        with self.commit():
            if self.trip.writes.filter(purpose=TripPurpose.CHANGE).count() > 1:  # by a worker that was killed since
                return
            TripWrite.objects.bulk_create(writes)
            hops = list(self.trip.hops.all())
            apply_impossible(hops, impossible)
            TripHop.objects.bulk_update(hops, ["state", "reason"])
            self._keep(found=dict(found))

    def add_restore(self, write: TripWrite) -> TripWrite:
        with self.commit():
            last = self.trip.writes.aggregate(last=Max("position"))["last"]
            write.trip, write.position, write.purpose = self.trip, (last or 0) + 1, TripPurpose.RESTORE
            write.save()
        return write

    def _keep(self, **values: object) -> None:
        RoundTrip.objects.filter(pk=self.trip.pk).update(**values)
        for name, value in values.items():
            setattr(self.trip, name, value)

    # --- hops ---------------------------------------------------------------------------------------------------------

    def save_hops(self, hops: Sequence[TripHop]) -> None:
        if hops:
            with self.commit():
                TripHop.objects.bulk_update(hops, ["state", "since", "came_at", "is_late", "reason"])

    def is_stopped(self) -> bool:
        return RoundTrip.objects.filter(pk=self.trip.pk).exclude(control="").exists()

    # --- the whole ----------------------------------------------------------------------------------------------------

    def turn_back(self, error: str) -> None:
        """From now on nothing is changed any more, and what was is put back."""
        with self.commit() as trip:
            if trip.state != TripState.RUNNING:
                return
            planned = trip.writes.filter(state=TripWriteState.PLANNED)
            planned.update(state=TripWriteState.SKIPPED)
            waiting = trip.hops.filter(state__in=[HopState.PLANNED, HopState.WAITING])
            waiting.update(state=HopState.SKIPPED)
            self._keep(state=TripState.RETURNING, error=error)

    def finish(self, state: TripState, *, left: Sequence[Mapping[str, str]], remains: Sequence[str]) -> None:
        with self.commit() as trip:
            if trip.state != TripState.RETURNING:
                return
            trip.writes.filter(state__in=NO_MORE).update(state=TripWriteState.SKIPPED)
            self._keep(state=state, left=list(left), remains=list(remains), finished_at=timezone.now())
            record = trip_record(
                "verification.finished",
                self.trip,
                end_sentence(self.trip, state, left),
                actor=self.trip.approver,
                state=state.value,
                writes=[told(each) for each in self.trip.writes.all()],
                hops=[[each.code, each.state] for each in self.trip.hops.all()],
            )
            trail.record(record)

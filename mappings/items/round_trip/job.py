"""The job "round trip": changes one side, follows it to the other, both ways, and puts back, whatever happens between.

A worker that takes it over reads what became of what had left, and goes on or puts back.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import OperationalError, transaction
from django.utils import timezone

from alignadmin.audit import trail
from alignadmin.due_work import due_work
from alignadmin.errors import SealError
from alignadmin.http.errors import RemoteError
from connectors.jobs import runner
from connectors.jobs.runner import JobFailed, LeaseLost, Run
from connectors.models import ACTIVE, Job, JobKind
from mappings.items.round_trip.entries import end_sentence, trip_record
from mappings.items.round_trip.following import TripFollowing
from mappings.items.round_trip.journal import TripJournal
from mappings.items.round_trip.leftovers import OURS, left_by_writes, name_of
from mappings.items.round_trip.mapped import StatusMappings, status_mappings
from mappings.items.round_trip.moves import PENDING
from mappings.items.round_trip.planning import planned_trip
from mappings.items.round_trip.preparing import Preparing
from mappings.items.round_trip.returning import TripReturning
from mappings.items.round_trip.sending import TripBroken, TripSending
from mappings.items.round_trip.sides import TripSides
from mappings.models import (
    OPEN_TRIPS,
    HopCode,
    HopState,
    RoundTrip,
    TripHop,
    TripPurpose,
    TripSide,
    TripState,
    TripSubject,
    TripWrite,
    TripWriteState,
)

BROKE_OFF = "An error in AlignAdmin stopped it. See the log, then put back what was changed."
NO_JOB = "The work on it ended before it was done."
ARRIVED = (HopState.CAME, HopState.NOT_REGISTERED)


@runner.handler(JobKind.ROUND_TRIP)
def work_on_trip(run: Run) -> None:
    """One that a worker brought to its end before it was killed has nothing to do."""
    rows = RoundTrip.objects.select_related("connector", "project", "author", "approver")
    found = rows.filter(pk=run.job.subject, connector=run.connector).first()
    if found is None or not found.is_open:
        return
    journal = TripJournal(job=run, trip=found)
    try:
        sides = TripSides.of(run)
    except (RemoteError, SealError) as error:
        journal.turn_back(str(error))
        _end_unread(journal, str(error))
        raise JobFailed(str(error)) from error
    try:
        why = TripWork(job=run, trip=found, journal=journal, sides=sides).work()
    except (LeaseLost, OperationalError):
        raise  # whoever takes the job up goes on
    except Exception:
        journal.turn_back(BROKE_OFF)
        _end_unread(journal, BROKE_OFF)
        raise
    if why:
        raise JobFailed(why)


def _end_unread(journal: TripJournal, said: str) -> None:
    """Nothing can be asked: what may still be changed is named."""
    trip = journal.trip
    left = left_by_writes(trip, said)
    journal.finish(TripState.LEFT if left else TripState.FAILED, left=left, remains=[])


@dataclass(kw_only=True)
class TripWork:
    job: Run
    trip: RoundTrip
    journal: TripJournal
    sides: TripSides
    mappings: StatusMappings = field(init=False)
    following: TripFollowing = field(init=False)
    sending: TripSending = field(init=False)

    def __post_init__(self) -> None:
        self.mappings = status_mappings(self.trip.project, self.trip.level)
        self.following = TripFollowing(
            job=self.job, trip=self.trip, journal=self.journal, sides=self.sides, mappings=self.mappings
        )
        self.sending = TripSending(
            job=self.job, trip=self.trip, journal=self.journal, sides=self.sides, following=self.following
        )

    def work(self) -> str:
        """1. What a worker left without an answer is read. 2. The changes of Jira, and what follows from them; then
        those of Align. 3. All is put back. 4. The end is named by what was seen. Why it ended early, else empty.
        """
        error = ""
        try:
            self.sending.resolve()
            if self.trip.state == TripState.RUNNING:
                self._go()
        except TripBroken as broken:
            error = str(broken)
        except (RemoteError, SealError) as failed:
            error = failed.sentence if isinstance(failed, RemoteError) else str(failed)
        self.journal.turn_back(error)
        returning = TripReturning(
            job=self.job,
            trip=self.trip,
            journal=self.journal,
            sides=self.sides,
            mappings=self.mappings,
            following=self.following,
            sending=self.sending,
        )
        not_back = returning.work()
        self.journal.finish(self._end(returning, not_back), left=returning.left, remains=returning.remains)
        return not_back or (error and self.trip.error)

    # --- forward ------------------------------------------------------------------------------------------------------

    def _go(self) -> None:
        if self.trip.is_throw_away and not self._make():
            return
        for leg, side in ((1, TripSide.JIRA), (2, TripSide.ALIGN)):
            for write in self._planned(side):
                name = "state" if (side, write.what) == (TripSide.ALIGN, TripSubject.STATUS) else write.what
                self.job.progress(f"changing the {name} of {self.trip.issue_key} in {side.label}")
                if not self._is_to_send(write):
                    continue
                if not self.sending.send(write):
                    raise TripBroken(f"{side.label} did not take the change of the {name}: {write.detail}")
            self.following.follow(leg)
            if self.journal.is_stopped():
                raise TripBroken("")

    def _planned(self, side: TripSide) -> list[TripWrite]:
        own = self.trip.writes.filter(side=side, purpose=TripPurpose.CHANGE, state=TripWriteState.PLANNED)
        return list(own.exclude(what=TripSubject.ISSUE).order_by("position"))

    def _is_to_send(self, write: TripWrite) -> bool:
        """Compares right before: it shows its value of before, or in Align what the change in Jira has made of it.

        A state that Align shows still, as nothing has come over, is not set again. Raises TripBroken.
        """
        what = TripSubject(write.what)
        now = self.sending.shown(write.side, is_ours=True)[what]
        words = "the new title" if what == TripSubject.TITLE else now.words  # a title is the issue's, and not for all
        if now.value == write.after:
            said = f"It shows {words} already, so no change could be seen."
            if write.side == TripSide.JIRA:
                raise TripBroken(f"The {what.value} of {self.trip.issue_key}: {said[0].lower()}{said[1:]}")
            self.journal.skip(write, HopCode.JIRA_TITLE if what == TripSubject.TITLE else HopCode.JIRA_STATUS, said)
            return False
        if now.value not in self._allowed(write):
            name = name_of(self.trip, write.side, write.what)
            now_is = "is another one" if what == TripSubject.TITLE else f"is {words}"
            raise TripBroken(
                f"{name} {now_is}: somebody has changed it since it was looked at. Prepare the verification anew."
            )
        if write.side == TripSide.JIRA and write.transition is not None:
            offered = {each.id: each.to.id for each in self.sides.jira.transitions(self.trip.jira_id or 0)}
            if offered.get(write.transition) != write.after:
                raise TripBroken(
                    f"Jira does not offer the transition to {write.after_words} any more. Prepare it again."
                )
        write.before, write.before_words = now.value, now.words
        return True

    def _allowed(self, write: TripWrite) -> set[object]:
        found = self.trip.found[write.side]
        before = found["title"] if write.what == TripSubject.TITLE else found.get("status", found.get("state"))
        if write.side == TripSide.JIRA:
            return {before}
        there = {each.what: each.after for each in self.trip.writes.filter(side=TripSide.JIRA) if each.sends}
        if write.what == TripSubject.TITLE:
            return {before, there.get(TripSubject.TITLE)}
        status: int = there.get(TripSubject.STATUS) or self.trip.found["jira"]["status"]
        # What Align has no mapping of shows as 0, whatever the mappings here say.
        return {before, self.mappings.to_align.get(status), PENDING} if self.trip.is_carried else {before}

    # --- a throw-away issue -------------------------------------------------------------------------------------------

    def _make(self) -> bool:
        """Whether it and its item are there; then its changes are planned as well."""
        made = self.trip.writes.get(what=TripSubject.ISSUE, purpose=TripPurpose.CHANGE)
        if made.state == TripWriteState.PLANNED:
            self.job.progress(f"making a {self.trip.type_name} in {self.trip.project.key}")
            self.sending.send(made)
        if made.state != TripWriteState.DONE:
            raise TripBroken(f"The throw-away issue was not made: {made.detail}")
        self.trip.refresh_from_db(fields=["jira_id", "issue_key"])
        item = self.trip.align_id or self.following.follow_item()
        if item is None:
            return False
        issue = self.sides.issue(self.trip.jira_id or 0)
        preparing = Preparing(connector=self.trip.connector, jira=self.sides.jira, align=self.sides.align)
        facts = preparing.facts_of(self.trip.project, self.trip.level, issue, self.sides.item(self.trip.level, item))
        planned = planned_trip(self.trip, facts, first=1)
        self.journal.add_changes(facts.found, planned.writes, planned.impossible)
        return True

    # --- the end ------------------------------------------------------------------------------------------------------

    def _end(self, returning: TripReturning, not_back: str) -> TripState:
        self.trip.refresh_from_db(fields=["control", "error"])
        if any(each["by"] == OURS for each in returning.left):
            return TripState.LEFT
        if self.trip.control:
            return TripState.STOPPED
        if self.trip.error or not_back:
            return TripState.FAILED
        hops: list[TripHop] = list(self.trip.hops.all())
        if not all(each.state in ARRIVED for each in hops):
            return TripState.INCOMPLETE
        return TripState.VERIFIED if self.trip.is_carried else TripState.PROVEN


# --- without a job ----------------------------------------------------------------------------------------------------


@due_work
def end_orphans() -> int:
    """A verification without a job: its worker was killed while ending, or its connector was disconnected."""
    return sum(
        _end_orphan(pk) for pk in list(RoundTrip.objects.filter(state__in=OPEN_TRIPS).values_list("pk", flat=True))
    )


def _end_orphan(pk: int) -> bool:
    """Behind its row: whoever lets it go on starts its job in the same transaction."""
    with transaction.atomic():
        rows = RoundTrip.objects.locked().select_related("connector", "project", "approver")
        found = rows.get(pk=pk)
        jobs = Job.objects.filter(connector=found.connector_id, kind=JobKind.ROUND_TRIP, subject=str(pk))
        if not found.is_open or jobs.filter(state__in=ACTIVE).exists():
            return False
        found.left = left_by_writes(found, NO_JOB)
        found.state = TripState.LEFT if found.left else TripState.FAILED
        found.error, found.finished_at = found.error or NO_JOB, timezone.now()
        found.save(update_fields=["left", "state", "error", "finished_at"])
        said = end_sentence(found, TripState(found.state), found.left)
        trail.record(trip_record("verification.finished", found, said, actor=found.approver, state=found.state))
    return True

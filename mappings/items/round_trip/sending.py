"""Sending the writes of a verification, one by one: each is marked first, and compared with what is there right before.

What got no answer is read, and never sent blindly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from alignadmin.http.errors import BadRequest, Forbidden, NotFound, OutcomeUnknown, RemoteError, Unreachable
from connectors.jobs.runner import Run
from mappings.applying.outcomes import MOST_SENDS
from mappings.applying.resolve_unknown import wait_out
from mappings.engine.item_differences import state_words
from mappings.engine.items import IssueFacts
from mappings.items.round_trip.following import TripFollowing
from mappings.items.round_trip.journal import STOPPED, TripJournal
from mappings.items.round_trip.sides import SeenItem, TripSides
from mappings.models import (
    RoundTrip,
    TripPurpose,
    TripSide,
    TripSubject,
    TripWrite,
    TripWriteState,
)

UNANSWERED_WRITES = (TripWriteState.SENDING, TripWriteState.UNKNOWN)


class TripBroken(Exception):
    """It goes no further, and puts back; the message is for people. Empty where a person stopped it."""


@dataclass(frozen=True, kw_only=True)
class SideValue:
    """What one side shows of a title or a status, also in words."""

    value: object
    words: str


@dataclass(kw_only=True)
class TripSending:
    job: Run
    trip: RoundTrip
    journal: TripJournal
    sides: TripSides
    following: TripFollowing

    def send(self, write: TripWrite) -> bool:
        """Whether it was carried out. Raises TripBroken where nothing more may be sent, RemoteError for a sign-in."""
        while write.state == TripWriteState.PLANNED:
            if why := self.journal.mark_sending(write):
                raise TripBroken("" if why == STOPPED else why)
            self.job.check_cancelled()  # a worker that was frozen until now may have lost the job: it sends nothing
            try:
                self._request(write)
            except OutcomeUnknown as unknown:
                self.journal.record(write, TripWriteState.UNKNOWN, unknown.sentence)
                self.resolve([write])
            except (BadRequest, Forbidden, NotFound) as refused:
                self.journal.record(write, TripWriteState.FAILED, refused.detail or refused.sentence)
            except Unreachable as away:
                again = not away.permanent and write.sends < MOST_SENDS
                self.journal.record(write, TripWriteState.PLANNED if again else TripWriteState.FAILED, away.sentence)
            except RemoteError as error:
                self.journal.record(write, TripWriteState.FAILED, error.sentence)
                raise
        return write.state == TripWriteState.DONE

    def _request(self, write: TripWrite) -> None:
        if write.what == TripSubject.ISSUE:
            self._of_throw_away(write)
            return
        if write.side == TripSide.JIRA:
            self.sides.change_issue(self._issue, write)
        else:
            self.sides.change_item(self.trip.level, self.trip.align_id or 0, write)
        self.journal.record(write, TripWriteState.DONE)

    def _of_throw_away(self, write: TripWrite) -> None:
        if write.purpose == TripPurpose.RESTORE:
            try:
                self.sides.delete_issue(self._issue)
            except NotFound:
                pass  # somebody has deleted it already
            self.journal.record(write, TripWriteState.DONE)
            return
        made, key = self.sides.make_issue(self.trip.project.jira_id, self.trip.type_id or 0, str(write.after))
        self.journal.record_issue(write, made, key)  # before anything is read: a look may fail, and it is made

    @property
    def _issue(self) -> int:
        """By its id: keys change when issues are moved."""
        if self.trip.jira_id is None:
            raise TripBroken("No issue is known that could be changed.")
        return self.trip.jira_id

    # --- comparing ----------------------------------------------------------------------------------------------------

    def shown(self, side: str, *, is_ours: bool = False) -> dict[TripSubject, SideValue]:
        """Title and status of that side as they are now. `is_ours`: it has to be what was consented to, still. Raises
        RemoteError and TripBroken.
        """
        if side == TripSide.JIRA:
            issue = self.sides.issue(self._issue)
            if is_ours:
                self._refuse_other_issue(issue)
            return {
                TripSubject.TITLE: SideValue(value=issue.title, words=issue.title),
                TripSubject.STATUS: SideValue(value=issue.status_id, words=issue.status_name),
            }
        item = self.sides.item(self.trip.level, self.trip.align_id or 0)
        if is_ours:
            self._refuse_other_item(item)
        return {
            TripSubject.TITLE: SideValue(value=item.title, words=item.title),
            TripSubject.STATUS: SideValue(value=item.state, words=state_words(item.state)),
        }

    def _refuse_other_issue(self, issue: IssueFacts) -> None:
        if issue.project_id != self.trip.project.jira_id:
            raise TripBroken(f"{self.trip.issue_key} was moved, and is {issue.key} now, in another project.")
        if self.trip.type_id is not None and issue.type_id != self.trip.type_id:
            raise TripBroken(f"The type of {self.trip.issue_key} was changed to {issue.type_name} since.")

    def _refuse_other_item(self, item: SeenItem) -> None:
        called = f"{self.trip.connector.terminology.name(self.trip.level)} {item.id}"
        if item.is_recycled:
            raise TripBroken(f"{called} is in Align’s recycle bin by now.")
        if item.key not in (self.trip.found.get("align", {}).get("key", item.key), self.trip.issue_key):
            by_now = item.key or "no issue"
            raise TripBroken(f"{called} stands for {by_now} by now, no longer for {self.trip.issue_key}.")

    # --- without an answer --------------------------------------------------------------------------------------------

    def resolve(self, writes: Sequence[TripWrite] = ()) -> None:
        """What left without an answer, of a worker that died too: read once it can have no effect any more.

        One that was not carried out is planned again; a way back is worked out anew instead. Raises RemoteError.
        """
        waiting = writes or list(self.trip.writes.filter(state__in=UNANSWERED_WRITES))
        if not waiting:
            return
        wait_out(self.job, [each.sent_at for each in waiting])
        for write in waiting:
            if write.what == TripSubject.ISSUE:
                self._resolve_throw_away(write)
            else:
                self._resolve_value(write)

    def _resolve_value(self, write: TripWrite) -> None:
        now = self.shown(write.side)[TripSubject(write.what)]
        if now.value == write.after:
            self.journal.record(write, TripWriteState.DONE, "Its answer was lost; it was read afterwards.")
        elif write.purpose == TripPurpose.CHANGE and now.value == write.before and write.sends < MOST_SENDS:
            self.journal.record(write, TripWriteState.PLANNED, "No answer came: it is sent again.")
        else:
            shows = "another title" if write.what == TripSubject.TITLE else now.words  # it is told in the history
            said = f"No answer came, and {TripSide(write.side).label} shows {shows}."
            self.journal.record(write, TripWriteState.FAILED, said)

    def _resolve_throw_away(self, write: TripWrite) -> None:
        if write.purpose == TripPurpose.RESTORE:
            is_there = self.sides.is_there(self._issue)
            state = TripWriteState.FAILED if is_there else TripWriteState.DONE
            self.journal.record(write, state, "No answer came, and the issue is there still." if is_there else "")
            return
        if (made := self._made(write)) is not None:
            self.journal.record_issue(write, *made)
            return
        said = f"No answer came, and Jira shows no “{write.after}”. Look for it in {self.trip.project.key}."
        self.journal.record(write, TripWriteState.FAILED, said)

    def _made(self, write: TripWrite) -> tuple[int, str] | None:
        """A search can lag behind, so it is asked more than once; it is never made a second time."""
        for tries in range(MOST_SENDS):
            found = self.sides.made_issue(self.trip.project.jira_id, self.trip.type_id or 0, str(write.after))
            if found is not None:
                return found
            if tries + 1 < MOST_SENDS:
                self.following.pause(settings.ROUND_TRIP_INTERVAL)
        return None

"""Putting back what a verification changed: Jira first, since Align's connector brings its values over, then Align.

Each value is compared right before. What somebody else has set meanwhile is left and said; what could not be put back
is named, and nothing is left changed silently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.utils import timezone

from alignadmin.errors import SealError
from alignadmin.http.errors import NotFound, RemoteError
from connectors.jobs.runner import Run
from mappings.items.round_trip.following import TripFollowing
from mappings.items.round_trip.journal import TripJournal
from mappings.items.round_trip.leftovers import OTHERS, before_words, entry_of, left_by_writes, name_of
from mappings.items.round_trip.mapped import StatusMappings
from mappings.items.round_trip.moves import PENDING
from mappings.items.round_trip.sending import UNANSWERED_WRITES, SideValue, TripBroken, TripSending
from mappings.items.round_trip.sides import TripSides, number_in
from mappings.models import (
    HopCode,
    HopState,
    RoundTrip,
    TripPurpose,
    TripSide,
    TripSubject,
    TripWrite,
    TripWriteState,
)

NOT_EACH = "Not each value could be put back by us: its writes say which."
MOST_ROUNDS = 3  # a value that is put back on one side may move the other one again
CAME_THERE = (HopCode.ALIGN_TITLE, HopCode.ALIGN_STATUS, HopCode.ITEM_MADE)
CAME_BACK = (HopCode.JIRA_TITLE, HopCode.JIRA_STATUS)


@dataclass(kw_only=True)
class TripReturning:
    job: Run
    trip: RoundTrip
    journal: TripJournal
    sides: TripSides
    mappings: StatusMappings
    following: TripFollowing
    sending: TripSending
    left: list[dict[str, str]] = field(default_factory=list)
    remains: list[str] = field(default_factory=list)
    _failed: dict[TripSide, str] = field(default_factory=dict)
    _gone: set[TripSide] = field(default_factory=set)

    def work(self) -> str:
        """Why not everything could be put back, as far as a system said so; empty where nothing stood against it."""
        try:
            if self.trip.is_throw_away:
                self._delete()
                return ""
            return self._put_back()
        except (RemoteError, SealError, TripBroken) as error:
            said = error.sentence if isinstance(error, RemoteError) else str(error)
            self.left = left_by_writes(self.trip, said)
            return said or "It could not be put back."

    # --- values -------------------------------------------------------------------------------------------------------

    def _put_back(self) -> str:
        """1. Jira. 2. What Align's connector brings over is waited for. 3. What is left in Align. 4. All is compared,
        and from the beginning while one side has moved the other. A side that does not answer, or cannot be brought
        back, keeps the other one from nothing. Why one could not, else empty.
        """
        if not self._sent():
            return ""
        for _ in range(MOST_ROUNDS):
            self._failed.clear()
            self._attempt(TripSide.JIRA, self._restore_jira)
            self._attempt(TripSide.ALIGN, self._restore_align)
            if not any(self._attempt(side, partial(self._differs, side)) for side in TripSide):
                break
        self.left = [each for side in TripSide for each in self._told(side)]
        why = [*self._failed.values(), *([NOT_EACH] if self._is_refused() else [])]
        return " ".join(dict.fromkeys(why))

    def _is_refused(self) -> bool:
        """Whether the last try to put a value back was not carried out: whoever set it since, that proves nothing."""
        last: dict[tuple[str, str], TripWrite] = {}
        for write in self.trip.writes.filter(purpose=TripPurpose.RESTORE, sends__gt=0).order_by("position"):
            last[write.side, write.what] = write
        return any(each.state != TripWriteState.DONE for each in last.values())

    def _attempt(self, side: TripSide, act: Callable[[], bool]) -> bool:
        """Whether it did something; what the side answers instead is kept. Raises TripBroken."""
        if side in self._failed or side in self._gone:
            return False
        try:
            return act()
        except NotFound:
            self._gone.add(side)
        except (RemoteError, SealError) as error:
            self._failed[side] = error.sentence if isinstance(error, RemoteError) else str(error)
        return False

    def _restore_jira(self) -> bool:
        return self._restore(TripSide.JIRA) > 0

    def _restore_align(self) -> bool:
        if self._came(CAME_THERE) and TripSide.JIRA not in self._failed:
            self._wait_until_before(TripSide.ALIGN, settings.ROUND_TRIP_USUAL_LAG)
        sent = self._restore(TripSide.ALIGN)
        if sent and self.trip.is_carried:
            self._let_settle()
        return sent > 0

    def _differs(self, side: TripSide) -> bool:
        return bool(self._differing(side))

    def _restore(self, side: TripSide) -> int:
        """How many requests were sent."""
        sent = 0
        for what, now in self._differing(side).items():
            if (side, what) == (TripSide.JIRA, TripSubject.STATUS):
                sent += self._restore_status(now)
                continue
            before = self._before(side)[what]
            write = TripWrite(
                side=side,
                what=what,
                before=now.value,
                after=before.value,
                before_words=now.words,
                after_words=before.words,
            )
            self.job.progress(f"putting back the {write.what} in {side.label}")
            self.sending.send(self.journal.add_restore(write))
            sent += 1
        return sent

    def _restore_status(self, now: SideValue) -> int:
        """By as many transitions as it takes. Each is a write of its own, which stands in the journal before it leaves,
        so that a status that was passed on the way is known to come from us. Raises NotReached.
        """
        before, been, sent = self._before(TripSide.JIRA)[TripSubject.STATUS], set[int](), 0
        while now.value != before.value and now.value not in been:
            step = self.sides.next_transition(self.trip.jira_id or 0, number_in(before.value), been=been)
            been.add(number_in(now.value))
            write = TripWrite(
                side=TripSide.JIRA,
                what=TripSubject.STATUS,
                before=now.value,
                after=step.to.id,
                before_words=now.words,
                after_words=step.to.name,
                transition=step.id,
            )
            self.job.progress("putting back the status in Jira")
            sent += 1
            if not self.sending.send(self.journal.add_restore(write)):
                break
            now = self.sending.shown(TripSide.JIRA)[TripSubject.STATUS]
        return sent

    def _differing(self, side: TripSide) -> dict[TripSubject, SideValue]:
        """What shows something that came from us, and not its value of before."""
        if not self._is_touched(side):
            return {}
        before, known = self._before(side), self._known(side)
        return {
            what: now
            for what, now in self.sending.shown(side).items()
            if now.value != before[what].value and now.value in known[what] and self._sent_to(side, what)
        }

    def _told(self, side: TripSide) -> list[dict[str, str]]:
        """What is otherwise than before at the end; of a side that cannot be asked what may be."""
        if side not in self._failed and side not in self._gone:
            try:
                return self._said(side)
            except NotFound:
                self._gone.add(side)
            except (RemoteError, SealError) as error:
                self._failed[side] = error.sentence if isinstance(error, RemoteError) else str(error)
        if side in self._gone:
            written = [what for what in (TripSubject.TITLE, TripSubject.STATUS) if self._sent_to(side, what)]
            said = "is not put back: {side} does not show it any more."
            return [
                entry_of(side, what, f"{name_of(self.trip, side, what)} {said.format(side=side.label)}")
                for what in written
            ]
        return [each for each in left_by_writes(self.trip, self._failed[side]) if each["side"] == side]

    def _said(self, side: TripSide) -> list[dict[str, str]]:
        """What is otherwise than before at the end, and who has set it."""
        if not self._is_touched(side):
            return []
        before, known = self._before(side), self._known(side)
        found = []
        for what, now in self.sending.shown(side).items():
            if now.value == before[what].value:
                continue
            name, was = name_of(self.trip, side, what), before[what].words
            if now.value in known[what] and self._sent_to(side, what):
                found.append(entry_of(side, what, f"{name} is still {now.words}; it was {was}."))
            elif self._sent_to(side, what):
                said = f"{name} was set to {now.words} by somebody else meanwhile, so it was left; it was {was}."
                found.append(entry_of(side, what, said, OTHERS))
        return found

    def _before(self, side: TripSide) -> Mapping[TripSubject, SideValue]:
        found = self.trip.found[side.value]
        values = {TripSubject.TITLE: found["title"], TripSubject.STATUS: found.get("status", found.get("state"))}
        return {
            what: SideValue(value=value, words=before_words(self.trip, side, what)) for what, value in values.items()
        }

    def _known(self, side: TripSide) -> Mapping[TripSubject, AbstractSet[object]]:
        """Values that come from us: those that were sent to a side, and what Align's connector makes of the others."""
        sent = self._sent()
        own = [each for each in sent if self.trip.is_carried or each.side == side]
        titles = {each.after for each in own if each.what == TripSubject.TITLE}
        statuses, states = self._sent_numbers(TripSide.JIRA), self._sent_numbers(TripSide.ALIGN)
        if not self.trip.is_carried:
            return {TripSubject.TITLE: titles, TripSubject.STATUS: statuses if side == TripSide.JIRA else states}
        to_align, to_jira = self.mappings.to_align, self.mappings.to_jira
        if side == TripSide.JIRA:
            moved = {to_jira.get(each) for each in {*states, self.trip.found["align"]["state"]}} - {None}
            return {TripSubject.TITLE: titles, TripSubject.STATUS: {*statuses, *moved}}
        reached = {*statuses, *(to_jira[each] for each in states if each in to_jira), self.trip.found["jira"]["status"]}
        return {
            TripSubject.TITLE: titles,
            TripSubject.STATUS: {*states, PENDING, *(to_align.get(each) for each in reached)},
        }

    def _sent_numbers(self, side: TripSide) -> set[int]:
        """Statuses or states that were set there."""
        own = [each for each in self._sent() if each.side == side and each.what == TripSubject.STATUS]
        return {each.after for each in own if isinstance(each.after, int)}

    # --- waiting ------------------------------------------------------------------------------------------------------

    def _wait_until_before(self, side: TripSide, seconds: float) -> None:
        over = timezone.now() + timedelta(seconds=seconds)
        while self._differing(side) and timezone.now() < over:
            self.job.progress("waiting until Align’s connector has brought the values of before over")
            self.following.pause(settings.ROUND_TRIP_INTERVAL)

    def _let_settle(self) -> None:
        """Twice as long as the way back took, so that what it moves in Jira is seen."""
        came = [each.seconds or 0.0 for each in self.trip.hops.filter(code__in=CAME_BACK, state=HopState.CAME)]
        if came:
            self.following.pause(min(settings.ROUND_TRIP_USUAL_LAG, max(settings.ROUND_TRIP_INTERVAL, 2 * max(came))))

    # --- a throw-away issue -------------------------------------------------------------------------------------------

    def _delete(self) -> None:
        if self.trip.jira_id is None:
            self._name_unmade()
            return
        if self.sides.is_there(self.trip.jira_id):
            write = TripWrite(
                side=TripSide.JIRA, what=TripSubject.ISSUE, before_words=self.trip.issue_key, after_words="deleted"
            )
            self.job.progress(f"deleting {self.trip.issue_key}")
            sent = self.journal.add_restore(write)
            if not self.sending.send(sent):
                self.remains.append(f"{self.trip.issue_key} stays in Jira: {sent.detail} Delete it there.")
                return
        self._wait_for_bin()

    def _wait_for_bin(self) -> None:
        """Its item goes with it where Align's connector recycles it; nothing of Align's API deletes one."""
        if self.trip.align_id is None:
            return
        over = timezone.now() + timedelta(seconds=settings.ROUND_TRIP_USUAL_LAG)
        while self.sides.item_is_there(self.trip.level, self.trip.align_id):
            if timezone.now() >= over:
                name = self.trip.connector.terminology.name(self.trip.level)
                self.remains.append(f"{name} {self.trip.align_id} stays in Jira Align. Delete it there.")
                return
            self.job.progress("waiting until its item is in Align’s recycle bin")
            self.following.pause(settings.ROUND_TRIP_INTERVAL)

    def _name_unmade(self) -> None:
        made = self.trip.writes.filter(what=TripSubject.ISSUE, purpose=TripPurpose.CHANGE, sends__gt=0).first()
        if made is not None and made.state in UNANSWERED_WRITES:
            self.left = left_by_writes(self.trip, "No answer came when it was made: look for it there.")
        elif made is not None and made.detail.startswith("No answer"):
            self.remains.append(made.detail)

    # --- what was sent ------------------------------------------------------------------------------------------------

    def _sent(self) -> list[TripWrite]:
        """All that may have had an effect, in their order."""
        own = self.trip.writes.filter(sends__gt=0).exclude(what=TripSubject.ISSUE)
        return list(own.order_by("position"))

    def _sent_to(self, side: TripSide, what: TripSubject) -> bool:
        """Whether it was written there, or carried there from the other side."""
        sent = [each for each in self._sent() if each.what == what]
        return any(each.side == side for each in sent) or (bool(sent) and self.trip.is_carried)

    def _is_touched(self, side: TripSide) -> bool:
        return any(self._sent_to(side, what) for what in (TripSubject.TITLE, TripSubject.STATUS))

    def _came(self, codes: tuple[HopCode, ...]) -> bool:
        return self.trip.hops.filter(code__in=codes, state=HopState.CAME).exists()

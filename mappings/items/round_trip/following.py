"""Following a change to the other side: both are looked at every few seconds until all has come, or for too long.

What did not come within the usual lag is named with its likely reason at once, and still waited for until the longest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from connectors.jobs.runner import Run
from connectors.models import InboxDelivery, Status, StatusCategory, WatchedIssue, Webhook
from connectors.webhooks import services as webhooks
from mappings.engine.items import IssueFacts
from mappings.items.prediction.rules import rules_of
from mappings.items.round_trip.journal import TripJournal
from mappings.items.round_trip.mapped import StatusMappings
from mappings.items.round_trip.preparing import Preparing
from mappings.items.round_trip.reasons import Expected, TripSight, reason_of, why_not_announced
from mappings.items.round_trip.sides import SeenItem, TripSides, number_in
from mappings.models import (
    HopCode,
    HopState,
    RoundTrip,
    TripHop,
    TripPurpose,
    TripSide,
    TripSubject,
    TripWrite,
    TripWriteState,
)

OF_WEBHOOK = (HopCode.WEBHOOK, HopCode.WEBHOOK_BACK)
OF_ITEM = (HopCode.ALIGN_TITLE, HopCode.ALIGN_STATUS, HopCode.ALIGN_CHANGED)
OF_ISSUE = (HopCode.JIRA_TITLE, HopCode.JIRA_STATUS, HopCode.JIRA_CHANGED)
FROM_ALIGN = (HopCode.JIRA_TITLE, HopCode.JIRA_STATUS)
LONGEST_PAUSE = 1.0  # seconds in which a stop is not heard


@dataclass(kw_only=True)
class TripFollowing:
    job: Run
    trip: RoundTrip
    journal: TripJournal
    sides: TripSides
    mappings: StatusMappings
    webhook: Webhook | None = field(init=False)
    _not_there_at: datetime | None = None  # when Jira was looked at last and showed nothing yet of what came from Align

    def __post_init__(self) -> None:
        found = webhooks.of(self.trip.connector)
        self.webhook = found if found is not None and found.ended_at is None else None

    def follow(self, leg: int) -> None:
        """Until every hop of the leg has come, is given up, or somebody stops it. Raises RemoteError."""
        hops = list(self.trip.hops.filter(leg=leg).exclude(code=HopCode.ITEM_MADE))
        self._begin(leg, hops)
        self._until_settled(hops, lambda: self._look(hops))

    def follow_item(self) -> int | None:
        """The item that Align's connector makes of the throw-away issue; None where none came."""
        hops = list(self.trip.hops.filter(code=HopCode.ITEM_MADE))
        made = self.trip.writes.filter(what=TripSubject.ISSUE, purpose=TripPurpose.CHANGE).first()
        since = made.sent_at if made is not None else None
        for hop in hops:
            if hop.state == HopState.PLANNED:
                hop.state, hop.since = HopState.WAITING, since or timezone.now()
        self.journal.save_hops(hops)
        self._until_settled(hops, lambda: self._look_for_item(hops))
        return self.trip.align_id

    def pause(self, seconds: float) -> None:
        """As long, in small parts, so that a worker that is asked to end does not wait for it."""
        over = time.monotonic() + seconds
        while (left := over - time.monotonic()) > 0:
            self.job.check_cancelled()
            time.sleep(min(left, LONGEST_PAUSE))

    # --- waiting ------------------------------------------------------------------------------------------------------

    def _begin(self, leg: int, hops: Sequence[TripHop]) -> None:
        """Those that have something to wait for are waited for from the first write of the leg on."""
        side = TripSide.JIRA if leg == 1 else TripSide.ALIGN
        done = {TripSubject(each.what): each for each in self._changes(side)}
        since = min((each.sent_at for each in done.values() if each.sent_at), default=timezone.now())
        for hop in hops:
            if hop.state != HopState.PLANNED:
                continue
            if hop.code in OF_WEBHOOK and self.webhook is None:
                hop.state = HopState.NOT_REGISTERED
            elif not _has_cause(hop, done):
                hop.state = HopState.SKIPPED
            else:
                hop.state, hop.since = HopState.WAITING, since
        self.journal.save_hops(hops)

    def _until_settled(self, hops: Sequence[TripHop], look: Callable[[], None]) -> None:
        while True:
            look()
            waiting = [each for each in hops if each.state == HopState.WAITING]
            if not waiting:
                return
            waited = timezone.now() - min(each.since or timezone.now() for each in waiting)
            is_over = waited >= timedelta(seconds=settings.ROUND_TRIP_LONGEST)
            if is_over or waited >= timedelta(seconds=settings.ROUND_TRIP_USUAL_LAG):
                self._name(waiting, is_over=is_over)
            if is_over:
                return
            if self.journal.is_stopped():
                for each in waiting:
                    each.state = HopState.SKIPPED
                self.journal.save_hops(waiting)
                return
            words = ", ".join(each.get_code_display()[0].lower() + each.get_code_display()[1:] for each in waiting)
            self.job.progress(f"waiting until: {words}"[:400])
            self.pause(settings.ROUND_TRIP_INTERVAL)

    def _name(self, waiting: Sequence[TripHop], *, is_over: bool) -> None:
        """With the likely reason, which is looked for once and again at the end."""
        fresh = [each for each in waiting if is_over or not each.is_late]
        if not fresh:
            return
        seen = self._sight()
        expected = self._expected()
        hops = list(self.trip.hops.all())
        for hop in fresh:
            hop.is_late = True
            if hop.code in OF_WEBHOOK:
                hop.reason = self._why_not_announced(hop, hops)
            else:
                hop.reason = reason_of(self.trip, hop, hops, seen, expected)
            if is_over:
                hop.state = HopState.MISSING
                if hop.code == HopCode.WEBHOOK_BACK and not _came_back(hops):
                    hop.state, hop.reason = HopState.SKIPPED, ""  # nothing changed in Jira that it could announce
        self.journal.save_hops(fresh)

    # --- looking ------------------------------------------------------------------------------------------------------

    def _look(self, hops: Sequence[TripHop]) -> None:
        waiting = {HopCode(each.code): each for each in hops if each.state == HopState.WAITING}
        came = [code for code in OF_WEBHOOK if code in waiting and self._is_announced(waiting[code])]
        looked_at = timezone.now()
        if not waiting.keys().isdisjoint(OF_ISSUE):
            issue = self.sides.issue(self.trip.jira_id or 0)
            shown = [code for code in OF_ISSUE if code in waiting and self._is_in_jira(code, issue)]
            if not _came_back(hops) and not {*FROM_ALIGN}.intersection(shown):
                self._not_there_at = looked_at
            came += shown
        if not waiting.keys().isdisjoint(OF_ITEM):
            item = self.sides.item(self.trip.level, self.trip.align_id or 0)
            came += [code for code in OF_ITEM if code in waiting and self._is_in_align(code, item)]
        self._arrive([waiting[code] for code in came])

    def _look_for_item(self, hops: Sequence[TripHop]) -> None:
        waiting = [each for each in hops if each.state == HopState.WAITING]
        if not waiting:
            return
        found = Preparing(connector=self.trip.connector, jira=self.sides.jira, align=self.sides.align)
        issue = self.sides.issue(self.trip.jira_id or 0)
        project = self.trip.project
        ids = found.item_ids(project, self.trip.level, issue, rules_of(self.trip.connector, project))
        if ids:
            self.journal.keep_item(ids[0])
            self._arrive(waiting)

    def _arrive(self, hops: Sequence[TripHop]) -> None:
        now = timezone.now()
        for hop in hops:
            hop.state, hop.came_at, hop.reason = HopState.CAME, now, ""
            if hop.code in OF_WEBHOOK:
                hop.came_at = self._delivery(hop) or now
        self.journal.save_hops(hops)

    def _is_in_jira(self, code: HopCode, issue: IssueFacts) -> bool:
        if code == HopCode.JIRA_CHANGED:
            return _shows(self._changes(TripSide.JIRA), issue.title, issue.status_id)
        back = {TripSubject(each.what): each.after for each in self._changes(TripSide.ALIGN)}
        if code == HopCode.JIRA_TITLE:
            return _same(issue.title, back[TripSubject.TITLE])
        return issue.status_id == self.mappings.to_jira.get(number_in(back[TripSubject.STATUS]))

    def _is_in_align(self, code: HopCode, item: SeenItem) -> bool:
        if code == HopCode.ALIGN_CHANGED:
            return _shows(self._changes(TripSide.ALIGN), item.title, item.state)
        there = {TripSubject(each.what): each.after for each in self._changes(TripSide.JIRA)}
        if code == HopCode.ALIGN_TITLE:
            return _same(item.title, there[TripSubject.TITLE])
        return item.state == self.mappings.to_align.get(number_in(there[TripSubject.STATUS]), 0)

    def _is_announced(self, hop: TripHop) -> bool:
        return self._delivery(hop) is not None

    def _delivery(self, hop: TripHop) -> datetime | None:
        """When the first delivery about the issue came in that can be of the change; a replay is none.

        It came after the write, and what comes back from Align also after Jira was last seen without it: a late one of
        the way there proves nothing of the way back. What its body says of the issue is not asked: Jira itself was.
        """
        if self.webhook is None or hop.since is None:
            return None
        since = hop.since
        if hop.code == HopCode.WEBHOOK_BACK:
            if not _came_back(list(self.trip.hops.all())):
                return None
            since = max(since, self._not_there_at or since)
        rows = InboxDelivery.objects.filter(webhook=self.webhook, issue_id=self.trip.jira_id, replay_of=None)
        return rows.filter(received_at__gte=since).order_by("id").values_list("received_at", flat=True).first()

    # --- reasons ------------------------------------------------------------------------------------------------------

    def _why_not_announced(self, hop: TripHop, hops: Collection[TripHop]) -> str:
        if self.webhook is None or (hop.code == HopCode.WEBHOOK_BACK and not _came_back(hops)):
            return ""
        looked = WatchedIssue.objects.filter(connector=self.trip.connector, jira_id=self.trip.jira_id or 0)
        return why_not_announced(self.webhook, looked.filter(looked_at__gte=hop.since).exists())

    def _sight(self) -> TripSight:
        issue = self.sides.issue(self.trip.jira_id or 0)
        item = self.sides.item(self.trip.level, self.trip.align_id) if self.trip.align_id is not None else None
        offered = self.sides.jira.transitions(issue.id)
        ends = Status.objects.filter(connector=self.trip.connector, category=StatusCategory.DONE)
        return TripSight(
            issue=issue,
            item=item,
            reachable={each.to.id for each in offered if each.is_available is not False},
            is_at_end=ends.filter(jira_id=issue.status_id).exists(),
        )

    def _expected(self) -> Expected:
        there = {each.what: each.after for each in self._changes(TripSide.JIRA)}
        back = {each.what: each.after for each in self._changes(TripSide.ALIGN)}
        status, state = there.get(TripSubject.STATUS), back.get(TripSubject.STATUS)
        wanted = self.mappings.to_jira.get(state) if state is not None else None
        known = Status.objects.filter(connector=self.trip.connector, jira_id=wanted or 0)
        name = known.values_list("name", flat=True)
        return Expected(
            status_from=status,
            state=self.mappings.to_align.get(status) if status is not None else None,
            state_from=state,
            status=wanted,
            status_name=(name.first() or str(wanted)) if wanted is not None else "",
        )

    def _changes(self, side: TripSide) -> list[TripWrite]:
        """What was changed there, as far as it was."""
        own = self.trip.writes.filter(side=side, purpose=TripPurpose.CHANGE, state=TripWriteState.DONE)
        return list(own.exclude(what=TripSubject.ISSUE))


def _has_cause(hop: TripHop, done: Mapping[TripSubject, TripWrite]) -> bool:
    """Whether something was written that this one follows."""
    if hop.code in (HopCode.ALIGN_TITLE, HopCode.JIRA_TITLE):
        return TripSubject.TITLE in done
    if hop.code in (HopCode.ALIGN_STATUS, HopCode.JIRA_STATUS):
        return TripSubject.STATUS in done
    return bool(done)


def _came_back(hops: Collection[TripHop]) -> bool:
    return any(each.code in FROM_ALIGN and each.state == HopState.CAME for each in hops)


def _shows(writes: Sequence[TripWrite], title: str, status: int) -> bool:
    shown = {TripSubject.TITLE: title, TripSubject.STATUS: status}
    return all(_same(shown[TripSubject(each.what)], each.after) for each in writes)


def _same(one: object, other: object) -> bool:
    """Either system may trim a title."""
    if isinstance(one, str) and isinstance(other, str):
        return one.split() == other.split()
    return one == other

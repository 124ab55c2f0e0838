"""Where a pack's span begins and ends: in time, and at the last of each row that there was as the pack was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, Q
from django.utils import timezone

from alignadmin.audit.entries import lock_head
from connectors.history.packs import terms as pack_terms
from connectors.history.packs.terms import TermMeanings
from connectors.models import HistoryRow, MirrorLine


@dataclass(frozen=True, kw_only=True)
class Ends:
    """The last of each that the database held when the pack's checkpoint was made: what came later is not in it."""

    seq: int
    line: int
    row: int
    at: datetime
    meanings: Mapping[int, TermMeanings]  # of terms and type ids, by which lines are read

    @classmethod
    def now(cls) -> Ends:
        """Under the lock behind which whoever adds to these queues."""
        return cls(
            seq=lock_head().seq,
            line=MirrorLine.objects.aggregate(last=Max("id"))["last"] or 0,
            row=HistoryRow.objects.aggregate(last=Max("id"))["last"] or 0,
            at=timezone.now(),
            meanings=pack_terms.meanings(),
        )


@dataclass(kw_only=True)
class Window:
    """From and to a moment, the end itself outside; None: no bound."""

    since: datetime | None = None
    until: datetime | None = None

    def has(self, at: datetime) -> bool:
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)

    def wider(self, by: timedelta) -> Window:
        return Window(since=self.since and self.since - by, until=self.until and self.until + by)

    def condition(self, name: str = "at") -> Q:
        found = Q()
        if self.since:
            found &= Q(**{f"{name}__gte": self.since})
        if self.until:
            found &= Q(**{f"{name}__lt": self.until})
        return found


ALWAYS = Window()

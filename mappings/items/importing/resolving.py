"""Lines whose request left and got no answer: Align is read for what became of them, and nothing is sent blindly.

A created item carries no mark of ours that every site lets be set and filtered, so one is looked for by its type,
title and time among those that stand for no issue yet. Two that may be it wait for a person.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from alignadmin.text import counted
from connectors.align.object_client import ObjectClient
from connectors.align.query import Q, query_of
from connectors.jobs.runner import Run
from mappings.items.importing.journal import ImportJournal
from mappings.models import ImportAct, ImportLine, ImportLineState, ItemLink

CLOCKS_DIFFER = timedelta(minutes=5)  # Align's and ours
MOST_CANDIDATES = 50
MOST_SENDS = 3
NO_ANSWER = "No answer came, and Align has no such item: "


@dataclass(frozen=True, kw_only=True)
class Resolving:
    job: Run
    journal: ImportJournal
    objects: ObjectClient

    def work(self, lines: Sequence[ImportLine]) -> None:
        """Once their requests can have no effect any more. Raises RemoteError where Align cannot be read."""
        self._wait_out(lines)
        alike = Counter((each.level, _title(each)) for each in lines if each.act == ImportAct.CREATE)
        for line in lines:
            self.job.progress(f"looking for {line.issue_key}")
            if line.act == ImportAct.UPDATE:
                self._again(line)  # the same values once more change nothing else
            else:
                self._find(line, is_only=alike[line.level, _title(line)] == 1)

    def _wait_out(self, lines: Sequence[ImportLine]) -> None:
        last = max((each.sent_at for each in lines if each.sent_at), default=timezone.now())
        over_at = last + timedelta(seconds=settings.REQUEST_DEADLINE + settings.SENDING_GRACE)
        while (seconds := (over_at - timezone.now()).total_seconds()) > 0:
            self.job.waits_for(f"a request without an answer may still take effect: {seconds:.0f} s")
            time.sleep(min(1.0, seconds))

    def _find(self, line: ImportLine, *, is_only: bool) -> None:
        """`is_only`: no other line that is looked for goes by the same title."""
        found, is_dated = self._candidates(line)
        if len(found) == 1 and is_only and is_dated:
            self.journal.record(line, ImportLineState.DONE, "Its answer was lost; it was found.", align_id=found[0])
        elif found:
            line.candidates = found
            said = f"No answer came, and {counted(len(found), 'item')} may be it: choose."
            self.journal.record(line, ImportLineState.WAITING, said)
        else:
            self._again(line)

    def _again(self, line: ImportLine) -> None:
        if line.sends < MOST_SENDS:
            self.journal.record(line, ImportLineState.PLANNED, f"{NO_ANSWER}it is sent again.")
        else:
            self.journal.record(line, ImportLineState.FAILED, f"{NO_ANSWER}it was sent {line.sends} times.")

    def _candidates(self, line: ImportLine) -> tuple[list[int], bool]:
        """Their ids, and whether Align told of each when it was made."""
        query = query_of(line.level).where(Q("title").eq(_title(line))).top(MOST_CANDIDATES)
        parent = self._parent_of(line)
        rows = [
            each
            for each in self.objects.rows(query)
            if _is_of_then(each, line) and (not line.parent_field or each.get(line.parent_field, parent) == parent)
        ]
        ids = [each["id"] for each in rows if type(each.get("id")) is int]
        taken = ItemLink.objects.filter(
            connector_id=self.journal.run.connector_id, level=line.level, align_id__in=ids
        ).values_list("align_id", flat=True)
        free = set(ids) - set(taken)
        return sorted(free), all(_made_at(each) is not None for each in rows if each.get("id") in free)

    def _parent_of(self, line: ImportLine) -> int | None:
        if line.parent_id is None:
            return None
        own = ItemLink.objects.filter(connector_id=self.journal.run.connector_id, jira_id=line.parent_id)
        return own.values_list("align_id", flat=True).first()


def _title(line: ImportLine) -> str:
    return str(line.values.get("title", line.title))


def _is_of_then(row: dict[str, Any], line: ImportLine) -> bool:
    """Made since it was sent, as far as Align tells."""
    made = _made_at(row)
    return made is None or line.sent_at is None or made >= line.sent_at - CLOCKS_DIFFER


def _made_at(row: dict[str, Any]) -> datetime | None:
    told = next((row[name] for name in ("createDate", "createdDate") if isinstance(row.get(name), str)), "")
    try:
        made = datetime.fromisoformat(told)
    except ValueError:
        return None
    return made if made.tzinfo else made.replace(tzinfo=UTC)

"""Which time Align's log was not taken in for, as entries of the intake tell it, whatever the table of stretches says.

Of runs whose entries have left into an archive the runs themselves are asked, which the hashes of later ones bind. What
an open run covers, an hour at most, no entry tells yet.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from alignadmin.audit.models import ChainHead, Entry
from connectors.history.intake import gaps
from connectors.history.intake.gaps import CoverageGap
from connectors.history.intake.runs import LONGEST_OPEN, Stretch, joined, stretches
from connectors.models import IntakeRun, OpenRun
from connectors.models.connector import Connector
from connectors.ports.audited import LOG_READ, LOG_TAKEN_IN, LOG_WITHDRAWN
from connectors.ports.differences import UNREADABLE

INTAKE_ENTRIES = (LOG_READ, LOG_TAKEN_IN, LOG_WITHDRAWN)


@dataclass(kw_only=True)
class CoveredTime:
    """What was covered, by connector; `open_since`: from when on no entry tells it yet."""

    stretches: Mapping[int, list[Stretch]] = field(default_factory=dict)
    open_since: Mapping[int, datetime] = field(default_factory=dict)

    def gaps(self, connector: Connector, since: datetime, until: datetime) -> list[CoverageGap]:
        return gaps.between(joined(self.stretches.get(connector.pk, ())), since, until)


def gaps_until(last: int) -> CoveredTime:
    """By the entries up to this one."""
    runs, withdrawn = dict[int, tuple[int, list[Stretch]]](), set[int]()
    gone = ChainHead.objects.filter(pk=1).values_list("archived_seq", flat=True).first() or 0
    for run in IntakeRun.objects.filter(entry_seq__lte=gone).select_related("withdrawal").iterator(chunk_size=500):
        runs[run.number] = run.connector_id, [(since, until) for since, until, _ in stretches(run)]
        if hasattr(run, "withdrawal") and run.withdrawal.entry_seq <= gone:
            withdrawn.add(run.number)
    for body in (
        Entry.objects.filter(action__in=INTAKE_ENTRIES, seq__lte=last).order_by("seq").values_list("body", flat=True)
    ):
        _apply_entry(body, runs, withdrawn)
    found: dict[int, list[Stretch]] = defaultdict(list)
    for number, (connector, covers) in runs.items():
        if number not in withdrawn:
            found[connector] += covers
    open_ = {each.connector_id: each for each in OpenRun.objects.all()}
    since = {connector: max(each.since, each.until - LONGEST_OPEN) for connector, each in open_.items()}
    for connector, each in open_.items():
        found[connector].append((since[connector], each.until))
    return CoveredTime(stretches=found, open_since=since)


def _apply_entry(body: str, runs: dict[int, tuple[int, list[Stretch]]], withdrawn: set[int]) -> None:
    """What was altered so that it cannot be read covers nothing: the chain names it."""
    try:
        data: Mapping[str, Any] = json.loads(body)["data"]
        if "withdrawal" in data:
            withdrawn.add(data["withdrawal"]["run"])
        elif run := data.get("run"):
            moments = (map(datetime.fromisoformat, ends[:2]) for ends in json.loads(run["covers"]))
            runs[run["number"]] = run["connector_id"], [(since, until) for since, until in moments]
    except UNREADABLE:
        return

"""The plans behind the chosen rows, from the entries alone: who made, approved and applied them, and each change.

plans.jsonl has one line for each plan and one for each entry of a change, so that a plan of any size is read line by
line. Every statement names the entry it was taken from.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db.models import Q

from alignadmin.audit.bundle import line_of
from alignadmin.audit.models import Entry
from connectors.history.mirror.projection import WITHOUT_ROW
from connectors.history.packs.row_files import ParsedEntry
from connectors.history.packs.scratch import Scratch

AT_ONCE = 200  # plans
BATCH = 1000  # entries
WHOLE = Q(action__startswith="plan.")  # acts on a whole plan
APPROVALS = ("plan.approved", "plan.emergency_approved")
Said = Mapping[str, Any]


def span(plans: Sequence[int], scratch: Scratch) -> tuple[int | None, int | None]:
    """The first and the last entry about them."""
    found = [seq for some in _some(plans) for seq in scratch.plan_entries(some)]
    return min(found, default=None), max(found, default=None)


def lines(plans: Sequence[int], scratch: Scratch) -> Iterator[bytes]:
    """Plans first, then their changes in the order of the entries, some plans at a time."""
    for some in _some(plans):
        seqs = scratch.plan_entries(some)
        yield b"".join(line_of(plan) for plan in _plans(some, seqs))
        for entries in _entries(some, seqs, ~WHOLE):
            yield b"".join(line_of(_change(entry)) for entry in entries)


def _some(plans: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(plans), AT_ONCE):
        yield plans[start : start + AT_ONCE]


def _entries(plans: Sequence[int], seqs: Sequence[int], which: Q) -> Iterator[list[ParsedEntry]]:
    wanted = set(plans)
    for start in range(0, len(seqs), BATCH):
        entries = Entry.objects.filter(which, seq__in=seqs[start : start + BATCH]).exclude(action__in=WITHOUT_ROW)
        stored = entries.order_by("seq").values_list("seq", "hash", "body")
        read = [ParsedEntry(seq=seq, hash=hash_, body=json.loads(body)) for seq, hash_, body in stored]
        yield [entry for entry in read if entry.body["plan"] in wanted]


def _plans(plans: Sequence[int], seqs: Sequence[int]) -> Iterator[dict[str, Any]]:
    acts: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for entries in _entries(plans, seqs, WHOLE):
        for entry in entries:
            acts[entry.body["plan"]].append(_plan_entry(entry))
    for plan in plans:
        yield _plan(plan, acts[plan])


def _plan(plan: int, acts: Sequence[Said]) -> dict[str, Any]:
    """As its entries tell it; what stands in entries that were archived away is not known here."""
    made = _first(acts, "plan.made")
    approved = _first([*reversed(acts)], *APPROVALS)
    started = _first(acts, "plan.started")
    last = acts[-1] if acts else {}
    return {
        "record": "plan",
        "plan": plan,
        "connector": last.get("connector"),
        "reason": last.get("reason", ""),
        "ticket": last.get("ticket", ""),
        "planner": made.get("actor"),
        "made_at": made.get("at"),
        "approver": approved.get("actor"),
        "approved_at": approved.get("at"),
        "approved_fingerprint": approved.get("data", {}).get("fingerprint"),
        "in_emergency": approved.get("action") == "plan.emergency_approved",
        "applied_by": started.get("actor"),
        "started_at": started.get("at"),
        "acts": acts,
    }


def _first(acts: Sequence[Said], *actions: str) -> Said:
    return next((act for act in acts if act["action"] in actions), {})


def _plan_entry(entry: ParsedEntry) -> dict[str, Any]:
    kept = ("at", "action", "actor", "connector", "sentence", "reason", "ticket", "data")
    return {"seq": entry.seq, "hash": entry.hash, **{name: entry.body[name] for name in kept}}


def _change(entry: ParsedEntry) -> dict[str, Any]:
    said = entry.body
    data: Said = said["data"]
    return {
        "record": "change",
        "plan": said["plan"],
        "seq": entry.seq,
        "hash": entry.hash,
        **{name: said[name] for name in ("at", "action", "actor", "approver", "reason", "ticket", "sentence")},
        **_people(said),
        "project": said["project_key"],
        "sent_at": said["happened_at"],
        "change": said["event"],  # with before and after, by id and name
        "request": {name: data[name] for name in ("method", "path", "query", "body") if name in data},
        "answer": data.get("detail"),
        "expected_line": data.get("expected"),
        "other": {name: value for name, value in data.items() if name not in REQUEST_FIELDS},
    }


def _people(said: Said) -> dict[str, Any]:
    """Who decided on the value, whose earlier ones it replaced, who planned it, and who applied it, who is its actor.

    Entries of before that was kept state only the approver and the actor.
    """
    stated = said.get("people") or {}
    return {
        "author": stated.get("author"),
        "earlier": stated.get("earlier", []),
        "planner": stated.get("planner"),
        "applier": said["actor"],
    }


REQUEST_FIELDS = frozenset({"method", "path", "query", "body", "detail", "expected"})

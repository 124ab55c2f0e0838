"""What became of requests without an answer: found out by reading Align, never by sending blindly."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from connectors.jobs.runner import Run
from mappings.applying.journal import Journal
from mappings.applying.outcomes import MOST_SENDS, stale_reason, took_effect
from mappings.models import UNANSWERED, Change, ChangeState, Mapping, Plan, Scope


def unanswered(plan: Plan) -> list[Change]:
    """The changes of a plan whose requests have left and have no answer, those of a dead worker, too."""
    changes = plan.changes.filter(state__in=UNANSWERED)
    return list(changes.select_related("mapping", "scope__project"))


def wait_out(run: Run, sent: Iterable[datetime | None]) -> None:
    """Until a deadline and a grace have passed since the last was sent: a request may still be under way before."""
    last = max((at for at in sent if at is not None), default=timezone.now())
    over_at = last + timedelta(seconds=settings.REQUEST_DEADLINE + settings.SENDING_GRACE)
    while (seconds := (over_at - timezone.now()).total_seconds()) > 0:
        run.waits_for(f"a request without an answer may still take effect: {seconds:.0f} s")
        time.sleep(min(1.0, seconds))
    run.write(waits_for="")


def resolve_unknown(journal: Journal, changes: Sequence[Change], *, send_again: bool) -> list[Change]:
    """By what was just read. Equals after: done. Equals before: planned again, and returned (cancelled in a plan
    that was). Anything else: stale. Not read: unknown.
    """
    mappings = Mapping.objects.in_bulk([change.mapping_id for change in changes])
    scopes = Scope.objects.select_related("project").in_bulk([change.scope_id for change in changes])
    with journal.commit(changes):
        untouched = _untouched_state(journal.plan, send_again)
        for change in changes:
            mapping, scope = mappings.get(change.mapping_id), scopes.get(change.scope_id)
            _resolve(journal, change, mapping, scope, untouched)
    return [change for change in changes if change.state == ChangeState.PLANNED]


def _untouched_state(plan: Plan, send_again: bool) -> ChangeState:
    if plan.changes.filter(state=ChangeState.CANCELLED).exists():
        return ChangeState.CANCELLED
    return ChangeState.PLANNED if send_again else ChangeState.FAILED


def _resolve(
    journal: Journal, change: Change, mapping: Mapping | None, scope: Scope | None, untouched: ChangeState
) -> None:
    resolve = journal.resolve
    if mapping is None or scope is None or not scope.known:
        if change.state == ChangeState.SENDING:
            resolve(change, ChangeState.UNKNOWN, "No answer came, and its list could not be read since.")
    elif took_effect(change, mapping):
        detail = "No answer came; Align holds the new value."
        resolve(change, ChangeState.DONE, detail, remote_id=mapping.remote_id)
    elif stale_reason(change, mapping, scope):
        resolve(change, ChangeState.STALE, "No answer came, and Align now holds something else.")
    elif untouched == ChangeState.FAILED:
        resolve(change, untouched, f"Sent {MOST_SENDS} times; no answer came, and Align never took it.")
    else:
        resolve(change, untouched, "No answer came, and nothing had changed in Align.")

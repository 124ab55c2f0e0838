"""What became of requests without an answer: found out by reading Align, never by sending blindly."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from connectors.jobs.runner import Run
from mappings.applying.journal import Journal
from mappings.applying.outcomes import MOST_SENDS, stale_reason, took_effect
from mappings.models import Change, ChangeState, Mapping, Scope

UNSETTLED = (ChangeState.SENDING, ChangeState.UNKNOWN)


@dataclass
class Settling:
    """The unsettled changes of a plan, a dead worker's too."""

    run: Run
    journal: Journal

    def unsettled(self) -> list[Change]:
        changes = self.journal.plan.changes.filter(state__in=UNSETTLED)
        return list(changes.select_related("mapping", "scope__project"))

    def wait_out(self, changes: Sequence[Change]) -> None:
        """Until a deadline and a grace have passed since they left: a request may still be under way before."""
        last = max((change.sent_at for change in changes if change.sent_at), default=timezone.now())
        settled_at = last + timedelta(seconds=settings.REQUEST_DEADLINE + settings.SENDING_GRACE)
        while (seconds := (settled_at - timezone.now()).total_seconds()) > 0:
            self.run.waits_for(f"a request without an answer may still take effect: {seconds:.0f} s")
            time.sleep(min(1.0, seconds))
        self.run.write(waits_for="")

    def resolve_unknown(self, changes: Sequence[Change], *, send_again: bool) -> list[Change]:
        """By what was just read. Equals after: done. Equals before: planned again, and returned (cancelled in a plan
        that was). Anything else: stale. Not read: unknown.
        """
        mappings = Mapping.objects.in_bulk([change.mapping_id for change in changes])
        scopes = Scope.objects.in_bulk([change.scope_id for change in changes])
        with self.journal.commit():
            untouched = self._untouched_state(send_again)
            for change in changes:
                self._resolve(change, mappings.get(change.mapping_id), scopes.get(change.scope_id), untouched)
        return [change for change in changes if change.state == ChangeState.PLANNED]

    def _untouched_state(self, send_again: bool) -> ChangeState:
        if self.journal.plan.changes.filter(state=ChangeState.CANCELLED).exists():
            return ChangeState.CANCELLED
        return ChangeState.PLANNED if send_again else ChangeState.FAILED

    def _resolve(self, change: Change, mapping: Mapping | None, scope: Scope | None, untouched: ChangeState) -> None:
        settle = self.journal.settle
        if mapping is None or scope is None or not scope.known:
            if change.state == ChangeState.SENDING:
                settle(change, ChangeState.UNKNOWN, "No answer came, and its list could not be read since.")
        elif took_effect(change, mapping):
            detail = "No answer came; Align holds the new value."
            settle(change, ChangeState.DONE, detail, remote_id=mapping.remote_id)
        elif stale_reason(change, mapping, scope):
            settle(change, ChangeState.STALE, "No answer came, and Align now holds something else.")
        elif untouched == ChangeState.FAILED:
            settle(change, untouched, f"Sent {MOST_SENDS} times; no answer came, and Align never took it.")
        else:
            settle(change, untouched, "No answer came, and nothing had changed in Align.")

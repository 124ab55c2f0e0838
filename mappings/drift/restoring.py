"""Restoring what was changed elsewhere: the rows become edits of who restores them, in a plan that is made at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from connectors.models import Connector
from mappings import planning
from mappings.drift.decisions import Decision, DecisionOutcome, DriftDecision, SeenRow, decide_unrecorded
from mappings.models import Plan
from mappings.planning.reasons import reason_typed


@dataclass(frozen=True, kw_only=True)
class Restored:
    """`plan` is None where no row was as it had been seen."""

    outcome: DecisionOutcome
    plan: Plan | None


def restore(connector: Connector, rows: Iterable[SeenRow], *, reason: str, ticket: str = "", actor: Person) -> Restored:
    """Decide and plan in one transaction: where none of the rows can be planned, nothing is decided. Raises Refused."""
    why = reason_typed(reason, lacks="Say why: the reason goes into the history with every change of the plan.")
    decision = DriftDecision(decision=Decision.RESTORE, reason=why)
    with transaction.atomic():
        # Before the lists and the rows, as in making a plan, so that two never wait for each other crosswise.
        Connector.objects.locked().get(pk=connector.pk)
        outcome, records = decide_unrecorded(connector, rows, decision, actor=actor)
        if not outcome.rows:
            return Restored(outcome=outcome, plan=None)
        made = planning.make_plan(connector, outcome.rows, actor=actor, reason=why, ticket=ticket)
        trail.record_all(records)  # last: the history waits for nobody who works out a plan
    return Restored(outcome=outcome, plan=made)

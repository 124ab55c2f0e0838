"""The audit entries of acts on a plan."""

from __future__ import annotations

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from connectors.ports.audited import context_of
from mappings.models import Plan


def plan_entry(action: str, plan: Plan, actor: Person | None, sentence: str, **data: object) -> None:
    trail.record(
        AuditRecord(
            action=action,
            actor=actor,
            context=context_of(plan.connector),
            subject=f"plan {plan.pk}",
            sentence=sentence,
            data=data,
            plan=plan.pk,
            planner=plan.author,
            reason=plan.reason,
            ticket=plan.ticket,
        )
    )

"""`python -m tests.support.backdated_install SLUG SANDBOX MOMENT`: an installation lives through a moment of March.

A process of its own, whose clock is set to that moment: people, a connector that is read, and an edit that four of
them bring to Align: one makes it, one plans it, one approves it and one applies it. Prints what Align's audit log says
of it, since a sandbox has today's clock.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors.align.audit_sentences import MappingEvent
    from connectors.models import Connector
    from mappings.models import Mapping, Plan

IN_REVIEW = 10013
REASON, TICKET = "Review is part of development since the spring release", "CHG-2291"
STRANGER = "olga.leverton@acme.example"
LINE = "CONFIG 123\t{user}\t{at:%Y-%m-%d %H:%M:%S}\t{description}"


def set_clock(moment: datetime) -> None:
    """Before anything else is imported that might keep the real one."""
    from django.utils import timezone

    behind = datetime.now(UTC) - moment
    timezone.now = lambda: datetime.now(UTC) - behind


def main(slug: str, sandbox: str, moment: datetime) -> None:
    set_clock(moment)
    import django

    django.setup()
    from alignadmin.due_work import run_due
    from connectors.demo.prepare import prepare

    connector = prepare(slug=slug, sandbox_address=sandbox, password=os.environ["DEMO_PASSWORD"])
    run_due()
    plan = applied_plan(connector)
    print(json.dumps({"plan": plan.pk, "log": log_of(plan)}))


def applied_plan(connector: Connector) -> Plan:
    """Stories In Review show Dev complete instead of In progress."""
    from alignadmin.accounts.models import Person
    from alignadmin.due_work import run_due
    from mappings import planning
    from mappings.edits import services
    from mappings.engine.values import TypeName

    parts = ("editor", "planner", "admin", "second.admin")
    author, planner, approver, applier = (Person.objects.get(email=f"{name}@demo.test") for name in parts)
    row = _mapping(connector)
    key = services.MatrixKey(scope=row.scope, work_item_type=TypeName(row.work_item_type), source_id=row.source_id)
    changed = services.set_wanted(services.EditRequest(key=key, wanted=3, seen=row.wanted), actor=author)
    plan = planning.make_plan(connector, [changed.pk], actor=planner, reason=REASON, ticket=TICKET)
    planning.approve(plan, plan.fingerprint, ticked=True, actor=approver)
    plan.refresh_from_db()
    planning.start_apply(plan, typed=planning.confirmation_word(plan), actor=applier)
    run_due()
    states = list(plan.changes.values_list("state", "confirmed"))
    assert states == [("done", True)], states
    return plan


def _mapping(connector: Connector) -> Mapping:
    from mappings.models import Mapping

    return Mapping.objects.get(
        scope__connector=connector, scope__family="j2a-state", work_item_type="story", source_id=IN_REVIEW
    )


def log_of(plan: Plan) -> str:
    """The lines of our change, and one of a change that somebody makes in Align itself a day later."""
    from alignadmin.audit.models import Entry
    from connectors.align.audit_sentences import MappingEvent, write

    body = json.loads(Entry.objects.get(action="change.done", body__contains=f'"plan":{plan.pk},').body)
    event, at = MappingEvent(**body["event"]), datetime.fromisoformat(body["happened_at"] or body["at"])
    ours = LINE.format(user="Jira Align System", at=at, description=write(event))
    theirs = LINE.format(user=STRANGER, at=at + timedelta(days=1, hours=3), description=write(_undone(event)))
    return f"{ours}\n{theirs}\n"


def _undone(event: MappingEvent) -> MappingEvent:
    before, after = (event.before_id, event.before_name), (event.after_id, event.after_name)
    return replace(event, before_id=after[0], before_name=after[1], after_id=before[0], after_name=before[1])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], datetime.fromisoformat(sys.argv[3]))

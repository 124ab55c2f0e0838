"""What a webhook or a poll saw change in Jira: its pairs are due, and a job compares them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from connectors.jobs import runner
from connectors.models import Connector, JobKind
from connectors.ports.looked_at import LookedAtIssue
from mappings.engine.agreement import AgreementOutcome
from mappings.items.agreement.job import CHANGED
from mappings.items.agreement.queries import compared_projects
from mappings.models import AgreementSetting, ComparedItem


def mark_looked_at(connector: Connector, issues: Sequence[LookedAtIssue], at: datetime) -> None:
    """In the transaction that stores the looks, and only where the check is switched on."""
    changed = {each.issue_id: each for each in issues if each.what}
    setting = AgreementSetting.objects.filter(connector=connector, is_on=True).first() if changed else None
    if setting is None:
        return
    rows = ComparedItem.objects.filter(connector=connector, jira_id__in=list(changed))
    rows.lock_in_order()
    known = set(rows.values_list("jira_id", flat=True))
    rows.update(due_at=at)
    asked = [each.project_id for each in changed.values() if each.issue_id not in known and each.project_id is not None]
    projects = {each.jira_id: each for each in compared_projects(connector).filter(jira_id__in=asked)} if asked else {}
    made = [
        ComparedItem(
            connector=connector,
            project=projects[each.project_id],
            jira_id=each.issue_id,
            issue_key=each.key[:255],
            outcome=AgreementOutcome.WAITS.value,
            since=at,
            due_at=at,
        )
        for each in changed.values()
        if each.issue_id not in known and not each.is_gone and each.project_id in projects
    ]
    ComparedItem.objects.bulk_create(made, ignore_conflicts=True)
    # Put off by a failure it is begun by the clock, as all that is due.
    if (known or made) and (setting.work_after is None or setting.work_after <= at):
        runner.start(connector, JobKind.AGREEMENT, actor=None, subject=CHANGED)

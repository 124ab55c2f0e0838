"""Polling of Align: which items changed since, by the levels that are compared; each marks its pair as due.

Align's clock is not ours, and a list may lag behind what was written, so each poll reaches back some minutes beyond the
beginning of the one before. What a comparison has seen already is not marked again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q as Condition
from django.utils import timezone

from alignadmin.http.errors import RemoteError
from alignadmin.parsing import whole
from connectors.align import AlignClient
from connectors.align.query import Q, query_of
from connectors.align.terminology import LEVELS
from connectors.credentials import clients
from connectors.jobs.runner import Run
from connectors.models import Connector
from mappings.items.agreement.comparison import moment
from mappings.models import AgreementSetting, ComparedItem

OVERLAP = timedelta(minutes=5)
AT_FIRST = timedelta(minutes=10)
FIELDS = ("id", "externalId", "lastUpdatedDate")


def poll(run: Run) -> None:
    """Why it failed is kept: until the next one that succeeds, changes in Align are found by the samples alone."""
    try:
        _poll(run)
    except RemoteError as error:
        AgreementSetting.objects.filter(connector=run.connector).update(poll_error=error.sentence)
        raise


def _poll(run: Run) -> None:
    setting = AgreementSetting.objects.get(connector=run.connector)
    began_at = timezone.now()
    since = (setting.polled_at or began_at - AT_FIRST) - OVERLAP
    align = clients.align_client(run.connector, job=run.job, on_wait=run.waits_for, notes_forbidden=False)
    marked = 0
    for level in polled_levels(run.connector):
        run.progress(f"looking for what changed in Align: {level}")
        rows = _changed(align, level, since)
        with transaction.atomic():
            run.assert_lease()
            marked += _mark(run.connector, level, rows, timezone.now())
    with transaction.atomic():
        run.assert_lease()
        AgreementSetting.objects.filter(pk=setting.pk).update(polled_at=began_at, poll_error="")
    run.progress(done=marked)


def polled_levels(connector: Connector) -> list[str]:
    """Those of which there are pairs: what the hierarchy maps and has issues."""
    rows = ComparedItem.objects.filter(connector=connector)
    return [each for each in LEVELS if rows.filter(level=each).exists()]


def _changed(align: AlignClient, level: str, since: datetime) -> Sequence[Mapping[str, Any]]:
    """One request where fewer changed than the site was seen to give at once. Raises RemoteError."""
    query = query_of(level).select(*FIELDS).where(Q("lastUpdatedDate").ge(since)).ordered("id")
    return list(align.objects.rows(query, to_the_end=False))


def _mark(connector: Connector, level: str, rows: Iterable[Mapping[str, Any]], now: datetime) -> int:
    changed = {each["id"]: moment(each.get("lastUpdatedDate")) for each in rows if isinstance(each.get("id"), int)}
    external = {str(each.get("externalId")): each["id"] for each in rows if each.get("externalId")}
    issues = {number: id_ for each, id_ in external.items() if (number := whole(each)) is not None}
    known = ComparedItem.objects.filter(connector=connector, due_at=None).filter(
        Condition(level=level, align_id__in=list(changed)) | Condition(jira_id__in=list(issues))
    )
    due = [
        pk
        for pk, jira_id, align_id, seen in known.values_list("pk", "jira_id", "align_id", "item_updated_at")
        if _is_news(changed.get(issues.get(jira_id, align_id)), seen)
    ]
    rows_due = ComparedItem.objects.filter(pk__in=due)
    rows_due.lock_in_order()
    return rows_due.update(due_at=now)


def _is_news(changed: datetime | None, seen: datetime | None) -> bool:
    return changed is None or seen is None or changed > seen

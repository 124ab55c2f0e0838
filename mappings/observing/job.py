"""The job that reads a connector's lists and keeps what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.utils import timezone

from connectors.align.client import AlignClient
from connectors.credentials import clients
from connectors.jobs.runner import JobFailed, Run
from connectors.models import Connector
from connectors.setup.services import start_refresh
from mappings.models import CheckKind, Scope
from mappings.observing import check_log, unexplained_changes
from mappings.observing.check_log import CheckTally
from mappings.observing.lists import ProjectVisibility, confirmed, read_scopes, store
from mappings.observing.scopes import ensure_scopes

GAP = (
    "Jira Align's token is being replaced and the one in use is dead: no list can be read until the connector has been "
    "switched to the new one, on its credential page. What Align holds is not known until then."
)


def observe_connector(run: Run) -> None:
    """Read every list of the connector, which is a check for drift, or those named in the job's params as `scopes`."""
    only = run.job.params.get("scopes")
    if not only:
        check_lists(run)
        return
    scopes = [scope for scope in ensure_scopes(run.connector) if scope.pk in only]
    interactive = bool(run.job.params.get("interactive"))
    client = clients.align_client(run.connector, job=run.job, interactive=interactive, on_wait=run.waits_for)
    tally = CheckTally()
    observe_scopes(client, scopes, run, tally)
    refuse_if_none_read(scopes, tally)


def check_lists(run: Run) -> None:
    """Read every list by a client that cannot write, and keep what that found in the history of checks."""
    connector = run.connector
    _put_off_the_next(connector)
    with check_log.recorded(connector, CheckKind.LISTS) as tally:
        if connector.gap_since is not None:
            raise JobFailed(GAP)
        scopes = ensure_scopes(connector)
        client = clients.align_client(connector, job=run.job, on_wait=run.waits_for)
        observe_scopes(client, scopes, run, tally)
        refuse_if_none_read(scopes, tally)
    unexplained_changes.record_unexplained(connector)
    check_log.forget_old(connector)


def _put_off_the_next(connector: Connector) -> None:
    """Whoever started this check: the clock's next one comes an interval later."""
    following = timezone.now() + timedelta(seconds=connector.observe_every)
    Connector.objects.filter(pk=connector.pk).update(observe_due_at=following)


def observe_scopes(client: AlignClient, scopes: Sequence[Scope], run: Run, tally: CheckTally) -> None:
    """Read and store these lists, adding to the tally. A list that could not be read is unknown, not a failure."""
    sent_before, sight = client.sent, ProjectVisibility(client)
    run.progress("reading mapping lists", done=0, total=len(scopes))
    for done, reading in enumerate(read_scopes(client, scopes), start=1):
        sure = confirmed(client, reading, sight)
        stored = store(sure, spare_under_way=True)
        tally.scopes, tally.unknown = tally.scopes + 1, tally.unknown + (sure.error is not None)
        tally.found, tally.ended = tally.found + stored.found, tally.ended + stored.ended
        tally.requests = client.sent - sent_before
        run.progress(str(reading.scope.place.path), done=done)
    if client.pages_are_smaller:
        start_refresh(run.connector, actor=None)  # what lies beyond a page's end has not been seen in any list


def refuse_if_none_read(scopes: Sequence[Scope], tally: CheckTally) -> None:
    if scopes and tally.unknown == len(scopes):
        raise JobFailed(f"None of the {len(scopes)} lists could be read. {_first_error(scopes)}")


def _first_error(scopes: Sequence[Scope]) -> str:
    scope = Scope.objects.filter(pk__in=[scope.pk for scope in scopes[:50]]).exclude(error="").first()
    return scope.error if scope else ""

"""The job "query": reads what a query finds, page by page, and stores each page encrypted before it asks for the next.

The first page may use the people's reserve of the rate budget, because somebody waits for it; the rest is bulk work.
It reads with a client that refuses to write.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.errors import Refused
from alignadmin.http import Budget
from alignadmin.http.address import origin_of
from alignadmin.http.budget import Ticket
from alignadmin.http.errors import RemoteError
from alignadmin.http.slot_reservation import Door
from alignadmin.text import counted
from connectors.align.client import AlignClient
from connectors.align.custom_fields import CustomFields
from connectors.align.query import AlignQuery, read_query
from connectors.align.query.checking import CUSTOM
from connectors.budget.slots import database_budget
from connectors.credentials.clients import align_client
from connectors.explorer import rows as stored
from connectors.jobs import runner
from connectors.jobs.runner import MOST_TRIES, JobFailed, Run
from connectors.models import JobKind, QueryPage, QueryRun, RunOutcome
from connectors.ports.audited import context_of

TOO_OFTEN = "Reading this query was started several times and never finished. See the log, then run it again."
LONGEST_IN_SENTENCE = 300
OUTCOMES_IN_ENTRIES = {
    RunOutcome.COMPLETE: "complete",
    RunOutcome.AS_MANY: "as many as were asked for",
    RunOutcome.STOPPED: "stopped by its person",
    RunOutcome.FAILED: "failed",
}


class StoppedByPerson(Exception):
    """Whoever started the run wants no more of it; what was read stays."""


class FirstPageDoor(Door):
    """Slots by the people's reserve until the first answer, then as bulk work like any other job."""

    def __init__(self, peoples: Budget) -> None:
        super().__init__()
        self._peoples, self._is_first = peoples, True

    def take(self, *, deadline: float, patience: float) -> Ticket:
        if self._is_first:
            return self._peoples.take(deadline=deadline, patience=patience)
        return super().take(deadline=deadline, patience=patience)

    def answered(self, ticket: Ticket) -> None:
        self._is_first = False
        super().answered(ticket)


@runner.handler(JobKind.QUERY)
def read_rows(run: Run) -> None:
    """1. What an earlier worker left is thrown away: pages are read again from the first.
    2. Pages are read and stored, until the end, as many as were asked for, or a stop.
    3. One entry says what was asked and how many rows came, also of a run that failed.
    """
    found = QueryRun.objects.select_related("connector", "person").get(job=run.job)
    if found.entry_seq is not None:  # ended by a worker that was killed before the job's end was written
        return
    if run.job.epoch > MOST_TRIES:
        raise JobFailed(TOO_OFTEN)
    reading = RunReading(run=run, found=found)
    try:
        reading.begin()
        reading.read()
    except StoppedByPerson:
        reading.finish(RunOutcome.STOPPED)
    except (RemoteError, Refused) as error:
        reading.finish(RunOutcome.FAILED, str(error))
        raise JobFailed(str(error)) from error
    else:
        reading.finish(RunOutcome.AS_MANY if reading.is_cut else RunOutcome.COMPLETE)


@dataclass(kw_only=True)
class RunReading:
    """One run under way."""

    run: Run
    found: QueryRun
    number: int = 0  # of pages stored
    is_cut: bool = False  # there may be more than were asked for

    def begin(self) -> None:
        with transaction.atomic():
            self.run.assert_lease()
            QueryPage.objects.filter(run=self.found).delete()
            self.found.read = self.found.rows = self.found.requests = 0
            self.found.save(update_fields=["read", "rows", "requests"])

    def read(self) -> None:
        query = read_query(self.found.query)
        self.run.progress("asking Jira Align", done=0, total=query.most or 0)
        client = self._client()
        self._check_stopped()
        with_labels = _shows_custom_fields(query)
        for page in client.objects.pages(query, counted=self._count):
            self._store(page, client)
            if with_labels:  # once there are rows to look at, and only then
                self._store_labels(query, client)
                with_labels = False
            self.is_cut = query.most is not None and self.found.read >= query.most
            if not self.is_cut:  # a stop that comes after the last page stops nothing
                self._check_stopped()

    def _count(self, rows: int) -> None:
        self.found.read += rows

    def _client(self) -> AlignClient:
        connector = self.found.connector
        peoples = database_budget("align", origin_of(connector.align_site), interactive=True)
        return align_client(connector, job=self.run.job, on_wait=self._waits, door=FirstPageDoor(peoples))

    def _waits(self, sentence: str) -> None:
        self._check_stopped()
        self.run.waits_for(sentence)

    def _check_stopped(self) -> None:
        self.run.check_cancelled()
        if QueryRun.objects.filter(pk=self.found.pk, stopped_at__isnull=False).exists():
            raise StoppedByPerson

    def _store(self, page: list[stored.Row], client: AlignClient) -> None:
        self.found.requests = client.sent
        with transaction.atomic():
            self.run.assert_lease()
            if page:
                stored.sealed_page(self.found, self.number, self.found.rows, page).save()
                self.number += 1
                self.found.rows += len(page)
            self.found.save(update_fields=["read", "rows", "requests"])
        self.run.progress("reading", done=self.found.read)

    def _store_labels(self, query: AlignQuery, client: AlignClient) -> None:
        """Without them the columns are called by their keys, which is no reason to fail."""
        try:
            fields = client.objects.custom_fields(query.asked)
        except RemoteError:
            fields = CustomFields({})
        self.found.labels = {key: meta.label for key, meta in fields.fields.items()}
        self.found.requests = client.sent
        self.found.save(update_fields=["labels", "requests"])

    def finish(self, outcome: RunOutcome, why: str = "") -> None:
        """The entry has the query and the number of rows, never a row."""
        found, told = self.found, OUTCOMES_IN_ENTRIES[outcome]
        found.outcome = outcome
        shown = found.query if len(found.query) <= LONGEST_IN_SENTENCE else found.query[:LONGEST_IN_SENTENCE] + "…"
        with transaction.atomic():
            self.run.assert_lease()
            found.entry_seq = trail.record(
                AuditRecord(
                    action="query.run",
                    actor=found.person,
                    context=context_of(found.connector),
                    subject=f"query {found.uuid}",
                    sentence=f"Ran a query of Jira Align, {counted(found.rows, 'row')} ({told}): {shown}",
                    data={
                        "query": found.query,
                        "read": found.read,
                        "rows": found.rows,
                        "requests": found.requests,
                        "outcome": told,
                        "why": why,
                    },
                )
            ).seq
            found.save(update_fields=["entry_seq", "outcome"])
        self.run.force_progress(done=found.read)


def _shows_custom_fields(query: AlignQuery) -> bool:
    if not query.asked.has_custom_fields:
        return False
    return not query.selected or any(name.startswith(CUSTOM) for name in query.selected)

"""The round by the clock: counts issues in statuses without a mapping, with few requests of bulk work, in turn.

Each question costs one request. Only where it found issues they are told apart: few of them by reading the status of
each, which is one request more, many by a count for each status. What does not fit into a round is for the next one,
which then comes sooner; every answer is stored before the next question is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from alignadmin.due_work import due_work
from alignadmin.errors import SealError
from alignadmin.http.errors import BadRequest, Forbidden, NotFound, NotJson, RemoteError, ServerFailed, Unreachable
from alignadmin.http.fields import Fields
from connectors.credentials import clients
from connectors.jira import JiraClient, JqlRefused
from connectors.jira.search import PAGE
from connectors.jobs import runner
from connectors.jobs.runner import JobFailed, Run
from connectors.models import ACTIVE, Connector, Credential, Job, JobKind, Stage, System
from mappings.in_use.questions import InUseQuestion, InUseQuestions
from mappings.models import InUseCount, InUseRound
from mappings.models.in_use import ELSEWHERE

MOST_REQUESTS = 20  # in one round, the sign-in and what is sent again among them
MOST_PAGES = 3  # of issues that are told apart by reading them: a site may give fewer at once than it is asked for
MOST_FAILED = 2  # questions in a row
# What says something of the question, not of the connector.
OF_ONE_QUESTION = (BadRequest, Forbidden, NotFound, NotJson, ServerFailed, Unreachable)
FORGOTTEN = "This connector was given another Jira site meanwhile, so nothing more was counted in the former one."
SOONER = 12  # parts of the interval, after one of which what is left over is asked


def interval() -> timedelta:
    return timedelta(seconds=settings.IN_USE_INTERVAL)


# --- when -------------------------------------------------------------------------------------------------------------


@due_work
def start_due_rounds() -> int:
    """Of several workers one starts each. The first round of a connector waits a part of the interval."""
    if not settings.IN_USE_INTERVAL:
        return 0
    now = timezone.now()
    for connector in _counted().filter(in_use_round=None):
        InUseRound.objects.get_or_create(connector=connector, defaults={"due_at": now + interval() / SOONER})
    # Far ahead: somebody has shortened the interval since, or the clock went back.
    due = Q(due_at__lte=now) | Q(due_at__gt=now + interval())
    rounds = InUseRound.objects.filter(due, connector__in=_counted()).select_related("connector").order_by("pk")
    return sum(_start(each, now) for each in rounds)


def _counted() -> QuerySet[Connector]:
    """Active, not in maintenance, read once, with something to sign in to Jira with, and not busy with this already."""
    jobs = Job.objects.filter(connector=OuterRef("pk"), state__in=ACTIVE, kind__in=(JobKind.IN_USE, JobKind.REFRESH))
    signed_in = Credential.objects.filter(connector=OuterRef("pk"), system=System.JIRA, stage=Stage.CURRENT)
    ready = Connector.objects.filter(is_active=True, catalogue_at__isnull=False, maintenance_since=None)
    return ready.filter(Exists(signed_in), ~Exists(jobs))


def _start(due: InUseRound, now: datetime) -> bool:
    """The conditional update is the claim; in one commit with the job, so that no round is lost between them."""
    with transaction.atomic():
        claim = InUseRound.objects.filter(pk=due.pk, due_at=due.due_at)
        if not claim.update(due_at=now + interval()):
            return False
        runner.start(due.connector, JobKind.IN_USE, actor=None)
    return True


def forget(connector: Connector) -> None:
    """What was counted in a Jira that the connector no longer has; the clock begins as with a new one."""
    InUseCount.objects.filter(connector=connector).delete()
    InUseRound.objects.filter(connector=connector).delete()


# --- the job ----------------------------------------------------------------------------------------------------------


@runner.handler(JobKind.IN_USE)
def count_in_use(run: Run) -> None:
    """Ask what has waited longest. Raises RemoteError after it was kept why; what was counted before stands."""
    connector = run.connector
    state, _ = InUseRound.objects.get_or_create(connector=connector, defaults={"due_at": timezone.now()})
    state.started_at, state.finished_at, state.requests, state.error = timezone.now(), None, 0, ""
    _keep(state, run)
    questions = {each.key: each for each in InUseQuestions(connector).all()}
    rows = _rows(run, questions)
    client = None
    try:
        if rows:
            client = clients.jira_client(connector, job=run.job, on_wait=run.waits_for)
            _ask(client, rows, questions, run)
    except (RemoteError, SealError) as error:
        state.error = str(error)
        raise
    finally:
        state.requests = client.sent if client else 0
        state.left = sum(_is_left(row) for row in rows)
        state.finished_at = timezone.now()
        state.due_at = state.finished_at + (interval() / SOONER if state.left and not state.error else interval())
        _keep(state, run)


def _rows(run: Run, wanted: Mapping[str, InUseQuestion]) -> list[InUseCount]:
    """A row of each question, what has waited longest first; rows of former sets go."""
    of_connector = InUseCount.objects.filter(connector=run.connector)
    with transaction.atomic():
        run.assert_lease()
        of_connector.exclude(key__in=wanted).delete()
        known = set(of_connector.values_list("key", flat=True))
        InUseCount.objects.bulk_create(
            InUseCount(
                connector=run.connector,
                work_item_type=each.work_item_type,
                key=each.key,
                is_shared=each.is_shared,
                projects=list(each.projects),
            )
            for each in wanted.values()
            if each.key not in known
        )
    long_ago = datetime.min.replace(tzinfo=timezone.get_current_timezone())
    return sorted(of_connector.order_by("pk"), key=lambda row: (not row.pending, row.asked_at or long_ago))


def _ask(client: JiraClient, rows: Sequence[InUseCount], questions: Mapping[str, InUseQuestion], run: Run) -> None:
    """What Jira does not answer of one question is kept with that one. Raises RemoteError where it is Jira's own
    trouble: of two questions in a row, or of the only one.
    """
    run.progress("counting issues in statuses without a mapping", done=0, total=len(rows))
    failures: list[RemoteError] = []  # in a row
    answered = 0
    for done, row in enumerate(rows):
        if client.sent >= MOST_REQUESTS or len(failures) == MOST_FAILED:
            break
        if not _is_left(row):  # a round that comes sooner asks only what was left over
            continue
        run.progress(done=done)
        try:
            QuestionAsking(client, row, questions[row.key], run).ask()
        except OF_ONE_QUESTION as error:  # it names a project that the account may not see any more, or takes too long
            row.error, row.pending, row.asked_at = str(error), [], timezone.now()
            _keep(row, run)
            failures = [] if isinstance(error, JqlRefused) else [*failures, error]
        else:
            answered, failures = answered + 1, []
    if failures and (len(failures) == MOST_FAILED or not answered):
        raise failures[-1]


@dataclass(frozen=True)
class QuestionAsking:
    """One question and its row, which is kept after every answer."""

    client: JiraClient
    row: InUseCount
    question: InUseQuestion
    run: Run

    def ask(self) -> None:
        """1. How many there are, unless the round before has found that out and left statuses over.
        2. A page of them says it all; else each status until all are found, and what is in none of them.

        Earlier counts stay, with their time, until all of it is counted anew.
        """
        row = self.row
        if not row.pending:
            row.total = self.client.count(self.question.unmapped)
            row.asked_at, row.error = timezone.now(), ""
            row.pending = [*self.question.candidates, ELSEWHERE] if row.total else []
            row.statuses = {id_: number for id_, number in row.statuses.items() if int(id_) in row.pending}
            self._keep()
        is_small = row.pending and row.total <= PAGE and self.client.sent < MOST_REQUESTS
        if is_small and (found := self._statuses()) is not None:
            row.statuses, row.pending, row.total = found, [], sum(found.values())
            self._keep()
        while row.pending and self.client.sent < MOST_REQUESTS:
            self._ask_for(row.pending[0])

    def _ask_for(self, status_id: int) -> None:
        row = self.row
        number = 0
        with suppress(JqlRefused):  # it was deleted meanwhile: then nothing is in it
            number = self.client.count(self.question.in_status(status_id) if status_id else self.question.elsewhere)
        row.pending = row.pending[1:]
        row.statuses.pop(str(status_id), None)
        if number:
            row.statuses[str(status_id)] = number
        asked = {id_: found for id_, found in row.statuses.items() if int(id_) not in row.pending}
        if sum(asked.values()) >= row.total:  # nothing is left for the others
            row.statuses, row.pending = asked, []
        self._keep()

    def _statuses(self) -> dict[str, int] | None:
        """Of the issues themselves, where they are few; one whose status cannot be read counts for none.

        None where the site gives so few at once that a count for each status costs no more.
        """
        found: Counter[str] = Counter()
        for number, page in enumerate(self.client.search(self.question.unmapped, ["status"])):
            if number == MOST_PAGES:
                return None
            for issue in page:
                status = issue.fields.get("status")
                id_ = Fields(status, what="a status").maybe_integer("id") if isinstance(status, dict) else None
                if id_ is not None and id_ > 0:
                    found[str(id_)] += 1
        return dict(found)

    def _keep(self) -> None:
        if not self.row.pending:
            self.row.counted_at = timezone.now()
        _keep(self.row, self.run)


def _keep(row: InUseCount | InUseRound, run: Run) -> None:
    """Only the holder of the lease writes: another worker may have made the rows of other questions by now.

    Raises JobFailed where the row is gone: what a former Jira answers now is of no connector any more.
    """
    try:
        with transaction.atomic():
            run.assert_lease()
            row.save(force_update=True)
    except DatabaseError as error:
        if type(row)._default_manager.filter(pk=row.pk).exists():
            raise
        raise JobFailed(FORGOTTEN) from error


def _is_left(row: InUseCount) -> bool:
    """Not asked to its end within half of the interval: the round before asked it a little after its own start."""
    return bool(row.pending) or row.asked_at is None or row.asked_at < timezone.now() - interval() / 2

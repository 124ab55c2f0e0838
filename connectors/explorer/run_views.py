"""A run: how far it is, its rows as a table, CSV or JSON, and stopping it. They are its person's alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from uuid import UUID, uuid4

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import SealError
from alignadmin.parsing import text_in, whole
from alignadmin.web.responses import failure, page, redirect
from connectors.explorer import rows as stored
from connectors.explorer import services
from connectors.explorer.access import own_run_or_404
from connectors.explorer.as_rows import fields_of
from connectors.explorer.page import rows_address
from connectors.explorer.results import ResultColumn, ResultRow, RunResult
from connectors.explorer.rows import PAGE
from connectors.models import QueryRun, RunOutcome

GONE = (
    "The rows of this run were kept for the time that is set under Settings, and have been deleted. "
    "Run the query again."
)
SOON = timedelta(seconds=20)  # by when a run that need not wait shows its first rows
FILES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


@dataclass
class RunPage:
    """`number`: of the screen that is shown, from 1."""

    run: QueryRun
    number: int

    @cached_property
    def result(self) -> RunResult:
        return RunResult(self.run)

    @cached_property
    def uuid(self) -> UUID:
        """Of the run that its button starts."""
        return uuid4()

    @property
    def is_active(self) -> bool:
        return self.run.is_active

    @property
    def asks_every(self) -> str:
        """Often until the first rows are there, as somebody waits for them; not for long, as a run may have to wait."""
        waits_for_rows = not self.run.read and timezone.now() - self.run.created_at < SOON
        return "300ms" if waits_for_rows else "1s"

    @cached_property
    def is_gone(self) -> bool:
        return services.has_expired(self.run)

    @property
    def kept_until(self) -> object:
        return services.kept_until(self.run)

    @property
    def last(self) -> int:
        return max(1, -(-self.run.rows // PAGE))

    @cached_property
    def rows(self) -> list[stored.Row]:
        return [] if self.is_gone else stored.from_row(self.run, (self.number - 1) * PAGE)

    @cached_property
    def columns(self) -> list[ResultColumn]:
        return self.result.columns(self.rows)

    @cached_property
    def table(self) -> list[ResultRow]:
        return self.result.table(self.rows, self.columns)

    @property
    def has_links(self) -> bool:
        return any(row.link for row in self.table)

    @property
    def first_row(self) -> int:
        return (self.number - 1) * PAGE + 1

    @property
    def last_row(self) -> int:
        return self.first_row + len(self.rows) - 1

    @property
    def older(self) -> int | None:
        return self.number + 1 if self.number < self.last else None

    @property
    def newer(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def shows_usual(self) -> bool:
        """No columns were chosen, so the table leaves some out."""
        return not self.result.query.selected

    @property
    def change_address(self) -> str:
        """By rows where the form can say it, else as text."""
        if fields_of(self.result.query) is not None:
            return rows_address(self.run.connector, self.result.query)
        return f"{reverse('explorer', args=[self.run.connector.slug])}?{urlencode({'q': self.run.query})}"

    @property
    def outcome(self) -> str:
        """How it ended, in a word or a few; empty while it runs."""
        return str(self.run.ended.label) if self.run.ended else ""

    @property
    def is_complete(self) -> bool:
        return self.run.ended == RunOutcome.COMPLETE

    @property
    def is_cut(self) -> bool:
        return self.run.ended == RunOutcome.AS_MANY

    @property
    def chooses(self) -> bool:
        """Whether rows that were read are not among those that are kept."""
        return bool(self.result.query.kept)


@requires(Right.EDIT)
def one(request: HttpRequest, slug: str, query_run: UUID) -> HttpResponse:
    found = own_run_or_404(request, slug, query_run)
    shown = RunPage(found, max(1, whole(text_in(request.GET, "page"), most=10_000) or 1))
    context = {"connector": found.connector, "page": shown}
    try:
        return page(request, "connectors/explorer/run.html", context, fragment="connectors/explorer/_run.html")
    except SealError:
        return failure(request, "The rows of this run cannot be opened any more. Run the query again.")


@requires(Right.EDIT, Right.EDIT, ("POST",))
def stop(request: HttpRequest, slug: str, query_run: UUID) -> HttpResponse:
    found = own_run_or_404(request, slug, query_run)
    services.stop(found, actor=person_of(request))
    return redirect(request, reverse("explorer-run", args=[slug, found.uuid]))


@requires(Right.EDIT)
def file(request: HttpRequest, slug: str, query_run: UUID, form: str) -> HttpResponse:
    """All rows that are there, a page at a time."""
    found = own_run_or_404(request, slug, query_run)
    if form not in FILES:
        raise Http404
    if services.has_expired(found):
        return failure(request, GONE, status=410)
    result = RunResult(found)
    answer = StreamingHttpResponse(result.csv() if form == "csv" else result.json(), content_type=FILES[form])
    name = f"{result.query.asked.path.lower()}-{found.created_at:%Y%m%d-%H%M}.{form}"
    answer.headers["Content-Disposition"] = f'{"attachment" if form == "csv" else "inline"}; filename="{name}"'
    return answer  # type: ignore[return-value]

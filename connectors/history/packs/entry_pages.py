"""Entries as a pack reads them: by pages of the key, each parsed and made into a row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC
from itertools import takewhile
from typing import Any

from django.db.models import Max, Min, QuerySet

from alignadmin.audit import standalone_checker
from alignadmin.audit.models import Entry
from connectors.history.mirror import projection as make
from connectors.history.mirror.projection import WITHOUT_ROW
from connectors.history.packs.row_files import ParsedEntry
from connectors.history.packs.span_bounds import Ends, Window
from connectors.models import Case, HistoryRow
from connectors.ports.differences import UNREADABLE

CHUNK = 2000
PLAN = re.compile(r'"plan":([0-9]{1,19})[,}]')


def entries_of(around: Window, ends: Ends) -> Iterator[list[ParsedEntry]]:
    """By pages of the key; then those told later of what happened in the span."""
    stored = Entry.objects.filter(seq__lte=ends.seq)
    bounds = stored.filter(around.condition()).aggregate(first=Min("seq"), last=Max("seq"))
    yield from pages_of_entries(stored.filter(seq__lte=bounds["last"] or 0), (bounds["first"] or 1) - 1)
    if around.until:
        late = stored.filter(seq__gt=bounds["last"] or 0, body__contains=f'"happened_at":"{_beginning(around)}')
        yield from pages_of_entries(late.filter(at__gte=around.until), 0)


def _beginning(window: Window) -> str:
    """What all times in it begin with, as entries write them."""
    if window.since is None or window.until is None:
        return ""
    ends = [at.astimezone(UTC).isoformat() for at in (window.since, window.until)]
    return "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], zip(*ends, strict=False)))


def pages_of_entries(entries: QuerySet[Entry], after: int) -> Iterator[list[ParsedEntry]]:
    return map(parsed, raw_pages(entries, after))


def raw_pages(entries: QuerySet[Entry], after: int) -> Iterator[list[tuple[int, str, str]]]:
    stored = entries.order_by("seq").values_list("seq", "hash", "body")
    while some := list(stored.filter(seq__gt=after)[:CHUNK]):
        yield some
        after = some[-1][0]


def plans_in(body: str) -> Iterator[int]:
    """The plan that an entry is about, by a search of its text, which takes a tenth of reading it; perhaps others."""
    return map(int, PLAN.findall(body))


def parsed(stored: Iterable[tuple[int, str, str]]) -> list[ParsedEntry]:
    """What an altered text says that cannot be read any more is nothing: the chain names it."""
    return [ParsedEntry(seq=seq, hash=hash_, body=standalone_checker.fields(body)) for seq, hash_, body in stored]


def row_of(body: Mapping[str, Any], *, is_found: bool) -> HistoryRow | None:
    """None also for what was altered so that no row comes of it."""
    try:
        if body["action"] in WITHOUT_ROW:
            return None
        has_line = body["action"] == make.ELSEWHERE and _has_line(body["seq"])
        return make.of_body(body, has_line=has_line, is_found=is_found)
    except UNREADABLE:
        return None


def _has_line(seq: int) -> bool:
    return Case.objects.filter(entry_seq=seq, line__isnull=False).exists()

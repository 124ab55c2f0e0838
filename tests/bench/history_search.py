"""The history's page over a million rows, for each kind of search, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any

from tests.bench import databases
from tests.bench.report import Figure, percentile, show

TIMES = int(os.environ.get("HISTORY_TIMES", "20"))
AIM = 300

# Each kind's examples are asked in turn.
KINDS: dict[str, list[str]] = {
    "first page, no search": [""],
    "a word in every row": ["acme"],
    "a common word": ["review", "pending", "release"],
    "a rare word": ["00123", "19999", "07777"],
    "the beginning of a word": ["re", "acc", "p", "s", "1"],
    "a word that is nowhere": ["zebra"],
    "three words": ["story review accepted", "feature review uat"],
    "ten words": ["story state in review leads to test complete before from"],
    "action": ["action:created", "action:deleted", "action:plan", "action:credential.rotated"],
    "actor": ["actor:dana", "actor:omar", "actor:novak", "actor:sofia.ray"],
    "author": ["author:dana", "author:omar", "author:novak", "author:sofia.ray"],
    "planner, approver and applier": ["planner:dana approver:omar", "applier:novak approver:sofia"],
    "actor who left two years ago": ['actor:"Olga Leverton"'],
    "actor, the remote user of most lines": ['actor:"Jira Align System"'],
    "type and direction": ["type:story direction:a2j", "type:feature direction:j2a", "type:task direction:a2j"],
    "project": ["project:P000", "project:P050", "project:P150"],
    "project that does not occur": ["project:NOWHERE action:deleted type:task"],
    "connector, a rare one": ["connector:site-2"],
    "source": ["source:outside", "source:align", "source:alignadmin"],
    "before and after": ['before:"in review" after:accepted direction:a2j'],
    "after, by id": ["after:20001", "after:20150", "after:20300"],
    "plan": ["plan:7", "plan:12345", "plan:19999"],
    "ticket": ["ticket:CHG-00007", "ticket:CHG-12345"],
    "raw": ["raw:yes"],
    "case": ["case:open", "case:explained"],
    "a month": [f"since:2025-{month:02d} until:2025-{month:02d}" for month in range(1, 13)],
    "90 days": ["since:90d"],
    "the reviewer's question": ['type:story "in review" action:updated since:2026-03 until:2026-03'],
    "words of two years ago": ['"olga leverton" longer feature'],
    "everything at once": [
        "action:updated actor:dana type:story direction:a2j project:P001 source:alignadmin since:2024-06 qa"
    ],
}


def main() -> None:
    databases.run("tests.bench.history_search")


def measure() -> None:
    name = databases.set_up()
    from connectors.models import HistoryRow
    from tests.bench import history_rows

    if not HistoryRow.objects.exists():
        history_rows.three_years(databases.ROWS)
        databases.analyzed()
    show(f"Search of {HistoryRow.objects.count():,} rows on {name}, p95 of {TIMES}", list(_figures()))


def _figures() -> Iterator[Figure]:
    client = _client()
    every: list[float] = []
    for name, texts in KINDS.items():
        seconds = [_page(client, {"q": text}) for text in islice(cycle(texts), TIMES)]
        every += seconds
        print(f"{name}: {1000 * percentile(seconds, 95):.0f} ms", file=sys.stderr, flush=True)
        yield Figure(what=name, value=1000 * percentile(seconds, 95), unit="ms", aim=AIM)
    yield Figure(what="a page deep inside", value=1000 * percentile(_deep(client), 95), unit="ms", aim=AIM)
    yield Figure(what="all together, p50", value=1000 * percentile(every, 50), unit="ms")
    yield Figure(what="all together, p95", value=1000 * percentile(every, 95), unit="ms", aim=AIM)


def _client() -> Any:
    from django.test import Client

    from alignadmin.accounts.models import Person

    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(Person.objects.filter(email__startswith="dana").earliest("pk"))
    client.get("/history/")  # what is loaded once is not a page's own time
    return client


def _page(client: Any, query: dict[str, str]) -> float:
    began = time.perf_counter()
    answer = client.get("/history/", query)
    seconds = time.perf_counter() - began
    assert answer.status_code == 200, answer.content[:300]
    return seconds


def _deep(client: Any) -> list[float]:
    """Pages that begin anywhere in the three years, of everything and of a search."""
    from connectors.history.search.queries import key_of
    from connectors.models import HistoryRow

    last = HistoryRow.objects.latest("id").pk
    rows = HistoryRow.objects.filter(pk__in=[last * part // 11 for part in range(1, 11)])
    return [_page(client, {"q": q, "before": str(key_of(row))}) for row in rows for q in ("", "review type:story")]


if __name__ == "__main__":
    if databases.word() == databases.UNDER_POSTGRESQL:
        databases.under_postgresql("tests.bench.history_search")
    else:
        {databases.HERE: measure}.get(databases.word(), main)()

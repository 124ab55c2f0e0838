"""The search over everything on 20 connectors of 2,000 projects each, on SQLite and on PostgreSQL, as it is typed."""

from __future__ import annotations

import os
import random
import time
from typing import Any

from tests.bench import databases
from tests.bench.report import Figure, percentile, show

CONNECTORS, PROJECTS, STATUSES = 20, 2000, 300
TIMES = int(os.environ.get("SEARCH_TIMES", "20"))
AIM = 150
WORDS = (
    *("payments", "core", "billing", "mobile", "search", "data", "risk", "claims"),
    *("partner", "report", "portal", "ledger", "intake", "vendor", "fleet"),
)

KINDS = {
    "one letter": ["p", "a", "e", "1"],
    "two letters": ["pa", "re", "k1", "st"],
    "the beginning of a word": ["paym", "ledg", "port"],
    "a part of a word": ["ayment", "edge", "orta"],
    "a key": ["K1234", "K77", "k1999"],
    "two words": ["payments core", "portal led", "k12 fleet"],
    "an id": ["10123", "10299"],
    "a status": ["review", "status 12"],
    "a person": ["person 3", "@example"],
    "nothing": ["zebra", "qq"],
}


def main() -> None:
    databases.run("tests.bench.search")


def measure() -> None:
    name = databases.set_up()
    _fill()
    databases.analyzed()
    client = _client()
    figures, every = [], []
    for kind, texts in KINDS.items():
        seconds = [_typed(client, texts[n % len(texts)], bar=n % 2 == 0) for n in range(TIMES)]
        every += seconds
        figures.append(Figure(what=kind, value=1000 * percentile(seconds, 95), unit="ms", aim=AIM))
    figures.append(Figure(what="all together, p50", value=1000 * percentile(every, 50), unit="ms"))
    figures.append(Figure(what="all together, p95", value=1000 * percentile(every, 95), unit="ms", aim=AIM))
    figures.append(Figure(what="the check of all names", value=_checked(), unit="s"))
    show(f"Search over everything among {_count():,} names on {name}, p95 of {TIMES}", figures)


def _fill() -> None:
    """Straight into the tables; the names by the command that makes them again."""
    from alignadmin.accounts.models import Person, Role
    from alignadmin.search import checking
    from connectors.models import Connector, Project, Status, StatusCategory

    chance = random.Random(1)
    for number in range(50):
        Person.objects.create_user(f"p{number}@example.test", None, name=f"Person {number}", role=Role.ADMIN)
    for number in range(CONNECTORS):
        owner = Connector.objects.create(
            slug=f"c{number}",
            name=f"Connector {number}",
            align_site=f"https://align{number}.test",
            align_connector_id=100 + number,
            jira_site=f"https://jira{number}.test",
        )
        Project.objects.bulk_create(
            Project(
                connector=owner, jira_id=n, key=f"K{n}", name=" ".join(chance.sample(WORDS, 3)).title(), in_scope=True
            )
            for n in range(PROJECTS)
        )
        Status.objects.bulk_create(
            Status(
                connector=owner,
                jira_id=10_000 + n,
                name=chance.choice(["In Review", "Done", f"Status {n}"]),
                category=StatusCategory.TODO,
            )
            for n in range(STATUSES)
        )
    checking.rebuild()


def _client() -> Any:
    from django.conf import settings
    from django.test import Client

    from alignadmin.accounts.models import Person

    settings.MFA_REQUIRED = False
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(Person.objects.earliest("pk"))
    client.get("/search/")  # what is loaded once is not a page's own time
    return client


def _typed(client: Any, text: str, *, bar: bool) -> float:
    """In turn what the bar asks for while somebody types, and the whole page."""
    headers = {"HX-Request": "true", "HX-Target": "find-options"} if bar else {}
    began = time.perf_counter()
    answer = client.get("/search/", {"q": text}, headers=headers)
    seconds = time.perf_counter() - began
    assert answer.status_code == 200, answer.content[:300]
    return seconds


def _checked() -> float:
    from alignadmin.search import checking

    began = time.perf_counter()
    assert checking.find_differences() == []
    return time.perf_counter() - began


def _count() -> int:
    from alignadmin.search.models import SearchName

    return SearchName.objects.count()


if __name__ == "__main__":
    if databases.word() == databases.UNDER_POSTGRESQL:
        databases.under_postgresql("tests.bench.search")
    else:
        {databases.HERE: measure}.get(databases.word(), main)()

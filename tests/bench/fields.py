"""The pages of fields with 2,000 projects and 300 fields of each side, a third of them paired, and what saves pairs."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import requests

from tests.bench.report import Figure, percentile, show
from tests.bench.world import base_of_arguments, copied
from tests.support.processes import Site, csrf

FIELDS, PAIRED, OPTIONS = 300, 100, 20
VISITS, SAVES = 40, 20
AIM = 150
TYPES = ("text", "number", "date", "single select", "multi select", "rich text")
PATH = "/connectors/acme/fields/"
PAGES = {
    "page of all fields": PATH + "?type=story",
    "its last page": PATH + "?type=story&page=6",
    "filtered by a word": PATH + "?type=story&q=field+17",
    "one field with its options": PATH + "pair/?type=story&field=customfield_3",
    "set-up 6": "/connectors/acme/set-up/fields/",
    "set-up 7 of the statuses": "/connectors/acme/set-up/statuses/",
}


def main() -> None:
    with copied(base_of_arguments(), "--rate-limit", "0") as site:
        fill()
        site.start_web()
        session = site.signed_in()
        figures = [_page(site, session, what, path) for what, path in PAGES.items()]
        figures += [_saving(site, session, what, n) for what, n in (("one pair", 1), ("all of a page", 50))]
    show(f"Fields: {FIELDS} of each side and of each type of item, {PAIRED} paired, p95 of {VISITS}", figures)


def fill() -> None:
    """Straight into the tables, as a reading and approved proposals would have left them."""
    from django.utils import timezone

    from connectors.models import Connector, FieldReading, FieldRow, System, WorkItemType
    from mappings.fields.subject import value_of
    from mappings.models import AgreedLine

    owner, now = Connector.objects.get(), timezone.now()
    for type_ in WorkItemType:
        for system in System:
            FieldReading.objects.update_or_create(
                connector=owner, system=system, work_item_type=type_, defaults={"read_at": now, "tried_at": now}
            )
            FieldRow.objects.filter(connector=owner, system=system, work_item_type=type_).delete()
            FieldRow.objects.bulk_create(FieldRow(**_field(owner, system, type_, number)) for number in range(FIELDS))
        AgreedLine.objects.bulk_create(
            AgreedLine(
                connector=owner,
                subject="fields",
                key=f"{type_.value}:customfield_{number}",
                value=value_of(f"customfield_{number}", "both", _matched(number)),
            )
            for number in range(PAIRED)
        )


def _field(owner: object, system: str, of: str, number: int) -> dict[str, Any]:
    type_ = TYPES[number % len(TYPES)]
    options = [{"id": str(each), "name": f"Option {each}"} for each in range(OPTIONS)] if "select" in type_ else []
    return {
        "connector": owner,
        "system": system,
        "work_item_type": of,
        "key": f"customfield_{number}",
        "name": f"Field {number} of the company",
        "type": type_,
        "spelled": type_,
        "options": options,
        "is_custom": True,
        "is_writable": True,
    }


def _matched(number: int) -> list[tuple[str, str]]:
    return [(str(each), str(each)) for each in range(OPTIONS)] if "select" in TYPES[number % len(TYPES)] else []


def _page(site: Site, session: requests.Session, what: str, path: str) -> Figure:
    def get() -> requests.Response:
        return session.get(site.url + path, timeout=30)

    return Figure(what=what, value=1000 * percentile(_timed(get, VISITS), 95), unit="ms", aim=AIM)


def _saving(site: Site, session: requests.Session, what: str, number: int) -> Figure:
    """Fields that are not paired get a partner, in turn one and another, each by the form as it is shown just then."""
    address, seconds = site.url + PATH + "?type=story&page=4", []
    for turn in range(SAVES):
        html = session.get(address, timeout=30).text
        keys = re.findall(r'<select name="jira:(customfield_\d+)"', html)[:number]
        assert len(keys) == number, "fields to choose partners for"
        seen = dict(re.findall(r'name="seen:(customfield_\d+)" value="([^"]*)"', html))
        form = {f"jira:{key}": "" if turn % 2 else key for key in keys}
        form |= {f"seen:{key}": seen[key].replace("&quot;", '"') for key in keys if key in seen}
        headers = {"X-CSRFToken": csrf(session), "Referer": site.url}
        began = time.perf_counter()
        answer = session.post(address, data=form, headers=headers, timeout=30, allow_redirects=False)
        seconds.append(time.perf_counter() - began)
        assert answer.status_code in (302, 303), answer.text[:500]
    return Figure(what=f"saving {what}", value=1000 * percentile(seconds, 95), unit="ms", aim=2 * AIM)


def _timed(send: Callable[[], requests.Response], times: int) -> list[float]:
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        answer = send()
        seconds.append(time.perf_counter() - began)
        assert answer.status_code == 200, answer.url
    return seconds


if __name__ == "__main__":
    main()

"""The comparison of every row with its entry or line, as by `manage.py verify_history`, and of all pairings."""

from __future__ import annotations

import json
import time
from collections import Counter
from datetime import timedelta

from tests.bench import databases
from tests.bench.report import Figure, show, timed

COMPARE = "compare"
ALLOWED_SECONDS, ALLOWED_MEGABYTES = 180.0, 200.0


def main() -> None:
    databases.run("tests.bench.history_compare")


def measure() -> None:
    name = databases.set_up()
    from tests.bench import history_rows

    length = timedelta(days=history_rows.DAYS)
    history_rows.fill(databases.ROWS, history_rows.make_cast(), until=history_rows.LAST, length=length)
    history_rows.open_cases()
    databases.analyzed()
    said = json.loads(databases.processes("tests.bench.history_compare", COMPARE, 1)[0].splitlines()[-1])
    show(
        f"Compare {said['rows']:,} rows with {said['entries']:,} entries and {said['lines']:,} lines: {name}",
        [
            Figure(what="compared in", value=said["seconds"], unit="s", aim=ALLOWED_SECONDS),
            Figure(what="of that on the processor", value=said["processor"], unit="s"),
            Figure(what="most memory of the command", value=said["megabytes"], unit="MB", aim=ALLOWED_MEGABYTES),
            *(Figure(what=f"processor: {look}", value=seconds, unit="s") for look, seconds in said["looks"].items()),
            Figure(what="rows a second", value=said["rows"] / said["seconds"], unit=""),
        ],
    )


def compare() -> None:
    """In a process of its own, as the command is: filling takes memory, too."""
    import django

    django.setup()
    databases.patient()
    from alignadmin.audit.models import Entry
    from connectors.history.verification import services
    from connectors.models import HistoryRow, MirrorLine
    from tests.bench import history_rows

    looks: dict[str, float] = {}
    found: Counter[str] = Counter()
    used = time.process_time()
    with timed() as watch:
        for look in services.comparisons():
            began, position, is_through = time.process_time(), None, False
            while not is_through:
                page = services._page(look, position)
                found.update(each.table for each in page.found)
                position, is_through = page.following, page.following is None
            looks[look.name] = time.process_time() - began
    assert set(found) <= history_rows.SET_DOWN, found
    used = time.process_time() - used
    counts = {"rows": HistoryRow, "entries": Entry, "lines": MirrorLine}
    said = {name: model._default_manager.count() for name, model in counts.items()}
    figures = {"seconds": watch.seconds, "processor": used, "megabytes": databases.peak_megabytes()}
    print(json.dumps({**said, **figures, "looks": looks}))


if __name__ == "__main__":
    words = {databases.HERE: measure, COMPARE: compare}
    if databases.word() == databases.UNDER_POSTGRESQL:
        databases.under_postgresql("tests.bench.history_compare")
    else:
        words.get(databases.word(), main)()

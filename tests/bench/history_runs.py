"""A million lines of Align's log, in runs as an endpoint brings them, compared with the digests of their runs."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.bench import databases
from tests.bench.report import Figure, show, timed

if TYPE_CHECKING:
    from connectors.models import Connector, MirrorLine

CHECK = "check"
RUN = 50  # lines of one run
ALLOWED_SECONDS, ALLOWED_MEGABYTES = 60.0, 200.0  # of the 180 that the whole comparison may take
START = datetime(2023, 11, 20, tzinfo=UTC)


def main() -> None:
    databases.run("tests.bench.history_runs")


def measure() -> None:
    name = databases.set_up()
    fill(databases.ROWS)
    databases.analyzed()
    said = json.loads(databases.processes("tests.bench.history_runs", CHECK, 1)[0].splitlines()[-1])
    show(
        f"Compare {said['lines']:,} lines of Align's log with {said['runs']:,} runs: {name}",
        [
            Figure(what="read and compared in", value=said["seconds"], unit="s", aim=ALLOWED_SECONDS),
            Figure(what="most memory of the command", value=said["megabytes"], unit="MB", aim=ALLOWED_MEGABYTES),
            Figure(what="of that on the processor", value=said["processor"], unit="s"),
        ],
    )


def check() -> None:
    """In a process of its own, as the command is: filling takes memory, too."""
    import django

    django.setup()
    from connectors.history.intake import run_check
    from connectors.models import IntakeRun, MirrorLine

    began = time.process_time()
    with timed() as watch:
        assert list(run_check.compare()) == []
    used = {"processor": time.process_time() - began, "megabytes": databases.peak_megabytes()}
    counts = {"lines": MirrorLine.objects.count(), "runs": IntakeRun.objects.count()}
    print(json.dumps({"seconds": watch.seconds, **counts, **used}))


def fill(count: int) -> None:
    """Lines and runs as an intake stores them, without rows of the history, which the comparison does not read."""
    from django.db import transaction

    from alignadmin.audit.bulk_insert import insert
    from connectors.history.intake import gaps
    from connectors.history.intake import runs as intake_runs
    from connectors.models import Connector, Intake

    connector = Connector.objects.create(
        slug="acme", name="Acme", align_site="https://a.example.test", align_connector_id=1, jira_site="https://b.test"
    )
    until = None
    for first in range(0, count, RUN):
        with transaction.atomic():
            since = until or START
            end = START + timedelta(minutes=first + RUN)
            begun = intake_runs.begin(connector, Intake.ENDPOINT, at=end)
            lines = [_line(connector, number, begun.number) for number in range(first, first + RUN)]
            brought = intake_runs.Brought(lines=insert(lines))
            gaps.cover(connector, since, end, Intake.ENDPOINT)
            intake_runs.keep_reading(begun, brought, (since, end), until, end)
            until = end


def _line(connector: Connector, number: int, run: int) -> MirrorLine:
    from connectors.models import Intake, MirrorLine

    return MirrorLine(
        connector=connector,
        remote_id=number,
        type="CONFIG 1",
        user="Jira Align System",
        at=START + timedelta(minutes=number),
        description=f"CONFIG Updated - State mapping - Jira To Align - Story - Status {number % 300} ({number % 300}) "
        "AlignStateId Changed - From [2] To [3], AlignStateName Changed - From [In progress] To [Dev complete]",
        digest=f"{number:064x}",
        intake=Intake.ENDPOINT,
        run_id=run,
    )


if __name__ == "__main__":
    if databases.word() == databases.UNDER_POSTGRESQL:
        databases.under_postgresql("tests.bench.history_runs")
    else:
        {databases.HERE: measure, CHECK: check}.get(databases.word(), main)()

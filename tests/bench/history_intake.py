"""Lines of Align's log taken into a history of a million rows: pasted, answered by the endpoint, and sent once more."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.bench import databases
from tests.bench.report import Figure, show, timed

if TYPE_CHECKING:
    from alignadmin.accounts.models import Person
    from connectors.align.resources import AuditLine
    from connectors.history.intake.storing import IntakeResult
    from connectors.models import Connector

LINES = 10_000
AIM = 2000
USER = "Jira Align System"


def main() -> None:
    databases.run("tests.bench.history_intake")


def measure() -> None:
    name = databases.set_up()
    from connectors.models import HistoryRow
    from tests.bench import history_rows

    cast = history_rows.three_years(databases.ROWS)
    databases.analyzed()
    there = HistoryRow.objects.count()
    show(f"Intake into a history of {there:,} rows: {name}", list(_figures(cast.connectors[0], cast.people[1])))


def _figures(connector: Connector, actor: Person) -> Iterator[Figure]:
    """Nothing here has made these changes, so each line is parsed, looked for among ours, and becomes a case."""
    from connectors.history.intake.intake import pull
    from connectors.models import Intake
    from tests.support.intake_helpers import take_in

    connector.refresh_from_db()
    start = datetime.now(UTC).replace(microsecond=0)
    pasted = _columns(_descriptions(connector, seed=1), start - timedelta(days=2))

    def paste() -> IntakeResult:
        return take_in(connector, pasted, intake=Intake.PASTE, actor=actor)

    yield from _rates("lines pasted a second", paste, new=LINES)
    yield from _rates("known lines pasted a second", paste, new=0)
    log = Log(_answered(_descriptions(connector, seed=2), start - timedelta(days=1)))
    yield from _rates("lines from the endpoint a second", lambda: pull(connector, log), new=LINES)


def _rates(what: str, take: Callable[[], IntakeResult], *, new: int) -> Iterator[Figure]:
    began = time.process_time()
    with timed() as watch:
        result = take()
    used = time.process_time() - began
    assert (result.read, result.new) == (LINES, new), result.sentence
    yield Figure(what=what, value=LINES / watch.seconds, unit="", aim=AIM, at_least=True)
    yield Figure(what="the same, a second of this processor", value=LINES / used, unit="")


@dataclass(frozen=True)
class Log:
    """What the endpoint answers, without the way over the network."""

    lines: Sequence[AuditLine]

    def audit_log(self, *, since: datetime | None = None) -> Sequence[AuditLine]:
        return self.lines


def _descriptions(connector: Connector, *, seed: int) -> list[str]:
    from connectors.align.audit_sentences import write
    from tests.bench import history_rows

    chance = random.Random(seed)  # nosec B311
    return [write(history_rows._event(chance, connector)) for _ in range(LINES)]


def _columns(descriptions: Sequence[str], start: datetime) -> str:
    rows = [
        f"CONFIG 120\t{USER}\t{start + timedelta(seconds=number):%Y-%m-%d %H:%M:%S}\t{description}"
        for number, description in enumerate(descriptions)
    ]
    return "\n".join(rows)


def _answered(descriptions: Sequence[str], start: datetime) -> list[AuditLine]:
    from connectors.align.resources import AuditLine

    return [
        AuditLine(
            id=number,
            type="CONFIG 120",
            user=USER,
            timestamp=start + timedelta(seconds=number),
            description=description,
        )
        for number, description in enumerate(descriptions, start=1)
    ]


if __name__ == "__main__":
    if databases.word() == databases.UNDER_POSTGRESQL:
        databases.under_postgresql("tests.bench.history_intake")
    else:
        {databases.HERE: measure}.get(databases.word(), main)()

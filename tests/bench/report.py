"""Figures and the table they are printed in."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection

from tests.bench import performance


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured number; `aim` is the most it should be (or the least, with `at_least`)."""

    what: str
    value: float
    unit: str
    aim: float | None = None
    at_least: bool = False

    @property
    def verdict(self) -> str:
        if self.aim is None:
            return ""
        met = self.value >= self.aim if self.at_least else self.value <= self.aim
        return "met" if met else "MISSED"

    def cells(self) -> tuple[str, str, str, str]:
        sign = ">=" if self.at_least else "<="
        aim = "" if self.aim is None else f"{sign} {self.aim:g} {self.unit}"
        return self.what, f"{self.value:,.4g} {self.unit}", aim, self.verdict


def show(title: str, figures: Sequence[Figure]) -> None:
    rows = [("", "measured", "aim", ""), *(figure.cells() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    print(f"## {title}")
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print(flush=True)
    if at := performance.written_to():
        with at.open("a") as file:
            file.write(performance.as_table(f"{title} ({database()})", rows) + "\n")


def database() -> str:
    with connection.cursor() as cursor:
        version = "SELECT sqlite_version()" if connection.vendor == "sqlite" else "SHOW server_version"
        cursor.execute(version)
        number = str(cursor.fetchone()[0]).partition(" ")[0]
    return f"{connection.display_name} {number}"


class Stopwatch:
    seconds = 0.0


@contextmanager
def timed() -> Iterator[Stopwatch]:
    watch, began = Stopwatch(), time.perf_counter()
    try:
        yield watch
    finally:
        watch.seconds = time.perf_counter() - began


def percentile(values: Sequence[float], percent: int) -> float:
    """Inclusive: the 95th of 100 values is the 95th in order."""
    if len(values) < 2:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]

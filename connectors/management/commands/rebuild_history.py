"""`manage.py rebuild_history`: make rows of the history again that differ from their entry or line."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from connectors.history.verification import rebuilding


class Command(BaseCommand):
    help = (
        "Make the rows of the history again that differ from their entry or from their line of Align's log, with "
        "their pairings and what the search finds them by. Keep a copy of the database first: what differs is "
        "evidence. That it was done is an entry. May be interrupted and run again; afterwards run verify_history."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        done = rebuilding.rebuild(actor=None, progress=self.report if options["verbosity"] > 1 else None)
        self.stdout.write(done.sentence)
        for each in done.found:
            self.stdout.write(each.sentence)
        if done.left:
            sys.exit(1)

    def report(self, item: str, rows: int) -> None:
        self.stdout.write(f"{item}: {rows} rows processed")

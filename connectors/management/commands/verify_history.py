"""`manage.py verify_history`: check the whole history; the exit code is 1 when something is wrong."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from connectors.history.verification import services
from connectors.models import JobState


class Command(BaseCommand):
    help = (
        "Check every audit entry against its hash, its neighbours and the signed checkpoints, the checkpoints against "
        "their copies outside the database, and the archives; then everything that repeats what entries and lines of "
        "Align's log say. Exits 1 when something is wrong, and names what it is. A check that was interrupted goes on "
        "where it was, by the worker or when this is run again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--checkpoints", type=Path, metavar="FOLDER", help="copies to compare with, instead of CHECKPOINT_FOLDER"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path | None = options["checkpoints"]
        if folder and not folder.is_dir():
            raise CommandError(f"There is no folder {folder}.")
        report = self.report if options["verbosity"] > 1 else None
        check = services.run_now(services.ask(actor=None, folder=folder and folder.absolute()), report)
        if check.state == JobState.FAILED:
            raise CommandError(check.job.error)
        ok = services.is_ok(check)
        (self.stdout if ok else self.stderr).write(services.sentence_of(check))
        for each in check.found[services.MOST_LISTED :]:
            self.stderr.write(each["sentence"])
        if not ok:
            sys.exit(1)

    def report(self, item: str, rows: int) -> None:
        self.stdout.write(f"{item}: {rows} rows read")

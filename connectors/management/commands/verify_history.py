"""`manage.py verify_history`: check the chain of audit entries; the exit code is 1 when it is broken."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from connectors.audit import chain


class Command(BaseCommand):
    help = (
        "Check every audit entry against its hash, its neighbours and the signed checkpoints, the checkpoints against "
        "their copies outside the database, and the archives. Exits 1 when something is wrong, and names the first "
        "wrong entry."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--checkpoints", type=Path, metavar="FOLDER", help="copies to compare with, instead of CHECKPOINT_FOLDER"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path | None = options["checkpoints"]
        if folder and not folder.is_dir():
            raise CommandError(f"There is no folder {folder}.")
        verdict = chain.verify(self.tell if options["verbosity"] > 1 else None, folder)
        (self.stdout if verdict.ok else self.stderr).write(verdict.sentence)
        if not verdict.ok:
            sys.exit(1)

    def tell(self, rows: int) -> None:
        self.stdout.write(f"{rows} entries read")

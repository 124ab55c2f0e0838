"""`manage.py history_restored`: go on after a restore, and say in the history what it has lost by that."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from alignadmin.audit import deliveries, restored
from alignadmin.audit.checkpoints import NotSigned


class Command(BaseCommand):
    help = (
        "After a restore from an older backup: write a signed entry that names the checkpoints that were delivered "
        "elsewhere and are not in this database any more. From then on checkpoints are made again, and every check of "
        "the history tells of the gap instead of failing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reason", required=True, help="why it was restored; auditors read it in the history")
        parser.add_argument(
            "--checkpoints", type=Path, metavar="FOLDER", help="copies to compare with, instead of CHECKPOINT_FOLDER"
        )

    def handle(self, *args: Any, reason: str, checkpoints: Path | None, **options: Any) -> None:
        folder = checkpoints or Path(settings.CHECKPOINT_FOLDER)
        if not folder.is_dir():
            raise CommandError(f"There is no folder {folder}.")
        if not reason.strip():
            raise CommandError("Say why it was restored: --reason.")
        try:
            declared = restored.declare(folder, reason.strip(), actor=None)
        except (restored.NotDeclared, NotSigned) as error:
            raise CommandError(str(error)) from error
        deliveries.deliver_due()
        self.stdout.write(
            f"Entry {declared.entry.seq} and checkpoint {declared.checkpoint.number} declare the gap. Next, run "
            "manage.py verify_history, and tell those who hold packs or checkpoints of the lost time."
        )

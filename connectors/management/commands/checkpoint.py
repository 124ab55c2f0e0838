"""`manage.py checkpoint`: sign the end of the history now and deliver it, or let a new key sign from now on."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from alignadmin.audit import checkpoints, deliveries
from alignadmin.audit.checkpoints import NotSigned


class Command(BaseCommand):
    help = (
        "Make a checkpoint of the history now and deliver it. With --new-key another key signs from now on; the old "
        "one names it in its last checkpoint, so that nobody else's can take its place."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--new-key", action="store_true", help="make a new signing key")
        parser.add_argument("--lost", action="store_true", help="with --new-key: the old key can no longer be opened")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["lost"] and not options["new_key"]:
            raise CommandError("--lost is only for --new-key.")
        try:
            if options["new_key"]:
                checkpoints.rotate(lost=options["lost"])
            else:
                checkpoints.make(checkpoints.COMMAND)
        except NotSigned as error:
            raise CommandError(str(error)) from error
        deliveries.deliver_due()
        self._write_status()

    def _write_status(self) -> None:
        last = checkpoints.latest()
        if last:
            self.stdout.write(f"Checkpoint {last.number}: {last.seq} entries, signed by the key {last.key_id}.")
        if late := checkpoints.undelivered():
            self.stderr.write(f"{late.count} checkpoints are not delivered yet. {late.sentence}")

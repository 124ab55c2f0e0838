"""`manage.py archive_history`: write the oldest part of the history into a signed file, and remove it if asked to."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime, time, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date

from alignadmin.audit import archive
from alignadmin.audit.archive import NotArchived
from alignadmin.audit.checkpoints import NotSigned


class Command(BaseCommand):
    help = (
        "Write the entries older than 12 months, up to a checkpoint, into a signed zip file in ARCHIVE_FOLDER, and "
        "check it by reading it back. With --remove they are also removed from the database, once they are older than "
        "RETENTION_MONTHS; the history pages go on showing what they said. May be interrupted and run again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--until", metavar="YYYY-MM-DD", help="archive no further than this day")
        parser.add_argument("--remove", action="store_true", help="remove the archived entries from the database")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            end = archive.end_of_prefix(timezone.now(), until=_moment(options["until"]), to_remove=options["remove"])
            made = archive.write(end, actor=None)
            self.stdout.write(
                f"{made.path} holds the entries {made.first_seq} to {made.last_seq}, SHA-256 {made.sha256}."
            )
            if options["remove"]:
                gone = archive.remove(made, actor=None)
                self.stdout.write(
                    f"{gone} entries were removed from the database. Keep the file: the chain is checked with it."
                )
        except (NotArchived, NotSigned) as error:
            raise CommandError(str(error)) from error


def _moment(day: str | None) -> datetime | None:
    """The end of that day."""
    if day is None:
        return None
    try:
        found = parse_date(day)
    except ValueError:
        found = None
    if found is None:
        raise CommandError(f"{day[:40]} is not a date such as 2026-03-31.")
    return timezone.make_aware(datetime.combine(found, time.min) + timedelta(days=1))

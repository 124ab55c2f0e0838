"""`manage.py seal_rotate`: seal every stored secret again with the first key, and say which keys may be removed."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from alignadmin import sealing
from alignadmin.audit import key_rotation
from alignadmin.audit.key_rotation import SealStatus
from alignadmin.errors import SealError

MOST_NAMED = 50


class Command(BaseCommand):
    help = (
        "Encrypt every stored secret again with the first key of SEAL_KEYS. In this order: put the new key in front of "
        "the old one, restart web and worker, run this, and remove the old key once this says so. May be interrupted "
        "and run again at any time. Fingerprints of secrets change with the key. Exits 1 while a value is sealed with "
        "another key, or does not open."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count the values of each key")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            known = list(sealing.keys())
            if not options["dry_run"]:
                done = key_rotation.reseal_all(self.stdout.write)
                self.stdout.write(f'{done} values were encrypted again with the key "{known[0]}".')
            is_done = self._write_status(key_rotation.seal_status(), known)
        except SealError as error:
            raise CommandError(str(error)) from error
        if not is_done and not options["dry_run"]:
            sys.exit(1)

    def _write_status(self, status: SealStatus, known: list[str]) -> bool:
        """Whether everything opens and only the first key is needed."""
        first, *older = known
        counts = status.counts
        self.stdout.write(f'{counts[first]} values are encrypted with the key "{first}", the active one.')
        for key_id in older:
            self.stdout.write(_of_older(key_id, counts[key_id]))
        for key_id in sorted(set(counts) - set(known)):
            self.stderr.write(_of_unknown(key_id, counts[key_id]))
        for what in status.broken[:MOST_NAMED]:
            self.stderr.write(f"Does not open: {what}. Give this secret again.")
        if len(status.broken) > MOST_NAMED:
            self.stderr.write(f"{len(status.broken) - MOST_NAMED} more do not open.")
        return not status.broken and counts.total() == counts[first]


def _of_older(key_id: str, count: int) -> str:
    if not count:
        return f'0 values are encrypted with the key "{key_id}": it may be removed from SEAL_KEYS.'
    return (
        f'{count} values are encrypted with the key "{key_id}": it has to stay in SEAL_KEYS. '
        "Restart web and worker with the new key in front, and run this again."
    )


def _of_unknown(key_id: str, count: int) -> str:
    if not key_id:
        return f"{count} values are not in the encrypted form."
    return f'{count} values are encrypted with the key "{key_id}", which is not in SEAL_KEYS: add it again.'

"""`manage.py verify_history`: check the chain of audit entries; the exit code is 1 when it is broken."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from connectors.audit import chain


class Command(BaseCommand):
    help = "Check every audit entry against its hash and its neighbours. Exits 1 when the chain is broken."

    def handle(self, *args: Any, **options: Any) -> None:
        verdict = chain.verify(self.tell if options["verbosity"] > 1 else None)
        (self.stdout if verdict.ok else self.stderr).write(verdict.sentence)
        if not verdict.ok:
            sys.exit(1)

    def tell(self, rows: int) -> None:
        self.stdout.write(f"{rows} entries read")

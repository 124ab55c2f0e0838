"""`manage.py search_names`: make again what the search finds, or with --check only compare it."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from alignadmin.search import checking
from alignadmin.text import counted

MOST_LISTED = 20


class Command(BaseCommand):
    help = (
        "Compare the names that the search finds with the tables that have them, and write those that differ. With "
        "--check nothing is written, and the exit code is 1 when something differs. May be run while the product works."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="only compare")

    def handle(self, *args: Any, **options: Any) -> None:
        found = checking.find_differences() if options["check"] else checking.rebuild()
        for sentence in found[:MOST_LISTED]:
            self.stdout.write(sentence)
        if len(found) > MOST_LISTED:
            self.stdout.write(f"And {len(found) - MOST_LISTED} more.")
        done = "Different" if options["check"] else "Written again"
        self.stdout.write(f"{done}: {counted(len(found), 'name')}." if found else "Every name is as its table has it.")
        if options["check"] and found:
            sys.exit(1)

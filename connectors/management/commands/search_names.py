"""`manage.py search_names`: make again what the search finds, or with --check only compare it."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from alignadmin.search import checking

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
        were = "name differs" if len(found) == 1 else "names differ"
        done = (
            ""
            if options["check"] or not found
            else " and was written again"
            if len(found) == 1
            else " and were written again"
        )
        self.stdout.write(f"{len(found):,} {were}{done}." if found else "Every name is as its table has it.")
        if options["check"] and found:
            sys.exit(1)

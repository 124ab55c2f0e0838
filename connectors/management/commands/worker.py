"""`manage.py worker`: Huey's consumer, started only when the stored secrets can be opened."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from huey.contrib.djhuey.management.commands import run_huey

from connectors import sealing


class Command(run_huey.Command):  # type: ignore[misc]
    help = "Run the worker: refreshes, applies plans, takes in Align's log. SIGTERM lets what runs come to its end."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            sealing.verify_stored()
        except sealing.SealError as error:
            raise CommandError(str(error)) from error
        super().handle(*args, **options)

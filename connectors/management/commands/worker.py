"""`manage.py worker`: Huey's consumer, started only when the stored secrets can be opened."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from huey.contrib.djhuey.management.commands import run_huey

from alignadmin.tasks import HUEY
from connectors import jobs, sealing


class Command(run_huey.Command):
    help = "Run the worker: refreshes, applies plans, takes in Align's log. SIGTERM ends it between two requests."

    def check(self, *args: Any, **options: Any) -> None:
        """First of all the keys, in one line: the report of the system checks has many."""
        _refuse_wrong_keys()
        super().check(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        _refuse_wrong_keys()
        share_stop_flag()
        super().handle(*args, **options)


def _refuse_wrong_keys() -> None:
    try:
        sealing.verify_stored()
    except sealing.SealError as error:
        raise CommandError(str(error)) from error


def share_stop_flag() -> None:
    """Let long jobs hear that the consumer was asked to end, which it tells only to itself."""
    create = HUEY.create_consumer

    def create_consumer(**options: Any) -> Any:
        consumer = create(**options)
        jobs.stopping = consumer.stop_flag
        return consumer

    HUEY.create_consumer = create_consumer

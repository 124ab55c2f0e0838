"""`manage.py worker`: Huey's consumer, started only when settings, database and keys can work."""

from __future__ import annotations

import logging
import os
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from huey.contrib.djhuey.management.commands import run_huey

from alignadmin import starting
from alignadmin.due_work import HUEY
from connectors.jobs import clock, runner  # noqa: F401  the clock starts with the consumer

log = logging.getLogger("connectors.worker")


class Command(run_huey.Command):
    help = "Run the worker: refreshes, applies plans, imports Align's log. SIGTERM stops it between two requests."

    def check(self, *args: Any, **options: Any) -> None:
        """First of all what stops a start, in one line: the report of the system checks has many."""
        _refuse()
        super().check(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        _refuse()
        share_stop_flag()
        log.info("The worker has started: process %s, %s threads.", os.getpid(), settings.HUEY["consumer"]["workers"])
        super().handle(*args, **options)
        log.info("The worker has ended: process %s.", os.getpid())


def _refuse() -> None:
    try:
        starting.refuse()
    except starting.CannotStart as error:
        raise CommandError(str(error)) from error


def share_stop_flag() -> None:
    """Let long jobs hear that the consumer was asked to end, which it tells only to itself."""
    create = HUEY.create_consumer

    def create_consumer(**options: Any) -> Any:
        consumer = create(**options)
        runner.stopping = consumer.stop_flag
        return consumer

    HUEY.create_consumer = create_consumer

"""`manage.py worker`: threads that do what is due, started only when settings, database and keys can work."""

from __future__ import annotations

import logging
import os
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from alignadmin import starting
from alignadmin.due_work import run_due
from alignadmin.preferences.reading import in_one_turn
from connectors.jobs import clock, runner
from connectors.jobs.work_threads import WorkThreads

log = logging.getLogger("connectors.worker")
ENDING = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


class Command(BaseCommand):
    help = "Run the worker: refreshes, applies plans, imports Align's log. SIGTERM stops it between two requests."

    def check(self, *args: Any, **options: Any) -> None:
        """First of all what stops a start, in one line: the report of the system checks has many."""
        _refuse()
        super().check(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        _refuse()
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # for the threads, too: only this one takes them
        threads = WorkThreads(settings.WORKER_THREADS, in_one_turn(run_due))
        threads.start()
        clock.start(threads)
        log.info("The worker has started: process %s, %s threads.", os.getpid(), settings.WORKER_THREADS)
        signal.sigwait(ENDING)
        runner.stopping.set()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # a second Ctrl-C waits for nothing
        threads.end()
        log.info("The worker has ended: process %s.", os.getpid())


def _refuse() -> None:
    try:
        starting.refuse()
    except starting.CannotStart as error:
        raise CommandError(str(error)) from error

"""Limits of the web process, for gunicorn's `--config`: how long a request may take and how large its head may be.

A body's size is limited by `alignadmin.site.middleware.BodyLimit`, the time a request takes to come in by the worker.
Until then each one that trickles in holds a thread, and so does a client that reads slowly, so the TLS proxy in front
has to buffer requests and answers, as they all do unless told otherwise.
"""

import gc
from typing import Any

worker_class = "alignadmin.web_worker.PromptWorker"
threads = 4
timeout = 60  # seconds without a sign of life, after which a process is replaced
graceful_timeout = 25  # seconds that requests under way have when the process is told to end
keepalive = 5
limit_request_line = 8190  # bytes: filters and searches stand in the address
limit_request_fields = 64
limit_request_field_size = 8190
# Already while a process loads: to look for garbage among what stays took a sixth of its start.
gc.set_threshold(20_000, 20, 20)


def post_worker_init(worker: Any) -> None:
    """What a process has loaded stays: to look for garbage among it doubled the time of one request in twenty."""
    from django.apps import apps
    from django.urls import get_resolver

    if apps.ready:
        get_resolver().url_patterns  # noqa: B018  # loads the views, which the first request would else
    gc.collect()
    gc.freeze()

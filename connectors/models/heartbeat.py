"""Which worker processes give a sign of life."""

from __future__ import annotations

from django.db import models


class WorkerHeartbeat(models.Model):
    """One row per worker process. A row outlives its process: it says since when nothing was heard of it."""

    process = models.CharField(max_length=100, unique=True)  # host and process id
    started_at = models.DateTimeField()
    heard_at = models.DateTimeField(db_index=True)

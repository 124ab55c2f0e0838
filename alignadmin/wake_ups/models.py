"""The number of wake-ups so far."""

from __future__ import annotations

from django.db import models


class WakeUpCount(models.Model):
    """One row. Workers compare its number with the one they saw last."""

    THE_ROW = 1

    number = models.BigIntegerField(default=0)

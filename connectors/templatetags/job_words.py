"""What a page says about a background job: what it is doing, and how fast."""

from __future__ import annotations

from django import template
from django.utils import timezone

from connectors.models import ACTIVE, Job

register = template.Library()

FEWEST = 5  # a pace of fewer would only be noise


@register.filter
def job_kind(job: Job) -> str:
    return job.get_kind_display()


@register.filter
def is_active(job: Job) -> bool:
    return job.state in ACTIVE


@register.filter
def pace(job: Job) -> str:
    """ "12 a second" or "40 a minute"; empty until there is enough to tell."""
    if job.started_at is None or job.done < FEWEST:
        return ""
    seconds = ((job.finished_at or timezone.now()) - job.started_at).total_seconds()
    per_second = job.done / max(seconds, 0.1)
    return f"{per_second:.0f} a second" if per_second >= 2 else f"{per_second * 60:.0f} a minute"

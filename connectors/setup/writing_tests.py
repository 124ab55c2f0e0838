"""Tests that write one mapping to Align with consent and delete it again: whether one of a connector is not over."""

from __future__ import annotations

from connectors.models import ACTIVE, Connector, Job, JobKind, Probe

WRITING = (JobKind.PROBE, JobKind.CONTRACT)
OVER = ("", "done")  # states of a probe's write in which nothing of it is left in Align


def has_written(connector: Connector) -> bool:
    """The probe of a pending credential has, and what it wrote may still be there."""
    return Probe.objects.filter(credential__connector=connector).exclude(write_state__in=OVER).exists()


def is_to_write(connector: Connector) -> bool:
    """Somebody has agreed to one that has not ended."""
    agreed = Probe.objects.filter(credential__connector=connector, finished_at=None).exclude(write_key="")
    waiting = Job.objects.filter(connector=connector, kind__in=WRITING, state__in=ACTIVE)
    return agreed.exists() or any(job.params.get("write_key") for job in waiting)

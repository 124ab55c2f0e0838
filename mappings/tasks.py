"""What the worker does for mappings: observe, apply, and check whether a plan's before values still hold."""

from __future__ import annotations

from connectors.jobs import runner
from connectors.models import JobKind
from mappings.applying import job, refreshing
from mappings.observing.job import observe_connector

runner.handler(JobKind.OBSERVE)(observe_connector)
runner.handler(JobKind.APPLY)(job.apply_plan)
runner.handler(JobKind.PLAN_REFRESH)(refreshing.refresh_plan)

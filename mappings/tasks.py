"""What the worker does for mappings: observe, apply, and check whether a plan's before values still hold."""

from __future__ import annotations

from connectors.jobs import runner
from mappings.applying import job, refreshing
from mappings.observing.job import observe_connector

OBSERVE, APPLY, PLAN_REFRESH = "observe", "apply", "plan-refresh"

runner.handler(OBSERVE)(observe_connector)
runner.handler(APPLY)(job.apply_plan)
runner.handler(PLAN_REFRESH)(refreshing.refresh_plan)

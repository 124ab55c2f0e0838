"""What the worker does for mappings: observe, apply, and check whether a plan's before values still hold."""

from __future__ import annotations

from connectors import jobs
from mappings import apply, observe, refreshing

OBSERVE, APPLY, PLAN_REFRESH = "observe", "apply", "plan-refresh"

jobs.handler(OBSERVE)(observe.observe_connector)
jobs.handler(APPLY)(apply.apply_plan)
jobs.handler(PLAN_REFRESH)(refreshing.refresh_plan)

"""Align's states of a work item."""

from collections.abc import Mapping

# Fixed by Align and not customisable (seed "Mapping States, Process Steps, and Statuses").
# State 0 is a value: compare a target with `is None`, never by truth.
ALIGN_STATES: Mapping[int, str] = {
    0: "Pending approval",
    1: "Ready to start",
    2: "In progress",
    3: "Dev complete",
    4: "Test complete",
    5: "Accepted",
}

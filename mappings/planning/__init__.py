"""From chosen rows to a stored plan, its approval, the start of its apply, and what people tell it meanwhile."""

from mappings.planning.approving import GAP, approve, approve_in_emergency, start_apply
from mappings.planning.creation import NothingToDo, counted, make_plan, stored_fingerprint
from mappings.planning.holding import HoldingPlan, held_by_other
from mappings.planning.pause_resume import can_retry, control, left_words, retry_failed, start_refresh
from mappings.planning.row_selection import RowSelection, choose, preview
from mappings.planning.rules import is_old
from mappings.planning.typed_confirmation import TypedConfirmation, confirmation, confirmation_word

__all__ = [
    "GAP",
    "HoldingPlan",
    "RowSelection",
    "TypedConfirmation",
    "NothingToDo",
    "approve",
    "approve_in_emergency",
    "can_retry",
    "choose",
    "confirmation",
    "confirmation_word",
    "control",
    "counted",
    "held_by_other",
    "is_old",
    "left_words",
    "make_plan",
    "preview",
    "retry_failed",
    "start_apply",
    "start_refresh",
    "stored_fingerprint",
]

"""From chosen rows to a stored plan, its approval, the start of its apply, and what people tell it meanwhile."""

from mappings.planning.approving import GAP, approve, confirmation_word, is_old, start_apply
from mappings.planning.choosing import Choice, choose, preview
from mappings.planning.control import control, start_refresh
from mappings.planning.making import NothingToDo, counted, make_plan, stored_fingerprint

__all__ = [
    "GAP",
    "Choice",
    "NothingToDo",
    "approve",
    "choose",
    "confirmation_word",
    "control",
    "counted",
    "is_old",
    "make_plan",
    "preview",
    "start_apply",
    "start_refresh",
    "stored_fingerprint",
]

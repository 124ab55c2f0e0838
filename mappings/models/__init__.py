"""The tables of mappings, plans and the watch over them."""

from mappings.models.approval_ask import ApprovalAsk
from mappings.models.drift import CheckKind, ContractFact, DriftCheck
from mappings.models.in_use import InUseCount, InUseRound
from mappings.models.mapping import Edit, ForeignRecord, Mapping, Scope
from mappings.models.plan import PLANNED_FIELDS, UNANSWERED, Change, ChangeState, Plan, PlanState

__all__ = [
    "PLANNED_FIELDS",
    "UNANSWERED",
    "ApprovalAsk",
    "Change",
    "ChangeState",
    "CheckKind",
    "ContractFact",
    "DriftCheck",
    "Edit",
    "ForeignRecord",
    "InUseCount",
    "InUseRound",
    "Mapping",
    "Plan",
    "PlanState",
    "Scope",
]

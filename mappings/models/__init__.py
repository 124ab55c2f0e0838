"""The tables of mappings, plans and the watch over them."""

from mappings.models.agreement import AgreementKind, AgreementRun, AgreementSetting, ComparedItem
from mappings.models.approval_ask import ApprovalAsk
from mappings.models.configuration import AgreedLine, ConfigurationProposal, DraftLine, DraftSave, ProposalState
from mappings.models.drift import CheckKind, ContractFact, DriftCheck
from mappings.models.import_undoing import (
    OPEN_UNDOINGS,
    UNANSWERED_UNDOS,
    ImportUndoing,
    UndoAct,
    UndoingState,
    UndoLine,
    UndoLineState,
)
from mappings.models.imports import (
    OPEN_IMPORTS,
    UNANSWERED_LINES,
    ImportAct,
    ImportLine,
    ImportLineState,
    ImportRun,
    ImportState,
    ItemLink,
)
from mappings.models.in_use import InUseCount, InUseRound
from mappings.models.item_trials import OPEN_TRIALS, ItemTrial, ItemTrialState, ItemWriteFacts
from mappings.models.mapping import Edit, ForeignRecord, Mapping, Scope
from mappings.models.plan import (
    NOT_ENDED,
    OPEN_PLANS,
    PLANNED_FIELDS,
    UNANSWERED,
    UNDER_WAY,
    Change,
    ChangeState,
    Plan,
    PlanState,
)
from mappings.models.progress import ProgressReading
from mappings.models.rehearsal import Rehearsal, RehearsedIssue

__all__ = [
    "NOT_ENDED",
    "OPEN_IMPORTS",
    "OPEN_PLANS",
    "OPEN_TRIALS",
    "OPEN_UNDOINGS",
    "PLANNED_FIELDS",
    "UNANSWERED",
    "UNANSWERED_LINES",
    "UNANSWERED_UNDOS",
    "UNDER_WAY",
    "AgreedLine",
    "AgreementKind",
    "AgreementRun",
    "AgreementSetting",
    "ApprovalAsk",
    "Change",
    "ChangeState",
    "CheckKind",
    "ComparedItem",
    "ConfigurationProposal",
    "ContractFact",
    "DraftLine",
    "DraftSave",
    "DriftCheck",
    "Edit",
    "ForeignRecord",
    "ImportAct",
    "ImportLine",
    "ImportLineState",
    "ImportRun",
    "ImportState",
    "ImportUndoing",
    "InUseCount",
    "InUseRound",
    "ItemLink",
    "ItemTrial",
    "ItemTrialState",
    "ItemWriteFacts",
    "Mapping",
    "Plan",
    "PlanState",
    "ProgressReading",
    "ProposalState",
    "Rehearsal",
    "RehearsedIssue",
    "Scope",
    "UndoAct",
    "UndoLine",
    "UndoLineState",
    "UndoingState",
]

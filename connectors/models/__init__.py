"""The connectors app's tables."""

from connectors.models.budget import BudgetGate, BudgetPeak, BudgetSlot
from connectors.models.catalogue import (
    AlignOnlyProject,
    Carried,
    Confirmation,
    FormerKey,
    IssueType,
    ProcessFlow,
    ProcessStep,
    Project,
    ReachableStatus,
    ScopeChoice,
    Status,
    StatusCategory,
    TypeMatch,
    WorkItemType,
    has_lists,
    in_scope_here,
    ours,
    scope_of,
)
from connectors.models.connection_test import ConnectionCheck
from connectors.models.connector import (
    AuditSource,
    Connector,
    Credential,
    CredentialKind,
    JiraKind,
    Stage,
    System,
)
from connectors.models.explorer import QueryPage, QueryRun, RunOutcome, SavedQuery
from connectors.models.fields import FieldReading, FieldRow
from connectors.models.findings import Finding, FindingChange, FindingKind
from connectors.models.heartbeat import WorkerHeartbeat
from connectors.models.history import (
    Case,
    CaseState,
    Certainty,
    Coverage,
    HistoryRow,
    Intake,
    MirrorLine,
    Source,
    TypeLabel,
)
from connectors.models.intake_runs import IntakeRun, OpenRun, RunWithdrawal, SeenAgain, WithdrawnLine
from connectors.models.job import ACTIVE, Job, JobKind, JobState
from connectors.models.owner_links import LinkOutcome, OwnerLink
from connectors.models.packs import Every, Pack, PackSchedule, PackState
from connectors.models.priorities import PriorityList
from connectors.models.remote_lists import ListState, PageCap, RemoteList
from connectors.models.reported import ReportedChange, ReportedField
from connectors.models.review import Question, Review, ReviewDraft, SavedView
from connectors.models.rotation import CredentialUse, LineState, Probe, ProbeLine, Reminder
from connectors.models.set_up_draft import SetUpDraft
from connectors.models.verification import Verification
from connectors.models.waiting_intake import LineWithoutSeconds, WaitingIntake

__all__ = [
    "ACTIVE",
    "AlignOnlyProject",
    "AuditSource",
    "BudgetGate",
    "BudgetPeak",
    "BudgetSlot",
    "Carried",
    "Case",
    "CaseState",
    "Certainty",
    "Confirmation",
    "ConnectionCheck",
    "Connector",
    "Coverage",
    "Credential",
    "CredentialKind",
    "CredentialUse",
    "Every",
    "FieldReading",
    "FieldRow",
    "Finding",
    "FindingChange",
    "FindingKind",
    "FormerKey",
    "HistoryRow",
    "Intake",
    "IntakeRun",
    "IssueType",
    "JiraKind",
    "Job",
    "JobKind",
    "JobState",
    "LineState",
    "LineWithoutSeconds",
    "LinkOutcome",
    "MirrorLine",
    "OpenRun",
    "OwnerLink",
    "Pack",
    "PackSchedule",
    "PackState",
    "PriorityList",
    "Probe",
    "ProbeLine",
    "ListState",
    "PageCap",
    "ProcessFlow",
    "ProcessStep",
    "Project",
    "QueryPage",
    "QueryRun",
    "Question",
    "ReachableStatus",
    "RemoteList",
    "ReportedChange",
    "ReportedField",
    "Reminder",
    "Review",
    "ReviewDraft",
    "RunOutcome",
    "RunWithdrawal",
    "SavedQuery",
    "SavedView",
    "ScopeChoice",
    "SeenAgain",
    "SetUpDraft",
    "Source",
    "Stage",
    "Status",
    "StatusCategory",
    "System",
    "TypeLabel",
    "TypeMatch",
    "Verification",
    "WaitingIntake",
    "WithdrawnLine",
    "WorkItemType",
    "WorkerHeartbeat",
    "has_lists",
    "in_scope_here",
    "ours",
    "scope_of",
]

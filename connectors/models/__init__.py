"""The connectors app's tables."""

from connectors.models.budget import BudgetGate, BudgetPeak, BudgetSlot
from connectors.models.catalogue import (
    Confirmation,
    FormerKey,
    IssueType,
    ProcessFlow,
    ProcessStep,
    Project,
    ReachableStatus,
    Status,
    StatusCategory,
    TypeMatch,
    WorkItemType,
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
from connectors.models.verification import Verification
from connectors.models.waiting_intake import LineWithoutSeconds, WaitingIntake

__all__ = [
    "ACTIVE",
    "AuditSource",
    "BudgetGate",
    "BudgetPeak",
    "BudgetSlot",
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
    "SeenAgain",
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
]

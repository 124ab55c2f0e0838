"""The connectors app's tables."""

from alignadmin.accounts.models import Person, Role
from connectors.audit.models import ChainHead, Entry, HistoryRow, MirrorLine
from connectors.models.budget import BudgetGate, BudgetSlot
from connectors.models.catalogue import (
    Confirmation,
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
from connectors.models.connector import (
    AuditSource,
    Connector,
    Credential,
    CredentialKind,
    JiraKind,
    Stage,
    System,
)
from connectors.models.heartbeat import WorkerHeartbeat
from connectors.models.job import ACTIVE, Job, JobState
from connectors.models.rotation import CredentialUse, LineState, Probe, ProbeLine, Reminder

__all__ = [
    "ACTIVE",
    "AuditSource",
    "BudgetGate",
    "BudgetSlot",
    "ChainHead",
    "Confirmation",
    "Connector",
    "Credential",
    "CredentialKind",
    "CredentialUse",
    "Entry",
    "HistoryRow",
    "IssueType",
    "JiraKind",
    "Job",
    "JobState",
    "LineState",
    "MirrorLine",
    "Person",
    "Probe",
    "ProbeLine",
    "ProcessFlow",
    "ProcessStep",
    "Project",
    "ReachableStatus",
    "Reminder",
    "Role",
    "Stage",
    "Status",
    "StatusCategory",
    "System",
    "TypeMatch",
    "WorkItemType",
    "WorkerHeartbeat",
]

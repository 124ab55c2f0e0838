"""The tables of the history: our trail, the mirror of Align's log, their projection, and what reviewers keep."""

from alignadmin.audit.models import Archive, ChainHead, Checkpoint, CheckpointDelivery, Entry, SigningKey
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
from connectors.models.packs import Every, Pack, PackSchedule, PackState
from connectors.models.review import Question, Review, SavedView
from connectors.models.verification import Verification, VerificationState

__all__ = [
    "Archive",
    "Case",
    "CaseState",
    "Certainty",
    "ChainHead",
    "Checkpoint",
    "CheckpointDelivery",
    "Coverage",
    "Entry",
    "Every",
    "HistoryRow",
    "Intake",
    "IntakeRun",
    "MirrorLine",
    "OpenRun",
    "Pack",
    "PackSchedule",
    "PackState",
    "Question",
    "Review",
    "RunWithdrawal",
    "SavedView",
    "SeenAgain",
    "SigningKey",
    "Source",
    "TypeLabel",
    "Verification",
    "VerificationState",
    "WithdrawnLine",
]

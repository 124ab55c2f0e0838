"""The tables of the history: our trail, the mirror of Align's log, their projection, and what reviewers keep."""

from connectors.audit.models.history import (
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
from connectors.audit.models.packs import Every, Pack, PackSchedule, PackState
from connectors.audit.models.review import Question, Review, SavedView
from connectors.audit.models.trail import Archive, ChainHead, Checkpoint, CheckpointDelivery, Entry, SigningKey

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
    "MirrorLine",
    "Pack",
    "PackSchedule",
    "PackState",
    "Question",
    "Review",
    "SavedView",
    "SigningKey",
    "Source",
    "TypeLabel",
]

"""Replacing a credential without a gap: stage a new one, probe it, switch to it, go back or retire the one before.

Each act is one transaction behind the connector's row, so two people and a crash leave one state or the other.
"""

from connectors.credentials.rotation.checks import fitting_kinds, is_locked_out
from connectors.credentials.rotation.probes import (
    Hindrances,
    hindrances,
    latest_probe,
    start_probe,
    write_keys,
)
from connectors.credentials.rotation.stages import Staging, discard, set_owners, stage, try_again
from connectors.credentials.rotation.switching import go_back, may_go_back, retire, retire_due, switch

__all__ = [
    "Hindrances",
    "Staging",
    "discard",
    "fitting_kinds",
    "go_back",
    "hindrances",
    "is_locked_out",
    "latest_probe",
    "may_go_back",
    "retire",
    "retire_due",
    "set_owners",
    "stage",
    "start_probe",
    "switch",
    "try_again",
    "write_keys",
]

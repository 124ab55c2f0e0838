"""Rows for tests of the engine, settled as the product settles them."""

from __future__ import annotations

from dataclasses import replace

from mappings.engine.reconcile import Accepted, reconcile
from mappings.engine.values import Row, Situation


def edit(row: Row, wanted: int | None) -> Row:
    """The row with another wanted value and the situation that follows."""
    accepted = Accepted(value=row.observed) if row.accepted else None
    reconciled = reconcile(
        wanted=wanted, applied=row.applied, observed=row.observed, accepted=accepted, known=row.known
    )
    return replace(
        row,
        wanted=wanted,
        applied=reconciled.applied,
        situation=reconciled.situation,
        accepted=row.accepted and reconciled.situation in (Situation.ACCEPTED, Situation.CONFLICT, Situation.UNKNOWN),
    )

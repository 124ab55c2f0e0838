"""What step 10 of a set-up is worked out of: what the live verifications so far prove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.models import Connector
from mappings.items.round_trip.queries import standing_of
from mappings.models import RoundTrip, TripState


@dataclass(frozen=True, kw_only=True)
class VerifySetupFacts:
    """`pair`: "PAY-2 and Story 1" of the last proof, empty without one. `is_incomplete`: something did not come in the
    last verification, `missing` in words. `left`: one that has left something changed.
    """

    slug: str
    pair: str = ""
    at: datetime | None = None
    project: str = ""
    is_fresh: bool = False
    is_of_ours: bool = False
    last: int | None = None
    is_incomplete: bool = False
    is_broken_off: bool = False
    error: str = ""
    missing: Sequence[str] = ()
    left: int | None = None


def facts_of_verification(connector: Connector) -> VerifySetupFacts:
    """In at most six queries; neither system is asked."""
    found = standing_of(connector)
    proof, last = found.proof, found.last
    return VerifySetupFacts(
        slug=connector.slug,
        pair=_pair(connector, proof) if proof else "",
        at=proof.finished_at if proof else None,
        project=proof.project.key if proof else "",
        is_fresh=found.is_fresh,
        is_of_ours=found.is_of_ours,
        last=last.pk if last else None,
        is_incomplete=last is not None and last.state == TripState.INCOMPLETE,
        is_broken_off=last is not None and last.state == TripState.FAILED,
        error=last.error if last else "",
        missing=found.missing,
        left=found.left.pk if found.left else None,
    )


def _pair(connector: Connector, trip: RoundTrip) -> str:
    return f"{trip.issue_key} and {connector.terminology.name(trip.level)} {trip.align_id}"

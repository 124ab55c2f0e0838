"""What the verifications so far prove, and whether that still holds: for pages and for the last step of the set-up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.models import Carried, Connector, Project, in_scope_here
from mappings.items.round_trip.mapped import fingerprint_of
from mappings.models import HopState, RoundTrip, TripState

SHOWN = 50
PROOFS = (TripState.VERIFIED, TripState.PROVEN)
ENDED = (*PROOFS, TripState.INCOMPLETE, TripState.STOPPED, TripState.FAILED, TripState.LEFT)
TOLD = (*PROOFS, TripState.INCOMPLETE, TripState.FAILED, TripState.LEFT)  # one that was stopped says nothing


@dataclass(frozen=True, kw_only=True)
class VerificationStanding:
    """`proof`: the newest one that came to its end; `last`: the newest that tells something, where it is another one.

    `is_fresh`: whether the mappings of its project are those of then. `is_of_ours`: no project in scope is carried by
    Align, so nothing can be followed.
    """

    proof: RoundTrip | None
    is_fresh: bool
    last: RoundTrip | None
    missing: Sequence[str]  # what did not come in the last one
    left: RoundTrip | None  # one that has left something changed
    is_of_ours: bool


def standing_of(connector: Connector) -> VerificationStanding:
    """In at most six queries; neither system is asked."""
    rows = RoundTrip.objects.filter(connector=connector).select_related("project").order_by("-finished_at", "-id")
    last = rows.filter(state__in=TOLD).first()
    is_of_ours = not Project.objects.filter(in_scope_here(), connector=connector).exclude(carried=Carried.NO).exists()
    if last is None:
        return VerificationStanding(proof=None, is_fresh=False, last=None, missing=(), left=None, is_of_ours=is_of_ours)
    proofs = [TripState.VERIFIED, TripState.PROVEN] if is_of_ours else [TripState.VERIFIED]
    proof = last if last.state in proofs else rows.filter(state__in=proofs).first()
    missing: list[str] = []
    if last.state == TripState.INCOMPLETE:
        gone = last.hops.filter(state__in=[HopState.MISSING, HopState.IMPOSSIBLE, HopState.SKIPPED])
        missing = [each.get_code_display() for each in gone]
    return VerificationStanding(
        proof=proof,
        is_fresh=proof is not None and is_fresh(proof),
        last=last,
        missing=missing,
        left=last if last.state == TripState.LEFT else rows.filter(state=TripState.LEFT).first(),
        is_of_ours=is_of_ours,
    )


def is_fresh(trip: RoundTrip) -> bool:
    """Whether its project is in scope and moved by whom it was, with the mappings, levels and fields of then."""
    project = trip.project
    is_same = project.in_scope and project.vanished_at is None and (project.carried != Carried.NO) == trip.is_carried
    return is_same and trip.configured == fingerprint_of(project)


def verified_at(project: Project) -> datetime | None:
    """When the project was verified both ways last, by the mappings as they are now; None: it is not."""
    own = RoundTrip.objects.filter(project=project, state=TripState.VERIFIED, configured=fingerprint_of(project))
    return own.order_by("-finished_at").values_list("finished_at", flat=True).first()


def trips_of(connector: Connector) -> list[RoundTrip]:
    """The newest first."""
    rows = RoundTrip.objects.filter(connector=connector).select_related("project", "author", "approver")
    return list(rows.prefetch_related("hops")[:SHOWN])

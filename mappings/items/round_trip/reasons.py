"""Why something did not come over, as far as what is known here tells. Each says where it is mended."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.utils import timezone

from connectors.models import Carried, Webhook
from connectors.webhooks.health import state_of
from mappings.engine.families import A2J_STATE, J2A_STATE
from mappings.engine.item_differences import state_words
from mappings.engine.items import IssueFacts
from mappings.items.round_trip.sides import SeenItem
from mappings.models import HopCode, HopState, RoundTrip, TripHop
from mappings.models import Mapping as MappingRow

SETTINGS = "in Jira Align under Settings > Jira Settings"
RESOLVED = "{issue} is in {status}, an end of the work: Align moves no issue that is resolved."


@dataclass(frozen=True, kw_only=True)
class TripSight:
    """What was seen when it was given up: both sides, and the names of the statuses that the issue can go to."""

    issue: IssueFacts
    item: SeenItem | None
    reachable: Collection[int] = ()
    is_at_end: bool = False


@dataclass(frozen=True, kw_only=True)
class Expected:
    """`state`: that the new status shows as; `status`: where the new state moves the issue. None: not changed."""

    status_from: int | None = None
    state: int | None = None
    state_from: int | None = None
    status: int | None = None
    status_name: str = ""


def reason_of(trip: RoundTrip, hop: TripHop, hops: Collection[TripHop], seen: TripSight, expected: Expected) -> str:
    """`hops`: all of the verification, since what else came says much."""
    came = {each.code for each in hops if each.state == HopState.CAME}
    match hop.code:
        case HopCode.ITEM_MADE:
            return f"Align’s connector has made no item of {trip.issue_key}. {_connector(trip)}"
        case HopCode.ALIGN_TITLE if HopCode.ALIGN_STATUS in came:
            return (
                "The state came and the title did not, so the connector works and leaves the title out: look at its "
                f"fields and their direction {SETTINGS}."
            )
        case HopCode.ALIGN_STATUS:
            return _state_missing(trip, seen, expected, is_alone=HopCode.ALIGN_TITLE in came)
        case HopCode.JIRA_TITLE if HopCode.JIRA_STATUS in came:
            return (
                "The status came and the title did not: Align’s connector may carry titles from Jira alone here. Which "
                f"direction a field has is set {SETTINGS}."
            )
        case HopCode.JIRA_STATUS:
            return _status_missing(trip, seen, expected, is_alone=HopCode.JIRA_TITLE in came)
        case HopCode.ALIGN_TITLE | HopCode.JIRA_TITLE:
            return _connector(trip)
        case HopCode.JIRA_CHANGED | HopCode.ALIGN_CHANGED:
            return "It took the change and shows something else: somebody, or an automation, has changed it since."
    return ""


def why_not_announced(webhook: Webhook, polled: bool) -> str:
    """`polled`: whether polling has seen the change meanwhile."""
    _, why = state_of(webhook, timezone.now())
    found = "Polling found the change, and no delivery announced it" if polled else "No delivery announced the change"
    return f"{found}. {why}".strip()


def _connector(trip: RoundTrip) -> str:
    """Neither of the two came: what is known of the connector of this project."""
    project = trip.project
    if project.align_error:
        return f"Align says of {project.key}: {project.align_error}"
    if project.carried == Carried.UNKNOWN:
        return f"Whether Align’s connector carries {project.key} is not known yet: refresh the connector."
    return (
        f"Nothing came over. Align’s connector may be off, behind, or may not carry {project.key} both ways: look at "
        f"its state and at the direction {SETTINGS}."
    )


def _state_missing(trip: RoundTrip, seen: TripSight, expected: Expected, *, is_alone: bool) -> str:
    if expected.state is None or expected.status_from is None:
        return ""
    if not is_alone:
        return _connector(trip)
    apart = _apart(trip, J2A_STATE.code, expected.status_from, expected.state)
    if apart:
        return apart
    shows = state_words(seen.item.state) if seen.item else "nothing"
    return (
        f"The title came and the state did not: the item shows {shows}, where the mapping says "
        f"{state_words(expected.state)}. The status may not be mapped in Align as it is here: check the mappings."
    )


def _status_missing(trip: RoundTrip, seen: TripSight, expected: Expected, *, is_alone: bool) -> str:
    if expected.status is None or expected.state_from is None:
        return ""
    apart = _apart(trip, A2J_STATE.code, expected.state_from, expected.status)
    if apart:
        return apart
    if seen.is_at_end:
        return RESOLVED.format(issue=trip.issue_key, status=seen.issue.status_name)
    if expected.status not in seen.reachable:
        return (
            f"No transition leads from {seen.issue.status_name} to {expected.status_name} now, so Align could not move "
            "the issue: look at the workflow, and at what the connector’s account may do."
        )
    if is_alone:
        return (
            "The title came and the status did not: the account of Align’s connector may lack the permission "
            "Transition issues, or a required field has no value."
        )
    return _connector(trip)


def _apart(trip: RoundTrip, family: str, source: int, target: int) -> str:
    """Where Align's list was last read to hold something else than what is in force here."""
    rows = MappingRow.objects.filter(
        scope__connector_id=trip.connector_id,
        scope__family=family,
        scope__is_ours=False,
        work_item_type=trip.level,
        source_id=source,
        applied=target,
    )
    row = rows.filter(scope__project_id=trip.project_id).first() or rows.filter(scope__project=None).first()
    if row is None or row.observed == target:
        return ""
    return "Align’s list was last read without this mapping as it is agreed here: decide on the drift first."

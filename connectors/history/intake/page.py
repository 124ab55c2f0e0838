"""What pages show of how Align's log comes in."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.history.intake import gaps, intake
from connectors.models.connector import AuditSource, Connector


@dataclass(frozen=True, kw_only=True)
class IntakeState:
    """By which way a connector's log comes in, and why, and what of the time it does not cover."""

    connector: Connector
    why: str
    gaps: gaps.CoverageState


def intake_states() -> list[IntakeState]:
    """Of every connector, by name."""
    return [_state_of(connector) for connector in Connector.objects.order_by("name")]


def _state_of(connector: Connector) -> IntakeState:
    whys = {
        AuditSource.ENDPOINT: f"read from {intake.endpoint_of(connector)}",
        AuditSource.NONE: intake.why_no_endpoint(connector),
        AuditSource.UNTRIED: "not tried yet whether this Jira Align answers with its log",
    }
    return IntakeState(connector=connector, why=whys[AuditSource(connector.audit_source)], gaps=gaps.state(connector))

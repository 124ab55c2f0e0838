"""A change as Align's log tells it, for tests of what is made of such lines."""

from __future__ import annotations

from connectors.align.audit_sentences import A2J, STATE, UPDATED, MappingEvent

EVENT = MappingEvent(
    connector_id=123,
    action=UPDATED,
    kind=STATE,
    direction=A2J,
    work_item_type="Story",
    source_id=3,
    source_name="Dev complete",
    project_key="PROJ",
    before_id=10012,
    before_name="QA",
    after_id=10013,
    after_name="In Review",
)

"""Random worlds of wanted, applied and observed values, driven through observe, plan and apply for real."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alignadmin.accounts.models import Person
from connectors.models import Connector
from mappings import planning
from mappings.drift.decisions import Decision, decide
from mappings.edits import services
from mappings.engine.values import Situation
from mappings.models import Mapping
from tests.support import mapping_helpers
from tests.support.mapping_helpers import edit, mapping, observe_one
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
STATUSES = (10001, 10002, 10003, 10013, 10015, 10017)
TARGETS = (None, 0, 1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Move:
    """One row's fate: what we want, and what somebody else makes of it in Align (`same`: nothing)."""

    status: int
    wanted: int | None
    elsewhere: int | str | None


moves = st.builds(
    Move,
    status=st.sampled_from(STATUSES),
    wanted=st.sampled_from(TARGETS),
    elsewhere=st.sampled_from(("same", *TARGETS)),
)
worlds = st.lists(moves, unique_by=lambda move: move.status, min_size=1, max_size=len(STATUSES))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=worlds)
def test_planned_rows_end_as_wanted_and_no_other_row_is_touched(
    connector: Connector, admin: Person, sandbox: RunningSandbox, world: list[Move]
) -> None:
    settle_everything(connector, admin)
    for move in world:
        if mapping(connector, "j2a-state", move.status).wanted != move.wanted:
            edit(connector, "j2a-state", move.status, move.wanted, actor=admin)
        change_elsewhere(connector, sandbox, move)
    observe_one(mapping_helpers.scope(connector, "j2a-state"))

    rows = {
        row.source_id: row
        for row in Mapping.objects.filter(scope=mapping_helpers.scope(connector, "j2a-state"), work_item_type="story")
    }
    planned = {source for source, row in rows.items() if row.situation == Situation.EDITED}
    before = remote(sandbox)
    if planned:
        plan = mapping_helpers.apply_all(connector, actor=admin)
        assert {change.source_id for change in plan.changes.all()} == planned
        assert set(mapping_helpers.states(plan)) == {"done"}
    after = remote(sandbox)

    for source in planned:
        assert after.get((4, source)) == rows[source].wanted
    untouched = {key: value for key, value in before.items() if key not in {(4, source) for source in planned}}
    assert {key: value for key, value in after.items() if key not in {(4, source) for source in planned}} == untouched
    assert planning.preview(connector).changes == ()


def settle_everything(connector: Connector, admin: Person) -> None:
    """Start each world from rows in sync, whatever the one before left."""
    observe_one(mapping_helpers.scope(connector, "j2a-state"))
    for row in Mapping.objects.filter(scope__connector=connector).exclude(situation=Situation.IN_SYNC):
        if row.situation == Situation.EDITED:
            services.drop_edit(row, seen=row.wanted, actor=admin)
        else:
            decide(row, Decision.ADOPT, seen=row.observed, actor=admin)


def change_elsewhere(connector: Connector, sandbox: RunningSandbox, move: Move) -> None:
    now = remote(sandbox).get((4, move.status))
    if move.elsewhere in ("same", now):
        return
    fields = {"family": "j2a_state", "type": 4, "source": move.status}
    if move.elsewhere is None:
        sandbox.edit("delete_mapping", **fields)
    else:
        sandbox.edit("create_mapping" if now is None else "update_mapping", target=move.elsewhere, **fields)


def remote(sandbox: RunningSandbox) -> dict[tuple[int, int], int]:
    records = sandbox.align("GET", "/connectors/123/mappings/states").json()
    return {(record["workItemTypeId"], record["jiraStatusId"]): record["alignStateId"] for record in reversed(records)}

"""What an admin does before the clock starts: edits, a plan, its approval; and the same requests for a plain script."""

from __future__ import annotations

from collections.abc import Iterable

from alignadmin.accounts.models import Person
from connectors.models import Connector
from mappings import planning
from mappings.edits import services
from mappings.engine.families import FAMILIES
from mappings.engine.values import TypeName
from mappings.models import Change, Mapping, Plan, Scope
from tests.bench.scripts import Call

REASON = "benchmark"


def admin() -> Person:
    return Person.objects.get(email="admin@demo.test")


def second_admin() -> Person:
    return Person.objects.get(email="second.admin@demo.test")


def mapped(scope: Scope) -> Iterable[Mapping]:
    """Rows with one remote record; where there are several, somebody has to choose first."""
    rows = scope.mappings.exclude(observed=None).filter(duplicates=[])
    return rows.select_related("scope__project", "scope__connector").order_by("id")


def edit(mappings: Iterable[Mapping]) -> list[int]:
    """Want another target for each: the one that another row of the same scope and type has."""
    wishes = [_wish(mapping) for mapping in mappings]
    changed, refused = services.set_many(wishes, actor=admin())
    assert not refused, refused[:3]
    return [mapping.pk for mapping in changed]


def _wish(mapping: Mapping) -> services.EditRequest:
    key = services.MatrixKey(
        scope=mapping.scope, work_item_type=TypeName(mapping.work_item_type), source_id=mapping.source_id
    )
    siblings = Mapping.objects.filter(scope=mapping.scope, work_item_type=mapping.work_item_type)
    others = siblings.exclude(observed=mapping.observed).exclude(observed=None).order_by("id")
    return services.EditRequest(key=key, wanted=others.values_list("observed", flat=True)[0], seen=mapping.wanted)


def approved(connector: Connector, mapping_ids: list[int]) -> Plan:
    plan = planning.make_plan(connector, mapping_ids, actor=admin(), reason=REASON)
    return planning.approve(plan, plan.fingerprint, ticked=True, actor=second_admin())


def started(plan: Plan) -> Plan:
    return planning.start_apply(plan, typed=planning.confirmation_word(plan), actor=second_admin())


def confirmed(plan: Plan) -> int:
    """How many changes were done and read back; everything else is a failure of the benchmark."""
    total = plan.changes.count()
    done = plan.changes.filter(state="done", confirmed=True).count()
    assert done == total, list(plan.changes.exclude(state="done", confirmed=True).values_list("state", "detail")[:5])
    return done


def undoing_calls(plan: Plan, site_url: str) -> list[Call]:
    """As many requests of the same kind: each sets back what the plan's update has changed."""
    base = f"{site_url}/rest/align/api/2/connectors/{plan.connector.align_connector_id}"
    return [_undoing(change, base) for change in plan.changes.all()]


def _undoing(change: Change, base: str) -> Call:
    assert change.method == "PUT"
    assert change.body is not None
    query = "".join(f"?{name}={value}" for name, value in change.query)
    body = {**change.body, FAMILIES[change.family].target_field: change.before}
    return Call(method=change.method, url=f"{base}/{change.path}{query}", body=body)

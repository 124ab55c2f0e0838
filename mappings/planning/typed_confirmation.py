"""What has to be typed before an apply: the connector's name, where a plan deletes or changes much at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from connectors.models import Connector
from mappings.models import Plan, Scope

FEWEST_ROWS = 20  # of a list; a share of fewer says nothing, and deletes of them are asked about in any case


@dataclass(frozen=True, kw_only=True)
class TypedConfirmation:
    """`word` is what has to be typed; empty: nothing. `why` is the end of a sentence that begins with "this plan"."""

    word: str
    why: str


def confirmation(plan: Plan) -> TypedConfirmation:
    actions = list(plan.changes.values_list("action", "scope_id"))
    deletes = sum(action == "delete" for action, _ in actions)
    per_scope = Counter(scope for _, scope in actions)
    why = " and ".join([*_deletes(deletes), *_many(plan.connector, len(actions), per_scope)])
    return TypedConfirmation(word=plan.connector.slug if why else "", why=why)


def confirmation_word(plan: Plan) -> str:
    return confirmation(plan).word


def _deletes(count: int) -> Iterator[str]:
    if count:
        yield f"deletes {count} mapping{'' if count == 1 else 's'}"


def _many(connector: Connector, count: int, per_scope: Mapping[int, int]) -> Iterator[str]:
    """A limit of 0 asks always; a share of 100 percent never does."""
    if not count:
        return
    if connector.typed_above == 0 or connector.typed_share == 0:
        yield "is of a connector where every apply is confirmed"
    elif count > connector.typed_above:
        yield f"makes {count} changes, more than {connector.typed_above}"
    elif (found := _large_share(connector, per_scope)) is not None:
        yield f"changes {found[0]} of {found[1]} mappings of a list, more than {connector.typed_share} %"


def _large_share(connector: Connector, per_scope: Mapping[int, int]) -> tuple[int, int] | None:
    sizes = Scope.objects.filter(pk__in=per_scope, rows__gte=FEWEST_ROWS).values_list("pk", "rows")
    large = ((per_scope[pk], rows) for pk, rows in sizes if per_scope[pk] * 100 > rows * connector.typed_share)
    return max(large, default=None)

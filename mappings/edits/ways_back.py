"""What the company-managed projects that share a matrix map back to Jira: counted by the database, never row by row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from collections.abc import Mapping as MappingOf
from functools import cached_property

from django.db.models import Count, Q

from connectors.models import Connector, has_lists, ours
from mappings.engine.families import FAMILIES, family_of
from mappings.engine.values import Direction, Kind, TypeName
from mappings.models import Mapping, Scope

NOTHING = Q(pk__in=())


class WaysBackOfMany:
    """Of these kinds and types; without kinds nothing is asked. A list that was never read counts as none.

    `is_ours`: of the lists of ours, and of the projects that are ours.
    """

    def __init__(
        self, connector: Connector, kinds: Collection[Kind], types: Collection[TypeName], *, is_ours: bool = False
    ) -> None:
        self._connector = connector
        self._is_ours = is_ours
        self._codes = [family_of(kind, Direction.ALIGN_TO_JIRA).code for kind in sorted(kinds)]
        self._types = types

    @property
    def rows(self) -> Q:
        """Of mappings, those in the lists of these projects."""
        return self.lists("scope__")

    def lists(self, scope: str = "") -> Q:
        """Of scopes, or of what leads to them by `scope` ("scope__"): the lists of these projects."""
        if not self._codes:
            return NOTHING
        of_these = {
            "connector": self._connector,
            "family__in": self._codes,
            "project__team_managed": False,
            "is_ours": self._is_ours,
        }
        has_them = ours if self._is_ours else has_lists
        return has_them(f"{scope}project__") & Q(**{f"{scope}{name}": value for name, value in of_these.items()})

    @cached_property
    def _ways(self) -> dict[tuple[str, str], dict[tuple[int, int], int]]:
        """(family code, type) -> (target id, status id) -> projects."""
        found: dict[tuple[str, str], dict[tuple[int, int], int]] = defaultdict(dict)
        if not self._codes:
            return found
        rows = Mapping.objects.filter(
            self.rows, scope__observed_at__isnull=False, work_item_type__in=self._types, wanted__isnull=False
        )
        # What is the same of all is not grouped by: SQLite takes twice as long with it.
        names = {"scope__family": self._codes, "work_item_type": [type_.value for type_ in self._types]}
        several = [name for name, values in names.items() if len(values) > 1]
        ways = rows.order_by().values_list("source_id", "wanted", *several).annotate(number=Count("pk"))
        for target_id, status_id, *told, number in ways:
            of = {name: values[0] for name, values in names.items()} | dict(zip(several, told, strict=True))
            found[of["scope__family"], of["work_item_type"]][target_id, status_id] = number
        return found

    def counted(self, kind: Kind, type_: TypeName) -> MappingOf[tuple[int, int], int]:
        """(target id, status id) -> projects."""
        return self._ways.get((family_of(kind, Direction.ALIGN_TO_JIRA).code, type_.value), {})

    @cached_property
    def _lists_read(self) -> dict[str, int]:
        """Family code -> projects whose list was read."""
        read = Scope.objects.filter(self.lists(), observed_at__isnull=False).order_by()
        return dict(read.values_list("family").annotate(number=Count("pk"))) if self._codes else {}

    def lists_read(self, kind: Kind) -> int:
        return self._lists_read.get(family_of(kind, Direction.ALIGN_TO_JIRA).code, 0)

    @property
    def statuses(self) -> set[int]:
        """Ids of those that anything leads to."""
        return {status_id for ways in self._ways.values() for _, status_id in ways}

    @property
    def steps(self) -> dict[TypeName, set[int]]:
        """Ids of those that lead anywhere."""
        found: dict[TypeName, set[int]] = defaultdict(set)
        for (code, type_), ways in self._ways.items():
            if FAMILIES[code].kind is Kind.STEP:
                found[TypeName(type_)] |= {target_id for target_id, _ in ways}
        return found

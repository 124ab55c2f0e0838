"""What progress is made of: Align's stories and defects of a program that are linked, with what they hang below, and
the status of their issues in Jira, in lots of a hundred: by Jira's ids, which stay when an issue is moved or a project
renamed, else by their keys.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from alignadmin.parsing import whole as number_in
from connectors.align.client import AlignClient
from connectors.align.objects import OBJECTS
from connectors.align.query import Q, query_of
from connectors.jira import JiraClient
from mappings.engine.item_prediction import ItemRules
from mappings.engine.item_rules import CarriedPair
from mappings.engine.items import IssueFacts
from mappings.engine.progress import OF_CATEGORIES, OF_STATES, IterationDates, ProgressItem, WorkStage
from mappings.items.prediction.issues import IssueReading, lots
from mappings.items.prediction.partners import one_of

LEVELS = ("story", "defect")  # items of work that have points; what is above them is what they are rolled up by
POINTS = "points"
OF_ITEM = (
    "id",
    "title",
    "externalId",
    "externalKey",
    "state",
    "points",
    "featureId",
    "teamId",
    "iterationId",
    "isRecycled",
)
Row = Mapping[str, Any]
Said = Callable[[str], None]


@dataclass(kw_only=True)
class AlignItems:
    """`names`: of an object ("feature") by its ids. `left_out`: why an item is not among `items` -> how many."""

    items: list[ProgressItem] = field(default_factory=list)
    names: dict[str, dict[int, str]] = field(default_factory=dict)
    iterations: dict[int, IterationDates] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass(kw_only=True)
class ProgressReader:
    """`keys`: of the projects in scope. `links`: level and id of Align -> key and id of the issue, of items
    that an import made.
    """

    align: AlignClient
    jira: JiraClient
    program: int
    keys: frozenset[str]
    links: Mapping[tuple[str, int], tuple[str, int]]
    pairs: Mapping[str, CarriedPair]  # of a level, the one that has Align's points
    said: Said
    unread: list[str] = field(default_factory=list)

    # --- Align --------------------------------------------------------------------------------------------------------

    def of_align(self) -> AlignItems:
        """Raises RemoteError, and QueryRefused for nothing that is not a mistake of ours."""
        found = AlignItems()
        rows: list[tuple[str, str, int | None, Row]] = []
        for level in LEVELS:
            for row in self._rows(level):
                key, issue = self.links.get((level, row["id"])) or _of_align(row)
                if row.get("isRecycled") is True:
                    found.left_out["recycled"] += 1
                elif not key:
                    found.left_out["not-linked"] += 1
                elif key.rpartition("-")[0] not in self.keys:
                    found.left_out["out-of-scope"] += 1
                else:
                    rows.append((level, key, issue, row))
            self.said(f"{OBJECTS[level].plural.lower()} of Jira Align")
        self._above(found, [row for *_, row in rows])
        found.items = [replace(self._item(level, key, row, found), issue_id=issue) for level, key, issue, row in rows]
        return found

    def _rows(self, level: str) -> Iterator[Row]:
        has_release = "releaseId" in OBJECTS[level].fields
        fields = (*OF_ITEM, "releaseId") if has_release else OF_ITEM
        query = query_of(level).select(*fields).where(Q("programId").eq(self.program))
        for number, page in enumerate(self.align.objects.pages(query), start=1):
            self.said(f"{OBJECTS[level].plural.lower()} of Jira Align, page {number}")
            yield from (row for row in page if isinstance(row.get("id"), int))

    def _above(self, found: AlignItems, rows: Sequence[Row]) -> None:
        """Features, what is above them, and iterations, by their ids; then what program increments and teams are
        called.
        """
        self.features = self._by_ids("feature", _ids(rows, "featureId"), "title", "epicId", "parentId", "releaseId")
        capabilities = self._by_ids("capability", _ids(self.features.values(), "parentId"), "title", "epicId")
        self.epic_of = {
            id_: _id(row, "epicId") or _id(capabilities.get(_id(row, "parentId") or 0, {}), "epicId")
            for id_, row in self.features.items()
        }
        self.iterations = self._by_ids(
            "iteration", _ids(rows, "iterationId"), "title", "beginDate", "endDate", "releaseId"
        )
        found.iterations = {
            id_: IterationDates(id=id_, begins=_day(row, "beginDate"), ends=_day(row, "endDate"))
            for id_, row in self.iterations.items()
        }
        epics = self._by_ids("epic", {each for each in self.epic_of.values() if each is not None}, "title")
        teams = self._by_ids("team", _ids(rows, "teamId"), "name")
        releases = _ids((*rows, *self.features.values(), *self.iterations.values()), "releaseId")
        found.names = {
            "feature": _named(self.features, "title"),
            "epic": _named(epics, "title"),
            "iteration": _named(self.iterations, "title"),
            "team": _named(teams, "name"),
            "release": _named(self._by_ids("release", releases, "title"), "title"),
        }

    def _by_ids(self, kind: str, ids: Iterable[int], *fields: str) -> dict[int, Row]:
        found: dict[int, Row] = {}
        for lot in lots(sorted(set(ids))):
            query = query_of(kind).select("id", *fields).where(one_of("id", lot))
            found |= {row["id"]: row for row in self.align.objects.rows(query) if isinstance(row.get("id"), int)}
            self.said(f"{OBJECTS[kind].plural.lower()} of Jira Align")
        return found

    def _item(self, level: str, key: str, row: Row, found: AlignItems) -> ProgressItem:
        """A defect tells no program increment: it is in that of its iteration, else of its feature."""
        feature, iteration = _id(row, "featureId"), _id(row, "iterationId")
        release = (
            _id(row, "releaseId")
            or _id(self.iterations.get(iteration or 0, {}), "releaseId")
            or _id(self.features.get(feature or 0, {}), "releaseId")
        )
        state = row.get("state")
        is_state = isinstance(state, int) and not isinstance(state, bool)
        return ProgressItem(
            level=level,
            id=row["id"],
            key=key,
            title=_text(row, "title"),
            align=OF_STATES.get(state, WorkStage.UNKNOWN) if is_state and state is not None else WorkStage.UNKNOWN,
            jira=WorkStage.UNKNOWN,
            align_points=_number(row.get(POINTS)),
            release=release,
            epic=self.epic_of.get(feature) if feature is not None else None,
            feature=feature,
            team=_id(row, "teamId"),
            iteration=iteration,
        )

    # --- Jira ---------------------------------------------------------------------------------------------------------

    def with_jira(self, items: Sequence[ProgressItem]) -> list[ProgressItem]:
        """With the stage and the points of their issues; where no pair has points those of Align stand for them.

        Of what Jira does not show nothing is told. Raises RemoteError.
        """
        rules = ItemRules(pairs={level: [pair] for level, pair in self.pairs.items()})
        reading = IssueReading(jira=self.jira, rules=rules, unread=self.unread)
        issues: dict[int | str, IssueFacts] = {}
        ids = sorted({each.issue_id for each in items if each.issue_id is not None})
        keys = sorted({each.key for each in items if each.issue_id is None})
        number = len(ids) + len(keys)
        lots_read = (*(reading.by_keys(lot) for lot in lots(ids)), *(reading.by_keys(lot) for lot in lots(keys)))
        for lot in lots_read:
            for issue in (each for some in lot for each in some):
                issues[issue.id] = issues[issue.key] = issue
            self.said(f"statuses of Jira, {len(issues) // 2} of {number} issues")
        if number:
            self.jira.myself()  # a token that died meanwhile has made us anonymous, and what was answered less
        return [self._beside(each, issues.get(each.key if each.issue_id is None else each.issue_id)) for each in items]

    def _beside(self, item: ProgressItem, issue: IssueFacts | None) -> ProgressItem:
        pair = self.pairs.get(item.level)
        if issue is None:
            return item if pair else replace(item, jira_points=item.align_points)
        status = issue.values.get("status")
        category = status.get("statusCategory") if isinstance(status, dict) else None
        key = category.get("key") if isinstance(category, dict) else None
        points = _number(issue.values.get(pair.jira)) if pair else item.align_points
        stage = OF_CATEGORIES.get(key, WorkStage.UNKNOWN) if isinstance(key, str) else WorkStage.UNKNOWN
        return replace(item, key=issue.key, jira=stage, jira_points=points)


def _of_align(row: Row) -> tuple[str, int | None]:
    """Key and id of the issue that Align says the item came from."""
    return _text(row, "externalKey"), number_in(str(row.get("externalId") or ""))


def _ids(rows: Iterable[Row], name: str) -> set[int]:
    return {id_ for row in rows if (id_ := _id(row, name)) is not None}


def _id(row: Row, name: str) -> int | None:
    value = row.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""


def _named(rows: Mapping[int, Row], name: str) -> dict[int, str]:
    return {id_: _text(row, name) for id_, row in rows.items()}


def _number(value: Any) -> float | None:
    """Points as a number that can be added: no text, none below zero, and none beyond what people mean."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 1e9 else None


def _day(row: Row, name: str) -> date | None:
    try:
        return datetime.fromisoformat(_text(row, name)).date()
    except ValueError:
        return None

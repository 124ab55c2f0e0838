"""What the page that explains an item shows: both sides, the rules that apply, the next moves, what was delivered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from django.db.models import Q
from django.urls import reverse
from django.utils.http import urlencode

from alignadmin.text import counted
from connectors.align.states import ALIGN_STATES
from connectors.align.terminology import LEVELS
from connectors.jira.reaching import KnownWay
from connectors.models import Carried, Connector, InboxDelivery, ProcessStep, Status, StatusCategory
from mappings.edits.names import Names, names_of
from mappings.engine.item_differences import RealOutcome, state_words
from mappings.engine.next_moves import AlignMove, JiraMove, MoveOutcome, OfferedMove, moves_in_align, moves_in_jira
from mappings.engine.values import Kind
from mappings.items.explaining.levels import LevelRule, level_rule
from mappings.items.explaining.reading import ItemReading
from mappings.items.explaining.records import ItemRecords, RecordLine, has_records, lists_unread
from mappings.items.explaining.sides import ItemSides, SideLine, step_words
from mappings.models import ImportLine

MOST_DELIVERIES = 10


@dataclass(frozen=True, kw_only=True)
class ShownMove:
    """`tag`: a style and a few words."""

    name: str
    leads_to: str
    says: str
    style: str = ""
    tag: str = ""


class ExplainPage:
    """`typed`, `level`: as in the address. Without a reading it is the form alone, with `trouble` where there is."""

    def __init__(
        self,
        connector: Connector,
        *,
        typed: str = "",
        level: str = "",
        reading: ItemReading | None = None,
        trouble: str = "",
    ) -> None:
        self.connector, self.typed, self.level = connector, typed, level
        self.reading, self.trouble = reading, trouble
        self.called = connector.terminology

    @property
    def levels(self) -> list[tuple[str, str]]:
        return [(each, self.called.name(each)) for each in LEVELS]

    # --- which it is --------------------------------------------------------------------------------------------------

    @property
    def found(self) -> ItemReading:
        assert self.reading is not None  # noqa: S101  # the template asks nothing of this without one
        return self.reading

    @property
    def key(self) -> str:
        found = self.found
        return found.issue.key if found.issue else ""

    @property
    def title(self) -> str:
        found = self.found
        title = found.record.get("title") if found.record else ""
        return (found.issue.title if found.issue else "") or (title if isinstance(title, str) else "")

    @property
    def item_words(self) -> str:
        """ "Story 12", "two items": what Align has."""
        found = self.found
        ids = " and ".join(str(each["id"]) for each in found.records)
        return f"{self.called.name(found.level)} {ids}" if ids and found.level else ""

    @property
    def heading(self) -> str:
        return " · ".join(filter(None, (self.key, self.item_words))) or "Nothing was found"

    @property
    def outcome(self) -> RealOutcome | None:
        found = self.found
        if found.align_problem or (found.issue is None):
            return None
        if len(found.records) > 1:
            return RealOutcome.TWICE
        if found.predicted is not None and not found.predicted.level:
            return RealOutcome.NOTHING_EXPECTED
        if not found.records:
            return RealOutcome.NOT_FOUND
        return RealOutcome.DIFFERS if found.compared or self.is_other_level else RealOutcome.ALIKE

    @property
    def outcome_style(self) -> str:
        return "ok" if self.outcome is RealOutcome.ALIKE else "warn"

    @property
    def is_other_level(self) -> bool:
        """Align has it at a level that the hierarchy does not want."""
        found = self.found
        wanted = found.predicted.level if found.predicted else ""
        return bool(found.records) and bool(wanted) and found.level != wanted

    @property
    def wanted_level(self) -> str:
        found = self.found
        return self.called.name(found.predicted.level) if found.predicted and found.predicted.level else ""

    @property
    def who_moves(self) -> str:
        """One sentence on who carries changes of it."""
        project = self.found.project
        if project is None:
            return "The project is none that was read here, so no rule is known for it. Refresh the connector."
        where = "" if project.in_scope and project.vanished_at is None else f" {project.key} is not in scope here."
        if project.is_ours:
            return (
                f"{project.key} is ours: its mappings are kept here, an import makes its items, and nothing carries "
                f"a change by itself.{where}"
            )
        if project.carried == Carried.NO:
            return f"Align does not carry {project.key}, so nothing is carried in either direction.{where}"
        return f"Align’s own connector carries {project.key}: it moves the items by the records below.{where}"

    @property
    def is_carried(self) -> bool:
        project = self.found.project
        return project is not None and not project.is_ours and project.carried != Carried.NO

    @property
    def requests(self) -> str:
        return counted(self.found.requests, "request")

    # --- both sides ---------------------------------------------------------------------------------------------------

    @cached_property
    def names(self) -> Names:
        return names_of(self.connector, self.records.rows if self.records else ())

    @cached_property
    def sides(self) -> list[SideLine]:
        return ItemSides(self.found, self.names).lines

    @property
    def other_losses(self) -> list[str]:
        """Of no field: that its type stands for no level."""
        item = self.found.predicted
        return [each.sentence for each in item.losses if each.code.value == "type-not-mapped"] if item else []

    # --- rules --------------------------------------------------------------------------------------------------------

    @cached_property
    def level_rule(self) -> LevelRule | None:
        found = self.found
        if found.issue is None or found.project is None:
            return None
        return level_rule(self.connector, found.project, found.issue.type_name)

    @cached_property
    def records(self) -> ItemRecords | None:
        found = self.found
        level = (found.predicted.level if found.predicted else "") or found.level
        if found.issue is None or found.project is None or not has_records(level):
            return None
        return ItemRecords(self.connector, found.project, level, found.issue.status_id)

    @cached_property
    def record_lines(self) -> list[RecordLine]:
        if self.records is None:
            return []
        found = self.found
        step = found.record.get("processStepId") if found.record else None
        state = found.state_now if found.record else (found.predicted.state if found.predicted else None)
        return self.records.lines(self.names, state=state, step=step if isinstance(step, int) else None)

    @property
    def are_lists_unread(self) -> bool:
        records = self.records
        return records is not None and lists_unread(self.connector, records.project, records.level)

    @property
    def no_records_sentence(self) -> str:
        found = self.found
        level = (found.predicted.level if found.predicted else "") or found.level
        if self.records is not None or not level or found.project is None:
            return ""
        return f"Statuses are not mapped for {self.called.items(level)}."

    # --- next moves ---------------------------------------------------------------------------------------------------

    @cached_property
    def jira_moves(self) -> list[ShownMove]:
        found = self.found
        if found.transitions is None or found.rules is None or found.predicted is None:
            return []
        offered = [
            OfferedMove(
                name=each.name,
                status_id=each.to.id,
                status_name=each.to.name,
                is_available=each.is_available,
                asks=[field.name for field in each.fields if field.must_be_given],
            )
            for each in found.transitions
        ]
        return [
            self._jira_move(each)
            for each in moves_in_jira(found.predicted.level, offered, found.rules, found.state_now)
        ]

    def _jira_move(self, move: JiraMove) -> ShownMove:
        offered = move.offered
        says = [] if move.step is None else [f"Process step {step_words(self.names, move.step)}."]
        if move.state is not None and not move.is_mapped:
            says.append("The status has no mapping, so it falls to 0.")
        if offered.is_available is False:
            says.append("Jira does not offer it at present: a condition of it is not met.")
        if offered.asks:
            says.append(f"Jira asks for {', '.join(offered.asks)}.")
        style, tag = "", ""
        if move.state is not None and not move.is_mapped:
            style, tag = "warn", "not mapped"
        elif move.changes is False:
            tag = "no change"
        return ShownMove(
            name=offered.name,
            leads_to=offered.status_name,
            says=" ".join((*([state_words(move.state) + "."] if move.state is not None else []), *says)),
            style=style,
            tag=tag,
        )

    @cached_property
    def align_moves(self) -> list[ShownMove]:
        found = self.found
        if self.records is None or found.issue is None:
            return []
        return [
            *self._moves_of(Kind.STATE, list(ALIGN_STATES)),
            *self._moves_of(Kind.STEP, sorted(self.records.to_jira(Kind.STEP))),
        ]

    def _moves_of(self, kind: Kind, values: Sequence[int]) -> list[ShownMove]:
        found = self.found
        if self.records is None or found.issue is None or not values:
            return []
        known = found.ways.by_status if found.ways else {}
        ways = {status: _way_words(way) for status, way in known.items()}
        is_whole = found.ways is not None and found.ways.is_whole
        moves = moves_in_align(
            values,
            self.records.to_jira(kind),
            found.issue.status_id,
            ways,
            is_whole=is_whole,
            is_resolved=self.is_resolved,
            asked={
                status: [each.name for each in way.first.fields if each.must_be_given] for status, way in known.items()
            },
        )
        return [self._align_move(kind, each) for each in moves]

    @cached_property
    def is_resolved(self) -> bool:
        """By the category of its status, as Align's connector goes by."""
        issue = self.found.issue
        ends = Status.objects.filter(connector=self.connector, category=StatusCategory.DONE)
        return issue is not None and ends.filter(jira_id=issue.status_id).exists()

    def _align_move(self, kind: Kind, move: AlignMove) -> ShownMove:
        name = state_words(move.value) if kind is Kind.STATE else step_words(self.names, move.value)
        status = "" if move.status_id is None else self.names.statuses.get(move.status_id, f"Status {move.status_id}")
        says, style, tag = _OUTCOMES[move.outcome]
        return ShownMove(
            name=name,
            leads_to=status,
            says=says.format(way=", ".join(move.way), asks=", ".join(move.asks)),
            style=style,
            tag=tag,
        )

    # --- what was delivered -------------------------------------------------------------------------------------------

    @cached_property
    def deliveries(self) -> list[InboxDelivery]:
        issue = self.found.issue
        if issue is None:
            return []
        rows = InboxDelivery.objects.filter(webhook__connector=self.connector, issue_id=issue.id)
        return list(rows.defer("sealed_body").order_by("-id")[:MOST_DELIVERIES])

    @property
    def inbox_address(self) -> str:
        return f"{reverse('webhook', args=[self.connector.slug])}?{urlencode({'issue': self.key})}#inbox"

    @cached_property
    def import_line(self) -> ImportLine | None:
        """The last time that something was sent for it."""
        issue = self.found.issue
        if issue is None:
            return None
        sent = Q(sent_at__isnull=False) | Q(align_id__isnull=False)
        lines = ImportLine.objects.filter(sent, run__connector=self.connector, jira_id=issue.id)
        return lines.select_related("run").order_by("-run_id").first()


_OUTCOMES = {
    MoveOutcome.NOTHING: ("Nothing happens in Jira: no record leads from it.", "", "no record"),
    MoveOutcome.THERE: ("Jira is in that status already.", "ok", "there"),
    MoveOutcome.RESOLVED: ("The issue is at an end of the work, and Align moves no issue that is.", "bad", "resolved"),
    MoveOutcome.ASKS: ("{way}, which asks for {asks}: Align gives no value of it.", "bad", "asks for values"),
    MoveOutcome.WAY: ("{way}.", "ok", "reached"),
    MoveOutcome.NO_WAY: (
        "No way of at most three transitions leads there from the present status.",
        "bad",
        "no transition",
    ),
    MoveOutcome.NOT_TOLD: ("No transition is known that leads there.", "", "not known"),
}


def _way_words(way: KnownWay) -> list[str]:
    """Of a transition that is called as the status behind it, once."""
    name, to = way.first.name, way.passes[0].name
    first = f"“{name}”" if name == to else f"“{name}” to {to}"
    return [first, *(f"then {each.name}" for each in way.passes[1:])]


def steps_of(connector: Connector) -> dict[int, str]:
    return dict(ProcessStep.objects.filter(connector=connector).values_list("align_id", "name"))

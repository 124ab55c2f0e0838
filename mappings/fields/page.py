"""What the page of fields shows of one work item type: Align's fields by group, and what each goes with in Jira."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from alignadmin.accounts.models import Person
from alignadmin.folding import fold
from alignadmin.parsing import text_in
from connectors.field_types.value_types import ValueType
from connectors.jobs import runner
from connectors.models import Connector, FieldReading, Job, JobKind, JobState, WorkItemType
from mappings.configuration.draft import DraftState
from mappings.configuration.page import DraftPanel
from mappings.edits.catalogue_facts import projects_in_scope
from mappings.engine.configuration import ConfigurationProblem, LineValue, canonical, is_same, line_key
from mappings.engine.field_pairs import (
    FieldDirection,
    FieldGroup,
    FieldPair,
    FieldSide,
    SideField,
    SuggestedPartner,
    Suggestions,
    by_itself,
    core_pairs,
    group_of,
)
from mappings.fields.sides import BothSides, sides_of
from mappings.fields.subject import FieldPairs, pair_in

PER_PAGE = 50  # each offers all fields of Jira that fit, and hundreds of both would be millions of letters
LONGEST_WORDS = 100
OPTION = '<option value="{}">{} · {}</option>'


@dataclass(frozen=True, kw_only=True)
class PartnerChoice:
    """What somebody typed into a row of a form that was refused."""

    jira: str
    direction: str


@dataclass(frozen=True, kw_only=True)
class FieldLine:
    """One field of Align. `settled`: why nobody chooses a partner for it, and `partner` which it has then.

    `options`: the fields of Jira that fit, as options of a select.
    """

    field: SideField
    key: str  # of its line
    href: str
    settled: str = ""
    partner: SideField | None = None
    pair: FieldPair | None = None
    seen: LineValue = None
    options: str = ""
    fitting: int = 0
    directions: Sequence[tuple[FieldDirection, bool]] = ()
    suggestion: SuggestedPartner | None = None
    can_accept: bool = False
    problems: Sequence[ConfigurationProblem] = ()
    is_pending: bool = False

    @property
    def has_options(self) -> bool:
        return self.pair is not None and self.field.told.type.has_options

    @property
    def is_unknown(self) -> bool:
        return self.field.told.type is ValueType.UNKNOWN

    @property
    def seen_text(self) -> str:
        return canonical(self.seen) if self.seen else ""


@dataclass(frozen=True, kw_only=True)
class FieldLines:
    group: FieldGroup
    lines: Sequence[FieldLine]


class TypeFields:
    """The fields of one work item type with the pairs that are wanted, each part read once when it is asked for."""

    def __init__(
        self,
        connector: Connector,
        type_: WorkItemType,
        person: Person,
        *,
        asked: Mapping[str, str] | None = None,
        typed: Mapping[str, PartnerChoice] | None = None,
    ) -> None:
        """`asked`: words and page of the address."""
        self.connector, self.type, self.person, self.typed = connector, type_, person, typed or {}
        self.asked = asked or {}
        self.state = DraftState(FieldPairs(), connector)

    @cached_property
    def sides(self) -> BothSides:
        return sides_of(self.connector, self.type)

    @cached_property
    def jira(self) -> Mapping[str, SideField]:
        return {each.key: each for each in self.sides.jira}

    @cached_property
    def readings(self) -> Mapping[str, FieldReading]:
        """By system."""
        found = FieldReading.objects.filter(connector=self.connector, work_item_type=self.type)
        return {each.system: each for each in found}

    @property
    def is_read(self) -> bool:
        return bool(self.sides.align and self.sides.jira)

    @property
    def can_edit(self) -> bool:
        return self.panel.can_edit

    @property
    def can_choose(self) -> bool:
        """While a proposal waits for its decision nobody edits beside it."""
        return self.can_edit and self.state.proposal is None

    @cached_property
    def panel(self) -> DraftPanel:
        return DraftPanel(self.state, self.person)

    @cached_property
    def job(self) -> Job | None:
        """The reading that is under way, or the last one where it failed."""
        found = runner.latest(self.connector, JobKind.FIELDS)
        return found if found and found.state != JobState.DONE else None

    @property
    def name(self) -> str:
        return self.connector.terminology.name(self.type)

    @cached_property
    def types(self) -> list[tuple[str, str, bool]]:
        """Name, address, and whether it is this one."""
        names = self.connector.terminology
        return [(names.name(each), address_of(self.connector, each), each == self.type) for each in WorkItemType]

    @cached_property
    def carried(self) -> int:
        """Projects in scope here whose items Align's own connector moves."""
        return projects_in_scope(self.connector).count()

    # --- which of them ---

    @property
    def words(self) -> str:
        return text_in(self.asked, "q").strip()[:LONGEST_WORDS]

    @cached_property
    def found(self) -> list[SideField]:
        """Align's fields, those that are gone only where somebody paired them, by group and by the words."""
        wanted, words = self.state.wanted, fold(self.words)
        shown = [each for each in self.sides.align if not each.is_gone or line_key(self.type, each.key) in wanted]
        order = list(FieldGroup)
        named = [each for each in shown if not words or words in fold(f"{each.name} {each.key} {each.told.type}")]
        return sorted(named, key=lambda each: order.index(group_of(each)))

    @cached_property
    def page(self) -> Page[SideField]:
        return Paginator(self.found, PER_PAGE).get_page(self.asked.get("page"))

    @property
    def query(self) -> str:
        """Without the page, which a pager adds."""
        return urlencode({"type": self.type.value} | ({"q": self.words} if self.words else {}))

    @property
    def address(self) -> str:
        number = {"page": self.page.number} if self.page.number > 1 else {}
        return f"{reverse('fields', args=[self.connector.slug])}?{self.query}{'&' if number else ''}{urlencode(number)}"

    # --- the rows ---

    @cached_property
    def problems(self) -> Mapping[str, list[ConfigurationProblem]]:
        """By line; those of Jira's fields alone are under the empty key."""
        found: dict[str, list[ConfigurationProblem]] = {}
        for each in self.state.problems:
            if each.key.startswith(f"{self.type}:") or (not each.key and each.about.startswith(f"{self.type}:")):
                found.setdefault(each.key, []).append(each)
        return found

    @property
    def groups(self) -> list[FieldLines]:
        by_group: dict[FieldGroup, list[FieldLine]] = {each: [] for each in FieldGroup}
        partners = {align.key: jira for align, jira in core_pairs(self.sides.align, self.sides.jira)}
        for field in self.page:
            by_group[group_of(field)].append(self._line(field, partners.get(field.key)))
        return [FieldLines(group=group, lines=lines) for group, lines in by_group.items() if lines]

    def _line(self, field: SideField, core: SideField | None) -> FieldLine:
        key = line_key(self.type, field.key)
        query = urlencode({"type": self.type.value, "field": field.key})
        href = f"{reverse('field-pair', args=[self.connector.slug])}?{query}"
        if settled := by_itself(field):
            return FieldLine(field=field, key=key, href=href, settled=settled, partner=core)
        seen = self.state.value(key)
        pair = pair_in(field.key, seen)
        typed = self.typed.get(field.key)
        chosen = typed.jira if typed else pair.jira if pair else ""
        direction = typed.direction if typed else pair.direction.value if pair else ""
        suggestion = None if pair else self._suggestions.of(field)
        return FieldLine(
            field=field,
            key=key,
            href=href,
            pair=pair,
            partner=self.jira.get(pair.jira) if pair else None,
            seen=seen,
            options=self._options(field, chosen),
            fitting=len(self._fitting.get(field.told.type, ())),
            directions=[(each, each.value == direction) for each in FieldDirection if self._may_go(field, each)],
            suggestion=suggestion,
            can_accept=suggestion is not None and field.key in self.suggested,
            problems=self.problems.get(key, ()),
            is_pending=key in self.state.rows or (self.state.proposal is not None and self._is_proposed(key)),
        )

    def _is_proposed(self, key: str) -> bool:
        return not is_same(self.state.value(key), self.state.agreed.get(key))

    def _may_go(self, field: SideField, direction: FieldDirection) -> bool:
        return field.can_be_target or FieldSide.ALIGN not in direction.writes

    @cached_property
    def _suggestions(self) -> Suggestions:
        return Suggestions(self.sides.jira)

    @cached_property
    def suggested(self) -> Mapping[str, SideField]:
        """What may be accepted, of all that was found, by the keys of Align's fields.

        No field of Jira stands for two, as it could be written by one of them alone, and none that is a partner is.
        """
        values = {each.key: self.state.value(line_key(self.type, each.key)) for each in self.sides.align}
        pairs = {key: pair for key, value in values.items() if (pair := pair_in(key, value))}
        taken = {pair.jira for pair in pairs.values()}
        partners = {each.key: self._suggestions.of(each) for each in self.found if each.key not in pairs}
        often = Counter(each.field.key for each in partners.values() if each)
        return {
            key: each.field
            for key, each in partners.items()
            if each and often[each.field.key] == 1 and each.field.key not in taken
        }

    @cached_property
    def _fitting(self) -> Mapping[ValueType, list[SideField]]:
        """Jira's fields by type, by name; what is of no known type fits nothing."""
        found: dict[ValueType, list[SideField]] = {}
        for each in sorted(self.sides.jira, key=lambda each: each.name.lower()):
            if each.told.type is not ValueType.UNKNOWN and not each.is_gone and not by_itself(each):
                found.setdefault(each.told.type, []).append(each)
        return found

    @cached_property
    def _drawn(self) -> dict[ValueType, SafeString]:
        """The options of all fields of a type, drawn once: hundreds of selects offer the same."""
        return {
            type_: format_html_join("", OPTION, ((each.key, each.name, each.key) for each in found))
            for type_, found in self._fitting.items()
        }

    def _options(self, field: SideField, chosen: str) -> SafeString:
        drawn = self._drawn.get(field.told.type, SafeString(""))
        if not chosen:
            return drawn
        mark = format_html('<option value="{}">', chosen)
        if mark in drawn:
            # Both are drawn by format_html, and what is put in between is no name.
            return SafeString(drawn.replace(mark, f"{mark[:-1]} selected>", 1))  # nosec B703
        known = self.jira.get(chosen)
        name = known.name if known else "no field of Jira any more"
        return format_html('<option value="{}" selected>{} · {}</option>{}', chosen, name, chosen, drawn)

    # --- the rest of Jira's ---

    @cached_property
    def left_over(self) -> list[tuple[SideField, str]]:
        """Jira's fields that no pair has, each with what it could go with, or why with nothing."""
        types = {each.told.type for each in self.sides.align if not each.is_gone and not by_itself(each)}
        paired = {value["jira"] for key, value in self.state.wanted.items() if key.startswith(f"{self.type}:")}
        paired |= {jira.key for _, jira in core_pairs(self.sides.align, self.sides.jira)}
        left = [each for each in self.sides.jira if each.key not in paired and not each.is_gone]
        return [(each, _left_words(each, types)) for each in left]


def _left_words(field: SideField, types: set[ValueType]) -> str:
    if why := by_itself(field):
        return why
    if field.told.type is ValueType.UNKNOWN:
        return "Its type is not known here, so it fits nothing."
    if field.told.type not in types:
        return f"No field of Jira Align for this type of item is of type {field.told.type}."
    return ""


def address_of(connector: Connector, type_: str) -> str:
    return f"{reverse('fields', args=[connector.slug])}?{urlencode({'type': type_})}"

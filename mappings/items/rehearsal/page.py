"""What the pages of rehearsals show: the projects with their last one, a rehearsal with its items, and one item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from django.core.paginator import Page, Paginator
from django.urls import reverse
from django.utils.http import urlencode

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from alignadmin.errors import Refused
from connectors.models import Carried, Connector, Job, Project
from mappings.engine.item_differences import RealOutcome, state_words
from mappings.engine.item_writes import NOTHING_TRIED, ItemWrites
from mappings.engine.items import LossCode
from mappings.items.prediction.asked import configured_import
from mappings.items.prediction.writable import writes_of
from mappings.items.rehearsal.queries import LastRehearsal, last_rehearsals, rehearsals_of
from mappings.items.rehearsal.services import MOST, USUAL
from mappings.models import Rehearsal, RehearsedIssue

PER_PAGE = 50


class LossWords(NamedTuple):
    """`page`: the address where it is mended; empty where that is in Jira or Align."""

    label: str
    mends: str
    page: str = ""


LOSSES: Mapping[LossCode, LossWords] = {
    LossCode.TYPE_NOT_MAPPED: LossWords(
        "Its type stands for no level", "Choose a level for the type, or leave such issues out.", "hierarchy"
    ),
    LossCode.STATUS_NOT_MAPPED: LossWords("Falls to 0 - Pending approval", "Map the status in the matrix.", "matrix"),
    LossCode.PARENT_MISSING: LossWords(
        "Stands without its parent", "Bring the parent over, too, or choose levels that hang together.", "hierarchy"
    ),
    LossCode.USER_MISSING: LossWords(
        "A person has no user in Align", "Read-only access for engineers mends it, a paid seat in Jira Align."
    ),
    LossCode.OPTION_MISSING: LossWords("An option has no partner", "Match the options of the pair.", "fields"),
    LossCode.PARTNER_MISSING: LossWords(
        "A sprint, release or team has no partner", "Create it in Jira Align under the same name, or rename it there."
    ),
    LossCode.REQUIRED_EMPTY: LossWords(
        "A required field stays empty", "Pair the field, or fill it in Jira: Align may refuse the item.", "fields"
    ),
    LossCode.PAIR_STOPPED: LossWords("A pair of fields stands still", "Mend the pair; the others go on.", "fields"),
    LossCode.VALUE_UNREADABLE: LossWords(
        "A value cannot be carried", "Pair fields of the same kind, or leave the field out.", "fields"
    ),
    LossCode.SHORTENED: LossWords("A text is shortened", "Shorten it in Jira: the whole text stays there."),
}


@dataclass(frozen=True, kw_only=True)
class SummaryLine:
    """`href`: the items of it."""

    label: str
    number: int
    href: str
    is_chosen: bool
    mends: str = ""
    page: str = ""


class ProjectsPage:
    """Of projects in scope; `words`: in the key."""

    def __init__(self, connector: Connector, person: Person, *, words: str = "", number: str = "") -> None:
        self.connector, self.person, self.words, self._number = connector, person, words, number

    @property
    def can_open(self) -> bool:
        return may(self.person, Right.ITEMS)

    @cached_property
    def all(self) -> list[LastRehearsal]:
        return last_rehearsals(self.connector)

    @cached_property
    def shown(self) -> Page[LastRehearsal]:
        found = [each for each in self.all if self.words.casefold() in each.key.casefold()]
        return Paginator(found, PER_PAGE).get_page(self._number)

    @property
    def rehearsed(self) -> int:
        return sum(each.finished_at is not None for each in self.all)


class RehearsalPage:
    """Of one project. `asked`: which rehearsal, of which loss or outcome, which line and page of them."""

    usual, most = USUAL, MOST

    def __init__(self, connector: Connector, project: Project, person: Person, asked: Mapping[str, str]) -> None:
        self.connector, self.project, self.person, self.asked = connector, project, person, asked

    @cached_property
    def all(self) -> list[Rehearsal]:
        return rehearsals_of(self.project)

    @cached_property
    def job(self) -> Job | None:
        """Of the newest one, while it runs or where it failed."""
        newest = self.all[0] if self.all else None
        if newest is None or newest.finished_at is not None or newest.job is None:
            return None
        newest.job.connector = self.connector
        return newest.job

    @cached_property
    def finished(self) -> list[Rehearsal]:
        return [each for each in self.all if each.finished_at is not None]

    @cached_property
    def rehearsal(self) -> Rehearsal | None:
        """The one that was asked for, else the last that came to its end."""
        named = [each for each in self.finished if str(each.pk) == self.asked.get("run")]
        return next(iter([*named, *self.finished]), None)

    @cached_property
    def writes(self) -> Mapping[str, ItemWrites]:
        return writes_of(self.connector)

    @property
    def would_be_made(self) -> bool:
        """Whether an import could make the items, and not Align's own connector."""
        return self.project.carried == Carried.NO

    @property
    def shows_pending(self) -> bool:
        return any(each.shows_first for each in self.lines)

    @property
    def older(self) -> list[tuple[Rehearsal, str]]:
        others = [each for each in self.finished if each != self.rehearsal]
        return [(each, self._address(run=each.pk)) for each in others]

    @property
    def can_start(self) -> bool:
        project = self.project
        there = project.in_scope and project.vanished_at is None and self.connector.is_active
        return there and may(self.person, Right.EDIT)

    @property
    def is_ours(self) -> bool:
        return self.project.is_ours

    @cached_property
    def is_stale(self) -> bool:
        """What is configured now is not what it went by."""
        if self.rehearsal is None:
            return False
        try:
            return self.rehearsal.fingerprint != configured_import(self.connector, self.project).fingerprint
        except Refused:  # of a condition that cannot be asked any more
            return True

    # --- summary ------------------------------------------------------------------------------------------------------

    @cached_property
    def losses(self) -> list[SummaryLine]:
        counts: Mapping[str, int] = self.rehearsal.counts if self.rehearsal else {}
        return [
            SummaryLine(
                label=words.label,
                number=counts[code.value],
                href=self._address(loss=code.value),
                is_chosen=self.asked.get("loss") == code.value,
                mends=words.mends,
                page=reverse(words.page, args=[self.connector.slug]) if words.page else "",
            )
            for code, words in LOSSES.items()
            if counts.get(code.value)
        ]

    @cached_property
    def outcomes(self) -> list[SummaryLine]:
        counts: Mapping[str, int] = self.rehearsal.found if self.rehearsal else {}
        return [
            SummaryLine(
                label=each.label,
                number=counts[each.value],
                href=self._address(outcome=each.value),
                is_chosen=self.asked.get("outcome") == each.value,
            )
            for each in RealOutcome
            if counts.get(each.value)
        ]

    @property
    def levels(self) -> list[tuple[str, int]]:
        counts: Mapping[str, int] = self.rehearsal.levels if self.rehearsal else {}
        called = self.connector.terminology
        return [(called.name(level), number) for level, number in counts.items()]

    @property
    def every(self) -> str:
        """The address of all items of the rehearsal."""
        return self._address()

    @property
    def is_filtered(self) -> bool:
        return any(each.is_chosen for each in (*self.losses, *self.outcomes))

    # --- items --------------------------------------------------------------------------------------------------------

    @cached_property
    def lines(self) -> list[ShownLine]:
        if self.rehearsal is None:
            return []
        found = [ShownLine(self, each) for each in self.rehearsal.lines.all()]
        loss, outcome = self.asked.get("loss"), self.asked.get("outcome")
        if any(each.is_chosen for each in self.losses):
            found = [each for each in found if loss in each.codes]
        if any(each.is_chosen for each in self.outcomes):
            found = [each for each in found if each.outcome == outcome]
        return found

    @cached_property
    def shown(self) -> Page[ShownLine]:
        return Paginator(self.lines, PER_PAGE).get_page(self.asked.get("page"))

    @cached_property
    def line(self) -> ShownLine | None:
        """The one that is looked at."""
        key = self.asked.get("issue")
        return next((each for each in self.lines if each.row.issue_key == key), None) if key else None

    def _address(self, **more: Any) -> str:
        base = reverse("rehearsal", args=[self.connector.slug, self.project.pk])
        run = self.asked.get("run", "")
        named = {"run": run} if run and self.rehearsal and run == str(self.rehearsal.pk) else {}
        options = urlencode({**named, **more})
        return f"{base}?{options}" if options else base

    def page_address(self, number: int) -> str:
        kept = {name: self.asked[name] for name in ("loss", "outcome") if self.asked.get(name)}
        return self._address(**kept, page=number)

    @property
    def newer_page(self) -> str:
        return self.page_address(self.shown.previous_page_number()) if self.shown.has_previous() else ""

    @property
    def next_page(self) -> str:
        return self.page_address(self.shown.next_page_number()) if self.shown.has_next() else ""

    def issue_address(self, key: str) -> str:
        return f"{self._address(issue=key)}#item"


@dataclass(frozen=True)
class ShownLine:
    page: RehearsalPage
    row: RehearsedIssue

    @property
    def level(self) -> str:
        return self.page.connector.terminology.name(self.row.level) if self.row.level else ""

    @property
    def parent_level(self) -> str:
        return self.page.connector.terminology.name(self.row.parent_level) if self.row.parent_level else ""

    @property
    def state(self) -> str:
        return state_words(self.row.state)

    @property
    def shows_first(self) -> str:
        """What a new item shows where Align was not seen to keep another state; empty where it shows that at once."""
        if not self.row.level or not self.page.would_be_made or self.row.state == 0:
            return ""
        writes = self.page.writes.get(self.row.level, NOTHING_TRIED)
        return "" if writes.keeps_state else writes.will_show(self.row.state)

    @property
    def href(self) -> str:
        return self.page.issue_address(self.row.issue_key)

    @property
    def codes(self) -> set[str]:
        return {each["code"] for each in self.row.losses}

    @property
    def losses(self) -> list[str]:
        return [LOSSES[LossCode(code)].label for code in LossCode if code in self.codes]

    @property
    def sentences(self) -> Sequence[str]:
        return [each["sentence"] for each in self.row.losses]

    @property
    def outcome(self) -> str:
        return str(self.row.real.get("outcome", ""))

    @property
    def outcome_words(self) -> str:
        return RealOutcome(self.outcome).label if self.outcome else ""

    @property
    def is_alike(self) -> bool:
        return self.outcome == RealOutcome.ALIKE

    @property
    def differences(self) -> Sequence[Mapping[str, str]]:
        return list(self.row.real.get("differences", ()))

    @property
    def ids(self) -> Sequence[int]:
        return list(self.row.real.get("ids", ()))

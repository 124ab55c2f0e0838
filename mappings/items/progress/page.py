"""What the page of progress shows: a choice to read, and of the last reading the sums with their pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.urls import reverse

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from alignadmin.text import counted, first_of
from connectors.models import Connector, Job
from mappings.engine.progress import LAST_ITERATIONS, WorkStage
from mappings.items.progress.bars import BarPart, BarPicture, BarRow, draw
from mappings.items.progress.services import ReadableProgram, programs_of
from mappings.models import ProgressReading

PER_PAGE = 25
MOST_NAMED = 12  # projects in one sentence
TEAMS = "teams"
KINDS = ("release", "epic", "feature", TEAMS)
LEFT_OUT = {
    "not-linked": "not linked to an issue",
    "out-of-scope": "of projects that are not in scope here",
    "recycled": "in Align’s recycle bin",
    "other-release": "in another program increment, or in none",
}
MEASURES = {"points": "Points", "items": "Items"}
SIDES = {"align": "Align", "jira": "Jira"}
STAGES = (WorkStage.DONE, WorkStage.DOING, WorkStage.TODO, WorkStage.UNKNOWN)


@dataclass(frozen=True, kw_only=True)
class PageLink:
    label: str
    href: str
    is_current: bool


@dataclass(frozen=True, kw_only=True)
class SideNumbers:
    """Of one side and one measure, as people read them; `share`: of what is done, in percent, or empty."""

    name: str
    done: str
    doing: str
    todo: str
    unknown: str
    share: str

    @property
    def words(self) -> str:
        return f"{self.name} {self.done} done, {self.doing} in progress, {self.todo} to do"


@dataclass(frozen=True, kw_only=True)
class GroupLine:
    name: str
    number: int
    apart: int
    sides: Sequence[SideNumbers]


@dataclass(frozen=True, kw_only=True)
class ApartLine:
    key: str
    item: str
    title: str
    align: str
    jira: str


class ProgressPage:
    """`asked`: which reading, rolled up by what, in which measure, which page of it. `typed`: of a form refused."""

    def __init__(
        self, connector: Connector, person: Person, asked: Mapping[str, str], typed: Mapping[str, str] | None = None
    ) -> None:
        self.connector, self.person, self.asked = connector, person, asked
        self._typed = typed

    # --- choosing -----------------------------------------------------------------------------------------------------

    @cached_property
    def programs(self) -> list[ReadableProgram]:
        return programs_of(self.connector)

    @property
    def levels(self) -> str:
        """ "Stories and defects" """
        called = self.connector.terminology
        return f"{called.many('story')} and {called.items('defect')}"

    @property
    def can_start(self) -> bool:
        return self.connector.is_active and self.connector.disconnected_at is None and may(self.person, Right.EDIT)

    @property
    def program(self) -> str:
        if self._typed is not None:
            return self._typed["program"]
        return str(self.reading.program_id) if self.reading else ""

    @property
    def release(self) -> str:
        if self._typed is not None:
            return self._typed["release"]
        return str(self.reading.release_id or "") if self.reading else ""

    @cached_property
    def known_releases(self) -> list[tuple[int, str]]:
        """Program increments of the readings that are kept, to be chosen from."""
        rows = ProgressReading.objects.filter(connector=self.connector, finished_at__isnull=False).order_by("-id")
        groups = [group for some in rows.values_list("sums__release", flat=True) for group in some or ()]
        return sorted({each["id"]: each["name"] for each in groups if each["id"] is not None}.items())

    # --- readings -----------------------------------------------------------------------------------------------------

    @cached_property
    def all(self) -> list[ProgressReading]:
        """The newest first. The sums, which may be long, are read of the one that is shown."""
        rows = ProgressReading.objects.filter(connector=self.connector).select_related("job", "person")
        return list(rows.defer("sums").order_by("-id"))

    @property
    def kept(self) -> list[ProgressReading]:
        return [each for each in self.all if each.finished_at is not None]

    @cached_property
    def job(self) -> Job | None:
        """Of the newest one, while it runs or where it failed."""
        newest = self.all[0] if self.all else None
        if newest is None or newest.finished_at is not None or newest.job is None:
            return None
        newest.job.connector = self.connector
        return newest.job

    @cached_property
    def reading(self) -> ProgressReading | None:
        """The one that was asked for, else the last."""
        named = [each for each in self.kept if str(each.pk) == self.asked.get("reading")]
        return next(iter([*named, *self.kept]), None)

    @property
    def others(self) -> list[tuple[ProgressReading, str]]:
        return [(each, self.address(reading=each.pk)) for each in self.kept if each != self.reading]

    @property
    def made_of(self) -> str:
        reading = self.reading
        if reading is None or not reading.projects:
            return ""
        return f"They belong to {first_of(reading.projects, MOST_NAMED)}."

    @property
    def left_out(self) -> list[str]:
        found = self.reading.left_out if self.reading else {}
        return [f"{found[reason]} {words}" for reason, words in LEFT_OUT.items() if found.get(reason)]

    # --- what is shown of it ------------------------------------------------------------------------------------------

    @property
    def kind(self) -> str:
        asked = self.asked.get("by", "")
        return asked if asked in KINDS else "release"

    @cached_property
    def kind_labels(self) -> Mapping[str, str]:
        called = self.connector.terminology
        return {
            "release": "Program increments",
            "epic": called.many("epic"),
            "feature": called.many("feature"),
            TEAMS: "Teams",
        }

    @property
    def kind_label(self) -> str:
        return self.kind_labels[self.kind]

    @property
    def is_teams(self) -> bool:
        return self.kind == TEAMS

    @property
    def measure(self) -> str:
        return "items" if self.asked.get("in") == "items" and not self.is_teams else "points"

    @property
    def kinds(self) -> list[PageLink]:
        return [
            PageLink(label=label, href=self.address(by=kind, page=""), is_current=kind == self.kind)
            for kind, label in self.kind_labels.items()
        ]

    @property
    def measures(self) -> list[PageLink]:
        return [
            PageLink(label=label, href=self.address(**{"in": each, "page": ""}), is_current=each == self.measure)
            for each, label in MEASURES.items()
        ]

    @property
    def sums(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.reading.sums if self.reading else {}
        return found

    @cached_property
    def shown(self) -> Page[Mapping[str, Any]]:
        return Paginator(list(self.sums.get(self.kind, ())), PER_PAGE).get_page(self.asked.get("page"))

    @property
    def whole(self) -> GroupLine:
        return self._line("All of them", self.sums["whole"])

    @cached_property
    def lines(self) -> list[GroupLine]:
        return [self._line(self._name(each), each) for each in self.shown]

    def _name(self, group: Mapping[str, Any]) -> str:
        if group["id"] is None:
            one = "program increment" if self.kind == "release" else self.connector.terminology.name(self.kind)
            return f"Without {one}"
        return group["name"] or f"{group['id']}"

    def _line(self, name: str, group: Mapping[str, Any]) -> GroupLine:
        return GroupLine(
            name=name,
            number=group["number"],
            apart=group["apart"],
            sides=[self._numbers(label, group[side]) for side, label in SIDES.items()],
        )

    def _numbers(self, label: str, side: Mapping[str, Mapping[str, float]]) -> SideNumbers:
        found = side[self._column]
        total = sum(found.values())
        return SideNumbers(
            name=label,
            done=amount(found["done"]),
            doing=amount(found["doing"]),
            todo=amount(found["todo"]),
            unknown=amount(found["unknown"]) if found["unknown"] else "",
            share=f"{round(found['done'] * 100 / total)} %" if total else "",
        )

    @property
    def _column(self) -> str:
        return "counts" if self.measure == "items" else "points"

    # --- pictures -----------------------------------------------------------------------------------------------------

    @cached_property
    def picture(self) -> BarPicture | None:
        if self.is_teams:
            return self._team_picture()
        groups = list(self.shown)
        sums = [sum(each[side][self._column].values()) for each in groups for side in SIDES]
        largest = max(sums, default=0)
        rows = [
            BarRow(
                label=self._name(each),
                bars=[self._bar(each[side][self._column], label, largest) for side, label in SIDES.items()],
            )
            for each in groups
        ]
        told = "; ".join(f"{line.name}: {', '.join(each.words for each in line.sides)}" for line in self.lines)
        return draw(rows, f"{self.kind_label} in {MEASURES[self.measure].lower()}. {told}")

    def _bar(self, found: Mapping[str, float], side: str, largest: float) -> list[BarPart]:
        return [
            BarPart(
                share=found[stage.value] / largest if largest else 0.0,
                style=stage.value,
                said=f"{side}, {stage.label.lower()}: {amount(found[stage.value])}",
            )
            for stage in STAGES
        ]

    def _team_picture(self) -> BarPicture | None:
        """Of each side what is done of what is planned; the mark is the velocity."""
        lines = list(self.shown)
        values = [value for each in lines for value in (each["planned"], each["done_jira"], each["velocity"] or 0)]
        largest = max(values, default=0)
        rows = [
            BarRow(
                label=f"{team_name(each)}, {iteration_name(each)}",
                bars=[_team_bar(each, "done_align", "Align", largest), _team_bar(each, "done_jira", "Jira", largest)],
                mark=each["velocity"] / largest if each["velocity"] is not None and largest else None,
                mark_said=f"Velocity {amount(each['velocity'])}" if each["velocity"] is not None else "",
            )
            for each in lines
        ]
        told = "; ".join(
            f"{team_name(each)}, {iteration_name(each)}: {amount(each['planned'])} planned, "
            f"{amount(each['done_align'])} done in Align, {amount(each['done_jira'])} in Jira"
            for each in lines
        )
        return draw(rows, f"Points of teams by iteration. {told}")

    @property
    def team_lines(self) -> list[Mapping[str, Any]]:
        return [
            {
                **each,
                "team_label": team_name(each),
                "iteration_label": iteration_name(each),
                "planned": amount(each["planned"]),
                "done_align": amount(each["done_align"]),
                "done_jira": amount(each["done_jira"]),
                "velocity": "" if each["velocity"] is None else amount(each["velocity"]),
                "past": counted(each["past"], "iteration"),
                "is_much": not each["is_over"] and each["velocity"] is not None and each["planned"] > each["velocity"],
            }
            for each in self.shown
        ]

    @property
    def last_iterations(self) -> int:
        return LAST_ITERATIONS

    # --- apart --------------------------------------------------------------------------------------------------------

    @property
    def apart(self) -> list[ApartLine]:
        called = self.connector.terminology
        return [
            ApartLine(
                key=each["key"],
                item=f"{called.name(each['level'])} {each['id']}",
                title=each["title"],
                align=WorkStage(each["align"]).label,
                jira=WorkStage(each["jira"]).label,
            )
            for each in self.sums.get("apart", ())
        ]

    # --- addresses ----------------------------------------------------------------------------------------------------

    def address(self, **more: Any) -> str:
        kept = {"reading": self.asked.get("reading", ""), "by": self.kind, "in": self.measure}
        options = {name: value for name, value in {**kept, **more}.items() if value}
        query = urlencode(options)
        return f"{reverse('progress', args=[self.connector.slug])}?{query}#sums"

    @property
    def newer_page(self) -> str:
        return self.address(page=self.shown.previous_page_number()) if self.shown.has_previous() else ""

    @property
    def next_page(self) -> str:
        return self.address(page=self.shown.next_page_number()) if self.shown.has_next() else ""


def _team_bar(each: Mapping[str, Any], done: str, side: str, largest: float) -> list[BarPart]:
    if not largest:
        return []
    left = max(each["planned"] - each[done], 0.0)
    return [
        BarPart(share=each[done] / largest, style="done", said=f"{side}, done: {amount(each[done])}"),
        BarPart(share=left / largest, style="todo", said=f"{side}, not done: {amount(left)}"),
    ]


def team_name(each: Mapping[str, Any]) -> str:
    if each["team"] is None:
        return "No team"
    return each["team_name"] or f"Team {each['team']}"


def iteration_name(each: Mapping[str, Any]) -> str:
    return each["iteration_name"] or f"Iteration {each['iteration']}"


def amount(value: float) -> str:
    """ "3", "3.5", "1,200": without what nobody reads."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"

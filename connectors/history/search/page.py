"""What the history page shows around its table: the search as chips and ranges, and the addresses they lead to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.urls import reverse
from django.utils.http import urlencode

from alignadmin.accounts.models import Person
from connectors.history.search import people_terms, query_language
from connectors.history.search.day_bars import Bar, Bars
from connectors.history.search.query_language import Search, Term

RANGES = (("today", "Today"), ("7d", "7 days"), ("30d", "30 days"), ("90d", "90 days"), ("quarter", "This quarter"))
LABELS = {
    "since": "from",
    "until": "to",
    "type": "work item type",
    "kind": "mapping type",
    "actor": "anybody",
    "planner": "planned by",
    "approver": "approved by",
    "applier": "applied by",
}


@dataclass(frozen=True, kw_only=True)
class Chip:
    """One part of the search, and the address without it."""

    label: str
    value: str
    without: str
    is_wrong: bool


@dataclass(frozen=True, kw_only=True)
class Range:
    label: str
    address: str
    is_on: bool


@dataclass(frozen=True, kw_only=True)
class BarLink:
    bar: Bar
    address: str


@dataclass(frozen=True, kw_only=True)
class HistoryUrl:
    """A search and how it is shown; every address of the page is one of these with something changed."""

    asked: Search
    as_align: bool = False
    with_days: bool = False  # a bar per day above the table
    names: Mapping[int, str] = field(default_factory=dict)  # of the people whose numbers the search names

    @property
    def query(self) -> str:
        return query_language.write(self.asked)

    def address(self, **places: str) -> str:
        """With `before`, `after` or `row` when it is more than the first page of the selection."""
        shown = {"as": "align"} if self.as_align else {}
        shown |= {"days": "yes"} if self.with_days else {}
        query = {"q": self.query} if self.query else {}
        found = urlencode(query | shown | places)
        return f"{reverse('history')}?{found}" if found else reverse("history")

    @property
    def address_of_all(self) -> str:
        return self.other(Search())

    def other(self, asked: Search) -> str:
        return replace(self, asked=asked).address()

    def chips(self) -> list[Chip]:
        return [*map(self._chip_of_term, self.asked.terms), *map(self._chip_of_word, self.asked.words)]

    def _chip_of_term(self, term: Term) -> Chip:
        return Chip(
            label=LABELS.get(term.name, term.name),
            value=self._name_in(term) or _term_text(term),
            without=self.other(query_language.without(self.asked, term)),
            is_wrong=bool(query_language.trouble(query_language.build([term], []))),
        )

    def _name_in(self, term: Term) -> str:
        number = people_terms.number_in(term.value) if term.name in people_terms.PARTS else None
        name = self.names.get(number) if number is not None else None
        return f"{name} ({term.value.strip()})" if name else ""

    def _chip_of_word(self, text: str) -> Chip:
        return Chip(
            label="text",
            value=text,
            without=self.other(query_language.without(self.asked, text)),
            is_wrong=bool(query_language.build([], [text]).problems),
        )

    def ranges(self) -> list[Range]:
        """All of the history first: no range is ever chosen for the reader."""
        since, until = self.asked.values("since"), self.asked.values("until")
        whole = Range(
            label="All",
            address=self.other(query_language.with_terms(self.asked, since="", until="")),
            is_on=not since + until,
        )
        return [whole, *(self._range(value, label) for value, label in RANGES)]

    def _range(self, value: str, label: str) -> Range:
        wanted = query_language.with_terms(self.asked, since=value, until="")
        is_on = self.asked.values("since") == (value,) and not self.asked.values("until")
        return Range(label=label, address=self.other(wanted), is_on=is_on)

    def bar_links(self, bars: Bars | None) -> Sequence[BarLink]:
        whenever = query_language.with_terms(self.asked, since="", until="")
        return [
            BarLink(bar=bar, address=self._of_day(bar, whenever)) for bar in (bars.bars if bars else ()) if bar.rows
        ]

    def _of_day(self, bar: Bar, whenever: Search) -> str:
        day = bar.day.isoformat()
        terms = (*whenever.terms, Term(name="since", value=day), Term(name="until", value=day))
        return self.other(replace(whenever, terms=terms))


def names_of(search: Search) -> dict[int, str]:
    """Of the people whom it names by number, for whoever may see people; no query where it names none so."""
    named = [people_terms.number_in(term.value) for term in search.terms if term.name in people_terms.PARTS]
    numbers = [number for number in named if number is not None]
    return {each.pk: str(each) for each in Person.objects.filter(pk__in=numbers)} if numbers else {}


def _term_text(term: Term) -> str:
    """A value in the page's own words where it is one of a few."""
    choices = {"kind": query_language.KINDS, "direction": query_language.DIRECTIONS, "since": dict(RANGES)}.get(
        term.name, {}
    )
    return choices.get(term.value.strip().lower(), term.value)

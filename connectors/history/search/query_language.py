"""The language of the history's search: qualifiers and plain words, read, written and turned into a selection of rows.

Pages, the REST list, saved views, evidence packs and links all keep a search as its text. What is not understood is
told in a sentence and finds nothing: a search that silently found more than was asked for would be worth nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db.models import Q, QuerySet
from django.utils import timezone

from alignadmin.folding import fold
from alignadmin.parsing import whole
from connectors.catalogue.project_keys import other_keys
from connectors.history.mirror import search_terms
from connectors.history.mirror.search_index import Group, Match, TimeSpan, matching
from connectors.history.search import people_terms, periods
from connectors.history.search.meanings import Meaning, NotUnderstood, phrase, shown
from connectors.models import Case, CaseState, HistoryRow, Source, TypeLabel
from connectors.models.catalogue import WorkItemType
from connectors.models.connector import Connector

MOST_WORDS = 30
LONGEST_TERM = 255  # as the table keeps a folded term
KINDS = {"state": "State", "step": "Process step"}
DIRECTIONS = {"j2a": "Jira to Align", "a2j": "Align to Jira"}
TOKEN = re.compile(r'\s*(?:([A-Za-z]+):)?(?:"((?:[^"]|"")*)(?:"|\Z)|(\S*))')
LOOKS_LIKE_A_TERM = re.compile(r"[A-Za-z]+:")


@dataclass(frozen=True, kw_only=True)
class Term:
    """One qualifier and its value as typed, e.g. type and story."""

    name: str
    value: str

    def __str__(self) -> str:
        return f"{self.name}:{_quoted(self.value)}"


@dataclass(frozen=True, kw_only=True)
class Search:
    """A search as it was typed."""

    terms: tuple[Term, ...] = ()
    words: tuple[str, ...] = ()

    @cached_property
    def problems(self) -> tuple[str, ...]:
        """Sentences about what in it is not understood, each once; looked for when they are asked for.

        A page leads to as many other searches as this one has parts, and asks for the problems of none of them.
        """
        return tuple(dict.fromkeys(_problems(self)))

    def values(self, name: str) -> tuple[str, ...]:
        return tuple(term.value for term in self.terms if term.name == name)


# -- reading and writing ----------------------------------------------------------------------------------------------


def parse(text: str) -> Search:
    """Read any text at all. Parsing what `write` gives of the result gives the result again."""
    terms, plain = [], []
    for found in TOKEN.finditer(_clean(text)):
        name, quoted, bare = found.groups()
        value = bare if quoted is None else quoted.replace('""', '"')
        if name:
            terms.append(Term(name=name.lower(), value=value))
        elif value.strip():
            plain.append(value)
    return build(terms, plain)


def build(terms: Iterable[Term], plain: Iterable[str]) -> Search:
    """A search of these parts, each once."""
    return Search(terms=tuple(dict.fromkeys(terms)), words=tuple(dict.fromkeys(plain)))


def write(search: Search) -> str:
    return " ".join([*map(str, search.terms), *(_quoted(text, word=True) for text in search.words)])


def _clean(text: str) -> str:
    """No database keeps a NUL or a lone surrogate."""
    return re.sub("[\x00\ud800-\udfff]", "\ufffd", text)


def _quoted(value: str, *, word: bool = False) -> str:
    bare = value and not re.search(r"\s", value) and not value.startswith('"')
    if bare and not (word and LOOKS_LIKE_A_TERM.match(value)):
        return value
    return '"' + value.replace('"', '""') + '"'


def with_terms(search: Search, **values: str) -> Search:
    """The search with each named qualifier set to this one value; an empty value removes it."""
    kept = [term for term in search.terms if term.name not in values]
    return build([*kept, *(Term(name=name, value=value) for name, value in values.items() if value)], search.words)


def without(search: Search, part: Term | str) -> Search:
    """The search without one qualifier, or without one word."""
    return build([term for term in search.terms if term != part], [text for text in search.words if text != part])


# -- what each qualifier means ----------------------------------------------------------------------------------------


def _one_of(field_name: str, qualifier: str, choices: Mapping[str, str]) -> Callable[[str], Meaning]:
    def read(value: str) -> Meaning:
        known = {key.casefold(): key for key in choices} | {name.casefold(): key for key, name in choices.items()}
        key = known.get(value.strip().casefold())
        if key is None:
            raise NotUnderstood(f"{qualifier}: takes {' or '.join(choices)}, not {shown(value)}.")
        found = Match(text=search_terms.word(qualifier, search_terms.phrase(key)))
        return Meaning(columns=Q(**{field_name: key}), any_of=(found,))

    return read


TYPES = {value: str(label) for value, label in WorkItemType.choices}
_PUBLISHED_TYPE = _one_of("work_item_type", "type", TYPES)


def _type(value: str) -> Meaning:
    """By its code or Align's own name, and by a term that means the same one in each connector that knows it."""
    return _PUBLISHED_TYPE(type_code(value))


def type_code(value: str) -> str:
    """ "story" for "User Story", where that is a term of the log or a name given here; else the value as it is."""
    term = fold(value)
    if not term or term in TYPES:
        return value.strip()
    found = TypeLabel.objects.filter(folded=term[:LONGEST_TERM]).exclude(work_item_type="")
    meant = sorted(set(found.values_list("work_item_type", flat=True)))
    if len(meant) > 1:
        names = " or ".join(f"type:{each}" for each in meant)
        raise NotUnderstood(f"type: {shown(value)} is another type from connector to connector. Write {names}.")
    return meant[0] if meant else value.strip()


def _action(value: str) -> Meaning:
    """`plan` finds plan.made, plan.approved and the rest; `created` finds just that."""
    action = value.strip().lower().rstrip(".")
    found = Match(text=search_terms.word("action", phrase("action", action)))
    return Meaning(columns=Q(action=action) | Q(action__startswith=f"{action}."), any_of=(found,))


def _project(value: str) -> Meaning:
    """By the key of today or of before. A line that names no project may be of this one, so it stays, marked."""
    found, columns = [_in_project(value)], Q(project_key__iexact=value.strip()) | Q(project_stated=False)
    for connector, key in other_keys(value.strip()):
        found.append(_in_project(key))
        columns |= Q(connector=connector, project_key__iexact=key)
    return Meaning(columns=columns, any_of=(*found, Match(text=search_terms.NOWHERE)))


def _in_project(key: str) -> Match:
    return Match(text=search_terms.word("project", phrase("project", key)))


def _plan(value: str) -> Meaning:
    if (number := whole(value)) is None:
        raise NotUnderstood(f"plan: takes the number of a plan, not {shown(value)}.")
    return Meaning(columns=Q(plan=number), any_of=(Match(text=search_terms.word("plan", str(number))),))


def _raw(value: str) -> Meaning:
    if value.strip().lower() not in ("yes", "no", "true", "false"):
        raise NotUnderstood(f"raw: takes yes or no, not {shown(value)}.")
    only = value.strip().lower() in ("yes", "true")
    return Meaning(columns=Q(parsed=not only), any_of=(Match(text=search_terms.RAW),) if only else ())


def _case(value: str) -> Meaning:
    """A case is of a line, or of an entry that the watch wrote; its state changes, so no index of words has it."""
    state = value.strip().lower()
    if state not in (*CaseState.values, "any"):
        raise NotUnderstood(f"case: takes {' or '.join(CaseState.values)} or any, not {shown(value)}.")
    cases = Case.objects.all() if state == "any" else Case.objects.filter(state=state)
    by_line = HistoryRow.objects.filter(line__in=cases.values("line"))
    by_entry = HistoryRow.objects.filter(entry_seq__in=cases.values("entry_seq"))
    return Meaning(columns=Q(pk__in=by_line.values("pk").union(by_entry.values("pk"))))


def _connector(value: str) -> Meaning:
    """By its short name, its name, or a number that it has or had in Align (123, or CONFIG 123)."""
    wanted = value.strip()
    number = re.fullmatch(r"(?:config\s+)?([0-9]{1,9})", wanted, re.IGNORECASE)
    named = Q(slug__iexact=wanted) | Q(name__iexact=wanted)
    if number:
        with_number = [each.pk for each in Connector.objects.all() if int(number[1]) in each.numbers]
        named |= Q(pk__in=with_number)
    found = list(Connector.objects.filter(named).values_list("pk", flat=True))
    if not found:
        raise NotUnderstood(f"There is no connector {shown(value)}.")
    return Meaning(
        columns=Q(connector__in=found),
        any_of=tuple(Match(text=search_terms.word("connector", str(pk))) for pk in found),
    )


def _since(value: str) -> Meaning:
    return Meaning(columns=Q(at__gte=_period("since", value).start))


def _until(value: str) -> Meaning:
    return Meaning(columns=Q(at__lt=_period("until", value).end))


def _period(qualifier: str, value: str) -> periods.Period:
    found = periods.read(value, timezone.localtime())
    if found is None:
        raise NotUnderstood(f"{qualifier}: takes {periods.FORMS}, not {shown(value)}.")
    return found


QUALIFIERS: Mapping[str, Callable[[str], Meaning]] = {
    "action": _action,
    **{name: people_terms.reader(name) for name in people_terms.PARTS},
    "type": _type,
    "kind": _one_of("kind", "kind", KINDS),
    "direction": _one_of("direction", "direction", DIRECTIONS),
    "project": _project,
    "connector": _connector,
    "source": _one_of("source", "source", {value: str(label) for value, label in Source.choices}),
    "before": people_terms.named("before"),
    "after": people_terms.named("after"),
    "plan": _plan,
    "ticket": people_terms.named("ticket"),
    "since": _since,
    "until": _until,
    "raw": _raw,
    "case": _case,
}
NEED_THE_DATABASE = ("connector", "case", "type")  # so they are checked by `trouble`, and parsing stays pure
NARROWING = ("since", "until")  # each narrows; of any other qualifier, one of the values has to hold


def _problems(search: Search) -> Iterable[str]:
    for term in search.terms:
        yield from _problem(term)
    for name in people_terms.PARTS:
        if problem := people_terms.mixed(name, search.values(name)):
            yield problem
    if len(search.words) + len(search.terms) > MOST_WORDS:
        yield f"A search takes at most {MOST_WORDS} words and qualifiers: leave some out."
    elif search.words and not any(search_terms.split(text) for text in search.words):
        yield f"There is no letter or digit to look for in {shown(' '.join(search.words))}."


def _problem(term: Term) -> Iterable[str]:
    if term.name not in QUALIFIERS:
        yield (
            f"There is no qualifier {shown(term.name)}. There are {', '.join(QUALIFIERS)}; "
            f'to look for the words themselves, write "{term.name[:60]}:..." in quotes.'
        )
    elif not term.value.strip():
        yield f"{term.name}: is followed by nothing to look for."
    elif term.name not in NEED_THE_DATABASE:
        try:
            QUALIFIERS[term.name](term.value)
        except NotUnderstood as problem:
            yield str(problem)


def trouble(search: Search) -> tuple[str, ...]:
    """Every sentence about what is not understood, also what only the database can tell."""
    found = list(search.problems)
    for term in search.terms:
        if term.name in NEED_THE_DATABASE and term.value.strip():
            try:
                QUALIFIERS[term.name](term.value)
            except NotUnderstood as problem:
                found.append(str(problem))
    return tuple(found)


# -- the rows ---------------------------------------------------------------------------------------------------------


EVER = TimeSpan()  # no bound of time


@dataclass(frozen=True, kw_only=True)
class HistoryFilter:
    """A search made ready for the database: a condition, the words of which one in each group must be, the time."""

    columns: Q
    groups: tuple[Group, ...]
    span: TimeSpan


def rows(search: Search) -> QuerySet[HistoryRow]:
    """The rows of a search, in no order; none where something in it is not understood."""
    chosen = select(search)
    return HistoryRow.objects.none() if chosen is None else within(chosen, EVER)


def within(chosen: HistoryFilter, span: TimeSpan) -> QuerySet[HistoryRow]:
    """The rows of a selection in a span of time, which also keeps the index of words from giving more than that."""
    span = span.within(chosen.span)
    found = HistoryRow.objects.filter(chosen.columns)
    if span.since:
        found = found.filter(at__gte=span.since)
    if span.until:
        found = found.filter(at__lte=span.until)
    return found.filter(matching(chosen.groups, span)) if chosen.groups else found


def select(search: Search) -> HistoryFilter | None:
    """None where something is not understood."""
    if trouble(search):
        return None
    columns, groups = Q(), []
    for name in dict.fromkeys(term.name for term in search.terms):
        meanings = [QUALIFIERS[name](value) for value in search.values(name)]
        group = tuple(found for meaning in meanings for found in meaning.any_of)
        if name in NARROWING:
            columns &= _all([meaning.columns for meaning in meanings])
        else:
            columns &= _any([meaning.columns for meaning in meanings])
            groups += [group] if all(meaning.any_of for meaning in meanings) else []
    groups += _plain(search)
    since, until = bounds(search)
    return HistoryFilter(columns=columns, groups=tuple(groups), span=TimeSpan(since=since, until=until))


def without_index(search: Search) -> tuple[Q, tuple[Group, ...]]:
    """The selection but for its span, for whoever does not trust an index: columns, and words without a column."""
    columns, groups = Q(), list[Group]()
    for name in dict.fromkeys(term.name for term in search.terms if term.name not in NARROWING):
        meanings = [QUALIFIERS[name](value) for value in search.values(name)]
        if all(meaning.columns for meaning in meanings):
            columns &= _any([meaning.columns for meaning in meanings])
        else:
            groups.append(tuple(found for meaning in meanings for found in meaning.any_of))
    return columns, (*groups, *_plain(search))


def _plain(search: Search) -> Iterable[Group]:
    found = dict.fromkeys(found for text in search.words for found in search_terms.wanted(text))
    return [(Match(text=text, prefix=prefix),) for text, prefix in found]


def _all(conditions: Iterable[Q]) -> Q:
    joined = Q()
    for condition in conditions:
        joined &= condition
    return joined


def _any(conditions: Iterable[Q]) -> Q:
    joined = Q()
    for condition in conditions:
        if not condition:
            return Q()
        joined |= condition
    return joined


def bounds(search: Search) -> tuple[datetime | None, datetime | None]:
    """The first moment and the moment after the last that a search allows; None where it sets no bound."""
    now = timezone.localtime()
    since = [found.start for value in search.values("since") if (found := periods.read(value, now))]
    until = [found.end for value in search.values("until") if (found := periods.read(value, now))]
    return max(since, default=None), min(until, default=None)

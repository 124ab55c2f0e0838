"""The rows of a pack: everything in its span made again from entries and mirrored lines, and compared with the page.

The table that the page searches (`HistoryRow`) gives nothing to a pack. Each entry and each line of the span is made
into a row again, changes and lines are paired again, and the filter is asked of what came out. Where the table says
something else, has a row too many or lacks one, the pack names it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain, takewhile
from operator import attrgetter
from typing import Any, TypeAlias

from django.db import transaction
from django.db.models import Max, Min, Q, QuerySet
from django.utils import timezone

from alignadmin.audit import archive_index, standalone_checker
from alignadmin.audit.bulk_insert import insert
from alignadmin.audit.entries import lock_head
from alignadmin.audit.models import Archive, Entry
from alignadmin.errors import Refused
from connectors.align.audit_sentences import J2A
from connectors.history.mirror import matching, search_index, search_terms
from connectors.history.mirror import projection as make
from connectors.history.mirror.projection import WITHOUT_ROW
from connectors.history.mirror.terms import Terms, terms_of
from connectors.history.packs import row_files
from connectors.history.packs import terms as pack_terms
from connectors.history.packs.row_files import ParsedEntry
from connectors.history.packs.scratch import Scratch, number_of
from connectors.history.packs.selection import Selection
from connectors.history.packs.terms import TermMeanings
from connectors.models import Case, HistoryRow, MirrorLine
from connectors.models.connector import Connector
from connectors.ports.audited import LOG_WITHDRAWN
from connectors.ports.extensions import extensions

CHUNK = 2000
PLANS_AT_ONCE = 100
PLAN = re.compile(r'"plan":([0-9]{1,19})[,}]')
MOST_DIFFERENCES = 1000
MOST_NAMED = 20
LONGEST_VALUE = 120  # of a value in a sentence
ALTERED, MISSING, SURPLUS = "altered", "missing", "surplus"
TOO_MANY = (
    f"More than {MOST_DIFFERENCES:,} rows of the history's table differ from the entries and lines they stand for. "
    "Run manage.py verify_history, make the table again from them with manage.py rebuild_history, then ask for this "
    "pack once more."
)
FROM_THE_CATALOGUE, NOTHING = frozenset({"project_key", "project_stated"}), frozenset[str]()
APART = ("id", "line_id", "certainty", "identical", "candidates", "text")  # are compared by themselves, or not at all
FIELDS = tuple(each.attname for each in HistoryRow._meta.concrete_fields if each.attname not in APART)
STORED = ("id", "line_id", "certainty", "identical", "text", *FIELDS)
values_of = attrgetter(*FIELDS)
Values: TypeAlias = "tuple[Any, ...]"
Progress: TypeAlias = Callable[[int], None]
Look: TypeAlias = "tuple[int, str]"  # connector and what makes lines look the same


@dataclass(frozen=True, kw_only=True)
class Ends:
    """The last of each that the database held when the pack's checkpoint was made: what came later is not in it."""

    seq: int
    line: int
    row: int
    at: datetime
    meanings: Mapping[int, TermMeanings]  # of terms and type ids, by which lines are read

    @classmethod
    def now(cls) -> Ends:
        """Under the lock behind which whoever adds to these queues."""
        return cls(
            seq=lock_head().seq,
            line=MirrorLine.objects.aggregate(last=Max("id"))["last"] or 0,
            row=HistoryRow.objects.aggregate(last=Max("id"))["last"] or 0,
            at=timezone.now(),
            meanings=pack_terms.meanings(),
        )


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One place where the table of the page does not say what its entry or line says."""

    kind: str
    sentence: str
    seq: int | None = None
    line: int | None = None
    look: Look | None = None  # of rows that lines which come in may move; "" of what a line may tell
    read_for: int | None = None  # of a line, the connector whose terms say how it is read


@dataclass(kw_only=True)
class Found:
    """What the span holds: how many rows were chosen, and what differs."""

    chosen: int = 0
    entries: int = 0  # that were made into rows again
    lines: int = 0
    first_seq: int | None = None  # of the chosen rows
    last_seq: int | None = None
    plans: set[int] = field(default_factory=set)
    changes: Counter[int] = field(default_factory=Counter)  # of mappings, chosen or not, by connector
    differences: list[Difference] = field(default_factory=list)
    has_other_plans: bool = False  # than the entries tell of
    absent: list[tuple[int, int]] = field(default_factory=list)  # entries in archives that are not at hand

    @property
    def sentences(self) -> list[str]:
        """Of the first differences, for people."""
        return [each.sentence for each in self.differences[:MOST_NAMED]]

    def add(self, seq: int | None, plan: int | None) -> None:
        """A row is chosen."""
        self.chosen += 1
        if seq is not None:
            self.first_seq = min(self.first_seq or seq, seq)
            self.last_seq = max(self.last_seq or seq, seq)
        if plan is not None:
            self.plans.add(plan)

    def note(self, difference: Difference) -> None:
        """Raises Refused where there are so many that no list of them helps."""
        if len(self.differences) >= MOST_DIFFERENCES:
            raise Refused(TOO_MANY)
        self.differences.append(difference)


@dataclass(kw_only=True)
class TableRow:
    """A row as it stands in the table of the page."""

    id: int
    line: int | None
    certainty: str
    identical: int
    text: str
    values: Values

    @property
    def at(self) -> datetime:
        at: datetime = self.values[FIELDS.index("at")]
        return at

    @property
    def seq(self) -> int | None:
        seq: int | None = self.values[FIELDS.index("entry_seq")]
        return seq


@dataclass(kw_only=True)
class Window:
    """From and to a moment, the end itself outside; None: no bound."""

    since: datetime | None = None
    until: datetime | None = None

    def has(self, at: datetime) -> bool:
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)

    def wider(self, by: timedelta) -> Window:
        return Window(since=self.since and self.since - by, until=self.until and self.until + by)

    def condition(self, name: str = "at") -> Q:
        found = Q()
        if self.since:
            found &= Q(**{f"{name}__gte": self.since})
        if self.until:
            found &= Q(**{f"{name}__lt": self.until})
        return found


ALWAYS = Window()


def read(chosen: Selection, ends: Ends, scratch: Scratch, progress: Progress) -> Found:
    """Put the records of the chosen rows, and which change is which line, into `scratch`. Raises Refused.

    1. Entries of the span are made into rows, compared, and put aside if the filter finds them.
    2. Lines give their looks, and changes and lines of one look are paired as when they came in.
    3. Lines that are left over are made into rows, compared, and put aside likewise.
    4. Rows of the table that stand for nothing are named.
    5. Rows that differ are asked once more whether the filter finds them as they should be.
    """
    window = Window(since=chosen.since, until=chosen.until)
    # A change and a line of one look hang together within the clocks' difference, and with their neighbours on.
    for around in (window.wider(max(matching.MARGIN, 4 * matching.window())), ALWAYS):
        scratch.empty()
        reading = Reading(chosen=chosen, ends=ends, scratch=scratch, progress=progress, window=window, around=around)
        reading.read_entries()
        reading.read_lines()
        if reading.pair():
            break
    reading.compare_pairings()
    reading.choose_by_user()
    reading.read_lines_alone()
    reading.find_surplus()
    reading.ask_again()
    reading.forget_what_moved()
    reading.note_acts()
    reading.compare_plans()
    return reading.found


@dataclass(kw_only=True)
class Reading:
    """One reading of a span, and what it has found so far."""

    chosen: Selection
    ends: Ends
    scratch: Scratch
    progress: Progress
    window: Window
    around: Window  # which may hold what decides about a pair in the window
    found: Found = field(default_factory=Found)
    known: int = 0  # rows of the table in the span that stand for an entry or a line
    doubtful: list[tuple[HistoryRow, ParsedEntry | MirrorLine]] = field(default_factory=list)  # rows as they should be
    replaced: list[int] = field(default_factory=list)  # the rows of the table in whose place they are

    def __post_init__(self) -> None:
        self.connectors = Connector.objects.in_bulk([each.pk for each in self.chosen.connectors] or None)
        self.has_words = bool(self.chosen.groups)
        wanted = [match.text for group in self.chosen.groups for match in group]
        self.has_users = any(text.startswith(search_terms.word(search_terms.REMOTE, "")) for text in wanted)

    def _count(self, made: Iterable[HistoryRow]) -> None:
        changes = [row.connector_id for row in made if row.kind and row.connector_id and row.at <= self.ends.at]
        self.found.changes.update(changes)

    # -- entries ------------------------------------------------------------------------------------------------------

    def read_entries(self) -> None:
        for entries in chain(self._archived(), _entries(self.around, self.ends)):
            made = [(entry, row) for entry in entries if (row := _row_of(entry.body, is_found=self.has_words))]
            self._note_points([row for _, row in made])
            self._compare_entries([(entry, row) for entry, row in made if self.window.has(row.at)])
            self.found.entries += len(entries)
            self.progress(len(entries))

    def _archived(self) -> Iterator[list[ParsedEntry]]:
        """Of entries that have left the database those whose archive is at hand."""
        for archive in Archive.objects.exclude(removed_at=None).select_related("checkpoint").order_by("first_seq"):
            if self.around.since and archive.checkpoint.at < self.around.since:
                continue
            path = archive_index.place_of(archive)
            if path and archive_index.sha256_of(path) == archive.sha256:
                yield from (_told(some) for some in archive_index.entries(path, CHUNK))
            else:
                self.found.absent.append((archive.first_seq, archive.last_seq))

    def _note_points(self, made: Sequence[HistoryRow]) -> None:
        self.scratch.add("act", [(row.plan, row.entry_seq) for row in made if row.plan is not None])
        self.scratch.add(
            "point",
            [
                (row.connector_id, row.match, number_of(row.at), 0, row.entry_seq, row.project_key)
                for row in made
                if row.match and row.connector_id
            ],
        )

    def _compare_entries(self, made: Sequence[tuple[ParsedEntry, HistoryRow]]) -> None:
        of_these = Q(entry_seq__in=[entry.seq for entry, _ in made])
        there = {row.seq: row for row in _stored(of_these, self.ends)}
        fitting = self._fitting(of_these)
        self._count(row for _, row in made)
        for entry, row in made:
            stored = there.get(entry.seq)
            self._note_stored(stored)
            if stored is None:
                self.found.note(_missing(f"Entry {entry.seq}", row, seq=entry.seq))
                self._doubt(row, entry, None)
            elif differing := [*_differing(row, stored)]:
                seen = (row.connector_id or 0, "") if entry.body["action"] == make.ELSEWHERE else None
                self.found.note(_altered(f"entry {entry.seq}", differing, seq=entry.seq, look=seen))
                self._doubt(row, entry, stored)
            elif fitting is None or stored.id in fitting:
                if self._has_words(row.text):
                    self._choose(row, entry)
                elif self.has_users and row.match:
                    self.scratch.wait(entry.seq, row.at, row.plan, row.text, row_files.record_of(row, entry))
        self.scratch.add("stored", [(row.seq, row.line, row.certainty, row.identical) for row in there.values()])

    # -- lines --------------------------------------------------------------------------------------------------------

    def read_lines(self) -> None:
        for connector, lines in self._told_lines():
            terms = self.ends.meanings[connector.pk].terms
            looks = ((line, make.match_of_line(connector, line, terms)) for line in lines)
            points = [(connector.pk, look, number_of(line.at), 1, line.pk, "") for line, look in looks if look]
            self.scratch.add("point", points)
            within = [(connector.pk, line.pk) for line in lines if self.window.has(line.at)]
            self.scratch.add("line", within)
            self.found.lines += len(within)
            self.progress(len(lines))

    def pair(self) -> bool:
        """False where what hangs together may go on beyond what was read."""
        reach = matching.window()
        pairs: list[matching.Pair] = []
        candidates: list[tuple[int, str]] = []
        for ours, lines, projects in self.scratch.looks():
            if not ours and self.around == ALWAYS:
                continue  # most lines of others: there is nothing to pair them with, and nothing is cut
            for cluster in matching.clusters(ours, lines, reach):
                if self._is_cut(cluster, reach):
                    return False
                found = matching.pair(cluster, reach)
                taken = {pair.line for pair in found}
                named = sorted({key for point in cluster.ours if (key := projects[point.id])})
                candidates += [(point.id, json.dumps(named)) for point in cluster.lines if point.id not in taken]
                pairs += found
            if len(pairs) + len(candidates) >= CHUNK:
                self._keep(pairs, candidates)
        self._keep(pairs, candidates)
        return True

    def _keep(self, pairs: list[matching.Pair], candidates: list[tuple[int, str]]) -> None:
        self.scratch.keep_pairs(pairs)
        self.scratch.add("candidates", candidates)
        pairs.clear()
        candidates.clear()

    def _is_cut(self, cluster: matching.Cluster, reach: timedelta) -> bool:
        times = [point.at for point in (*cluster.ours, *cluster.lines)]
        edges = self.around.wider(-reach)
        return any(map(self.window.has, times)) and not all(map(edges.has, times))

    def compare_pairings(self) -> None:
        for seq, line, certainty, identical, told, number, look in self.scratch.mispaired():
            says = f"line {line}, {certainty} of {identical}" if line else "no line"
            said = f"line {told}, one of {number}" if told else "no line"
            sentence = f"The row of entry {seq} is paired with {says}; the entries and lines say {said}."
            self.found.note(Difference(kind=ALTERED, seq=seq, line=line, sentence=sentence, look=look))

    def read_lines_alone(self) -> None:
        for key, connector in sorted(self.connectors.items()):
            terms = self.ends.meanings[key].terms
            for numbers in self.scratch.lines_alone(key, CHUNK):
                lines = list(MirrorLine.objects.filter(pk__in=numbers).order_by("id"))
                made = make.of_lines(connector, lines, is_found=self.has_words, terms=terms)
                self._name_candidates(connector, made)
                self._compare_lines(connector, lines, made)
                self.progress(len(lines))

    def _name_candidates(self, connector: Connector, made: Sequence[HistoryRow]) -> None:
        near = self.scratch.candidates([row.line_id for row in made if row.line_id])
        for row in made:
            row.candidates = [] if row.project_stated else json.loads(near.get(row.line_id or 0, "[]"))
        matching.name_candidates(connector, made)

    def _compare_lines(self, connector: Connector, lines: Sequence[MirrorLine], made: Sequence[HistoryRow]) -> None:
        of_these = Q(line__in=[line.pk for line in lines], entry_seq=None)
        there = {row.line: row for row in _stored(of_these, self.ends)}
        fitting = self._fitting(of_these)
        self._count(made)
        for line, row in zip(lines, made, strict=True):
            stored = there.get(line.pk)
            self._note_stored(stored)
            if stored is None:
                self.found.note(_missing(f"Line {line.pk}", row, line=line.pk))
                self._doubt(row, line, None)
                continue
            differing = [*_differing(row, stored)]
            if {name for name, _, _ in differing} - _may_differ(row):
                self.found.note(_altered(f"line {line.pk}", differing, line=line.pk, read_for=connector.pk))
                self._doubt(row, line, stored)
            elif differing:  # another project than the page knows, by today's catalogue: either may be meant
                if (fitting is None or stored.id in fitting) and self._has_words(stored.text):
                    self._choose(row, line)
                else:
                    self._doubt(row, line, stored)
            # The words may hold a name that the connector had before.
            elif (fitting is None or stored.id in fitting) and self._has_words(row.text, stored.text):
                self._choose(row, line)

    def _told_lines(self) -> Iterator[tuple[Connector, list[make.LineText]]]:
        """All that may decide about a pair, by pages of the key, and no more of each than makes its look."""
        found = MirrorLine.objects.filter(self.around.condition(), id__lte=self.ends.line, withdrawal=None)
        told = found.order_by("id").values_list(*make.LineText._fields)
        for key, connector in sorted(self.connectors.items()):
            last = 0
            while lines := list(map(make.LineText._make, told.filter(connector=key, id__gt=last)[:CHUNK])):
                yield connector, lines
                last = lines[-1].pk

    # -- the filter ---------------------------------------------------------------------------------------------------

    def _fitting(self, of_these: Q) -> set[int] | None:
        """The rows whose columns the filter allows, None for all; its words are asked of what was made again."""
        if not self.chosen.columns:
            return None
        found = HistoryRow.objects.filter(self.chosen.columns).filter(of_these)
        return set(found.values_list("id", flat=True))

    def _has_words(self, *texts: str) -> bool:
        return any(search_index.holds(text, self.chosen.groups) for text in texts)

    def _choose(self, row: HistoryRow, source: ParsedEntry | MirrorLine) -> None:
        is_line = isinstance(source, MirrorLine)
        number = source.pk if isinstance(source, MirrorLine) else source.seq
        self.scratch.choose(row.at, row_files.record_of(row, source), is_line=is_line, number=number)
        self.found.add(None if is_line else number, row.plan)

    def choose_by_user(self) -> None:
        """Align's user of the line that our change is in finds it, too."""
        for some in self.scratch.waiting(CHUNK):
            users = dict(MirrorLine.objects.filter(pk__in=[row[-1] for row in some]).values_list("pk", "user"))
            for seq, at, plan, text, told, line in some:
                if self._has_words(search_terms.with_remote(text, users.get(line, ""))):
                    self.scratch.add("record", [(at, 0, seq, told)])
                    self.found.add(seq, plan)

    def _with_user(self, row: HistoryRow) -> str:
        pairing = self.scratch.pairings([row.entry_seq]).get(row.entry_seq) if row.entry_seq else None
        if pairing is None:
            return row.text
        user = MirrorLine.objects.filter(pk=pairing[0]).values_list("user", flat=True).first()
        return search_terms.with_remote(row.text, user or "")

    def _doubt(self, row: HistoryRow, source: ParsedEntry | MirrorLine, stored: TableRow | None) -> None:
        self.doubtful.append((row, source))
        if stored:
            self.replaced.append(stored.id)

    def ask_again(self) -> None:
        """Put the rows into the table as they should be, ask the filter, and take all of that back."""
        if not self.doubtful:
            return
        made = [row for row, _ in self.doubtful]
        with transaction.atomic():
            lock_head()
            lines = [row.line_id for row in made if row.line_id]
            seqs = [row.entry_seq for row in made if row.entry_seq]
            HistoryRow.objects.filter(Q(pk__in=self.replaced) | Q(entry_seq__in=seqs) | Q(line__in=lines)).delete()
            insert(made)
            fitting = self._fitting(Q(pk__in=[row.pk for row in made]))
            transaction.set_rollback(True)
        for row, source in self.doubtful:
            if (fitting is None or row.pk in fitting) and self._has_words(self._with_user(row)):
                self._choose(row, source)

    # -- rows that stand for nothing ----------------------------------------------------------------------------------

    def _note_stored(self, stored: TableRow | None) -> None:
        self.known += stored is not None and self.window.has(stored.at)

    def find_surplus(self) -> None:
        """Counted first: only where rows are too many each of them is looked at."""
        of_others = Q(entry_seq=None) & Q(connector__isnull=False) & ~Q(connector__in=list(self.connectors))
        rows = HistoryRow.objects.filter(self.window.condition(), id__lte=self.ends.row).exclude(of_others)
        for first, last in self.found.absent:
            rows = rows.exclude(entry_seq__range=(first, last))
        if rows.count() == self.known:
            return
        last_id = 0
        while some := _stored(Q(pk__in=rows.filter(id__gt=last_id).order_by("id").values("id")[:CHUNK]), self.ends):
            self._name_surplus(some)
            last_id = some[-1].id

    def _name_surplus(self, some: Sequence[TableRow]) -> None:
        """Those that were not compared: they name nothing, something else, or what is of another time."""
        entries = Entry.objects.filter(seq__in=[row.seq for row in some if row.seq], seq__lte=self.ends.seq)
        told = _told(entries.values_list("seq", "hash", "body"))
        times = {entry.seq: made.at for entry in told if (made := _row_of(entry.body, is_found=False))}
        counting = MirrorLine.objects.filter(withdrawal=None, pk__in=[row.line for row in some if row.line])
        lines = dict(counting.values_list("pk", "at"))
        taken = self.scratch.taken([row.line for row in some if row.line])
        times_of_lines = {line: at for line, at in lines.items() if line not in taken}
        for row in some:
            there = times.get(row.seq) if row.seq else times_of_lines.get(row.line or 0)
            if there is None:
                self.found.note(_surplus(row))
            elif not self.window.has(there):
                differing = [("at", row.at, there)]
                what = f"entry {row.seq}" if row.seq else f"line {row.line}"
                self.found.note(_altered(what, differing, seq=row.seq, line=None if row.seq else row.line))

    # -- the plans of the chosen rows ---------------------------------------------------------------------------------

    def note_acts(self) -> None:
        """Whatever entry is about one of them, in the span or not: no table says which."""
        if self.around == ALWAYS or not self.found.plans:  # all of them were read
            return
        for some in _pages(Entry.objects.filter(seq__lte=self.ends.seq), 0):
            about = _told(entry for entry in some if not self.found.plans.isdisjoint(_plans_in(entry[-1])))
            acts = [(entry.body.get("plan"), entry.seq) for entry in about]
            self.scratch.add("act", [(plan, seq) for plan, seq in acts if plan in self.found.plans])
            self.progress(0)

    def compare_plans(self) -> None:
        """As the pages have them, with their entries. Raises Refused.

        Some at a time: nobody can write anything while those that differ are looked at once more.
        """
        plans = sorted(self.found.plans)
        for start in range(0, len(plans), PLANS_AT_ONCE):
            some = plans[start : start + PLANS_AT_ONCE]
            for look in extensions().comparisons:
                if look.of_plans is None or not look.of_plans(some):
                    continue
                with transaction.atomic():  # what somebody writes just now is half there
                    lock_head()
                    differences = look.of_plans(some)
                self.found.has_other_plans |= bool(differences)
                for each in differences:
                    self.found.note(Difference(kind=each.kind, sentence=each.sentence, seq=each.seq))
            self.progress(0)

    # -- what came in meanwhile ---------------------------------------------------------------------------------------

    def forget_what_moved(self) -> None:
        """Lines that came in or were withdrawn since may have moved the table's pairs: those differ, and are right.

        So do rows of lines that are read by other terms since.
        """
        if not any(each.look or each.read_for for each in self.found.differences):
            return
        moved: set[Look] = set()
        terms: dict[int, Terms] = {}
        for line in MirrorLine.objects.filter(id__gt=self.ends.line).select_related("connector").iterator(CHUNK):
            if line.connector_id not in terms:
                terms[line.connector_id] = terms_of(line.connector)
            moved.add((line.connector_id, make.match_of_line(line.connector, line, terms[line.connector_id])))
            moved.add((line.connector_id, ""))  # what only the watch had seen may be told by it
        withdrawn, read_again = set[int](), set[int]()
        for some in _paged(Entry.objects.all(), self.ends.seq):
            for entry in some:
                if entry.body.get("action") == LOG_WITHDRAWN:
                    withdrawn.add(entry.body["connector"]["id"])
                if entry.body.get("action") in pack_terms.SAYING:
                    read_again.add(entry.body["connector"]["id"])
                if (row := _row_of(entry.body, is_found=False)) and row.connector_id:
                    moved.add((row.connector_id, row.match))
        self.found.differences = [
            each
            for each in self.found.differences
            if (each.look is None or (each.look not in moved and each.look[0] not in withdrawn | read_again))
            and each.read_for not in read_again
        ]


# -- reading ----------------------------------------------------------------------------------------------------------


def _entries(around: Window, ends: Ends) -> Iterator[list[ParsedEntry]]:
    """By pages of the key; then those told later of what happened in the span."""
    stored = Entry.objects.filter(seq__lte=ends.seq)
    bounds = stored.filter(around.condition()).aggregate(first=Min("seq"), last=Max("seq"))
    yield from _paged(stored.filter(seq__lte=bounds["last"] or 0), (bounds["first"] or 1) - 1)
    if around.until:
        late = stored.filter(seq__gt=bounds["last"] or 0, body__contains=f'"happened_at":"{_beginning(around)}')
        yield from _paged(late.filter(at__gte=around.until), 0)


def _beginning(window: Window) -> str:
    """What all times in it begin with, as entries write them."""
    if window.since is None or window.until is None:
        return ""
    ends = [at.astimezone(UTC).isoformat() for at in (window.since, window.until)]
    return "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], zip(*ends, strict=False)))


def _paged(entries: QuerySet[Entry], after: int) -> Iterator[list[ParsedEntry]]:
    return map(_told, _pages(entries, after))


def _pages(entries: QuerySet[Entry], after: int) -> Iterator[list[tuple[int, str, str]]]:
    stored = entries.order_by("seq").values_list("seq", "hash", "body")
    while some := list(stored.filter(seq__gt=after)[:CHUNK]):
        yield some
        after = some[-1][0]


def _plans_in(body: str) -> Iterator[int]:
    """The plan that an entry is about, by a look at its text, which takes a tenth of reading it; perhaps others."""
    return map(int, PLAN.findall(body))


def _told(stored: Iterable[tuple[int, str, str]]) -> list[ParsedEntry]:
    """What an altered text says that cannot be read any more is nothing: the chain names it."""
    return [ParsedEntry(seq=seq, hash=hash_, body=standalone_checker.fields(body)) for seq, hash_, body in stored]


def _row_of(body: Mapping[str, Any], *, is_found: bool) -> HistoryRow | None:
    """None also for what was altered so that no row comes of it."""
    try:
        if body["action"] in WITHOUT_ROW:
            return None
        is_told = body["action"] == make.ELSEWHERE and _is_told(body["seq"])
        return make.of_body(body, is_told=is_told, is_found=is_found)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _is_told(seq: int) -> bool:
    return Case.objects.filter(entry_seq=seq, line__isnull=False).exists()


def _stored(which: Q, ends: Ends) -> list[TableRow]:
    found = HistoryRow.objects.filter(which, id__lte=ends.row).order_by("id").values_list(*STORED)
    return [
        TableRow(id=row[0], line=row[1], certainty=row[2], identical=row[3], text=row[4], values=row[5:])
        for row in found
    ]


# -- comparing --------------------------------------------------------------------------------------------------------


def _differing(row: HistoryRow, stored: TableRow) -> Iterator[tuple[str, object, object]]:
    """Field, what the table says, and what it should say."""
    if stored.values == (made := values_of(row)):
        return
    for name, says, said in zip(FIELDS, stored.values, made, strict=True):
        if says != said:
            yield name, says, said


def _may_differ(row: HistoryRow) -> frozenset[str]:
    """Of a line that names no project the catalogue told it when it came in, and may tell something else today."""
    is_told = row.parsed and (row.direction == J2A or not row.project_stated)
    return FROM_THE_CATALOGUE if is_told else NOTHING


def _missing(what: str, row: HistoryRow, *, seq: int | None = None, line: int | None = None) -> Difference:
    sentence = f"{what} has no row: {row.sentence[:LONGEST_VALUE]}"
    return Difference(kind=MISSING, seq=seq, line=line, sentence=sentence, look=_look(row) if line else None)


def _altered(
    what: str,
    differing: Iterable[tuple[str, object, object]],
    *,
    seq: int | None = None,
    line: int | None = None,
    look: Look | None = None,
    read_for: int | None = None,
) -> Difference:
    told = "; ".join(f"{_named(name)} says {_quoted(says)}, not {_quoted(said)}" for name, says, said in differing)
    sentence = f"The row of {what} differs from it: {told}."
    return Difference(kind=ALTERED, seq=seq, line=line, sentence=sentence, look=look, read_for=read_for)


def _surplus(row: TableRow) -> Difference:
    what = f"entry {row.seq}" if row.seq else f"line {row.line}" if row.line else "no entry and no line"
    said = row.values[FIELDS.index("sentence")]
    sentence = f"A row names {what}, which does not stand for it: {said[:LONGEST_VALUE]}"
    return Difference(kind=SURPLUS, seq=row.seq, line=row.line, sentence=sentence)


def _look(row: HistoryRow) -> Look | None:
    return (row.connector_id, row.match) if row.connector_id and row.match else None


def _named(field_name: str) -> str:
    return field_name.removesuffix("_id").replace("_", " ")


def _quoted(value: object) -> str:
    if value in (None, ""):
        return "nothing"
    text = str(value)
    return f"“{text[:LONGEST_VALUE]}…”" if len(text) > LONGEST_VALUE else f"“{text}”"

"""The rows of a pack: everything in its span made again from entries and mirrored lines, and compared with the page.

The table that the page searches (`HistoryRow`) gives nothing to a pack. Each entry and each line of the span is made
into a row again, changes and lines are paired again, and the filter is asked of what came out. Where the table says
something else, has a row too many or lacks one, the pack names it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from typing import TypeAlias

from django.db import transaction
from django.db.models import Q

from alignadmin.audit import archive_index
from alignadmin.audit.bulk_insert import insert
from alignadmin.audit.entries import lock_head
from alignadmin.audit.models import Archive, Entry
from connectors.history.mirror import matching, search_index, search_terms
from connectors.history.mirror import projection as make
from connectors.history.packs import row_files
from connectors.history.packs.entry_pages import entries_of, parsed, plans_in, raw_pages, row_of
from connectors.history.packs.later_changes import without_later_changes
from connectors.history.packs.row_differences import (
    RowDifference,
    TableRow,
    altered,
    differing,
    may_differ,
    missing,
    stored_rows,
    surplus,
)
from connectors.history.packs.row_files import ParsedEntry, TakingsIn
from connectors.history.packs.scratch import Scratch, number_of
from connectors.history.packs.selection import Selection
from connectors.history.packs.span_bounds import ALWAYS, Ends, Window
from connectors.history.packs.span_findings import Found
from connectors.models import HistoryRow, MirrorLine
from connectors.models.connector import Connector
from connectors.ports.differences import ALTERED
from connectors.ports.extensions import extensions

CHUNK = 2000
PLANS_AT_ONCE = 100
Progress: TypeAlias = Callable[[int], None]


def read(chosen: Selection, ends: Ends, scratch: Scratch, progress: Progress) -> Found:
    """Put the records of the chosen rows, and which change is which line, into `scratch`. Raises Refused.

    1. Entries of the span are made into rows, compared, and put aside if the filter finds them.
    2. Lines give their match keys, and changes and lines of one match key are paired as when they came in.
    3. Lines that are left over are made into rows, compared, and put aside likewise.
    4. Rows of the table that stand for nothing are named.
    5. Rows that differ are asked once more whether the filter finds them as they should be.
    """
    window = Window(since=chosen.since, until=chosen.until)
    # A change and a line of one match key hang together within the clocks' difference, and with their neighbours on.
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
    reading.found.differences = without_later_changes(reading.found.differences, ends)
    reading.collect_plan_entries()
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
    takings_in: TakingsIn = field(default_factory=TakingsIn)

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
        for entries in chain(self._archived(), entries_of(self.around, self.ends)):
            made = [(entry, row) for entry in entries if (row := row_of(entry.body, is_found=self.has_words))]
            self._keep_points([row for _, row in made])
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
                yield from (parsed(some) for some in archive_index.entries(path, CHUNK))
            else:
                self.found.absent.append((archive.first_seq, archive.last_seq))

    def _keep_points(self, made: Sequence[HistoryRow]) -> None:
        self.scratch.add("plan_entry", [(row.plan, row.entry_seq) for row in made if row.plan is not None])
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
        there = {row.seq: row for row in stored_rows(of_these, self.ends)}
        fitting = self._fitting(of_these)
        self._count(row for _, row in made)
        for entry, row in made:
            stored = there.get(entry.seq)
            self._count_known(stored)
            if stored is None:
                self.found.add_difference(missing(f"Entry {entry.seq}", row, seq=entry.seq))
                self._set_doubtful(row, entry, None)
            elif different := [*differing(row, stored)]:
                seen = (row.connector_id or 0, "") if entry.body["action"] == make.ELSEWHERE else None
                self.found.add_difference(altered(f"entry {entry.seq}", different, seq=entry.seq, match_key=seen))
                self._set_doubtful(row, entry, stored)
            elif fitting is None or stored.id in fitting:
                if self._has_words(row.text):
                    self._choose(row, entry)
                elif self.has_users and row.match:
                    self.scratch.add_waiting(entry.seq, row.at, row.plan, row.text, row_files.record_of(row, entry))
        self.scratch.add("stored", [(row.seq, row.line, row.certainty, row.identical) for row in there.values()])

    # -- lines --------------------------------------------------------------------------------------------------------

    def read_lines(self) -> None:
        for connector, lines in self._line_pages():
            terms = self.ends.meanings[connector.pk].terms
            keys = ((line, make.match_of_line(connector, line, terms)) for line in lines)
            points = [(connector.pk, key, number_of(line.at), 1, line.pk, "") for line, key in keys if key]
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
        for ours, lines, projects in self.scratch.match_groups():
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
        for seq, line, certainty, identical, expected_line, number, match_key in self.scratch.mispaired():
            says = f"line {line}, {certainty} of {identical}" if line else "no line"
            said = f"line {expected_line}, one of {number}" if expected_line else "no line"
            sentence = f"The row of entry {seq} is paired with {says}; the entries and lines say {said}."
            self.found.add_difference(
                RowDifference(kind=ALTERED, seq=seq, line=line, sentence=sentence, match_key=match_key)
            )

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
        there = {row.line: row for row in stored_rows(of_these, self.ends)}
        fitting = self._fitting(of_these)
        self._count(made)
        for line, row in zip(lines, made, strict=True):
            stored = there.get(line.pk)
            self._count_known(stored)
            if stored is None:
                self.found.add_difference(missing(f"Line {line.pk}", row, line=line.pk))
                self._set_doubtful(row, line, None)
                continue
            different = [*differing(row, stored)]
            if {name for name, _, _ in different} - may_differ(row):
                self.found.add_difference(altered(f"line {line.pk}", different, line=line.pk, read_for=connector.pk))
                self._set_doubtful(row, line, stored)
            elif different:  # another project than the page knows, by today's catalogue: either may be meant
                if (fitting is None or stored.id in fitting) and self._has_words(stored.text):
                    self._choose(row, line)
                else:
                    self._set_doubtful(row, line, stored)
            # The words may hold a name that the connector had before.
            elif (fitting is None or stored.id in fitting) and self._has_words(row.text, stored.text):
                self._choose(row, line)

    def _line_pages(self) -> Iterator[tuple[Connector, list[make.LineText]]]:
        """All that may decide about a pair, by pages of the key, and no more of each than makes its match key."""
        found = MirrorLine.objects.filter(self.around.condition(), id__lte=self.ends.line, withdrawal=None)
        texts = found.order_by("id").values_list(*make.LineText._fields)
        for key, connector in sorted(self.connectors.items()):
            last = 0
            while lines := list(map(make.LineText._make, texts.filter(connector=key, id__gt=last)[:CHUNK])):
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
        taken_in = self.takings_in.of(source.run_id) if isinstance(source, MirrorLine) else None
        self.scratch.choose(row.at, row_files.record_of(row, source, taken_in), is_line=is_line, number=number)
        self.found.add_row(None if is_line else number, row.plan)

    def choose_by_user(self) -> None:
        """Align's user of the line that our change is in finds it, too."""
        for some in self.scratch.waiting(CHUNK):
            users = dict(MirrorLine.objects.filter(pk__in=[row[-1] for row in some]).values_list("pk", "user"))
            for seq, at, plan, text, record, line in some:
                if self._has_words(search_terms.with_remote(text, users.get(line, ""))):
                    self.scratch.add("record", [(at, 0, seq, record)])
                    self.found.add_row(seq, plan)

    def _with_user(self, row: HistoryRow) -> str:
        pairing = self.scratch.pairings([row.entry_seq]).get(row.entry_seq) if row.entry_seq else None
        if pairing is None:
            return row.text
        user = MirrorLine.objects.filter(pk=pairing[0]).values_list("user", flat=True).first()
        return search_terms.with_remote(row.text, user or "")

    def _set_doubtful(self, row: HistoryRow, source: ParsedEntry | MirrorLine, stored: TableRow | None) -> None:
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

    def _count_known(self, stored: TableRow | None) -> None:
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
        while some := stored_rows(Q(pk__in=rows.filter(id__gt=last_id).order_by("id").values("id")[:CHUNK]), self.ends):
            self._name_surplus(some)
            last_id = some[-1].id

    def _name_surplus(self, some: Sequence[TableRow]) -> None:
        """Those that were not compared: they name nothing, something else, or what is of another time."""
        entries = Entry.objects.filter(seq__in=[row.seq for row in some if row.seq], seq__lte=self.ends.seq)
        parsed_entries = parsed(entries.values_list("seq", "hash", "body"))
        times = {entry.seq: made.at for entry in parsed_entries if (made := row_of(entry.body, is_found=False))}
        counting = MirrorLine.objects.filter(withdrawal=None, pk__in=[row.line for row in some if row.line])
        lines = dict(counting.values_list("pk", "at"))
        taken = self.scratch.taken([row.line for row in some if row.line])
        times_of_lines = {line: at for line, at in lines.items() if line not in taken}
        for row in some:
            there = times.get(row.seq) if row.seq else times_of_lines.get(row.line or 0)
            if there is None:
                self.found.add_difference(surplus(row))
            elif not self.window.has(there):
                different = [("at", row.at, there)]
                what = f"entry {row.seq}" if row.seq else f"line {row.line}"
                self.found.add_difference(altered(what, different, seq=row.seq, line=None if row.seq else row.line))

    # -- the plans of the chosen rows ---------------------------------------------------------------------------------

    def collect_plan_entries(self) -> None:
        """Whatever entry is about one of them, in the span or not: no table says which."""
        if self.around == ALWAYS or not self.found.plans:  # all of them were read
            return
        for some in raw_pages(Entry.objects.filter(seq__lte=self.ends.seq), 0):
            about = parsed(entry for entry in some if not self.found.plans.isdisjoint(plans_in(entry[-1])))
            acts = [(entry.body.get("plan"), entry.seq) for entry in about]
            self.scratch.add("plan_entry", [(plan, seq) for plan, seq in acts if plan in self.found.plans])
            self.progress(0)

    def compare_plans(self) -> None:
        """As the pages have them, with their entries. Raises Refused.

        Some at a time: nobody can write anything while those that differ are looked at once more.
        """
        plans = sorted(self.found.plans)
        for start in range(0, len(plans), PLANS_AT_ONCE):
            some = plans[start : start + PLANS_AT_ONCE]
            for table in extensions().comparisons:
                if not table.read_plans(some):
                    continue
                with transaction.atomic():  # what somebody writes just now is half there
                    lock_head()
                    differences = table.read_plans(some)
                self.found.has_other_plans |= bool(differences)
                for each in differences:
                    self.found.add_difference(each)
            self.progress(0)

"""Which of our changes is which line of Align's log.

Align's sentences often name neither project nor id, so lines that look the same are paired with our changes that look
the same as multisets, inside a window for the clocks' difference. A line too many is an outside change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

from alignadmin.audit.bulk_insert import insert
from alignadmin.folding import fold
from connectors.align.audit_sentences import A2J
from connectors.history.mirror import case_lifecycle, search_terms
from connectors.history.mirror import projection as make
from connectors.history.mirror.search_index import TimeSpan
from connectors.models import Certainty, HistoryRow, MirrorLine, Source
from connectors.models.catalogue import Carried, ReachableStatus, Status
from connectors.models.connector import Connector

KEYS_AT_ONCE = 500
MARGIN = timedelta(days=1)
ALWAYS = TimeSpan()
MOST_CANDIDATES = make.MOST_CANDIDATES


@dataclass(frozen=True, kw_only=True)
class Point:
    """One of our changes (its entry) or one line, at its time."""

    id: int
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Our entry and its line; `identical` is how many lines and changes look the same around it."""

    row: int
    line: int
    identical: int


@dataclass(kw_only=True)
class Cluster:
    """Changes and lines of one match key, each within the window of the next."""

    ours: list[Point] = field(default_factory=list)
    lines: list[Point] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Joined:
    """The counts of one run."""

    paired: int
    exact: int
    outside: int


def window() -> timedelta:
    return timedelta(seconds=settings.AUDIT_CLOCK_SKEW)


# -- pure ----------------------------------------------------------------------------------------------------------


def clusters(ours: Iterable[Point], lines: Iterable[Point], reach: timedelta) -> Iterator[Cluster]:
    """Cut what looks the same where nothing happened for longer than the window."""
    points = sorted([(point.at, 0, point) for point in ours] + [(point.at, 1, point) for point in lines], key=_order)
    cluster, last = Cluster(), None
    for at, kind, point in points:
        if last is not None and at - last > reach:
            yield cluster
            cluster = Cluster()
        (cluster.lines if kind else cluster.ours).append(point)
        last = at
    if last is not None:
        yield cluster


def _order(item: tuple[datetime, int, Point]) -> tuple[datetime, int, int]:
    return item[0], item[1], item[2].id


def pair(cluster: Cluster, reach: timedelta) -> list[Pair]:
    """As many pairs as there can be: in order of time, each with the first that is near enough."""
    identical = max(len(cluster.ours), len(cluster.lines))
    pairs, row, line = [], 0, 0
    while row < len(cluster.ours) and line < len(cluster.lines):
        ours, theirs = cluster.ours[row], cluster.lines[line]
        if abs(ours.at - theirs.at) <= reach:
            pairs.append(Pair(row=ours.id, line=theirs.id, identical=identical))
            row, line = row + 1, line + 1
        elif ours.at < theirs.at:
            row += 1
        else:
            line += 1
    return pairs


# -- on the rows ---------------------------------------------------------------------------------------------------


def after_ours(made: Sequence[HistoryRow]) -> None:
    """New changes of ours: a line that came before them may be theirs, and they may take a change of others back."""
    done: dict[int, list[HistoryRow]] = defaultdict(list)
    for row in made:
        if row.match and row.connector_id:
            done[row.connector_id].append(row)
    for connector_id, rows in done.items():
        span = around(row.at for row in rows)
        if waiting := _of_lines(connector_id, sorted({row.match for row in rows}), span):
            pair_lines(Connector.objects.get(pk=connector_id), waiting, span=span)
        case_lifecycle.close_taken_back(connector_id, rows)


def around(times: Iterable[datetime]) -> TimeSpan:
    """Where rows have to be looked at again when one of these times is new: those beyond it are no part of its pairing.

    A mapping that is set anew every week has the same look for years, and each time would read all the others.
    """
    margin, found = max(MARGIN, 4 * window()), sorted(times)
    return TimeSpan(since=found[0] - margin, until=found[-1] + margin) if found else ALWAYS


def _of_lines(connector_id: int, matches: Sequence[str], span: TimeSpan) -> set[str]:
    """Those of these match keys that lines have there, too.

    In plain SQL, as each change of ours asks: for one key 4.4 times as fast as a queryset (SQLite 10).
    """
    times = [connection.ops.adapt_datetimefield_value(at) for at in (span.since, span.until)]
    table, found = connection.ops.quote_name(HistoryRow._meta.db_table), set()
    with connection.cursor() as cursor:
        for start in range(0, len(matches), KEYS_AT_ONCE):
            some = matches[start : start + KEYS_AT_ONCE]
            places = ", ".join(["%s"] * len(some))
            cursor.execute(
                # Only our own table's name and places for values are put into the text.
                f'SELECT "match" FROM {table} '  # noqa: S608  # nosec B608
                f'WHERE connector_id = %s AND "match" IN ({places}) AND at BETWEEN %s AND %s AND line_id IS NOT NULL',
                [connector_id, *some, *times],
            )
            found |= {match for (match,) in cursor.fetchall()}
    return found


def rejoin(connector: Connector) -> Joined:
    """Everything of one connector again; a second run changes nothing."""
    keys = HistoryRow.objects.filter(connector=connector).exclude(match="").values_list("match", flat=True)
    return pair_lines(connector, set(keys.distinct()))


def pair_lines(
    connector: Connector, matches: set[str], fresh: Iterable[HistoryRow] = (), span: TimeSpan = ALWAYS
) -> Joined:
    """Pair everything that has one of these match keys, in `span` or anywhere. To be called under trail.lock_head.

    `fresh` are rows of new lines, not saved yet: only those without a cause of ours are.
    """
    counts = [0, 0, 0]
    keys = sorted(matches)
    by_match_key: dict[str, list[HistoryRow]] = defaultdict(list)
    for row in fresh:
        by_match_key[row.match].append(row)
    for start in range(0, len(keys), KEYS_AT_ONCE):
        some = keys[start : start + KEYS_AT_ONCE]
        new = [row for key in some for row in by_match_key[key]]
        for number, count in enumerate(_pair_groups(connector, some, new, span)):
            counts[number] += count
    return Joined(paired=counts[0], exact=counts[1], outside=counts[2])


@dataclass(kw_only=True)
class MatchGroup:
    """All rows of one match key: ours, and the lines wherever they hang now."""

    ours: list[HistoryRow] = field(default_factory=list)
    lines: dict[int, MirrorLine] = field(default_factory=dict)
    outside: dict[int, HistoryRow] = field(default_factory=dict)  # by line


def _pair_groups(
    connector: Connector, keys: list[str], fresh: Sequence[HistoryRow], span: TimeSpan
) -> tuple[int, int, int]:
    changes = Changes()
    for group in _groups([*_stored(connector, keys, span), *fresh]).values():
        _pair_group(group, changes)
    changes.save(connector)
    return changes.paired, changes.exact, changes.outside


def _stored(connector: Connector, keys: Iterable[str], span: TimeSpan) -> list[HistoryRow]:
    """The rows of these match keys in the span; of all times when some that hang together may go on beyond it."""
    stored = HistoryRow.objects.filter(connector=connector, match__in=list(keys)).select_related("line")
    if span.since is None or span.until is None:
        return list(stored)
    found = list(stored.filter(at__range=(span.since, span.until)))
    # A row of ours is within reach of its line, and that of the next.
    begin, end = span.since + 2 * window(), span.until - 2 * window()
    return found if all(begin < row.at < end for row in found) else list(stored)


def _groups(rows: Iterable[HistoryRow]) -> dict[str, MatchGroup]:
    groups: dict[str, MatchGroup] = defaultdict(MatchGroup)
    for row in rows:
        group = groups[row.match]
        if row.source == Source.OURS:
            group.ours.append(row)
        elif row.line_id:
            group.outside[row.line_id] = row
        if row.line_id and row.line:
            group.lines[row.line_id] = row.line
    return groups


@dataclass(kw_only=True)
class Changes:
    """What a run has to write."""

    rows: list[HistoryRow] = field(default_factory=list)  # ours with another pairing
    released: list[int] = field(default_factory=list)  # rows of ours whose line changes
    gone: list[int] = field(default_factory=list)  # outside rows whose line found its change
    found: set[int] = field(default_factory=set)  # their lines
    moved: list[tuple[int, int]] = field(default_factory=list)  # of one match key, a line found and a line lost
    lost: list[tuple[MirrorLine, list[str]]] = field(default_factory=list)  # lines whose change went to another
    new: list[HistoryRow] = field(default_factory=list)  # outside rows to save
    named: list[HistoryRow] = field(default_factory=list)  # outside rows with other candidates
    paired: int = 0
    exact: int = 0
    outside: int = 0

    def save(self, connector: Connector) -> None:
        # A line hangs on one row at most, so it is taken off before it is put elsewhere.
        HistoryRow.objects.filter(pk__in=self.released).update(line=None)
        HistoryRow.objects.filter(pk__in=self.gone).delete()
        _save_pairings(self.rows)
        HistoryRow.objects.bulk_update(self.named, ["candidates"], batch_size=200)
        made = make.of_lines(connector, [line for line, _ in self.lost])
        for row, (_, candidates) in zip(made, self.lost, strict=True):
            row.candidates = [] if row.project_stated else candidates
        name_candidates(connector, [*made, *self.new])
        insert([*made, *self.new])
        self._keep_cases(connector, made)

    def _keep_cases(self, connector: Connector, lost: Sequence[HistoryRow]) -> None:
        case_lifecycle.move(self.moved)
        if self.found:
            case_lifecycle.close_found(connector, [row for row in self.rows if row.line_id in self.found])
        case_lifecycle.open_again(connector, lost, window())
        case_lifecycle.open_new(connector, self.new, window())


def _save_pairings(rows: Sequence[HistoryRow]) -> None:
    """One plain update each: for 1,000 rows 37 times as fast as bulk_update (SQLite 2.9).

    It is 6.6 times as fast as bulk_create's conflicts (SQLite 0.9), which would also bring deleted rows back.
    """
    if rows:
        table = connection.ops.quote_name(HistoryRow._meta.db_table)
        with connection.cursor() as cursor:
            cursor.executemany(
                # Only our own table's name is put into the text.
                f"UPDATE {table} SET line_id = %s, certainty = %s, identical = %s, text = %s WHERE id = %s",  # noqa: S608  # nosec B608
                [(row.line_id, str(row.certainty), row.identical, row.text, row.pk) for row in rows],
            )


def _pair_group(group: MatchGroup, changes: Changes) -> None:
    reach = window()
    # By the entry's number, which no row's place in its table can change.
    by_id = {row.entry_seq or 0: row for row in group.ours}
    ours = [Point(id=number, at=row.at) for number, row in by_id.items()]
    lines = [Point(id=line.pk, at=line.at) for line in group.lines.values()]
    partner: dict[int, Pair] = {}
    lost, gone = len(changes.lost), len(changes.gone)
    for cluster in clusters(ours, lines, reach):
        pairs = pair(cluster, reach)
        partner |= {found.row: found for found in pairs}
        taken = {found.line for found in pairs}
        projects = sorted({key for point in cluster.ours if (key := by_id[point.id].project_key)})
        for point in cluster.lines:
            _record_line(group, point.id, point.id in taken, projects, changes)
    for row in group.ours:
        _record_pairing(row, partner.get(row.entry_seq or 0), group, changes)
    found = [line for line, row in group.outside.items() if row.pk in changes.gone[gone:]]
    changes.found.update(found)
    changes.moved += zip(found, [line.pk for line, _ in changes.lost[lost:]], strict=False)


def _record_line(group: MatchGroup, line: int, taken: bool, projects: list[str], changes: Changes) -> None:
    there = group.outside.get(line)
    if taken:
        if there and not there._state.adding:
            changes.gone.append(there.pk)
        return
    changes.outside += 1
    if there is None:
        changes.lost.append((group.lines[line], projects))
    elif there._state.adding:
        there.candidates = [] if there.project_stated else projects
        changes.new.append(there)
    elif projects and not there.project_stated and there.candidates != projects:
        there.candidates = projects
        changes.named.append(there)


def _record_pairing(row: HistoryRow, found: Pair | None, group: MatchGroup, changes: Changes) -> None:
    line = group.lines[found.line] if found else None
    identical = found.identical if found else 0
    certainty = Certainty.NONE
    if found:
        certainty = Certainty.EXACT if identical == 1 else Certainty.ONE_OF_MANY
        changes.paired += 1
        changes.exact += certainty is Certainty.EXACT
    now = (line.pk if line else None, certainty, identical)
    if (row.line_id, row.certainty, row.identical) == now:
        return
    if row.line_id and row.line_id != now[0]:
        changes.released.append(row.pk)
    row.line, row.certainty, row.identical = line, certainty, identical
    row.text = search_terms.with_remote(row.text, line.user if line else "")
    changes.rows.append(row)


# -- where a line without a project may have been ------------------------------------------------------------------


def name_candidates(connector: Connector, rows: Iterable[HistoryRow]) -> None:
    """Give outside lines without a project the projects whose items can have their statuses, at most 50."""
    lost = [row for row in rows if not row.project_stated and not row.candidates and row.direction == A2J]
    if not lost:
        return
    by_id, by_name = _projects_of(connector, lost)
    for row in lost:
        sets = [by_id.get(number, set()) for number in (row.before_id, row.after_id) if number is not None]
        if not sets and row.before_name:
            sets = [by_name.get(fold(row.before_name), set())]
        row.candidates = sorted(set.intersection(*sets))[:MOST_CANDIDATES] if sets else []


def _projects_of(connector: Connector, rows: Sequence[HistoryRow]) -> tuple[dict[int, set[str]], dict[str, set[str]]]:
    ids = {number for row in rows for number in (row.before_id, row.after_id) if number is not None}
    names = {fold(row.before_name) for row in rows if row.before_id is None and row.before_name}
    if names:
        known = Status.objects.filter(connector=connector).values_list("jira_id", "name")
        ids |= {number for number, name in known if fold(name) in names}
    # What is out of scope here has its lines in Align's log as well.
    reachable = ReachableStatus.objects.filter(project__connector=connector).exclude(project__carried=Carried.NO)
    by_id: dict[int, set[str]] = defaultdict(set)
    by_name: dict[str, set[str]] = defaultdict(set)
    found = reachable.filter(status__jira_id__in=ids)
    for number, name, key in found.values_list("status__jira_id", "status__name", "project__key").distinct():
        by_id[number].add(key)
        by_name[fold(name)].add(key)
    return by_id, by_name

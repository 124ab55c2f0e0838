"""statements.txt of a pack: what is not there, where Align's log was not taken in, and what none of it can say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from alignadmin.audit.models import Archive
from alignadmin.text import one_line
from connectors.history.packs import gaps
from connectors.history.packs.row_files import Written
from connectors.history.packs.selection import Selection
from connectors.history.packs.span_findings import Found
from connectors.models.connector import Connector

MOST_GAPS = 1000
INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class StatedPeriod:
    """What is spoken of, never beyond the moment the pack was made."""

    since: datetime | None  # None: from the first entry on
    until: datetime  # itself outside
    zone: ZoneInfo

    def __str__(self) -> str:
        since = f"between {self._moment(self.since)}" if self.since else "between the first entry of the history"
        return f"{since} and {self._moment(self.until - INSTANT)}"

    def _moment(self, at: datetime) -> str:
        return f"{at.astimezone(self.zone):%-d %b %Y, %H:%M:%S} ({at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ})"

    def stretch(self, since: datetime, until: datetime) -> str:
        return f"from {self._moment(since)} to {self._moment(min(until, self.until - INSTANT))}"


def write(selection: Selection, written: Written, found: Found, *, made_at: datetime, last: int) -> str:
    """Plain text, its lines as long as they come; `last` is the last entry that there was."""
    until = min(selection.until or made_at, made_at)
    period = StatedPeriod(since=selection.since, until=until, zone=ZoneInfo(selection.time_zone))
    connectors = selection.connectors or list(Connector.objects.order_by("name"))
    covered = gaps.gaps_until(last)
    parts = [
        ["WHAT THIS PACK STATES", f"Filter: {selection.words}", f"Times in {selection.time_zone}, in brackets in UTC."],
        ["1. WHAT WAS FOUND", *_found(written, period)],
        ["2. WHAT IS NOT THERE", *(_absence(each, period, written, found) for each in connectors)],
        [
            "3. WHERE ALIGN'S LOG WAS NOT TAKEN IN",
            *(line for each in connectors for line in _gaps(each, period, covered)),
        ],
        ["4. WHETHER THE HISTORY PAGE SAYS THE SAME", *_compared(found)],
        ["5. WHAT THESE STATEMENTS CANNOT SAY", *_limits(written), *_tables(selection)],
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _found(written: Written, period: StatedPeriod) -> Iterator[str]:
    if not written.rows:
        yield f"Nothing: no row of the history {period} matches the filter."
        return
    by_source = ", ".join(f"{number} {source}" for source, number in sorted(written.sources.items()))
    yield f"{_counted(written.rows, 'row')} of the history {period} ({by_source})."


def _absence(connector: Connector, period: StatedPeriod, written: Written, found: Found) -> str:
    changes = found.changes[connector.pk]
    name = _named(connector)
    if not changes:
        return f"- No mapping change on {name} {period}."
    here = written.changes[connector.slug]
    counted = _counted(changes, "mapping change")
    return f"- {counted} on {name} {period}, of which {here} match the filter and are in this pack."


def _named(connector: Connector) -> str:
    return f"connector {connector.numbers_in_words} ({one_line(connector.name)})"


def _gaps(connector: Connector, period: StatedPeriod, covered: gaps.CoveredTime) -> Iterator[str]:
    name = _named(connector)
    since = min(period.since or connector.created_at, period.until)
    found = covered.gaps(connector, since, period.until)
    yield from _unrecorded_yet(name, covered.open_since.get(connector.pk), period)
    if not found:
        yield f"- {name}: Align's log was taken in without a gap {period.stretch(since, period.until)}."
        return
    yield f"- {name}: Align's log was not taken in for {_counted(len(found), 'stretch', 'stretches')} of time:"
    for gap in found[:MOST_GAPS]:
        yield f"    {period.stretch(gap.since, gap.until)}"
    if len(found) > MOST_GAPS:
        yield f"    and {len(found) - MOST_GAPS} more"


def _unrecorded_yet(name: str, since: datetime | None, period: StatedPeriod) -> Iterator[str]:
    if since and since < period.until:
        yield f"- {name}: that the log was read {period.stretch(since, period.until)} no entry tells yet."


def _compared(found: Found) -> Iterator[str]:
    yield (
        f"- The rows of this pack were made from entries and from lines of Align's log, not from the table that the "
        f"history page searches. {found.entries} entries and {found.lines} lines of the time asked for were read."
    )
    for first, last in found.absent:
        yield (
            f"- The entries {first} to {last} have left the database into an archive that is not at hand: what they "
            "tell is not in this pack. Put the archive into ARCHIVE_FOLDER and ask for the pack again."
        )
    if not found.differences:
        yield "- That table says the same: no row of it is missing, altered or too many."
        return
    places = _counted(len(found.differences), "place")
    which = "THAT TABLE OR THAT OF THE PLANS" if found.has_other_plans else "THAT TABLE"
    yield (
        f"- {which} DIFFERS in {places}. This pack says what the entries and lines say. Somebody or something has "
        "changed the table: do not rely on the page before that is looked into. The first differences:"
    )
    yield from (f"    {one_line(sentence)}" for sentence in found.sentences)


def _limits(written: Written) -> Iterator[str]:
    yield "- What was done by way of AlignAdmin is complete: the chain of entries shows that none is missing."
    yield (
        "- What others changed in Jira Align is known from the lines of Align's own log, as far as they were taken in "
        "(see 3) and as Align wrote them, by Align's clock. A change that Align does not log is not known here."
    )
    yield (
        "- Those lines are no entries of the chain, but each taking-in has one, with a digest over its lines: that "
        "they stand here as they were taken in is proved where that entry is in this pack, else vouched for by the "
        "manifest's signature. That Align wrote them so, nothing here proves. Lines from before takings-in had entries "
        f"are bound as they were held then. Rows of this pack without an entry: {written.without_entry}."
    )
    yield f"- Rows whose project Align's line does not state: {written.project_not_stated}; they may be of any project."
    yield f"- Lines that could not be read and are kept as they came: {written.kept_raw}."
    yield '- A row marked "one-of" is paired with one of several identical lines; which of them cannot be known.'
    for archive in Archive.objects.exclude(removed_at=None).order_by("first_seq"):
        yield (
            f"- The entries {archive.first_seq} to {archive.last_seq} have left the database into an archive "
            f"(SHA-256 {archive.sha256}) and are not in this pack."
        )


def _tables(selection: Selection) -> Iterator[str]:
    yield (
        "- Rows, their pairing, plans and their acts, the meaning of terms and the gaps rest on entries and lines. On "
        "tables of AlignAdmin rest the project of a line that names a Jira status and no project (the catalogue), and "
        "whether a change that was first seen by reading Align was told by a line, too (the cases)."
    )
    if selection.asks_for_cases:
        yield (
            "- THE FILTER ASKS FOR CASES: which there are, and in which state, was asked of their table when this pack "
            "was made, so a row may be missing or too many if somebody has changed that table. "
            "manage.py verify_history compares it with the entries."
        )


def _counted(number: int, one: str, more: str = "") -> str:
    return f"{number} {one if number == 1 else more or one + 's'}"

"""What pages show of how Align's log comes in, and of lines that wait to be imported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alignadmin.text import counted
from connectors.align.audit_times import ORDER_WORDS
from connectors.history.intake import gaps, intake, waiting
from connectors.history.intake.by_hand import OtherLines, PreparedIntake, Stretch
from connectors.history.intake.log_table import COLUMNS, SEPARATORS
from connectors.history.intake.pasted_log import USER, LogReading
from connectors.history.intake.storing import IntakeCount
from connectors.models import WaitingIntake
from connectors.models.connector import Connector


@dataclass(frozen=True, kw_only=True)
class IntakeState:
    """By which way a connector's log comes in, and why, and what of the time it does not cover."""

    connector: Connector
    why: str
    gaps: gaps.CoverageState


def intake_states() -> list[IntakeState]:
    """Of every connector, by name."""
    found = gaps.states_of(list(Connector.objects.order_by("name")))
    return [IntakeState(connector=each.connector, why=intake.how_it_comes(each.connector), gaps=each) for each in found]


@dataclass(frozen=True, kw_only=True)
class IntakePreview:
    """What would be imported, and how it was read."""

    prepared: PreparedIntake
    count: IntakeCount
    read_as: Sequence[str]

    @classmethod
    def of(cls, found: WaitingIntake) -> IntakePreview:
        prepared = waiting.prepared(found)
        return cls(prepared=prepared, count=prepared.count, read_as=how_read(prepared.reading, found))

    @property
    def stretches(self) -> Sequence[Stretch]:
        return self.prepared.stretches

    @property
    def offered(self) -> Sequence[OtherLines]:
        return [each for each in self.prepared.others if each.connector]

    @property
    def left_out(self) -> Sequence[OtherLines]:
        return [each for each in self.prepared.others if not each.connector]

    @property
    def of_others(self) -> int:
        return sum(len(each.lines) for each in self.prepared.others)

    @property
    def read(self) -> int:
        return self.count.read + self.of_others

    @property
    def unreadable(self) -> int:
        return len(self.count.bad) + len(self.count.refused)


def how_read(reading: LogReading, found: WaitingIntake) -> list[str]:
    """In sentences, each of which a person can see to be right or wrong."""
    sentences = [f"Columns are separated by {SEPARATORS[reading.separator]}s. {_columns(reading)}"]
    if found.file_kind:
        sentences.insert(0, f"The file is read as {found.file_kind}.")
    sentences.append(_zone(reading, found))
    if reading.order:
        why = f"line {reading.order_line} can be read in no other way" if reading.order_line else "as you said"
        sentences.append(f"Dates such as 03/04/2026 are read with {ORDER_WORDS[reading.order.order]}: {why}.")
    if reading.without_seconds:
        sentences.append(
            f"{counted(reading.without_seconds, 'line')} without seconds: each counts as at the beginning of its "
            "minute, unless the same line is here with its second."
        )
    if reading.stripped:
        sentences.append(f"{counted(reading.stripped, 'line')} with HTML: only the text is kept.")
    if reading.above:
        sentences.append(f"{counted(reading.above, 'line')} above the headings: left out.")
    return sentences


def _columns(reading: LogReading) -> str:
    columns = reading.columns
    if columns.headings:
        found = ", ".join(f"{name} is “{columns.headings[columns.places[name]]}”" for name in columns.places)
        return f"By their headings, {found}.{_missing(reading)}"
    order = ", ".join(sorted(columns.places, key=lambda name: columns.places[name]))
    return f"There are no headings; by what stands in them the columns are {order}.{_missing(reading)}"


def _missing(reading: LogReading) -> str:
    sentences = {
        "type": " There is no type, so lines that name no connector are taken as of the one they are imported for.",
        "user": f" There is no user, so each line is taken as by {USER}, as Align's documents say of all of them.",
    }
    return "".join(sentences.get(name, "") for name in COLUMNS if name not in reading.columns)


def _zone(reading: LogReading, found: WaitingIntake) -> str:
    if not any(line.is_in_zone for line in reading.lines):
        return "Every time names its zone."
    why = "the zone of the connector"
    if found.zone:
        why = "as you said"
    elif reading.zone_of_heading:
        why = f"as the heading says: “{reading.zone_of_heading}”"
    strange = (
        f" The heading says “{reading.strange_zone}”, which is no zone known here." if reading.strange_zone else ""
    )
    return f"Times without a zone are read in {reading.zone}, {why}.{strange}"

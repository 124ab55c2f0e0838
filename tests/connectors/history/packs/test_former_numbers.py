"""The history of a connector that was made anew in Align: lines of both its numbers are its own, everywhere."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from connectors.align.audit_sentences import MappingEvent, write
from connectors.align.resources import AuditLine
from connectors.history.intake import gaps, intake
from connectors.history.intake.pasted_log import USER, LogLine
from connectors.history.verification import rebuilding
from connectors.models import Certainty, Connector, HistoryRow, Intake, MirrorLine, Source
from tests.conftest import SignIn
from tests.connectors.history.intake.test_audit_intake import Log, audit_line
from tests.connectors.history.verification.test_comparison import differences
from tests.support import factories
from tests.support.events import EVENT
from tests.support.hand_over_helpers import handed_over_at
from tests.support.intake_helpers import import_lines, send_lines, take_in
from tests.support.pack_helpers import NOON, changed, checked, connector, made, objects, resigned, text, unpacked

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)
ANEW = NOON + 2 * DAY
NEW = replace(EVENT, connector_id=124, source_id=4, source_name="Test complete")


@pytest.fixture
def align(db: None) -> Connector:
    return connector()


@pytest.fixture
def reviewer(signed_in: SignIn) -> Client:
    return signed_in(Role.REVIEWER)


def log_line(number: int | None, at: Any, event: MappingEvent) -> str:
    type_ = f"CONFIG {number}\t" if number else ""
    return f"{type_}{USER}\t{at:%Y-%m-%d %H:%M:%S}\t{write(event)}"


def paste(owner: Connector, actor: Person, *lines: str) -> None:
    take_in(owner, "\n".join(lines), intake=Intake.PASTE, actor=actor)


def rows() -> list[tuple[str, str]]:
    """Of changes of mappings, in their order."""
    found = HistoryRow.objects.exclude(kind="").order_by("at", "id")
    return [(str(row.source), str(row.certainty)) for row in found]


def stored() -> list[dict[str, Any]]:
    return [dict(row) for row in HistoryRow.objects.order_by("at", "id").values()]


@pytest.fixture
def two_numbers(align: Connector, admin: Person) -> Connector:
    """A change of ours and an outside one under either number, with their lines; those of 123 came in before."""
    changed(align, admin, EVENT)
    paste(align, admin, log_line(123, NOON, EVENT), log_line(123, NOON + DAY, replace(EVENT, after_id=10014)))
    handed_over_at(align, ANEW)
    changed(align, admin, NEW, at=ANEW + DAY)
    paste(
        align,
        admin,
        log_line(124, ANEW + DAY, NEW),
        log_line(124, ANEW + 2 * DAY, replace(NEW, after_id=10014)),
        log_line(123, NOON + DAY / 2, replace(EVENT, after_id=10018)),  # late, of the former one
    )
    return align


OURS, OUTSIDE, EXACT = str(Source.OURS), str(Source.OUTSIDE), str(Certainty.EXACT)
NONE = str(Certainty.NONE)
EXPECTED = [(OURS, EXACT), (OUTSIDE, NONE), (OUTSIDE, NONE), (OURS, EXACT), (OUTSIDE, NONE)]


def test_rows_of_before_stay_to_the_byte_and_lines_of_both_numbers_are_told_alike(
    align: Connector, admin: Person
) -> None:
    changed(align, admin, EVENT)
    paste(align, admin, log_line(123, NOON, EVENT), log_line(123, NOON + DAY, replace(EVENT, after_id=10014)))
    before = stored()
    handed_over_at(align, ANEW)
    assert differences() == []
    assert rebuilding.rebuild(actor=None).count == 0
    assert [row for row in stored() if row["action"] != rebuilding.REBUILT] == before


def test_lines_of_either_number_pair_with_our_changes_of_their_time(two_numbers: Connector) -> None:
    assert rows() == EXPECTED
    assert differences() == []
    assert rebuilding.rebuild(actor=None).count == 0


@pytest.mark.usefixtures("processes")
def test_a_pack_with_lines_of_both_numbers_checks_and_a_line_of_a_third_cannot_be_called_outside(
    two_numbers: Connector, reviewer: Client, tmp_path: Path
) -> None:
    third = LogLine(number=1, raw="", type="CONFIG 125", user=USER, at=ANEW + 3 * DAY, description=write(NEW))
    factories.lines_taken_in(two_numbers, [third], Intake.PASTE, ANEW + 3 * DAY)
    pack = made(reviewer, "connector:123")
    found = objects(pack, "rows.jsonl")
    assert [row["source"] for row in found if row["kind"]] == [*(source for source, _ in EXPECTED), "align"]
    former = [row["connector"].get("former_numbers") for row in found if row["kind"]]
    assert former == [None, [[123, ANEW.isoformat()]], None, *[[[123, ANEW.isoformat()]]] * 3]
    assert "connector 124 (formerly 123, until 12 Mar 2026) (Acme production)" in text(pack, "statements.txt")
    folder = unpacked(pack, tmp_path)
    assert checked(folder)[0] == 0, checked(folder)

    rows_file = folder / "rows.jsonl"
    lines = rows_file.read_text().splitlines()
    place = next(number for number, line in enumerate(lines) if json.loads(line)["source"] == "align")
    lines[place] = lines[place].replace('"source":"align"', '"source":"outside"')
    rows_file.write_text("\n".join(lines) + "\n")
    code, told = checked(resigned(folder))
    assert code == 1
    assert "source says “outside”, which its line's type does not" in told[0]


def test_pasted_lines_of_the_former_number_are_its_own_and_a_log_without_types_is_read_by_its_times(
    align: Connector, signed_in: SignIn, admin: Person
) -> None:
    other = connector("other", 125)
    changed(align, admin, EVENT)
    handed_over_at(align, ANEW)
    reviewer = signed_in(Role.ADMIN)
    shown = send_lines(reviewer, text=log_line(123, NOON, EVENT)).content.decode()
    assert re.search(r"<b>0</b><small>of other connectors", shown)
    import_lines(reviewer, text="\n".join([log_line(123, NOON, EVENT), log_line(125, NOON, EVENT)]))
    assert list(MirrorLine.objects.values_list("connector", "type")) == [(align.pk, "CONFIG 123")]
    assert rows() == [(OURS, EXACT)]
    # For another connector of the site it goes where the number belonged.
    import_lines(reviewer, slug="other", text=log_line(123, NOON + DAY, EVENT), also=["acme"])
    assert not other.mirror_lines.exists()
    assert align.mirror_lines.count() == 2

    untyped = [log_line(None, NOON, EVENT), log_line(None, ANEW + DAY, NEW)]
    import_lines(reviewer, text="\n".join(untyped))
    types = list(MirrorLine.objects.order_by("at", "id").values_list("type", flat=True))
    assert types == ["CONFIG 123", "CONFIG 123", "CONFIG 124"], "the first is here already"


def test_a_part_with_both_logs_covers_either_only_for_its_own_time(align: Connector, admin: Person) -> None:
    handed_over_at(align, ANEW)
    Connector.objects.update(created_at=NOON)
    early, late = ANEW - DAY / 2, ANEW + DAY / 2  # the new one was there before it was taken over
    paste(
        align,
        admin,
        log_line(123, NOON, EVENT),
        log_line(123, NOON + DAY, EVENT),
        log_line(124, early, NEW),
        log_line(124, late, NEW),
    )
    covered = list(align.coverage.order_by("since").values_list("since", "until"))
    assert covered == [(NOON, NOON + DAY), (ANEW, late)]


@dataclass
class AskedLog(Log):
    asked: list[datetime | None] = field(default_factory=list)

    def audit_log(self, *, since: datetime | None = None, after_id: int | None = None) -> list[AuditLine]:
        self.asked.append(since)
        return super().audit_log(since=since, after_id=after_id)


def test_the_time_between_the_last_reading_of_the_old_log_and_the_hand_over_stays_a_gap(
    align: Connector, admin: Person
) -> None:
    began = timezone.now() - DAY
    Connector.objects.update(created_at=began)
    align.refresh_from_db()
    intake.pull(align, Log([audit_line(1, began)]), clock=lambda: began + DAY / 2)
    anew = timezone.now()
    handed_over_at(align, anew)
    new = AskedLog([])
    for _ in range(3):
        intake.pull(align, new)
    assert new.asked[0] is None, "it is read whole"
    first = gaps.gaps(align, began, timezone.now())[0]
    assert (first.since, first.until) == (began + DAY / 2, anew)
    assert [gap.since for gap in gaps.state(align).gaps] == [began + DAY / 2]
    assert differences() == []

"""The lines of Align's log in a pack: of every run of the intake that brought one of them, all it brought.

The entry of a run has a digest over its lines in their order, so whoever has them all can tell that none was altered,
taken out or put in. Of lines from before runs were kept there is no such entry of their time: those are not repeated.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from connectors.history.intake.run_digest import COVERED
from connectors.models import Intake, IntakeRun, MirrorLine

CHUNK = 2000
NAMES = ("run_id", *COVERED)


def lines(runs: Iterable[int]) -> Iterator[bytes]:
    """One run after the other, the lines of each in the order of their digest.

    Page by page: whoever takes them writes how far it is, which SQLite refuses a connection whose reading began before
    another one has written.
    """
    wanted = sorted(runs)
    for start in range(0, len(wanted), CHUNK):
        some = IntakeRun.objects.filter(pk__in=wanted[start : start + CHUNK]).exclude(intake=Intake.BEFORE)
        for run in some.order_by("pk").values_list("pk", flat=True):
            found, last = MirrorLine.objects.filter(run=run).order_by("id").values(*NAMES), 0
            while page := list(found.filter(id__gt=last)[:CHUNK]):
                yield "".join(f"{encode(line)}\n" for line in page).encode()
                last = page[-1]["id"]


def _text_of(value: Any) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"{type(value).__name__} has no place in a line")
    return value.astimezone(UTC).isoformat()


encode = json.JSONEncoder(separators=(",", ":"), default=_text_of).encode

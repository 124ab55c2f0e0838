"""The lines of Align's log in a pack: of every run of the intake that brought one of them, all it brought.

The entry of a run has a digest over its lines in their order, so whoever has them all can tell that none was altered,
taken out or put in. Of lines from before runs were kept there is no such entry of their time: those are not repeated.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from connectors.audit.models import Intake, IntakeRun, MirrorLine
from connectors.audit.run_digest import COVERED

CHUNK = 2000
NAMES = ("run_id", *COVERED)


def lines(runs: Iterable[int]) -> Iterator[bytes]:
    """One run after the other, the lines of each in the order of their digest."""
    wanted = sorted(runs)
    for start in range(0, len(wanted), CHUNK):
        some = IntakeRun.objects.filter(pk__in=wanted[start : start + CHUNK]).exclude(intake=Intake.BEFORE)
        found = MirrorLine.objects.filter(run__in=some.values("pk")).order_by("run_id", "id").values(*NAMES)
        block: list[str] = []
        for line in found.iterator(CHUNK):
            block.append(json.dumps(line, separators=(",", ":"), default=_text_of))
            if len(block) == CHUNK:
                yield ("\n".join(block) + "\n").encode()
                block = []
        if block:
            yield ("\n".join(block) + "\n").encode()


def _text_of(value: Any) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"{type(value).__name__} has no place in a line")
    return value.astimezone(UTC).isoformat()

"""What a probe finds: a line for each right, stored as soon as it is known, and what would be lost by the switch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import IntegrityError

from connectors.jobs import runner
from connectors.models import LineState, Probe, ProbeLine

MOST_NAMED = 10
MOST_LOST = 100
DISCARDED = "The credential was discarded or replaced while it was probed; nothing of the probe is kept."


@dataclass(frozen=True, kw_only=True)
class ReportLine:
    code: str
    label: str
    state: LineState
    sentence: str
    required: bool = True


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What the pending one sees of what the current one sees. `refusal`: what the current one was answered."""

    seen: int = 0
    expected: int = 0
    lost: tuple[str, ...] = ()
    refusal: str = ""


@dataclass
class ProbeReport:
    """The lines of one probe in the order they were tried."""

    probe: Probe
    run: runner.Run
    total: int
    lines: list[ReportLine] = field(default_factory=list)

    def add(self, line: ReportLine) -> ReportLine:
        try:
            ProbeLine.objects.create(probe=self.probe, position=len(self.lines), **vars(line))
        except IntegrityError as error:
            raise runner.JobFailed(DISCARDED) from error
        self.lines.append(line)
        self.run.progress(line.label, done=len(self.lines), total=self.total)
        return line

    @property
    def summary(self) -> str:
        passed = sum(line.state == LineState.OK for line in self.lines)
        return f"{passed} of {len(self.lines)} rights passed"


def listed(names: Sequence[str]) -> str:
    """ "PROJ, WEB and 3 more"."""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{', '.join(names[:MOST_NAMED])}{more}"


def not_visible(expected: Mapping[str, str], seen: Collection[str]) -> tuple[str, ...]:
    """One sentence for each project (key: name) that is not among those seen."""
    gone = sorted(key for key in expected if key not in seen)
    sentences = [f"{key} {expected[key]}".strip() + ": not visible." for key in gone[:MOST_LOST]]
    if len(gone) > MOST_LOST:
        sentences.append(f"{len(gone) - MOST_LOST} more projects are not visible.")
    return tuple(sentences)

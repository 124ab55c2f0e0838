"""The steps of the guided set-up as values: what a step and its checks are, and how its checks decide a step's state.

Nothing of this is stored: whoever asks works it out of what is known now, so a step is never "reached", only done.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from django.urls import reverse

from alignadmin.accounts.rights import Right


class Capability(StrEnum):
    """What a connector is set up for. A requirement says which of these it serves."""

    STATUSES = "statuses"
    PROCESS_STEPS = "process-steps"
    ALIGN_TO_JIRA = "align-to-jira"
    IMPORT = "import"
    IN_STEP = "in-step"

    @property
    def label(self) -> str:
        return _CAPABILITIES[self]


_CAPABILITIES = {
    Capability.STATUSES: "statuses",
    Capability.PROCESS_STEPS: "process steps",
    Capability.ALIGN_TO_JIRA: "Align to Jira",
    Capability.IMPORT: "import",
    Capability.IN_STEP: "keeping in step",
}
# A project with lists of its own, or None for those that share theirs; and the id of a status that stands there.
StatusPlace = tuple[int | None, int]
# What every connector is set up for. The others are offered, and keep nobody from being done.
ALWAYS = frozenset({Capability.STATUSES})


class SetupSeverity(StrEnum):
    REQUIRED = "required"
    RECOMMENDED = "recommended"


class SetupCheckState(StrEnum):
    OK = "ok"
    CONFIRMED = "confirmed"  # by a person, where no address shows it
    OPEN = "open"  # to be done, or not known yet
    FAILED = "failed"
    NOT_NEEDED = "not-needed"


class SetupStepState(StrEnum):
    DONE = "done"
    TO_DO = "to-do"
    BROKEN = "broken"
    NOT_NEEDED = "not-needed"
    OPTIONAL = "optional"  # recommended, not done or skipped yet, and keeps nobody from going on
    DISCONNECTED = "disconnected"  # the connector is: nothing of it is checked

    @property
    def label(self) -> str:
        return self.value.replace("-", " ")


UNDONE = frozenset({SetupStepState.TO_DO, SetupStepState.BROKEN})


@dataclass(frozen=True, kw_only=True)
class SetupPlace:
    """A page of the product by the name of its address and what stands in that; its address is asked for when drawn."""

    page: str
    of: tuple[str, ...]
    query: str = ""

    @property
    def href(self) -> str:
        return reverse(self.page, args=self.of) + (f"?{self.query}" if self.query else "")


@dataclass(frozen=True, kw_only=True)
class CheckAgain:
    """A form that runs one check anew, for those with `right`; it comes back to the step."""

    place: SetupPlace
    fields: Mapping[str, str] = field(default_factory=dict)
    right: Right = Right.CONFIGURE
    label: str = "Check now"


@dataclass(frozen=True, kw_only=True)
class CheckDetail:
    """One of several things that a check tried."""

    label: str
    ok: bool
    sentence: str


@dataclass(frozen=True, kw_only=True)
class SetupCheck:
    """One requirement, and what was found last. `id` is unique among the checks of all steps.

    `sentence` says what is wrong and how to mend it, or what was found; `mend` is where it is mended.
    """

    id: str
    label: str
    state: SetupCheckState
    sentence: str
    severity: SetupSeverity = SetupSeverity.REQUIRED
    serves: tuple[Capability, ...] = (Capability.STATUSES,)
    at: datetime | None = None  # of what was found; None: it is worked out of what is stored now
    by: str = ""  # who confirmed it
    can_confirm: bool = False
    again: CheckAgain | None = None
    mend: SetupPlace | None = None
    details: tuple[CheckDetail, ...] = ()

    @property
    def is_settled(self) -> bool:
        return self.state not in (SetupCheckState.OPEN, SetupCheckState.FAILED)

    def counts_for(self, wanted: Collection[Capability]) -> bool:
        """Whether a step is not done without it."""
        return self.severity is SetupSeverity.REQUIRED and not set(wanted).isdisjoint(self.serves)


@dataclass(frozen=True, kw_only=True)
class SetupLink:
    """A place where a step is done, in words, and what stands there now."""

    label: str
    place: SetupPlace
    sentence: str = ""


@dataclass(frozen=True, kw_only=True)
class SetupStep:
    """One of the ten. `key` is in the address; `template` draws what is particular to its page, empty: nothing.

    `leads_to`: what it makes possible.
    """

    key: str
    number: int
    title: str
    why: str
    state: SetupStepState
    leads_to: str = ""
    checks: tuple[SetupCheck, ...] = ()
    tips: tuple[str, ...] = ()
    links: tuple[SetupLink, ...] = ()
    template: str = ""

    @property
    def is_undone(self) -> bool:
        return self.state in UNDONE

    @property
    def open_checks(self) -> int:
        """How many requirements keep it from being done."""
        return sum(each.counts_for(ALWAYS) and not each.is_settled for each in self.checks)


def state_of(checks: Sequence[SetupCheck], wanted: Collection[Capability] = ALWAYS) -> SetupStepState:
    """Broken before to do: what fails has to be mended, and what is open may only wait for that."""
    if checks and all(each.state is SetupCheckState.NOT_NEEDED for each in checks):
        return SetupStepState.NOT_NEEDED
    states = {each.state for each in checks if each.counts_for(wanted)}
    if SetupCheckState.FAILED in states:
        return SetupStepState.BROKEN
    return SetupStepState.TO_DO if SetupCheckState.OPEN in states else SetupStepState.DONE

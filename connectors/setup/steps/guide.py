"""The ten steps of one connector as its pages show them: the rail, what opens first, what comes before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.urls import reverse

from alignadmin.text import counted
from connectors.catalogue.issue_types import IssueTypes
from connectors.models import Connector
from connectors.ports.extensions import extensions
from connectors.ports.setup_steps import SetupStep, SetupStepState
from connectors.setup.steps.facts import SetupFacts, facts_of
from connectors.setup.steps.rules import first_steps, known_checks

NEED = "need"  # the page before the steps: what one needs
BEFORE = ("terms", "key")  # steps whose pages are read before there is a connector
CONNECT = "connect"
NOT_CHECKED = SetupStepState.DISCONNECTED


@dataclass(frozen=True, kw_only=True)
class RailEntry:
    """`step` is None for the page that says what one needs; `href` is empty where there is no page."""

    title: str
    href: str
    is_current: bool
    step: SetupStep | None = None


@dataclass(frozen=True, kw_only=True)
class Guide:
    """`slug` is empty while the connector is not here yet."""

    steps: Sequence[SetupStep]
    slug: str = ""
    facts: SetupFacts | None = None  # that they were worked out of

    @property
    def undone(self) -> list[SetupStep]:
        return [step for step in self.steps if step.is_undone]

    @property
    def needed(self) -> list[SetupStep]:
        """Those that this connector needs, and that are done or have to be."""
        not_these = (SetupStepState.NOT_NEEDED, SetupStepState.OPTIONAL, NOT_CHECKED)
        return [step for step in self.steps if step.state not in not_these]

    @property
    def opens(self) -> SetupStep:
        """The first with something undone, else the last."""
        return next(iter(self.undone), self.steps[-1])

    @property
    def done_words(self) -> str:
        """ "4 of 5 steps done"."""
        if any(step.state is NOT_CHECKED for step in self.steps):
            return "Disconnected"
        done = len(self.needed) - len(self.undone)
        return f"{done} of {counted(len(self.needed), 'step')} done"

    @property
    def finish_sentence(self) -> str:
        """For who may configure it; empty once every needed step is done."""
        if not self.undone:
            return ""
        step = self.opens
        verb = "mend" if step.state is SetupStepState.BROKEN else "next"
        return f"Finish set-up: {self.done_words}, {verb} {step.number} {step.title}"

    def step(self, key: str) -> SetupStep | None:
        """One that has a page."""
        return next((step for step in self.steps if step.key == key and self.address(step)), None)

    def address(self, step: SetupStep) -> str:
        if self.slug:
            return reverse("setup-step", args=[self.slug, step.key])
        if step.key in BEFORE:
            return reverse("setup-before", args=[step.key])
        return reverse("connector-new") if step.key == CONNECT else ""

    def rail(self, current: str) -> list[RailEntry]:
        need = reverse("setup-step", args=[self.slug, NEED]) if self.slug else reverse("setup-need")
        first = RailEntry(title="What you need", href=need, is_current=current == NEED)
        return [
            first,
            *(
                RailEntry(title=each.title, href=self.address(each), is_current=each.key == current, step=each)
                for each in self.steps
            ),
        ]

    def beside(self, current: str) -> tuple[RailEntry | None, RailEntry | None]:
        """What has a page before and after this one."""
        pages = [each for each in self.rail(current) if each.href]
        place = next((number for number, each in enumerate(pages) if each.is_current), 0)
        before = pages[place - 1] if place else None
        return before, pages[place + 1] if place + 1 < len(pages) else None


def guide_of(connector: Connector, *, matches: IssueTypes | None = None, for_states: bool = False) -> Guide:
    """For a connector from `with_credentials`, in a fixed number of queries; `for_states`: no check is shown of it.

    `matches`, where they are at hand. Of a disconnected one nothing is checked: its credentials are gone, and whatever
    needs them would read as broken.
    """
    matches = matches or IssueTypes(connector)
    facts = facts_of(connector, matches, for_states=for_states)
    last_steps = extensions().setup_steps(connector, known_checks(facts), matches, for_states=for_states)
    steps = [*first_steps(facts), *last_steps]
    if connector.disconnected_at:
        steps = [replace(each, state=NOT_CHECKED, checks=()) for each in steps]
    return Guide(steps=steps, slug=connector.slug, facts=facts)


def guide_before() -> Guide:
    """Of a connector that is not here yet."""
    return Guide(steps=[*first_steps(None), *extensions().setup_steps(None, {}, None)])

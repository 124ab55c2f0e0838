"""What this app asks of the one that knows mappings and plans, which fills it once, when the apps are ready."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right
from connectors.align.client import AlignClient
from connectors.models import Connector, HistoryRow, Probe
from connectors.ports.differences import TableComparison
from connectors.ports.setup_steps import SetupCheck, SetupStep, StatusPlace


@dataclass(frozen=True, kw_only=True)
class HeldUp:
    """Something that waits for the end of a maintenance, and for somebody after it."""

    sentence: str
    href: str


@dataclass(frozen=True, kw_only=True)
class PlanLink:
    """A plan in words, with its page: one that an act would end, or that stands against it."""

    sentence: str
    href: str


@dataclass(frozen=True, kw_only=True)
class WriteKey:
    """A free key that a probe may write to with consent; the sentence says which and what is mapped there now."""

    id: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class ProbeOutcome:
    ok: bool
    sentence: str


@dataclass(frozen=True, kw_only=True)
class AttentionItem:
    """Something about a connector that waits for somebody, in a sentence, and where it is dealt with."""

    sentence: str
    href: str


@dataclass(frozen=True, kw_only=True)
class CoverageSquare:
    """How far the statuses of one work item type are mapped in a project; `state` is a class of the stylesheet."""

    state: str
    label: str


@dataclass(frozen=True, kw_only=True)
class CoverageFigures:
    """`mapped` of the `total` statuses of lists that were read; `is_known`: none of its squares is unknown or lost."""

    squares: Sequence[CoverageSquare]
    mapped: int
    total: int
    is_known: bool


@dataclass(frozen=True, kw_only=True)
class ConnectorProjects:
    """By their keys, of the projects' own lists, those that have some; `sharing` company-managed projects in scope
    share lists, which are counted apart.
    """

    drifted: Mapping[int, int]
    edits: Mapping[int, int]
    sharing: int
    shared_drifted: int
    shared_edits: int


@dataclass(frozen=True, kw_only=True)
class DriftFigures:
    """`style` is a class of the stylesheet: ok, warn, bad; `why` says why something is not known."""

    style: str
    word: str
    why: str
    edits: int
    read_at: datetime | None  # when the list that was not read for longest was read; None: one was never read


@dataclass(frozen=True, kw_only=True)
class RegularCheck:
    """Something that is looked at by the clock, and what was found last.

    `style` is a class of the stylesheet: ok, warn, bad, or empty for what is not known. `again` is the address of a
    form that looks now, for those with `right`, and comes back to the checks where its field `on` says so; `href` is
    for those with the right `reader`.
    """

    label: str
    style: str
    sentence: str
    at: datetime | None
    href: str = ""
    reader: Right = Right.SEE
    again: str = ""
    right: Right = Right.EDIT


class ActivityLine(Protocol):
    """What was done at one time or by one plan: its newest row, and how many `more` there are."""

    row: HistoryRow
    more: int

    @property
    def href(self) -> str: ...


class JobRun(Protocol):
    """The part of a claimed job that a probe needs."""

    @property
    def connector(self) -> Connector: ...

    @property
    def actor(self) -> Person | None: ...

    def waits_for(self, what: str) -> None: ...


class WriteProbe(Protocol):
    """One create and one delete of a mapping."""

    def keys(self, connector: Connector) -> list[WriteKey]: ...

    def run(self, probe: Probe, client: AlignClient, run: JobRun) -> ProbeOutcome:
        """From wherever `probe.write_state` says an earlier try has come to; nothing stays in Align."""
        ...

    def tidy(self, probe: Probe, client: AlignClient, run: JobRun) -> ProbeOutcome:
        """Only take away what the probe created, if it is still there as it was created."""
        ...


class ReadIssueTypes(Protocol):
    """A `connectors.catalogue.issue_types.IssueTypes`, which is above this room."""

    def places(self) -> Mapping[str, AbstractSet[StatusPlace]]:
        """By work item type, of the statuses that its items can have."""


class ConnectorExtensions(Protocol):
    @property
    def write_probe(self) -> WriteProbe: ...

    @property
    def comparisons(self) -> Sequence[TableComparison]:
        """Tables that repeat what entries say, compared with them."""

    def rules_of_new(self) -> Mapping[str, Any]:
        """The rules of plans that a new connector begins with, by its columns."""

    def after_intake(self, connector: Connector, since: datetime) -> None:
        """Told of each intake that read something, after its commit, with the time of its oldest line.

        Also of one that is here already: whoever brought it may have been killed before this was told.
        """

    def way_back(self, row: HistoryRow) -> str:
        """Where the mapping of an outside change can be put back; empty where there is nothing to put back."""

    def attention(
        self, connector: Connector, person: Person, matches: ReadIssueTypes | None = None
    ) -> list[AttentionItem]:
        """What waits for somebody, what stops everything and what falls to 0 first; of what this person may see.

        `matches`: its issue types, where they are at hand.
        """

    def activity(self, connector: Connector, person: Person) -> Sequence[ActivityLine]:
        """What happened last, of what this person sees of the history, the newest first."""

    def projects(self, connector: Connector) -> ConnectorProjects:
        """The counts of all projects, in a fixed number of queries."""

    def coverage(self, connector: Connector, only: Collection[int] | None) -> Mapping[int, CoverageFigures]:
        """By the keys of the projects in scope, of these `only` (None: of all), in a fixed number of queries.

        That of all takes a second of a site with thousands of projects, so a page asks for those that it shows.
        """

    def drift(self, connectors: Sequence[Connector]) -> Mapping[int, DriftFigures]:
        """By the keys of the connectors, in a fixed number of queries."""

    def checks(self, connector: Connector) -> Sequence[RegularCheck]:
        """What is looked at by the clock in its mappings."""

    def setup_steps(
        self,
        connector: Connector | None,
        known: Mapping[str, SetupCheck],
        matches: ReadIssueTypes | None,
        *,
        for_states: bool = False,
    ) -> Sequence[SetupStep]:
        """Steps 5 to 10 of its set-up, in a fixed number of queries; without a connector: of one that is to be added.

        `known`: the checks of its readiness by their ids, and `matches`: its issue types, which are not worked out
        twice. Neither system is asked.
        """

    def plans_of_projects(self, connector: Connector, projects: Collection[int]) -> list[PlanLink]:
        """Open plans with changes of these projects' own lists."""

    def make_lists_of_ours(self, connector: Connector) -> None:
        """In the transaction that takes projects over: the lists that their mappings are kept in."""

    def held_up(self, connector: Connector) -> list[HeldUp]:
        """What a maintenance keeps waiting."""

    def on_return(self, connector: Connector, actor: Person) -> None:
        """In the transaction that ends a maintenance; so it sends nothing itself."""

    def forget_jira(self, connector: Connector) -> None:
        """In the transaction that leads the connector to another Jira: what was counted in the former one."""

    def open_plans(self, connector: Connector) -> list[PlanLink]:
        """Those that are not over: they stand against a disconnection."""

    def disconnect(self, connector: Connector, actor: Person) -> list[str]:
        """In the transaction of the disconnection, which holds the connector's row and comes before it is marked.

        Ends what only a connected one could decide on; returns a sentence about each thing that ended.
        """

    def mappings_document(self, connector: Connector) -> Iterable[Mapping[str, Any]]:
        """Its mappings as plain values, by ids and names, in a fixed order: for a document that is exported."""

    def configuration_document(self, connector: Connector) -> Mapping[str, Mapping[str, Any]]:
        """What is agreed beside its mappings, line by line: subject -> key -> value of JSON, for that document."""

    def agreed_levels(self, connector: Connector) -> Mapping[str, Sequence[str]]:
        """Of its hierarchy, for all projects: level -> names of Jira's issue types, of the levels somebody decided."""

    def wanted_levels(self, connector: Connector) -> Mapping[str, Sequence[str]]:
        """Likewise of every level, with what its draft and an open proposal want, and what Jira tells where nobody has
        decided."""

    def draft_levels(self, connector: Connector, levels: Mapping[str, Sequence[str]], actor: Person) -> None:
        """Put these into the draft of its hierarchy, all or none: in force once they are proposed and approved.

        Raises Refused.
        """

    def take_rules(self, connector: Connector, values: Mapping[str, Any], actor: Person) -> None:
        """Set these rules of its plans, by the columns of a connector, in the transaction of the caller.

        Raises Refused.
        """

    def why_no_hand_over(self, connector: Connector) -> str:
        """Why the connector cannot be handed over now to one that was made anew in Align; empty where it can."""

    def ended_by_hand_over(self, connector: Connector) -> list[PlanLink]:
        """The plans that a hand-over ends: their requests name records of the connector that is left."""

    def hand_over(self, connector: Connector, number: int, actor: Person) -> list[int]:
        """In the transaction of the hand-over, which holds the connector's row, before it has the new `number`.

        Ends those plans, and forgets the ids of all records. Returns the numbers of the plans.
        """


_filled: list[ConnectorExtensions] = []


def fill(extensions: ConnectorExtensions) -> None:
    _filled[:] = [extensions]


def extensions() -> ConnectorExtensions:
    if not _filled:
        raise RuntimeError("No app has filled the extensions of connectors.")
    return _filled[0]

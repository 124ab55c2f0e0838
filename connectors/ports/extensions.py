"""What this app asks of the one that knows mappings and plans, which fills it once, when the apps are ready."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from alignadmin.accounts.models import Person
from connectors.align.client import AlignClient
from connectors.models import Connector, HistoryRow, Probe
from connectors.ports.differences import TableComparison


@dataclass(frozen=True, kw_only=True)
class HeldUp:
    """Something that waits for the end of a maintenance, and for somebody after it."""

    sentence: str
    href: str


@dataclass(frozen=True, kw_only=True)
class EndingPlan:
    """A plan that a hand-over of its connector ends."""

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

    def held_up(self, connector: Connector) -> list[HeldUp]:
        """What a maintenance keeps waiting."""

    def on_return(self, connector: Connector, actor: Person) -> None:
        """In the transaction that ends a maintenance; so it sends nothing itself."""

    def why_no_hand_over(self, connector: Connector) -> str:
        """Why the connector cannot be handed over now to one that was made anew in Align; empty where it can."""

    def ended_by_hand_over(self, connector: Connector) -> list[EndingPlan]:
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

"""What accounts ask of those who know more: what a person holds, what they changed, and how a password is guessed.

The app that has credentials fills this once, when the apps are ready.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from alignadmin.accounts.models import Person
from alignadmin.audit.entries import AuditRecord


class Succession(Protocol):
    """What becomes of the things of a person who leaves, as shown, confirmed and carried out."""

    @property
    def lines(self) -> Sequence[Any]: ...

    @property
    def key(self) -> str:
        """Differs when the list does, so that what is confirmed is what was shown."""

    @property
    def facts(self) -> list[dict[str, str | int | None]]:
        """For the entry about the person."""

    def carry_out(self) -> None:
        """Within the transaction that has locked them."""

    def records(self, actor: Person) -> list[AuditRecord]:
        """One for each thing that has another owner then."""


class PersonHoldings(Protocol):
    def counts(self, people: Iterable[int]) -> Mapping[int, tuple[int, int]]:
        """Of each id: how much it owns, and for how much it is the back-up owner."""

    def succession(self, person: Person, *, locked: bool = False) -> Succession:
        """What deactivating them would do; `locked` within a transaction, which then may carry it out."""


@dataclass(frozen=True, kw_only=True)
class PartOfPerson:
    """How many of the changes of the last days a person had a part in, and the page that lists them."""

    label: str  # "Approved"
    changes: int
    address: str


@dataclass(frozen=True, kw_only=True)
class PersonChanges:
    """`parts` has all together first. `address` is the page of everything they did, whatever it was of."""

    days: int
    parts: Sequence[PartOfPerson]
    address: str


@dataclass
class Extensions:
    holdings: PersonHoldings | None = None
    changes: Callable[[Person], PersonChanges | None] = lambda _person: None
    guessable_words: Callable[[], Iterable[str]] = tuple

    @property
    def what_people_hold(self) -> PersonHoldings:
        if self.holdings is None:
            raise RuntimeError("No app has said what people hold.")
        return self.holdings


EXTENSIONS = Extensions()

"""The kinds of things that can be found. Each room that has some registers its kind when the apps are ready."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Model, Q

from alignadmin.folding import fold


@dataclass(frozen=True, kw_only=True)
class Name:
    """What the search keeps of one thing; `terms` find it as well and are not shown."""

    target: int
    label: str
    connector: int | None = None
    terms: str = ""

    @property
    def folded(self) -> str:
        return fold(f"{self.label} {self.terms}")


@dataclass(frozen=True, kw_only=True)
class FoundPlace:
    """One thing found, as its room shows it now, and where it is."""

    label: str
    where: str
    href: str


@dataclass(frozen=True, kw_only=True)
class SearchKind:
    key: str
    position: int  # among the kinds, as they are shown
    plural: str
    right: str  # that a person needs to find these
    model: type[Model]
    names: Callable[[Q], Iterable[Name]]  # of the rows of `model` that fit
    places: Callable[[Sequence[int]], Mapping[int, FoundPlace]]  # by id; one that is gone is left out


# In the order of their positions.
KINDS: dict[str, SearchKind] = {}


def register(*kinds: SearchKind) -> None:
    every = sorted([*KINDS.values(), *kinds], key=lambda kind: kind.position)
    KINDS.clear()
    KINDS.update({kind.key: kind for kind in every})

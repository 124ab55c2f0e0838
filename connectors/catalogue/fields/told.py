"""Fields of one system as a reading told them, before anything of it is stored."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connectors.field_types.value_types import ToldType

MOST_FIELDS = 300  # of one side and work item type
MOST_OPTIONS = 200  # of one field
MOST_REMARKS = 4


@dataclass(frozen=True, kw_only=True)
class ToldOption:
    """`id` is the system's own; empty where it tells none, and then the name tells which it is."""

    id: str
    name: str

    @property
    def key(self) -> str:
        return self.id or self.name


@dataclass(frozen=True, kw_only=True)
class ToldField:
    """None of `is_required`, `is_writable` and `options`: it was not told, which is not the same as no."""

    key: str
    name: str
    told: ToldType
    is_custom: bool = False
    is_required: bool | None = None
    is_writable: bool | None = None
    options: tuple[ToldOption, ...] | None = None
    required_in: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ToldFields:
    """All of one work item type. `aside`: keys of fields that are there and could not be read.

    `remarks`: what is missing or could not be used, in sentences; `asked`: keys of the projects that were asked.
    `is_whole` False: what is not among them may be there all the same. `elsewhere`: keys of what the system has, and no
    item of this type takes.
    """

    fields: Sequence[ToldField]
    aside: frozenset[str] = frozenset()
    remarks: Sequence[str] = ()
    asked: Sequence[str] = ()
    left_out: int = 0
    is_whole: bool = True
    elsewhere: frozenset[str] = frozenset()


def bounded(
    found: Iterable[ToldField],
    *,
    aside: frozenset[str] = frozenset(),
    remarks: Sequence[str] = (),
    asked: Sequence[str] = (),
    is_whole: bool = True,
    elsewhere: frozenset[str] = frozenset(),
) -> ToldFields:
    """As many as are kept, those of the system itself first; a key that is told twice counts once."""
    by_key = {each.key: each for each in found}
    ordered = sorted(by_key.values(), key=lambda each: each.is_custom)
    return ToldFields(
        fields=ordered[:MOST_FIELDS],
        aside=aside,
        remarks=tuple(dict.fromkeys(remarks))[:MOST_REMARKS],
        asked=tuple(asked),
        left_out=max(0, len(ordered) - MOST_FIELDS),
        is_whole=is_whole and len(ordered) <= MOST_FIELDS,
        elsewhere=elsewhere,
    )


def words_of_name(name: str) -> str:
    """ "Target completion date" of targetCompletionDate, "Owner" of ownerId, "Programs" of programIds."""
    bare = name.removesuffix("Id")
    if name.endswith("yIds"):
        bare = f"{name.removesuffix('yIds')}ies"
    elif name.endswith("Ids"):
        bare = f"{name.removesuffix('Ids')}s"
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", bare)
    return " ".join(parts).capitalize() or name

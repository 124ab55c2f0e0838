"""Writing what the search finds: by the service that changes a thing, in its own transaction.

Only what differs is written, so that a catalogue read anew without news writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from django.db import transaction
from django.db.models import Q

from alignadmin.locking import LockableQuerySet
from alignadmin.search.kinds import Name, SearchKind
from alignadmin.search.models import SearchName

AT_ONCE = 500
COPIED = ("connector", "label", "folded", "right")


def write(kind: SearchKind, targets: Collection[int]) -> None:
    """The names of these things as they are now; of one that is gone, none."""
    for some in _portions(sorted(targets)):
        reconcile(kind, kind.names(Q(pk__in=some)), SearchName.objects.filter(kind=kind.key, target__in=some))


def write_of_connector(kind: SearchKind, connector: int) -> None:
    """All names of this kind that a connector has."""
    stored = SearchName.objects.filter(kind=kind.key, connector=connector)
    reconcile(kind, kind.names(Q(connector=connector)), stored)


def reconcile(kind: SearchKind, names: Iterable[Name], stored: LockableQuerySet[SearchName]) -> list[str]:
    """Make the stored ones these. Returns what differed, in sentences.

    The stored ones are read first, and held: what is made or renamed meanwhile is neither taken for surplus, since its
    name came after that, nor overwritten with what it was called before.
    """
    with transaction.atomic():
        wanted, found = compared(kind, names, stored.locked().order_by("target"))
        for some in _portions([row.pk for row in found.values() if row.target not in wanted]):
            SearchName.objects.filter(pk__in=some).delete()
        changed = [row for target, row in sorted(wanted.items()) if is_other(found.get(target), row)]
        SearchName.objects.bulk_create(
            changed,
            update_conflicts=True,
            unique_fields=["kind", "target"],
            update_fields=COPIED,
            batch_size=AT_ONCE,
        )
    return differences(wanted, found)


def compared(
    kind: SearchKind, names: Iterable[Name], stored: LockableQuerySet[SearchName]
) -> tuple[dict[int, SearchName], dict[int, SearchName]]:
    """What should stand there and what does, by the ids of the things."""
    found = {row.target: row for row in stored}  # first: see `reconcile`
    wanted = {
        name.target: SearchName(
            kind=kind.key,
            target=name.target,
            connector=name.connector,
            label=name.label,
            folded=name.folded,
            right=kind.right,
        )
        for name in names
    }
    return wanted, found


def differences(wanted: dict[int, SearchName], found: dict[int, SearchName]) -> list[str]:
    missing = [
        f"“{row.label}” ({row.kind} {row.target}) is missing." for target, row in wanted.items() if target not in found
    ]
    surplus = [
        f"“{row.label}” ({row.kind} {row.target}) is no longer there."
        for target, row in found.items()
        if target not in wanted
    ]
    other = [
        f"“{row.label}” ({row.kind} {row.target}) is stored as “{found[target].label}”, or found by other words."
        for target, row in wanted.items()
        if target in found and is_other(found[target], row)
    ]
    return [*missing, *surplus, *other]


def is_other(stored: SearchName | None, wanted: SearchName) -> bool:
    return stored is None or any(getattr(stored, name) != getattr(wanted, name) for name in COPIED)


def _portions(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for first in range(0, len(ids), AT_ONCE):
        yield ids[first : first + AT_ONCE]

"""A list as it was read to its end: its records, and beside them what of it cannot be used."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from alignadmin.http.errors import Malformed
from alignadmin.http.fields import Fields

MOST_RECORDS = 100_000
MOST_NAMED = 3
NAMES = ("name", "title", "key", "projectKey", "projectName", "projectId")  # of which one may tell what a record is
Record = TypeVar("Record")


@dataclass(frozen=True, kw_only=True)
class SetAside:
    """A record that cannot be used. Where not even its id can be read, its names tell which one it may be."""

    id: int | None
    names: frozenset[str]
    reason: str

    def __str__(self) -> str:
        who = f"record {self.id}" if self.id is not None else f"“{min(self.names)[:60]}”" if self.names else "a record"
        return f"{who}: {self.reason}"


class Records(list[Record], Generic[Record]):
    """The usable records. What is set aside is still there: whoever compares must not take it for gone."""

    def __init__(self, records: Iterable[Record] = (), aside: Iterable[SetAside] = ()) -> None:
        super().__init__(records)
        self.aside = tuple(aside)

    def may_hold(self, id_: int | None, *names: str) -> bool:
        """Whether one of those set aside may be the thing of this id, or of one of these names where an id is not told.

        What tells neither may be any.
        """
        for each in self.aside:
            if each.id is not None and id_ is not None:
                if each.id == id_:
                    return True
            elif not each.names or not each.names.isdisjoint(names):
                return True
        return False


def read_records(rows: Iterable[Any], read: Callable[[object], Record]) -> Records[Record]:
    """Each row as a record; those that cannot be used are set aside with their reason.

    Bare texts are names where the list has nothing else; one among records says nothing of which it may be.
    """
    rows = list(rows)
    are_names = all(isinstance(row, str) for row in rows)
    records: list[Record] = []
    aside: list[SetAside] = []
    for row in rows:
        try:
            records.append(read(row))
        except Malformed as error:
            aside.append(_set_aside({"name": row} if are_names else row, error.sentence))
    return Records(records, aside)


def usable_records(rows: Iterable[Any], read: Callable[[object], Record]) -> Records[Record]:
    """The same of a whole list; one of which no record can be used is refused: it is not what we take it for."""
    found = read_records(rows, read)
    refuse_unusable(found)
    return found


def refuse_unusable(found: Records[Any]) -> None:
    if found.aside and not found:
        raise Malformed(f"None of the {len(found.aside):,} records can be used. {found.aside[0]}")


def _set_aside(row: Any, reason: str) -> SetAside:
    fields = Fields(row if isinstance(row, dict) else {}, what="record")
    id_ = fields.maybe_integer("id")
    names = frozenset(name for field in NAMES if (name := fields.text(field)))
    return SetAside(id=id_ if id_ is not None and id_ >= 0 else None, names=names, reason=reason)


def aside_words(what: str, aside: Sequence[SetAside]) -> str:
    """ "Process flows: 2 records cannot be used and are set aside (record 17: ...)."; empty without."""
    if not aside:
        return ""
    number = "1 record cannot be used and is" if len(aside) == 1 else f"{len(aside):,} records cannot be used and are"
    named = "; ".join(str(each).rstrip(".") for each in aside[:MOST_NAMED])
    more = f"; and {len(aside) - MOST_NAMED:,} more" if len(aside) > MOST_NAMED else ""
    return f"{what}: {number} set aside ({named}{more})."


def refuse_too_many(read_so_far: int) -> None:
    """A site that goes on answering records for ever must not keep us for ever."""
    if read_so_far > MOST_RECORDS:
        raise Malformed(
            f"The site answered more than {MOST_RECORDS:,} records, more than such a list should have, so it was not "
            "read to its end and nothing of it was taken over. Check that the address leads to the API."
        )

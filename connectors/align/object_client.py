"""Any of Align's objects over its API: lists to their proven end, single records, and writes.

Whether an object can be created or updated at all is looked up in the table before anything is sent; whether this
client may write is its connection's to decide (see alignadmin.http.Remote.read_only).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from alignadmin.errors import Refused
from alignadmin.http.errors import Malformed, reading
from alignadmin.http.remote import Remote
from connectors.align.answers import API, created_id
from connectors.align.custom_fields import CustomFields, is_kept
from connectors.align.errors import BadRequest, NotFound
from connectors.align.list_reading import PAGE, ListAt, ListReader
from connectors.align.object_values import PatchOperation, body_of
from connectors.align.objects import AlignObject, NamedBy
from connectors.align.odata import Query
from connectors.align.paging import LearnedCaps, PageCaps
from connectors.align.query import AlignQuery, QueryRefused, Rule, SortKey

Row = dict[str, Any]


class MethodRefused(Refused):
    """Align's API has no such method for the object; nothing was sent."""


@dataclass(frozen=True, kw_only=True)
class CreatedRecord:
    """What a POST told: the whole record, its id alone, or nothing, and then neither is known."""

    status: int
    id: int | None
    record: Row | None = None


class ObjectClient:
    """The objects of one site; may be shared by threads."""

    def __init__(self, remote: Remote, *, connector_id: int | None = None, caps: PageCaps | None = None) -> None:
        """`connector_id`: for what is below a connector, its boards and team mappings."""
        self._remote = remote
        self._connector_id = connector_id
        self._lists = ListReader(remote, LearnedCaps() if caps is None else caps)

    # -- reading -------------------------------------------------------------------------------------------------------

    def rows(self, query: AlignQuery, *, to_the_end: bool = True) -> Iterator[Row]:
        """One after the other, page by page as they are asked for: memory holds one page and the ids that were seen."""
        for page in self.pages(query, to_the_end=to_the_end):
            yield from page

    def gives_at_once(self, asked: AlignObject) -> int:
        """How many records of this object the site was seen to give in one answer; 0 where none was seen."""
        return self._lists.caps.of(asked.path.lower())

    def pages(
        self, query: AlignQuery, *, counted: Callable[[int], None] = lambda _: None, to_the_end: bool = True
    ) -> Iterator[list[Row]]:
        """All that the query finds, or as many as it wants: until a page is empty, whatever pages the site gives.
        Not `to_the_end`: a page shorter than one that the site gave before ends it, too.

        Of each page those that the query keeps, which may be none; `counted` is told how many there were.
        Each record has its id, chosen or not, and ids decide among what the query's order leaves equal: without either
        nobody could tell that no record was missed or came twice. Raises QueryRefused before anything is sent.
        """
        found = _provable(query.checked())
        at = self._list_at(found)
        with reading(found.asked.plural):
            pages = self._lists.pages(at, to_the_end=to_the_end, start=query.skipped or 0, most=query.most)
            for page in pages:
                records = _records(page)
                counted(len(records))
                yield _kept(records, found)

    def page(self, query: AlignQuery) -> list[Row]:
        """One request, exactly as the query says; what it keeps of the answer."""
        found = query.checked()
        at = self._list_at(found)
        with reading(found.asked.plural):
            return _kept(_records(self._lists.page(at, Query(plain=found.pairs()))), found)

    def get(self, query: AlignQuery, id_: int) -> Row:
        """One record by its id; of a query only fields and entities can be asked for. Raises NotFound."""
        found = query.checked()
        if found.condition or found.kept or found.order or found.most is not None or found.skipped is not None:
            raise QueryRefused(Rule.NOT_SUPPORTED, "One record has fields and entities, but no filter, order or pages.")
        with reading(f"{found.asked.name} {id_}"):
            answer = self._remote.request("GET", f"{self._path(found.asked)}/{id_}", query=found.pairs()).data
            return _records([answer])[0]

    def _list_at(self, found: AlignQuery) -> ListAt:
        asked = found.asked
        options = replace(found, most=None, skipped=None).pairs()
        return ListAt(name=asked.plural, path=self._path(asked), family=asked.path.lower(), query=Query(plain=options))

    def _path(self, asked: AlignObject) -> str:
        if not asked.below_connector:
            return f"{API}/{asked.path}"
        if self._connector_id is None:
            raise MethodRefused(f"{asked.plural} are read of one connector, and none was named.")
        return f"{API}/connectors/{self._connector_id}/{asked.path}"

    # -- custom fields -------------------------------------------------------------------------------------------------

    def custom_fields(self, asked: AlignObject, id_: int | None = None) -> CustomFields:
        """What editmeta says, of all records or of one. No source gives its address, so the likely two are tried.

        Raises NotFound where neither answers.
        """
        if not asked.has_custom_fields:
            return CustomFields({})
        path = self._path(asked)
        with reading(f"Custom fields of {asked.plural.lower()}"):
            try:
                return CustomFields.from_json(self._remote.request("GET", f"{path}/editmeta").data)
            except (NotFound, BadRequest):
                known = self._some_id(asked) if id_ is None else id_
                if known is None:
                    raise
            return CustomFields.from_json(self._remote.request("GET", f"{path}/{known}/editmeta").data)

    def _some_id(self, asked: AlignObject) -> int | None:
        rows = self.page(AlignQuery(asked=asked).select("id").top(1))
        found = rows[0].get("id") if rows else None
        return found if isinstance(found, int) else None

    # -- writing -------------------------------------------------------------------------------------------------------

    def create(self, asked: AlignObject, values: Mapping[str, Any]) -> CreatedRecord:
        """POST. OutcomeUnknown means: look for the record before it is sent again."""
        self._refuse_method(asked, asked.creates, "created")
        answer = self._remote.request("POST", self._path(asked), body=body_of(asked, values))
        record = answer.data if isinstance(answer.data, dict) else None
        return CreatedRecord(status=answer.status, id=created_id(answer), record=record)

    def update(self, asked: AlignObject, id_: int, values: Mapping[str, Any]) -> int:
        """PUT, which replaces the record: what is not given may be emptied. The answer's status."""
        self._refuse_method(asked, asked.updates, "updated")
        return self._remote.request("PUT", f"{self._path(asked)}/{id_}", body=body_of(asked, values)).status

    def patch(self, asked: AlignObject, id_: int, operations: Sequence[PatchOperation]) -> int:
        """JSON Patch, which changes what it names alone. The answer's status."""
        self._refuse_method(asked, asked.updates, "updated")
        body = [operation.as_json(asked) for operation in operations]
        return self._remote.request("PATCH", f"{self._path(asked)}/{id_}", body=body).status

    def recycle(self, asked: AlignObject, id_: int) -> int:
        """Into Align's recycle bin: no DELETE is published. The answer's status; a site may refuse it."""
        return self.patch(asked, id_, [PatchOperation(op="replace", field="isRecycled", value=True)])

    def _refuse_method(self, asked: AlignObject, allowed: bool, done: str) -> None:
        if allowed:
            return
        if asked.named_by is NamedBy.TABLE:
            raise MethodRefused(f"{asked.plural} cannot be {done} through Align's API.")
        raise MethodRefused(f"{asked.plural} can only be read: Align's table of objects does not list them.")


def requests_at_most(query: AlignQuery) -> int | None:
    """What reading all of it costs at most, where pages are full; None where the query wants all there is.

    Where there are fewer than it wants, one more that finds nothing proves the end.
    """
    return None if query.most is None else math.ceil(query.most / PAGE) + (query.most > 0)


def _provable(query: AlignQuery) -> AlignQuery:
    selected = query.selected
    if selected:
        first = () if "id" in selected else ("id",)
        selected = (*first, *dict.fromkeys((*selected, *(rule.key for rule in query.kept))))
    order = query.order
    if all(key.field != "id" for key in order):
        order = (*order, SortKey(field="id"))
    return replace(query, selected=selected, order=order)


def _kept(records: list[Row], query: AlignQuery) -> list[Row]:
    return [row for row in records if is_kept(row, query.kept)] if query.kept else records


def _records(page: Sequence[Any]) -> list[Row]:
    if not all(isinstance(row, dict) for row in page):
        raise Malformed("The answer holds something else where records were expected.")
    return list(page)

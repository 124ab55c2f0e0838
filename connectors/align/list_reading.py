"""Reading one list of Jira Align to its end, page by page, and asking for a single record that it did not show."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

from alignadmin.http.errors import Malformed, RateLimited, RemoteError, SignInRefused, reading
from alignadmin.http.fields import Fields, rows_of
from alignadmin.http.listing import Records, refuse_too_many, usable_records
from alignadmin.http.remote import Remote
from connectors.align.errors import NotFound
from connectors.align.odata import Query
from connectors.align.paging import PageCaps, is_last

PAGE = 100  # default and maximum of the mapping lists
MOST_ASKED = 20  # single records asked for of one list, before it is read again instead

Record = TypeVar("Record")
IdIn = Callable[[object], int | None]


class Paging(Enum):
    """SKIP can miss a record when another is deleted meanwhile; AFTER_ID cannot, where the site honours it."""

    SKIP = "skip"
    AFTER_ID = "after id"


class Presence(Enum):
    """Whether a record that a list did not show is there all the same. UNTOLD: this site does not say."""

    THERE = "there"
    GONE = "gone"
    UNTOLD = "untold"


@dataclass(frozen=True, kw_only=True)
class ListAt:
    """A list of the site: what people call it, where it is, and of which kind it is (see paging)."""

    name: str
    path: str
    family: str
    query: Query


class Identified(Protocol):
    @property
    def id(self) -> int: ...


Known = TypeVar("Known", bound=Identified)


@dataclass(frozen=True, kw_only=True)
class Checked(Generic[Known]):
    """A list after what it did not show was looked for. `unseen`: known records of it that nobody may call gone."""

    records: Records[Known]
    unseen: frozenset[int] = frozenset()


class ListReader:
    """Lists and single records of one site; may be shared by threads."""

    def __init__(self, remote: Remote, caps: PageCaps) -> None:
        self.caps = caps
        self.pages_are_smaller = False  # than was known: what lies beyond a page's end has not been seen in any list
        self._remote = remote
        self._answers_single: dict[str, bool] = {}

    def records(
        self,
        at: ListAt,
        read: Callable[[object], Record],
        *,
        paging: Paging = Paging.SKIP,
        to_the_end: bool = False,
    ) -> Records[Record]:
        """`to_the_end`: until a page is empty, whatever is known of the site's pages.

        A list of which no record can be used is refused whole: it is not what we take it for.
        """
        with reading(at.name):
            pages = self.pages(at, to_the_end=to_the_end) if paging is Paging.SKIP else self._pages_after_id(at)
            return usable_records((row for page in pages for row in page), read)

    def pages(
        self,
        at: ListAt,
        *,
        to_the_end: bool = False,
        id_in: IdIn | None = None,
        start: int = 0,
        most: int | None = None,
    ) -> Iterator[list[Any]]:
        """By `$skip`. `id_in`: the id in a row, for the one list whose rows may have it elsewhere or not at all.

        `start`: how many records are passed over; `most`: how many are wanted, of all pages together.
        """
        seen: set[int] = set()
        before: list[Any] = []
        read = 0
        while most is None or read < most:
            wanted = PAGE if most is None else min(PAGE, most - read)
            answered = self.page(at, at.query.page(top=wanted, skip=start + read))
            if answered and answered == before and len(answered) != PAGE:
                return  # the site knows no paging: it answers the whole list each time
            page = answered if most is None else answered[: most - read]
            _refuse_overlap(page, seen, id_in or _id_of)
            yield page
            if is_last(self.caps, at.family, len(page), to_the_end=to_the_end):
                return
            before, read = answered, read + len(page)
            refuse_too_many(read)

    def _pages_after_id(self, at: ListAt) -> Iterator[list[Any]]:
        seen: set[int] = set()
        following = at.query
        while True:
            page = self.page(at, following.page(top=PAGE))
            ids = _refuse_overlap(page, seen, _id_of)
            if ids != sorted(ids) or len(ids) < len(page):
                raise Malformed("The list is not in the requested order of ids, so it may not be complete.")
            yield page
            if is_last(self.caps, at.family, len(page), to_the_end=False):
                return
            following = at.query.where("id", "gt", ids[-1])
            refuse_too_many(len(seen))

    def page(self, at: ListAt, query: Query) -> list[Any]:
        return rows_of(self._remote.request("GET", at.path, query=query.pairs()).data)

    # -- what a list did not show --------------------------------------------------------------------------------------

    def checked(
        self, at: ListAt, read: Callable[[object], Known], found: Records[Known], known: Iterable[int]
    ) -> Checked[Known]:
        """Whether those of the known records that the list does not show are gone.

        1. Many at once: the list is read again to an empty page, and what two readings miss is gone.
        2. Few: each is asked for. One that is there shows that the list was cut off, so it is read again.
        3. What still is not shown, and is not known to be gone, is unseen.
        """
        missing = set(known) - _ids_of(found)
        if len(missing) > MOST_ASKED:
            found = self._again(at, read, found, missing)
            missing -= _ids_of(found)
            if len(missing) > MOST_ASKED:
                return Checked(records=found)
        shown = next(iter(found), None)
        told = {id_: self.presence(at, id_, shown=shown.id if shown else None) for id_ in sorted(missing)}
        if Presence.THERE in told.values():
            found = self._again(at, read, found, missing)
        left = missing - _ids_of(found)
        return Checked(records=found, unseen=frozenset(id_ for id_ in left if told[id_] is not Presence.GONE))

    def _again(
        self, at: ListAt, read: Callable[[object], Known], found: Records[Known], missing: set[int]
    ) -> Records[Known]:
        """Both readings together. What is known of the site's pages goes, if it was what cut the first one off."""
        before = self.caps.of(at.family)
        self.caps.forget(at.family)
        again = self.records(at, read, to_the_end=True)
        if missing & _ids_of(again) and self.caps.of(at.family) < before:
            self.pages_are_smaller = True
        else:
            self.caps.raise_to(at.family, before)
        both = {each.id: each for each in (*found, *again)}
        return Records(both.values(), {*found.aside, *again.aside})

    # -- single records ------------------------------------------------------------------------------------------------

    def presence(self, at: ListAt, id_: int, *, shown: int | None = None) -> Presence:
        """Whether the record is there: by itself, else by a filter of the list. `shown`: one that the list shows.

        A site that does not offer single records answers 404 for those that are there as well, so that is tried once.
        """
        with reading(at.name):
            if self._answers_single.get(at.family, True):
                found = self._single(at, id_)
                if found is Presence.THERE or (found is Presence.GONE and self._is_to_be_believed(at, shown)):
                    return found
            return self._by_filter(at, id_)

    def _is_to_be_believed(self, at: ListAt, shown: int | None) -> bool:
        if at.family not in self._answers_single and shown is not None:
            self._answers_single[at.family] = self._single(at, shown) is Presence.THERE
        return self._answers_single.get(at.family, True)

    def _single(self, at: ListAt, id_: int) -> Presence:
        try:
            answer = self._remote.request("GET", f"{at.path}/{id_}", query=at.query.plain).data
        except NotFound:
            return Presence.GONE
        except (SignInRefused, RateLimited):
            raise
        except RemoteError:
            return Presence.UNTOLD
        return Presence.THERE if _id_of(answer) == id_ else Presence.UNTOLD

    def _by_filter(self, at: ListAt, id_: int) -> Presence:
        try:
            page = self.page(at, at.query.where("id", "eq", id_).page(top=PAGE))
        except (SignInRefused, RateLimited):
            raise
        except RemoteError:
            return Presence.UNTOLD
        if id_ in {_id_of(row) for row in page}:
            return Presence.THERE
        return Presence.UNTOLD if page else Presence.GONE  # others than asked for: the filter does not work here


def _ids_of(found: Records[Known]) -> set[int]:
    """Those set aside are there as well."""
    return {each.id for each in found} | {each.id for each in found.aside if each.id is not None}


def _id_of(row: object) -> int | None:
    return Fields(row, what="record").maybe_integer("id") if isinstance(row, dict) else None


def _refuse_overlap(page: Sequence[Any], seen: set[int], id_in: IdIn) -> list[int]:
    """A record that comes twice means that another one was missed, or that the site ignores the paging."""
    ids = [number for row in page if (number := id_in(row)) is not None]
    if len(set(ids)) < len(ids) or not seen.isdisjoint(ids):
        raise Malformed("The pages of the list overlap: it changed while it was read. Read it again.", permanent=False)
    seen.update(ids)
    return ids

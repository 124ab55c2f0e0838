"""Reading a few lists of each family exactly as Align answers them, and what they show about its contract."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from alignadmin.http.errors import BadRequest
from alignadmin.parsing import whole
from connectors.align.client import AlignClient
from connectors.align.list_reading import PAGE
from connectors.align.resources import MOST_TYPE_ID
from mappings.edits.unrecognised import TYPE_IDS as TYPE_IDS
from mappings.engine.families import Family, ListAddress
from mappings.models import Scope

FIELDS, PAGE_LIMIT, POST_ANSWER = "fields", "page-limit", "post-answer"
TYPE_PROOF = "type-proof"  # {"feature": {"id": 2, "taken": true}}: what a create with consent has shown
NAMES = (TYPE_IDS, TYPE_PROOF, FIELDS, PAGE_LIMIT, POST_ANSWER)
MORE_THAN_PAGE = PAGE + 1  # the page limit of a site that answers more at once than its documents say
MOST_LISTS = 3  # the largest of a family: they show the most types, and where a page ends
MOST_VALUES, LONGEST_NAME = 60, 60  # what a strange answer may put into a fact


@dataclass(frozen=True, kw_only=True)
class Observation:
    """`value`: sorted type ids or field names, a number of records, or the form of an answer."""

    family: str
    name: str
    value: Any


def sample(scopes: Iterable[Scope]) -> list[Scope]:
    """The largest lists of one family, also those whose last read failed: it may have failed for what we look for."""
    return sorted(scopes, key=lambda scope: (-scope.rows, scope.pk))[:MOST_LISTS]


def observe_family(
    client: AlignClient, family: Family, scopes: Sequence[Scope], outside: Iterable[int]
) -> list[Observation]:
    """The facts that these lists show; nothing for what they do not. `outside`: strange type ids seen in any list.

    Raises RemoteError.
    """
    pages = [(scope.place, _page(client, scope.place)) for scope in scopes]
    records = [row for _, page in pages for row in page if isinstance(row, dict)]
    if not records:
        return []
    found: dict[str, Any] = {TYPE_IDS: _type_ids(records, outside), FIELDS: _fields(records)}
    place, fullest = max(pages, key=lambda pair: len(pair[1]))
    if limit := _page_limit(client, place, fullest):
        found[PAGE_LIMIT] = limit
    return [Observation(family=family.code, name=name, value=value) for name, value in found.items() if value]


def _page(client: AlignClient, place: ListAddress, *, top: int = PAGE, skip: int = 0) -> list[Any]:
    key = place.project_key if place.sends_project_key else None
    return client.look(place.path, project_key=key, top=top, skip=skip)


def _type_ids(records: Iterable[dict[str, Any]], outside: Iterable[int]) -> list[int]:
    found = {whole(record.get("workItemTypeId"), most=MOST_TYPE_ID) for record in records}
    return sorted({number for number in found if number is not None} | set(outside))[:MOST_VALUES]


def _fields(records: Iterable[dict[str, Any]]) -> list[str]:
    """Only the lists of one project tell its key, so that depends on which lists were looked at."""
    names = {name.replace("\0", "")[:LONGEST_NAME] for record in records for name in record}
    return sorted(names - {"projectKey"})[:MOST_VALUES]


def _page_limit(client: AlignClient, place: ListAddress, first: list[Any]) -> int | None:
    """How many records one answer holds at most; None while the list is too short to show it."""
    size, ids = len(first), _ids(first)
    following = _page(client, place, skip=size) if size else []
    if not following or not ids.isdisjoint(_ids(following)):
        return None
    if size >= PAGE:
        return MORE_THAN_PAGE if _answers_more(client, place) else PAGE
    # The list may have grown between the two pages, which then looks like a short page.
    return size if _ids(_page(client, place)) == ids else None


def _answers_more(client: AlignClient, place: ListAddress) -> bool:
    try:
        return len(_page(client, place, top=MORE_THAN_PAGE)) > PAGE
    except BadRequest:
        return False


def _ids(page: list[Any]) -> set[str]:
    return {str(row.get("id")) for row in page if isinstance(row, dict)}

"""Differences that are none any more, as what came in since the pack was begun has moved the table's rows."""

from __future__ import annotations

from collections.abc import Sequence

from alignadmin.audit.models import Entry
from connectors.history.mirror import projection as make
from connectors.history.mirror.terms import Terms, terms_of
from connectors.history.packs import terms as pack_terms
from connectors.history.packs.entry_pages import CHUNK, pages_of_entries, row_of
from connectors.history.packs.row_differences import MatchKey, RowDifference
from connectors.history.packs.span_bounds import Ends
from connectors.models import MirrorLine
from connectors.ports.audited import LOG_WITHDRAWN
from connectors.ports.differences import Difference


def without_later_changes(differences: Sequence[Difference], ends: Ends) -> list[Difference]:
    """Lines that came in or were withdrawn since may have moved the table's pairs: those differ, and are right.

    So do rows of lines that are read by other terms since.
    """
    of_rows = [each for each in differences if isinstance(each, RowDifference)]
    if not any(each.match_key or each.read_for for each in of_rows):
        return list(differences)
    moved = _match_keys_of_new_lines(ends)
    withdrawn, read_again = set[int](), set[int]()  # connectors
    for some in pages_of_entries(Entry.objects.all(), ends.seq):
        for entry in some:
            if entry.body.get("action") == LOG_WITHDRAWN:
                withdrawn.add(entry.body["connector"]["id"])
            if entry.body.get("action") in pack_terms.SAYING:
                read_again.add(entry.body["connector"]["id"])
            if (row := row_of(entry.body, is_found=False)) and row.connector_id:
                moved.add((row.connector_id, row.match))

    def is_explained(each: RowDifference) -> bool:
        key = each.match_key
        is_moved = key is not None and (key in moved or key[0] in withdrawn | read_again)
        return is_moved or each.read_for in read_again

    return [each for each in differences if not (isinstance(each, RowDifference) and is_explained(each))]


def _match_keys_of_new_lines(ends: Ends) -> set[MatchKey]:
    found: set[MatchKey] = set()
    terms: dict[int, Terms] = {}
    for line in MirrorLine.objects.filter(id__gt=ends.line).select_related("connector").iterator(CHUNK):
        if line.connector_id not in terms:
            terms[line.connector_id] = terms_of(line.connector)
        found.add((line.connector_id, make.match_of_line(line.connector, line, terms[line.connector_id])))
        found.add((line.connector_id, ""))  # what only the watch had seen may be told by it
    return found

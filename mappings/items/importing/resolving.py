"""Lines whose request left and got no answer: Align is read for what became of them, and nothing is sent blindly.

Where a trial has shown that Align keeps an external key and finds by it, the item is looked for by that first. Else it
is looked for by its type, title and time among those that stand for no issue yet. Two that may be it wait for a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from alignadmin.errors import Refused
from alignadmin.text import counted
from connectors.align.object_client import ObjectClient
from connectors.align.query import Q, query_of
from connectors.jobs.runner import Run
from mappings.applying.outcomes import MOST_SENDS
from mappings.applying.resolve_unknown import wait_out
from mappings.engine.item_prediction import PARENT_FIELDS
from mappings.engine.item_writes import EXTERNAL_KEY
from mappings.items.comparing.sight import HIDDEN, shows_programme
from mappings.items.importing.journal import ImportJournal, LineOvertaken
from mappings.models import ImportAct, ImportLine, ImportLineState, ItemLink

CLOCKS_DIFFER = timedelta(minutes=5)  # Align's and ours
PARENTS = frozenset(PARENT_FIELDS.values())
FOUND = "Its answer was lost; it was found. What has changed since it was sent is for the next import."
NO_ANSWER = "No answer came, and Align has no such item: "


@dataclass(frozen=True, kw_only=True)
class Resolving:
    job: Run
    journal: ImportJournal
    objects: ObjectClient

    def work(self, lines: Sequence[ImportLine]) -> None:
        """Once their requests can have no effect any more. Raises RemoteError where Align cannot be read, and Refused
        where it hides where the items would be.
        """
        wait_out(self.job, [each.sent_at for each in lines])
        for line in lines:
            self.job.progress(f"looking for {line.issue_key}")
            link = ItemLink.objects.filter(connector_id=self.journal.run.connector_id, jira_id=line.jira_id).first()
            if line.act == ImportAct.UPDATE or line.awaits_update:
                self._update_again(line)
            elif link is None:
                self._again(line)  # nothing has left
            elif link.align_id is not None:
                self.journal.record(line, ImportLineState.DONE, "Its item was found meanwhile.", align_id=link.align_id)
            else:
                self._find(line, link)

    def _find(self, line: ImportLine, link: ItemLink) -> None:
        """By what left, whatever the issue is called now: what has changed since is for the next import."""
        marked = self._by_key(link)
        if len(marked) == 1:
            self._take(line, marked[0], FOUND)
            return
        found, is_dated = (marked, True) if marked else self._candidates(line, link)
        if len(found) == 1 and is_dated and not self._has_twin(link):
            self._take(line, found[0], FOUND)
        elif found:
            line.candidates = found
            said = f"No answer came, and {counted(len(found), 'item')} may be it: choose."
            self.journal.record(line, ImportLineState.WAITING, said)
        else:
            self._refuse_blindness(link)
            self._again(line)

    def _refuse_blindness(self, link: ItemLink) -> None:
        """Else it might be made twice."""
        number = link.sent.get("programId")
        if isinstance(number, int) and not shows_programme(self.objects, number):
            raise Refused(HIDDEN.format(what=link.issue_key, number=number))

    def _take(self, line: ImportLine, item: int, said: str) -> None:
        try:
            self.journal.record(line, ImportLineState.DONE, said, align_id=item)
        except LineOvertaken:  # another import of this connector was first
            line.align_id, line.candidates = None, [item]
            self.journal.record(line, ImportLineState.WAITING, "No answer came, and 1 item may be it: choose.")

    def _has_twin(self, link: ItemLink) -> bool:
        """Whether another item without an answer goes by the same title."""
        others = ItemLink.objects.filter(connector_id=link.connector_id, level=link.level, align_id=None)
        return any(
            sent.get("title") == link.sent.get("title")
            for sent in others.exclude(pk=link.pk).values_list("sent", flat=True)
        )

    def _update_again(self, line: ImportLine) -> None:
        """The same values once more change nothing else."""
        if line.sends < MOST_SENDS:
            self.journal.record(line, ImportLineState.PLANNED, "No answer came: it is sent again.")
        else:
            said = f"No answer came, though it was sent {line.sends} times. Look at item {line.align_id} in Align."
            self.journal.record(line, ImportLineState.FAILED, said)

    def _again(self, line: ImportLine) -> None:
        if line.sends < MOST_SENDS:
            self.journal.record(line, ImportLineState.PLANNED, f"{NO_ANSWER}it is sent again.")
        else:
            self.journal.record(line, ImportLineState.FAILED, f"{NO_ANSWER}it was sent {line.sends} times.")

    def _by_key(self, link: ItemLink) -> list[int]:
        """Ids of items with the key that was sent, which stand for no issue yet."""
        key = link.sent.get(EXTERNAL_KEY)
        if not isinstance(key, str):
            return []
        query = query_of(link.level).select("id", EXTERNAL_KEY, "isRecycled").where(Q(EXTERNAL_KEY).eq(key))
        rows = [row for row in self.objects.rows(query) if row.get(EXTERNAL_KEY) == key and not row.get("isRecycled")]
        return self._free(link, [row["id"] for row in rows if type(row.get("id")) is int])

    def _free(self, link: ItemLink, ids: Sequence[int]) -> list[int]:
        taken = ItemLink.objects.filter(connector_id=link.connector_id, level=link.level, align_id__in=ids)
        return sorted(set(ids) - set(taken.values_list("align_id", flat=True)))

    def _candidates(self, line: ImportLine, link: ItemLink) -> tuple[list[int], bool]:
        """Their ids, and whether Align told of each when it was made."""
        query = query_of(link.level).where(Q("title").eq(str(link.sent.get("title", line.title))))
        parents = {name: item for name, item in link.sent.items() if name in PARENTS}
        rows = [
            each
            for each in self.objects.rows(query)
            if not each.get("isRecycled")
            and _is_of_then(each, link)
            and all(each.get(name, item) == item for name, item in parents.items())
        ]
        ids = [each["id"] for each in rows if type(each.get("id")) is int]
        free = self._free(link, ids)
        return free, all(_made_at(each) is not None for each in rows if each.get("id") in free)


def _is_of_then(row: dict[str, Any], link: ItemLink) -> bool:
    """Made since it was sent, as far as Align tells."""
    made = _made_at(row)
    return made is None or made >= link.sent_at - CLOCKS_DIFFER


def _made_at(row: dict[str, Any]) -> datetime | None:
    return moment_of(row, "createDate") or moment_of(row, "createdDate")


def moment_of(row: Mapping[str, Any], name: str) -> datetime | None:
    """A date of Align's answer; one without a zone is in UTC."""
    told = row.get(name)
    try:
        found = datetime.fromisoformat(told) if isinstance(told, str) else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)

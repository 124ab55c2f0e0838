"""Editing a draft: lines are set, undone or dropped. Each act is one transaction behind the connector's row."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.errors import Refused
from alignadmin.text import counted
from connectors.models import Connector
from connectors.ports.connected import lock_connected
from mappings.configuration.draft import DraftState, last_save, put_into_draft
from mappings.configuration.entries import draft_record, named
from mappings.configuration.subjects import ConfigurationSubject, LineWords
from mappings.engine.configuration import LineChange, LineValue, changed, is_same, new_errors
from mappings.models import DraftLine, DraftSave

MOST_LINES = 2000  # of one form
MOST_TOLD = 3


@dataclass(frozen=True, kw_only=True)
class LineRequest:
    """A wanted value, and the one that the person saw when they decided on it."""

    key: str
    wanted: LineValue
    seen: LineValue


class LinesOvertaken(Refused):
    """Somebody else changed some of these lines after the form was drawn: nothing was saved. `keys`: which ones."""

    def __init__(self, sentence: str, keys: Collection[str]) -> None:
        super().__init__(sentence)
        self.keys = frozenset(keys)


class BreaksConfiguration(Refused):
    """The checks find an error that is not there without these lines: nothing was saved."""


def set_lines(
    subject: ConfigurationSubject,
    connector: Connector,
    requests: Sequence[LineRequest],
    *,
    actor: Person,
    now: datetime | None = None,
) -> list[LineChange]:
    """Put what differs from what was seen into the draft, all or nothing; returns what was changed.

    A value that is agreed takes its line out of the draft. Raises LinesOvertaken, BreaksConfiguration or Refused.
    """
    now = now or timezone.now()
    if len(requests) > MOST_LINES:
        raise Refused(f"This form has {len(requests):,} lines; {MOST_LINES:,} are the most. Nothing was saved.")
    with transaction.atomic():
        state = DraftState(subject, lock_connected(connector))
        changes = _changes(state, requests)
        if not changes:
            return []
        _refuse_proposed(state)
        _refuse_broken(state, changes)
        words = _words(state, changes)
        _store(state, changes, actor, now)
        sentence = f"Edited the draft of {subject.label}: {named(words)}."
        trail.record(draft_record("configuration.edited", subject, connector, sentence, changes=changes, actor=actor))
    return changes


def _changes(state: DraftState, requests: Sequence[LineRequest]) -> list[LineChange]:
    """What a person changed; the same form sent twice changes nothing the second time."""
    found: dict[str, LineChange] = {}
    overtaken = []
    for request in requests:
        wanted = state.subject.cleaned(state.connector, request.key, request.wanted)
        current = state.value(request.key)
        if is_same(wanted, request.seen) or is_same(wanted, current):
            continue
        if not is_same(request.seen, current):
            overtaken.append(request.key)
        change = LineChange(key=request.key, before=current, after=wanted)
        if not is_same(found.setdefault(request.key, change).after, wanted):
            raise Refused("This form has one choice twice, with two values. Nothing was saved: load the page again.")
    if overtaken:
        raise LinesOvertaken(_overtaken_sentence(state, overtaken), overtaken)
    return list(found.values())


def _overtaken_sentence(state: DraftState, keys: Sequence[str]) -> str:
    others = {str(row.author) for key in keys if (row := state.rows.get(key))}
    who = " and ".join(sorted(others)) or "Somebody"
    return (
        f"{who} changed {len(keys):,} of these choices after your page was loaded, so nothing "
        "was saved. What you chose is still in the form: compare it with what is wanted now, then save again."
    )


def _refuse_proposed(state: DraftState) -> None:
    """One thing at a time: what waits for its approval is not changed beside it."""
    if state.proposal:
        raise Refused(
            f"Proposal {state.proposal.pk} by {state.proposal.author} waits for a decision, so nothing was saved. "
            "Approve, decline or withdraw it first; declined or withdrawn, its changes are in the draft again."
        )


def _refuse_broken(state: DraftState, changes: Sequence[LineChange]) -> None:
    after = state.subject.checks(state.connector, changed(state.wanted, changes))
    if broken := new_errors(state.problems, after):
        told = [each.sentence for each in broken[:MOST_TOLD]]
        more = [f"And {counted(len(broken) - MOST_TOLD, 'more error')}."] if len(broken) > MOST_TOLD else []
        raise BreaksConfiguration(" ".join([*told, *more, "Nothing was saved."]))


def _words(state: DraftState, changes: Sequence[LineChange]) -> Sequence[LineWords]:
    """As they were wanted before, and are from now on."""
    return state.subject.lines(state.connector, state.wanted, changed(state.wanted, changes))


def _store(state: DraftState, changes: Sequence[LineChange], actor: Person, now: datetime) -> None:
    own: dict[str, Any] = {"connector": state.connector, "subject": state.subject.code}
    lines, rows, gone = [], [], []
    for change in changes:
        row, agreed = state.rows.get(change.key), state.agreed.get(change.key)
        author = row.author_id if row else None
        lines.append({"key": change.key, "before": change.before, "after": change.after, "author": author})
        if is_same(change.after, agreed):
            gone.append(change.key)
        else:
            values = {"agreed": agreed, "wanted": change.after, "author": actor, "decided_at": now}
            rows.append(DraftLine(**own, key=change.key, **values))
    put_into_draft(rows)
    DraftLine.objects.filter(**own, key__in=gone).delete()
    DraftSave.objects.create(**own, author=actor, saved_at=now, lines=lines)


# --- taking back -------------------------------------------------------------------------------------------------


def undo(subject: ConfigurationSubject, connector: Connector, *, actor: Person) -> None:
    """Take back my own last save, while nobody has changed its lines since. Raises Refused."""
    with transaction.atomic():
        state = DraftState(subject, lock_connected(connector))
        _refuse_proposed(state)
        save = last_save(connector, subject.code, actor)
        if save is None:
            raise Refused("There is no edit of yours to undo.")
        if any(_is_anothers(state, line, actor) for line in save.lines):
            raise Refused("Somebody changed the same after you did, so your edit was not undone. Look at it first.")
        changes = [LineChange(key=each["key"], before=each["after"], after=each["before"]) for each in save.lines]
        _refuse_broken(state, changes)
        words = _words(state, changes)
        _put_back(state, save.lines)
        DraftSave.objects.filter(pk=save.pk).update(is_over=True)
        sentence = f"Undid an edit of the draft of {subject.label}: {named(words)}."
        trail.record(
            draft_record("configuration.edit_undone", subject, connector, sentence, changes=changes, actor=actor)
        )


def _is_anothers(state: DraftState, line: dict[str, LineValue], actor: Person) -> bool:
    """Another value, or the same one that somebody else came to since."""
    row = state.rows.get(line["key"])
    is_mine = row is None or row.author_id == actor.pk
    return not is_mine or not is_same(state.drafted.get(line["key"]), line["after"])


def _put_back(state: DraftState, lines: Sequence[dict[str, LineValue]]) -> None:
    """As they were before that save: another person's value, or none of the draft."""
    own: dict[str, Any] = {"connector": state.connector, "subject": state.subject.code}
    now, rows, gone = timezone.now(), [], []
    for line in lines:
        key, agreed = line["key"], state.agreed.get(line["key"])
        if line["author"] is None or is_same(line["before"], agreed):
            gone.append(key)
            continue
        seen = state.rows[key].agreed if key in state.rows else agreed
        values = {"agreed": seen, "wanted": line["before"], "author_id": line["author"], "decided_at": now}
        rows.append(DraftLine(**own, key=key, **values))
    put_into_draft(rows)
    DraftLine.objects.filter(**own, key__in=gone).delete()


def drop(subject: ConfigurationSubject, connector: Connector, key: str, *, seen: str, actor: Person) -> None:
    """Take one line out of the draft: what is agreed is wanted again. `seen`: the draft's fingerprint on the page."""
    with transaction.atomic():
        state = DraftState(subject, lock_connected(connector))
        _refuse_proposed(state)
        if key not in state.rows:
            return
        if seen != state.fingerprint:
            raise Refused("The draft is not the one on your page any more: look at it again. Nothing was dropped.")
        change = LineChange(key=key, before=state.rows[key].wanted, after=state.agreed.get(key))
        _refuse_broken(state, [change])
        words = _words(state, [change])
        _store(state, [change], actor, timezone.now())
        sentence = f"Dropped a change from the draft of {subject.label}: {named(words)}."
        trail.record(draft_record("configuration.dropped", subject, connector, sentence, changes=[change], actor=actor))

"""Choosing: what an admin typed for some settings at once, all or nothing; each change is an entry of the history."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from alignadmin.audit import trail
from alignadmin.audit.entries import Actor, AuditRecord, lock_head
from alignadmin.errors import Refused
from alignadmin.preferences import reading
from alignadmin.preferences.declaring import AnyPreference
from alignadmin.preferences.models import InstallationChoice
from alignadmin.preferences.reading import chosen, one_turn

CHANGED, BACK_TO_DEFAULT = "setting.changed", "setting.back_to_default"
NOTHING_SAVED = "Nothing is saved. Correct the marked fields."
TWO_WISHES = (
    "You entered another value and ticked the box that sets this back to its default. "
    "Take the tick out to save your value, or enter again what was there."
)


@dataclass(frozen=True, kw_only=True)
class TypedSetting:
    """`seen` is what stood in the field when the page was drawn: only what differs from it was changed."""

    preference: AnyPreference
    text: str
    seen: str
    to_default: bool = False

    @property
    def is_typed(self) -> bool:
        return self.text != self.seen

    @property
    def is_changed(self) -> bool:
        return self.to_default or self.is_typed


class NotChosen(Refused):
    """`problems`: a sentence for each key that cannot be stored as typed; nothing was stored."""

    def __init__(self, sentence: str, problems: Mapping[str, str], *, is_stale: bool = False) -> None:
        super().__init__(sentence)
        self.problems, self.is_stale = problems, is_stale


def choose(typed: Sequence[TypedSetting], *, actor: Actor) -> list[AnyPreference]:
    """Store what was changed; returns whose values are others now. Raises NotChosen.

    1. Read every changed field. 2. Queue behind the head of the history, as every act does, read afresh what is chosen,
    also of settings that these follow, and refuse fields that somebody else has changed since. 3. Store all. 4. Append
    an entry for each with what held before and what holds now, and tell whoever is to hear of it.
    """
    changed = [each for each in typed if each.is_changed]
    wanted = _read(changed)
    try:
        with one_turn(), transaction.atomic():
            lock_head()
            before = chosen()
            _refuse_stale(changed, wanted, before)
            old = {each.preference.key: each.preference.among(before) for each in changed}
            stored = [each for each in changed if _store(each, wanted, before, actor)]
            reading.forget()
            after = chosen()
            new = {each.preference.key: each.preference.among(after) for each in stored}
            trail.record_all([_record(each, before, old, new, actor) for each in stored])
            for each in stored:
                preference, key = each.preference, each.preference.key
                if preference.on_change and old[key] != new[key]:
                    preference.on_change(old[key], new[key], actor)
    finally:
        reading.forget()  # of the turn around this one, which may hold what was chosen before, here or elsewhere
    return [each.preference for each in stored]


def _read(changed: Collection[TypedSetting]) -> dict[str, Any]:
    wanted, problems = {}, {}
    for each in changed:
        if each.to_default and each.is_typed:
            problems[each.preference.key] = TWO_WISHES
        elif not each.to_default:
            try:
                wanted[each.preference.key] = each.preference.read(each.text)
            except Refused as refused:
                problems[each.preference.key] = str(refused)
    if problems:
        raise NotChosen(NOTHING_SAVED, problems)
    return wanted


def _refuse_stale(
    changed: Collection[TypedSetting], wanted: Mapping[str, Any], before: Mapping[str, InstallationChoice]
) -> None:
    """What goes back to its default where nothing is stored any more is there already, whatever the page showed."""
    problems = {}
    for each in changed:
        preference, key = each.preference, each.preference.key
        found = before.get(key)
        if each.to_default and found is None:
            continue
        now, said = preference.asked_for(before), preference.kind.words
        if preference.kind.text(now) == each.seen or (not each.to_default and now == wanted[key]):
            continue
        mine = said(preference.start() if each.to_default else wanted[key])
        what = f"{found.by_name} set this" if found else "It changed"
        problems[key] = f"{what} after your page was loaded. It is {said(now)}; you entered {mine}."
    if problems:
        raise NotChosen(
            "Nothing is saved: another admin has changed the marked settings meanwhile. Save again to replace theirs.",
            problems,
            is_stale=True,
        )


def _store(
    each: TypedSetting, wanted: Mapping[str, Any], before: Mapping[str, InstallationChoice], actor: Actor
) -> bool:
    """False where nothing becomes another. A choice that the operator cuts may be replaced by what it is cut to."""
    preference, found = each.preference, before.get(each.preference.key)
    if each.to_default:
        if found is not None:
            found.delete()
        return found is not None
    value = wanted[preference.key]
    if value == preference.asked_for(before):
        return False
    InstallationChoice.objects.update_or_create(
        key=preference.key, defaults={"value": value, "by_name": actor.name, "at": timezone.now()}
    )
    return True


def _record(
    each: TypedSetting,
    before: Mapping[str, InstallationChoice],
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    actor: Actor,
) -> AuditRecord:
    preference, key = each.preference, each.preference.key
    said, asked = preference.kind.words, preference.asked_for(before)
    cut = "" if asked == old[key] else f" ({said(asked)} was chosen, and the operator allows less)"
    words = "Set back to default" if each.to_default else "Changed the setting"
    return AuditRecord(
        action=BACK_TO_DEFAULT if each.to_default else CHANGED,
        actor=actor,
        subject=f"setting {key}",
        sentence=f"{words}: {preference.label}, from {said(old[key])}{cut} to {said(new[key])}.",
        data={"setting": key, "before": old[key], "after": new[key]},
    )

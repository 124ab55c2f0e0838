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

CHANGED, BACK_TO_DEFAULT = "setting.changed", "setting.back_to_default"


@dataclass(frozen=True, kw_only=True)
class TypedSetting:
    """`seen` is what stood in the field when the page was drawn: only what differs from it was changed."""

    preference: AnyPreference
    text: str
    seen: str
    to_default: bool = False

    @property
    def is_changed(self) -> bool:
        return self.to_default or self.text != self.seen


class NotChosen(Refused):
    """`problems`: a sentence for each key that cannot be stored as typed; nothing was stored."""

    def __init__(self, sentence: str, problems: Mapping[str, str], *, is_stale: bool = False) -> None:
        super().__init__(sentence)
        self.problems, self.is_stale = problems, is_stale


def choose(typed: Sequence[TypedSetting], *, actor: Actor) -> list[AnyPreference]:
    """Store what was changed; returns whose values are others now. Raises NotChosen.

    1. Read every changed field. 2. Queue behind the head of the history, as every act does, and refuse fields that
    somebody else has changed since. 3. Store, and append an entry for each.
    """
    changed = [each for each in typed if each.is_changed]
    wanted = _read(changed)
    with transaction.atomic():
        lock_head()
        before = InstallationChoice.objects.in_bulk([each.preference.key for each in changed])
        _refuse_stale(changed, wanted, before)
        records, done = [], []
        for each in changed:
            record = _store(each, wanted.get(each.preference.key), before, actor)
            if record:
                records.append(record)
                done.append(each.preference)
        trail.record_all(records)
    reading.forget()
    return done


def _read(changed: Collection[TypedSetting]) -> dict[str, Any]:
    wanted, problems = {}, {}
    for each in changed:
        if not each.to_default:
            try:
                wanted[each.preference.key] = each.preference.read(each.text)
            except Refused as refused:
                problems[each.preference.key] = str(refused)
    if problems:
        raise NotChosen("Nothing is saved. Correct the marked fields.", problems)
    return wanted


def _refuse_stale(
    changed: Collection[TypedSetting], wanted: Mapping[str, Any], before: Mapping[str, InstallationChoice]
) -> None:
    problems = {}
    for each in changed:
        preference, key = each.preference, each.preference.key
        now = preference.among(before)
        if preference.kind.text(now) == each.seen or (not each.to_default and now == wanted[key]):
            continue
        mine = preference.kind.words(preference.start() if each.to_default else wanted[key])
        found = before.get(key)
        what = f"{found.by_name} set this" if found else "This went back to its default"
        problems[key] = f"{what} after your page was loaded. It is {preference.kind.words(now)}; you entered {mine}."
    if problems:
        raise NotChosen(
            "Nothing is saved: another admin has changed the marked settings meanwhile. Save again to replace theirs.",
            problems,
            is_stale=True,
        )


def _store(
    each: TypedSetting, value: Any, before: Mapping[str, InstallationChoice], actor: Actor
) -> AuditRecord | None:
    """None where nothing becomes another."""
    preference, found = each.preference, before.get(each.preference.key)
    old = preference.among(before)
    if each.to_default:
        if found is None:
            return None
        found.delete()
        new, action, words = preference.start(), BACK_TO_DEFAULT, "Set back to default"
    else:
        if value == old:
            return None
        InstallationChoice.objects.update_or_create(
            key=preference.key, defaults={"value": value, "by_name": actor.name, "at": timezone.now()}
        )
        new, action, words = value, CHANGED, "Changed the setting"
    said = preference.kind.words
    return AuditRecord(
        action=action,
        actor=actor,
        subject=f"setting {preference.key}",
        sentence=f"{words}: {preference.label}, from {said(old)} to {said(new)}.",
        data={"setting": preference.key, "before": old, "after": new},
    )

"""How each person wants to be told: what they chose, else in the product and by e-mail at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord, lock_head
from alignadmin.notifications.kinds import NotificationKind, kinds_of
from alignadmin.notifications.models import ByMail, Notification, NotificationChoice


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Of one person for one kind."""

    is_shown: bool
    by_mail: ByMail

    @property
    def words(self) -> str:
        return f"{'shown' if self.is_shown else 'not shown'}, by e-mail {self.by_mail.label}"


def choices_of(people: Iterable[Person], kinds: Sequence[NotificationKind]) -> dict[tuple[int, str], Choice]:
    """By person and kind, in one query."""
    numbers = [each.pk for each in people]
    rows = NotificationChoice.objects.filter(person__in=numbers, kind__in=[each.key for each in kinds])
    stored = {(row.person_id, row.kind): row for row in rows}
    return {(pk, kind.key): _of(stored.get((pk, kind.key))) for pk in numbers for kind in kinds}


def _of(row: NotificationChoice | None) -> Choice:
    if row is None:
        return Choice(is_shown=True, by_mail=ByMail.AT_ONCE)
    return Choice(is_shown=row.is_shown, by_mail=ByMail(row.by_mail))


def wanting_mail_at_once(people: Iterable[Person], kind: NotificationKind) -> list[Person]:
    """Of `people`, for e-mails that one message carries to several: who did not turn them off or put them off."""
    found = list(people)
    chosen = choices_of(found, [kind])
    return [each for each in found if chosen[each.pk, kind.key].by_mail == ByMail.AT_ONCE]


def wanted_by_mail(person: Person) -> set[str]:
    """Keys of the kinds that may come to this person by e-mail now, at once or together; none when deactivated."""
    kinds = kinds_of(person)
    chosen = choices_of([person], kinds)
    return {each.key for each in kinds if chosen[person.pk, each.key].by_mail != ByMail.NEVER}


def set_choices(person: Person, wanted: Mapping[str, Choice], *, actor: Person) -> None:
    """By the key of the kind; one that the person may not be told of is left out. What was turned off waits no more."""
    with transaction.atomic():
        Person.objects.locked().get(pk=person.pk)
        lock_head()  # before what was told is touched, as in services.mark_done
        kinds = [each for each in kinds_of(person) if each.key in wanted]
        before = choices_of([person], kinds)
        changed = [each for each in kinds if before[person.pk, each.key] != wanted[each.key]]
        if not changed:
            return
        for kind in changed:
            choice = wanted[kind.key]
            values = {"is_shown": choice.is_shown, "by_mail": choice.by_mail}
            NotificationChoice.objects.update_or_create(person=person, kind=kind.key, defaults=values)
            if choice.by_mail == ByMail.NEVER:
                waiting = Notification.objects.filter(person=person, kind=kind.key, waits_for_digest=True)
                waiting.update(waits_for_digest=False)
        words = "; ".join(f"{each.label}: {wanted[each.key].words}" for each in changed)
        trail.record(
            AuditRecord(
                action="person.notifications",
                actor=actor,
                subject=f"person {person.pk}",
                sentence=f"{person} chose how to be told. {words}.",
                data={each.key: vars(wanted[each.key]) for each in changed},
            )
        )

"""Telling who may see items that more of them stand apart than before, or that a night's comparison did not end."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Count
from django.urls import reverse
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.accounts.rights import Right
from alignadmin.notifications.kinds import NotificationKind
from alignadmin.notifications.telling import News
from alignadmin.notifications.telling import tell as tell_people
from alignadmin.text import counted, one_line
from connectors.models import Connector
from mappings.engine.agreement import LISTED, AgreementOutcome, ApartReason
from mappings.models import AgreementKind, AgreementRun, AgreementSetting, ComparedItem

AT_LEAST = 10  # of one reason, before anything is told; then each time they have doubled
ITEMS_APART = NotificationKind(
    key="items-apart",
    label="Items and issues stand apart",
    explanation="More items of Align than before are not as their issues, or a night’s comparison did not end.",
    right=Right.ITEMS,
)


def tell(connector: Connector) -> None:
    """After a comparison. What is only not carried yet is no news, nor what Align has never had."""
    apart = [each.value for each in LISTED if each is not AgreementOutcome.NOT_FOUND]
    rows = ComparedItem.objects.filter(connector=connector, outcome__in=apart)
    now = dict(rows.exclude(reason=ApartReason.NOT_CARRIED_YET).values_list("reason").annotate(n=Count("pk")))
    with transaction.atomic():
        setting = AgreementSetting.objects.locked().filter(connector=connector, is_on=True).first()
        if setting is None:
            return
        before: dict[str, int] = setting.told
        grown = {
            reason: number
            for reason, number in now.items()
            if number >= AT_LEAST and number >= 2 * before.get(reason, 0)
        }
        kept = {reason: min(number, 2 * now.get(reason, 0)) for reason, number in before.items()}
        told = {reason: number for reason, number in {**kept, **grown}.items() if number}
        if told != before:
            AgreementSetting.objects.filter(pk=setting.pk).update(told=told)
        if not grown:
            return
        found = sorted(grown.items(), key=lambda each: -each[1])
        words = ", ".join(f"{number} {ApartReason(reason).label.lower()}" for reason, number in found)
        news = News(
            kind=ITEMS_APART,
            about=f"agreement {connector.pk} {timezone.now():%Y-%m-%d %H:%M:%S}",
            title=f"{counted(sum(grown.values()), 'item')} of {one_line(connector.name)} stand apart from their issues",
            details=f"By reason: {words}. The page lists them with what mends each.",
            address=reverse("agreement", args=[connector.slug]),
        )
        tell_people(news, _readers())


def tell_not_ended(connector: Connector) -> None:
    """Once a day, while it is so."""
    rows = AgreementRun.objects.filter(connector=connector, kind=AgreementKind.WHOLE, finished_at=None)
    run = rows.order_by("-pk").first()
    if run is None:
        return
    why = run.error or "The rate budget left too little room for it."
    news = News(
        kind=ITEMS_APART,
        about=f"agreement run {run.pk} not ended on {timezone.now():%Y-%m-%d}",
        title=f"The nightly comparison of {one_line(connector.name)} did not end",
        details=f"It began {run.started_at:%Y-%m-%d %H:%M} UTC and goes on where it stands. {why}",
        address=reverse("agreement", args=[connector.slug]),
    )
    with transaction.atomic():
        tell_people(news, _readers())


def _readers() -> list[Person]:
    return list(Person.objects.filter(role__in=(Role.EDITOR, Role.ADMIN), is_active=True).order_by("pk"))

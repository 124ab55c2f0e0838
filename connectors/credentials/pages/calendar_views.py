"""Every credential of every connector, by what needs doing first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from alignadmin.accounts.guard import requires
from alignadmin.accounts.rights import Right
from alignadmin.web.responses import page
from connectors.credentials import expiry, reminders
from connectors.credentials.preferences import REMINDER_RECIPIENTS
from connectors.models import Credential, Stage


class CalendarGroup(StrEnum):
    """In the order of the page; the values are its headings."""

    NOW = "Expired or refused"
    MONTH = "Next 30 days"
    TWO_MONTHS = "Next 60 days"
    LATER = "Later"
    UNDATED = "Without an expiry date"
    REPLACED = "Replaced, kept until destroyed"


@dataclass(frozen=True)
class CalendarLine:
    credential: Credential
    today: date

    @cached_property
    def deadline(self) -> expiry.Deadline:
        return expiry.deadline(self.credential, today=self.today)

    @property
    def address(self) -> str:
        return expiry.address_of(self.credential)

    @property
    def is_current(self) -> bool:
        return self.credential.stage == Stage.CURRENT

    @property
    def is_previous(self) -> bool:
        return self.credential.stage == Stage.PREVIOUS

    @property
    def group(self) -> CalendarGroup:
        left = self.deadline.days_left
        if self.is_previous:
            return CalendarGroup.REPLACED
        if self.deadline.has_passed or (self.is_current and self.credential.refused_status):
            return CalendarGroup.NOW
        if left is None:
            return CalendarGroup.UNDATED
        return CalendarGroup.MONTH if left <= 30 else CalendarGroup.TWO_MONTHS if left <= 60 else CalendarGroup.LATER

    @property
    def order(self) -> tuple[int, int, str, str]:
        """The nearest end first; without a date, the oldest first."""
        left = self.deadline.days_left
        urgency = -self.deadline.age_days if left is None else left
        return list(CalendarGroup).index(self.group), urgency, self.credential.connector.name, self.credential.system


@dataclass(frozen=True, kw_only=True)
class CalendarSection:
    name: str
    is_urgent: bool
    lines: list[CalendarLine]


def groups(credentials: Iterable[Credential], *, today: date) -> list[CalendarSection]:
    """Those with something in them."""
    lines = sorted((CalendarLine(each, today) for each in credentials), key=lambda line: line.order)
    by_group = {group: [line for line in lines if line.group is group] for group in CalendarGroup}
    return [
        CalendarSection(name=group.value, is_urgent=group is CalendarGroup.NOW, lines=found)
        for group, found in by_group.items()
        if found
    ]


@requires(Right.CONFIGURE)
def credentials(request: HttpRequest) -> HttpResponse:
    found = Credential.objects.defer("sealed").select_related("connector", "owner", "backup_owner")
    context = {
        "groups": groups(found, today=expiry.operators_today()),
        "unsent": reminders.unsent(),
        "days": [days for days in reversed(reminders.thresholds()) if days],
        "sends_mail": bool(settings.EMAIL_URL),
        "recipients": REMINDER_RECIPIENTS.value(),
        "time_zone": settings.TIME_ZONE,
    }
    return page(request, "connectors/credentials/calendar.html", context)

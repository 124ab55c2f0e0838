"""What the page of a plan shows of its approval: who may give it, whose edits it is about, what an apply asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.mail.outbox import has_mail
from connectors.models import HistoryRow
from mappings.models import ApprovalAsk, Plan
from mappings.planning import approval_asks, emergencies
from mappings.planning.authors import editors_of
from mappings.planning.rules import ApprovalStatus, approval_status
from mappings.planning.typed_confirmation import TypedConfirmation, confirmation


@dataclass(frozen=True, kw_only=True)
class AskedPerson:
    """`can_approve`: they still may, as they could when they were asked."""

    person: Person
    can_approve: bool


@dataclass(frozen=True, kw_only=True)
class AskLine:
    """Whom somebody asked at one time: `ask` is any of these."""

    ask: ApprovalAsk
    people: Sequence[AskedPerson]


@dataclass(frozen=True, kw_only=True)
class AskChoice:
    """An admin who may approve; `can_ask`: they were not asked a moment ago."""

    person: Person
    can_ask: bool


@dataclass
class ApprovalPage:
    """The approval of one plan, for one person."""

    plan: Plan
    person: Person

    @cached_property
    def status(self) -> ApprovalStatus:
        return approval_status(self.plan, self.person)

    @cached_property
    def editors(self) -> list[Person]:
        return editors_of(self.plan)

    @property
    def holds_mine(self) -> bool:
        """It holds edits of the person who looks at it, and is somebody else's plan."""
        return self.person in self.editors and self.plan.author_id != self.person.pk

    @property
    def has_mail(self) -> bool:
        return has_mail()

    @cached_property
    def open_asks(self) -> list[ApprovalAsk]:
        return list(approval_asks.open_asks(self.plan))

    @cached_property
    def _able(self) -> list[Person]:
        return approval_asks.askable(self.plan, None)

    @cached_property
    def asks(self) -> list[AskLine]:
        """Who was asked to approve it and is still awaited, in the order of asking."""
        able = {each.pk for each in self._able} if self.open_asks else set()
        lines = []
        for _, together in groupby(self.open_asks, key=lambda ask: (ask.asked_by_id, ask.asked_at)):
            asks = list(together)
            people = [AskedPerson(person=each.asked, can_approve=each.asked_id in able) for each in asks]
            lines.append(AskLine(ask=asks[0], people=people))
        return lines

    @cached_property
    def may_ask(self) -> bool:
        return approval_asks.may_ask(self.plan, self.person)

    @cached_property
    def choices(self) -> list[AskChoice]:
        """Whom this person can ask now; none where they may not."""
        if not self.may_ask:
            return []
        until = {ask.asked_id: ask.asked_at + approval_asks.PAUSE for ask in self.open_asks}
        now = timezone.now()
        people = [each for each in self._able if each.pk != self.person.pk]
        return [AskChoice(person=each, can_ask=until.get(each.pk, now) <= now) for each in people]

    @property
    def can_ask(self) -> bool:
        return any(each.can_ask for each in self.choices)

    @cached_property
    def confirmation(self) -> TypedConfirmation:
        return confirmation(self.plan)

    @cached_property
    def acknowledged(self) -> HistoryRow | None:
        return emergencies.acknowledged_by(self.plan) if self.plan.emergency_reason else None

    @property
    def may_acknowledge(self) -> bool:
        return self.acknowledged is None and emergencies.may_acknowledge(self.plan, self.person)

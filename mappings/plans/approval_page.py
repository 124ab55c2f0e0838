"""What the page of a plan shows of its approval: who may give it, whose edits it is about, what an apply asks for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from alignadmin.accounts.models import Person
from alignadmin.mail.outbox import has_mail
from connectors.models import HistoryRow
from mappings.models import Plan
from mappings.planning import emergencies
from mappings.planning.authors import editors_of
from mappings.planning.notifications import other_admins
from mappings.planning.rules import ApprovalStatus, approval_status
from mappings.planning.typed_confirmation import TypedConfirmation, confirmation


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

    @cached_property
    def other_admins(self) -> int:
        return len(other_admins(self.person))

    @property
    def has_mail(self) -> bool:
        return has_mail()

    @cached_property
    def confirmation(self) -> TypedConfirmation:
        return confirmation(self.plan)

    @cached_property
    def acknowledged(self) -> HistoryRow | None:
        return emergencies.acknowledged_by(self.plan) if self.plan.emergency_reason else None

    @property
    def may_acknowledge(self) -> bool:
        return self.acknowledged is None and emergencies.may_acknowledge(self.plan, self.person)

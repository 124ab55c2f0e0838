"""What the pages about people read: the list with its filters, and one person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from urllib.parse import urlencode

from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet
from django.utils import timezone

from alignadmin.accounts.extensions import EXTENSIONS, PersonChanges, Succession
from alignadmin.accounts.models import Person, Role
from alignadmin.accounts.people.invitations import ABOUT_ACCOUNT, about
from alignadmin.accounts.people.services import is_waiting
from alignadmin.accounts.preferences import INVITATION_AGE
from alignadmin.accounts.rights import Right, may
from alignadmin.accounts.second_factors import FACTORS, needs_second_factor
from alignadmin.accounts.signin.sessions import own_sessions
from alignadmin.mail import outbox
from alignadmin.mail.outbox import MailState
from alignadmin.parsing import REPLACEMENT, text_in

PER_PAGE = 50
LONGEST_SEARCH = 200
_WAITING = Q(is_active=True, last_login=None, password__startswith=UNUSABLE_PASSWORD_PREFIX)
STATES = {
    "active": ("Active", Q(is_active=True) & ~_WAITING),
    "invited": ("Invited", _WAITING),
    "deactivated": ("Deactivated", Q(is_active=False)),
}
STATE_STYLES = {"active": "ok", "invited": "warn", "deactivated": ""}


def state_of(person: Person) -> str:
    if not person.is_active:
        return "deactivated"
    return "invited" if is_waiting(person) else "active"


@dataclass(frozen=True, kw_only=True)
class PersonLine:
    person: Person
    has_factor: bool
    owns: int
    backs_up: int

    @property
    def state(self) -> str:
        return STATES[state_of(self.person)][0]

    @property
    def style(self) -> str:
        return STATE_STYLES[state_of(self.person)]

    @property
    def lacks_factor(self) -> bool:
        return not self.has_factor and self.person.is_active and needs_second_factor(self.person)


@dataclass
class PeoplePage:
    """The filters of the address are `q`, `role` and `state`; what none of them knows is no filter."""

    asked: Mapping[str, str]

    @property
    def filters(self) -> dict[str, str]:
        text = text_in(self.asked, "q").replace(REPLACEMENT, "").strip()[:LONGEST_SEARCH]
        role, state = text_in(self.asked, "role"), text_in(self.asked, "state")
        return {"q": text, "role": role if role in Role.values else "", "state": state if state in STATES else ""}

    @property
    def query(self) -> str:
        return urlencode({name: value for name, value in self.filters.items() if value})

    @cached_property
    def found(self) -> Page[Person]:
        return Paginator(self._filtered(), PER_PAGE).get_page(self.asked.get("page"))

    def _filtered(self) -> QuerySet[Person]:
        wanted, people = self.filters, Person.objects.order_by("-is_active", "name", "email")
        if wanted["q"]:
            people = people.filter(Q(name__icontains=wanted["q"]) | Q(email__icontains=wanted["q"]))
        if wanted["role"]:
            people = people.filter(role=wanted["role"])
        return people.filter(STATES[wanted["state"]][1]) if wanted["state"] else people

    @cached_property
    def lines(self) -> Sequence[PersonLine]:
        people = list(self.found)
        keys = [each.pk for each in people]
        secured = set(Authenticator.objects.filter(user__in=keys, type__in=FACTORS).values_list("user_id", flat=True))
        held = EXTENSIONS.what_people_hold.counts(keys)
        return [
            PersonLine(person=each, has_factor=each.pk in secured, owns=owns, backs_up=backs_up)
            for each in people
            for owns, backs_up in (held.get(each.pk, (0, 0)),)
        ]

    @property
    def states(self) -> list[tuple[str, str]]:
        return [(value, label) for value, (label, _) in STATES.items()]

    @property
    def roles(self) -> list[tuple[str, str]]:
        return [(role.value, role.label) for role in Role]


@dataclass
class PersonPage:
    """One person as an admin sees them."""

    person: Person
    viewer: Person

    @property
    def is_self(self) -> bool:
        return self.person == self.viewer

    @property
    def state(self) -> str:
        return state_of(self.person)

    @property
    def state_label(self) -> str:
        return STATES[self.state][0]

    @property
    def style(self) -> str:
        return STATE_STYLES[self.state]

    @property
    def may_own(self) -> bool:
        return may(self.person, Right.CONFIGURE)

    @property
    def needs_factor(self) -> bool:
        return needs_second_factor(self.person)

    @cached_property
    def factors(self) -> list[str]:
        """In words; recovery codes among them, which are no second factor of their own."""
        stored = Authenticator.objects.filter(user=self.person).order_by("pk").values_list("type", flat=True)
        words = {
            Authenticator.Type.TOTP: "authenticator app",
            Authenticator.Type.WEBAUTHN: "security key",
            Authenticator.Type.RECOVERY_CODES: "recovery codes",
        }
        counted = Counter(words[Authenticator.Type(each)] for each in stored)
        return [word if count == 1 else f"{count} {word}s" for word, count in counted.items()]

    @cached_property
    def session_count(self) -> int:
        return len(own_sessions(self.person, "", timezone.now()))

    @cached_property
    def succession(self) -> Succession:
        return EXTENSIONS.what_people_hold.succession(self.person)

    @cached_property
    def changes(self) -> PersonChanges | None:
        """Which the viewer may see who sees all of the history."""
        return EXTENSIONS.changes(self.person) if may(self.viewer, Right.HISTORY) else None

    @cached_property
    def mail(self) -> MailState | None:
        """The last e-mail about their account."""
        return outbox.last(ABOUT_ACCOUNT, about(self.person))

    @property
    def invited_until(self) -> datetime | None:
        """Until when the link that was made last works; None when there is none, or it has ended."""
        if self.person.invited_at is None or not self.person.is_active:
            return None
        until: datetime = self.person.invited_at + timedelta(seconds=INVITATION_AGE.value())
        return until if until > timezone.now() else None

    @property
    def roles(self) -> list[tuple[str, str]]:
        return [(role.value, role.label) for role in Role]

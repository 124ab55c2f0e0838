"""The sessions of people: how long one lasts, a person's own ones listed, and ending them on the server."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY, update_session_auth_hash
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from alignadmin.accounts import kept_form
from alignadmin.accounts.guard import FACTOR
from alignadmin.accounts.models import Person
from alignadmin.accounts.preferences import SESSION_ABSOLUTE, SESSION_IDLE
from alignadmin.accounts.recent_sign_in import BEGAN, SEEN
from alignadmin.accounts.signin.throttling import address_of
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.due_work import due_work
from alignadmin.text import lasting

MINUTE = 60
SOME = 500
NO_ADDRESS = "0.0.0.0"  # noqa: S104  # nosec B104  # stands for an address that is not known; the column takes no empty one


# --- how long one lasts -----------------------------------------------------------------------------------------------


def ended_why(session: SessionBase, now: float) -> str:
    """The sentence for a session that must not go on at `now` (seconds since 1970); "" while it may.

    What an admin has chosen is read where activity has to be noted, once a minute: in between a request costs no query
    for it, and the operator's limits hold.
    """
    began, seen = float(session.get(BEGAN, 0)), float(session.get(SEEN, 0))
    reads_choice = is_due(session, now)
    absolute = SESSION_ABSOLUTE.value() if reads_choice else SESSION_ABSOLUTE.start()
    if now - began > absolute:
        return f"You were signed out {lasting(absolute)} after you had signed in."
    idle = SESSION_IDLE.value() if reads_choice else SESSION_IDLE.start()
    if now - seen > idle:
        return f"You were signed out after {lasting(idle)} without activity."
    return ""


def is_due(session: SessionBase, now: float) -> bool:
    """Each note is a write, so activity is noted at most once a minute."""
    step: float = min(MINUTE, SESSION_IDLE.start() / 2)
    return now - float(session.get(SEEN, 0)) >= step


def store_activity(session: SessionBase, person: Person, now: datetime) -> None:
    session[SEEN] = now.timestamp()
    kept_form.forget_if_over(session)
    session.pop(FACTOR, None)  # a second factor that an admin has removed meanwhile is missed at the next page
    Person.objects.filter(pk=person.pk).update(last_seen_at=now)


def keep(request: HttpRequest, person: Person) -> None:
    """A password stored by an older recipe is stored anew when it is typed, which would end this very session."""
    if request.session.get(HASH_SESSION_KEY) != person.get_session_auth_hash():
        update_session_auth_hash(request, person)
        UserSession.objects.create_from_request(request)


def end_here(session: SessionBase) -> None:
    """End the session of this request: what stood in it is gone from the server."""
    UserSession.objects.filter(session_key=session.session_key).delete()
    session.flush()


@due_work
def forget_ended_sessions() -> int:
    """Rows of sessions that ended a day ago; looked for first, because a delete takes the database's write lock."""
    ended = Session.objects.filter(expire_date__lt=timezone.now() - timedelta(days=1))
    if keys := list(ended.values_list("session_key", flat=True)[:SOME]):
        _delete(UserSession.objects.filter(session_key__in=keys))
        Session.objects.filter(session_key__in=keys).delete()
    return len(keys)


@dataclass(frozen=True, kw_only=True)
class SessionLimitTexts:
    """In words, for the pages."""

    idle: str
    absolute: str


def limits() -> SessionLimitTexts:
    return SessionLimitTexts(idle=lasting(SESSION_IDLE.value()), absolute=lasting(SESSION_ABSOLUTE.value()))


# --- the sessions of a person -----------------------------------------------------------------------------------------


@receiver(user_logged_in)
def store_session(sender: type[Person], request: HttpRequest, user: Person, **kwargs: object) -> None:
    """Every way to sign in comes by here; allauth's own note is taken only at those through its forms."""
    if request.session.session_key is None:  # it was another person's until now, and Django has emptied it
        request.session.create()
    UserSession.objects.update_or_create(
        session_key=request.session.session_key,
        defaults={
            "user": user,
            "ip": address_of(request) or NO_ADDRESS,
            "user_agent": request.headers.get("User-Agent", "")[:200],
        },
    )
    Person.objects.filter(pk=user.pk).update(last_seen_at=timezone.now())


@dataclass(frozen=True, kw_only=True)
class OwnSession:
    pk: int
    current: bool
    began_at: datetime
    seen_at: datetime
    browser: str
    address: str


def own_sessions(person: Person, current_key: str, now: datetime) -> list[OwnSession]:
    """Those that would still answer, this one first, then the one seen last."""
    found = [_own(stored, current_key, now) for stored in UserSession.objects.purge_and_list(person)]
    shown = [each for each in found if each is not None]
    return sorted(shown, key=lambda each: (not each.current, -each.seen_at.timestamp()))


def _own(stored: UserSession, current_key: str, now: datetime) -> OwnSession | None:
    session = stored._session_store(stored.session_key)
    if ended_why(session, now.timestamp()):
        return None
    return OwnSession(
        pk=stored.pk,
        current=stored.session_key == current_key,
        began_at=datetime.fromtimestamp(session[BEGAN], UTC),
        seen_at=datetime.fromtimestamp(session[SEEN], UTC),
        browser=browser_of(stored.user_agent),
        address="" if stored.ip == NO_ADDRESS else stored.ip,
    )


BROWSERS = {"Edg": "Edge", "OPR/": "Opera", "Firefox": "Firefox", "Chrom": "Chrome", "Safari": "Safari", "curl": "curl"}
SYSTEMS = {
    "Windows": "Windows",
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Mac OS": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


def browser_of(user_agent: str) -> str:
    """ "Firefox on Windows": enough to know one's own; browsers name others too, so the order decides."""
    browser = next((name for mark, name in BROWSERS.items() if mark in user_agent), "An unknown browser")
    system = next((name for mark, name in SYSTEMS.items() if mark in user_agent), "")
    return f"{browser} on {system}" if system else browser


def named(pk: int, person: int) -> str:
    """ "in Firefox on Windows, from 192.0.2.7", of a session of this person; empty when it is not there. One query."""
    found = UserSession.objects.filter(pk=pk, user_id=person).first()
    if found is None:
        return ""
    return f"in {browser_of(found.user_agent)}" + (f", from {found.ip}" if found.ip != NO_ADDRESS else "")


def is_current(person: Person, pk: int, current_key: str) -> bool:
    return bool(UserSession.objects.filter(user_id=person.pk, pk=pk, session_key=current_key).exists())


def end_session(person: Person, pk: int, *, actor: Person) -> bool:
    """End one session of `person`; False when it had ended already."""
    with transaction.atomic():
        stored = UserSession.objects.filter(user_id=person.pk, pk=pk).first()
        if stored is None or not _delete([stored]):
            return False
        _entry(person, f"{actor} ended a session in {browser_of(stored.user_agent)}.", 1, actor=actor)
    return True


def end_all(person: Person, *, but: str = "", actor: Person) -> int:
    """End every session of `person` except the one with the key `but`; returns how many that were."""
    with transaction.atomic():
        ended = end_silently(person, but=but)
        if ended:
            number = "1 session" if ended == 1 else f"{ended} sessions"
            _entry(person, f"{actor} ended {number} elsewhere.", ended, actor=actor)
    return ended


def end_silently(person: Person, *, but: str = "") -> int:
    """For a change of password, whose own entry says how many sessions it ended."""
    return _delete(UserSession.objects.filter(~Q(session_key=but), user_id=person.pk))


def _delete(stored: Iterable[UserSession]) -> int:
    """How many would still have answered."""
    keys = [each.session_key for each in stored]
    ended, _ = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now()).delete()
    UserSession.objects.filter(session_key__in=keys).delete()
    return ended


def _entry(person: Person, sentence: str, ended: int, *, actor: Person) -> None:
    trail.record(
        AuditRecord(
            action="person.session_ended",
            actor=actor,
            subject=f"person {person.pk}",
            sentence=sentence,
            data={"sessions": ended},
        )
    )

"""People and what an admin does with them: invitations, names, roles, deactivation, sessions, lost second factors.

Each service is one short transaction whose last statement is its audit entry; e-mails are queued in it.
"""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.contrib.auth.password_validation import validate_password
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from alignadmin.accounts.extensions import EXTENSIONS, Succession
from alignadmin.accounts.models import Person, Role
from alignadmin.accounts.people.invitations import (
    invitation_link,
    invited,
    send_factor_removed,
    send_invitation,
    withdraw_invitation,
)
from alignadmin.accounts.people.search_names import PEOPLE
from alignadmin.accounts.rights import Right, may
from alignadmin.accounts.signin import sessions
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.errors import Refused
from alignadmin.search import writing

__all__ = ["invitation_link"]

DEAD_LINK = "This link does not work: it was used, is too old, or was replaced by a newer one."


# --- coming -----------------------------------------------------------------------------------------------------------


def add_admin(email: str, name: str, password: str) -> Person:
    """The first person, by command. Raises ValidationError for a weak password, Refused for a known e-mail."""
    validate_password(password, Person(email=email, name=name))
    _refuse_known(email)
    with transaction.atomic():
        person = Person.objects.create_user(email, password, name=name or email, role=Role.ADMIN)
        writing.write(PEOPLE, [person.pk])
        sentence = f"Added {person} as an admin by command."
        _entry("person.added", person, None, sentence, email=person.email, role=person.role)
    return person


def invite(email: str, name: str, role: str, *, actor: Person) -> Person:
    """A person who may set a password by the link of `invitation_link`. Raises Refused."""
    _refuse_unknown_role(role)
    _refuse_known(email)
    try:
        with transaction.atomic():
            person = Person.objects.create_user(email, None, name=name, role=role, invited_at=timezone.now())
            writing.write(PEOPLE, [person.pk])
            send_invitation(person)
            sentence = f"Invited {person} ({person.email}) as {_a(role)}."
            _entry("person.invited", person, actor, sentence, email=person.email, role=role)
    except IntegrityError:  # somebody else invited the same address at the same moment
        _refuse_known(email)
        raise
    return person


def invite_again(person: Person, *, actor: Person) -> Person:
    """A new link, for a first password or a new one; the link before stops working."""
    with transaction.atomic():
        found = _lock(person, actor)
        _refuse_inactive(found)
        found.invited_at = timezone.now()
        found.save(update_fields=["invited_at"])
        send_invitation(found)
        what = "Invited {} again." if is_waiting(found) else "Sent {} a link to set a new password."
        _entry("person.invited", found, actor, what.format(found), email=found.email, role=found.role)
    return found


def join(uid: str, token_hash: str, password: str) -> Person:
    """Set the password of whoever the link is for; it works no second time. Raises Refused for every other link.

    The password is one that `validate_password` has taken.
    """
    with transaction.atomic():
        found = invited(uid, token_hash)
        person = Person.objects.locked().filter(pk=found.pk).first() if found else None
        if person is None or invited(uid, token_hash) is None:  # again: of two at once, the second waited for the row
            raise Refused(DEAD_LINK)
        is_first = is_waiting(person)
        person.set_password(password)
        person.invited_at = None
        person.save(update_fields=["password", "invited_at"])
        sessions.end_silently(person)
        action, words = ("joined", "joined") if is_first else ("password_changed", "set a new password by a link")
        _entry(f"person.{action}", person, person, f"{person} {words}.")
    return person


def is_waiting(person: Person) -> bool:
    """Whether somebody was added who has neither set a password nor signed in by other means."""
    return person.is_active and person.last_login is None and not person.has_usable_password()


def _refuse_known(email: str) -> None:
    found = Person.objects.filter(email=email.lower()).first()
    if found is None:
        return
    if found.is_active:
        raise Refused(f"{email} is already here. Sign in, or choose another address.")
    raise Refused(f"{email} is already here, deactivated: activate them instead.")


# --- changing ---------------------------------------------------------------------------------------------------------


def edit(person: Person, name: str, *, seen: str | None = None, actor: Person) -> None:
    """Give a name; `seen` is the one that stood on the form."""
    with transaction.atomic():
        found = _lock(person, actor)
        if seen is not None and seen != found.name:
            raise Refused(f"Somebody has renamed this person to {found.name} meanwhile. Look, then decide again.")
        if name == found.name:
            return
        before, found.name = found.name, name
        found.save(update_fields=["name"])
        writing.write(PEOPLE, [found.pk])
        _entry("person.edited", found, actor, f"Renamed {before} to {name}.", before=before, after=name)


def set_role(person: Person, role: str, *, seen: str | None = None, actor: Person) -> bool:
    """Whether there was something to change; `seen` is the role that stood on the form. Raises Refused."""
    _refuse_unknown_role(role)
    with transaction.atomic():
        found = _lock(person, actor)
        before = Role(found.role)
        if seen is not None and seen != before:
            raise Refused(f"{found} has become {_a(before)} meanwhile. Look, then decide again.")
        if role == before:
            return False
        _refuse_last_admin(found)
        if found.pk == actor.pk:
            raise Refused("Nobody changes their own role. Ask another admin.")
        found.role = role
        data = {"before": before.value, "after": str(role)}
        sentence = f"Role of {found}: {before.label} → {Role(role).label}."
        if found.reviews:  # it goes with the role, so that becoming an admin again does not bring it back unseen
            found.reviews, data["reviews"] = False, "no"
        found.save(update_fields=["role", "reviews"])
        _entry("person.role_changed", found, actor, sentence, **data)
    return True


def set_reviews(person: Person, reviews: bool, *, seen: bool, actor: Person) -> bool:
    """Whether there was something to change: an admin may review, too, or no more. Raises Refused."""
    with transaction.atomic():
        found = _lock(person, actor)
        _refuse_inactive(found)
        if found.role != Role.ADMIN:
            raise Refused(f"{found} is {_a(found.role)}: only an admin is made a reviewer besides.")
        if found.pk == actor.pk:
            raise Refused("Nobody makes themselves a reviewer. Ask another admin.")
        if seen != found.reviews:
            raise Refused(f"Somebody has set this for {found} meanwhile. Look, then decide again.")
        if reviews == found.reviews:
            return False
        found.reviews = reviews
        found.save(update_fields=["reviews"])
        sentence = f"{found} may {'review, too' if reviews else 'no longer review'}."
        _entry("person.reviewer_set", found, actor, sentence, before=not reviews, after=reviews)
    return True


def deactivate(person: Person, *, seen: str | None = None, actor: Person) -> Succession:
    """Sign them out for good and hand their credentials over; `seen` is the key of the list on the form.

    Raises Refused.
    """
    with transaction.atomic():
        found = _lock(person, actor)
        _refuse_inactive(found)
        _refuse_last_admin(found)
        if found.pk == actor.pk:
            raise Refused("Nobody deactivates themselves. Ask another admin.")
        given = EXTENSIONS.what_people_hold.succession(found, locked=True)
        if seen is not None and seen != given.key:
            raise Refused(f"What {found} owns has changed meanwhile. Look at the list again, then decide.")
        found.is_active, found.invited_at = False, None
        found.save(update_fields=["is_active", "invited_at"])
        withdraw_invitation(found)
        given.carry_out()
        ended = sessions.end_silently(found)
        data = {"email": found.email, "role": found.role, "sessions": ended, "credentials": given.facts}
        own = _audit_record("person.deactivated", found, actor, f"Deactivated {found}.", **data)
        trail.record_all([*given.records(actor), own])
    return given


def activate(person: Person, *, actor: Person) -> None:
    """With the role and the password they had; what they owned stays where it went."""
    with transaction.atomic():
        found = _lock(person, actor)
        if found.is_active:
            raise Refused(f"{found} is active already.")
        found.is_active = True
        found.save(update_fields=["is_active"])
        sentence = f"Activated {found} again, as {_a(found.role)}."
        _entry("person.activated", found, actor, sentence, email=found.email, role=found.role)


def end_sessions(person: Person, *, actor: Person) -> int:
    """How many there were; with their next request they are asked to sign in."""
    with transaction.atomic():
        return sessions.end_all(_lock(person, actor), actor=actor)


def remove_factors(person: Person, *, actor: Person | None) -> None:
    """For somebody who has lost them: recovery codes go too, sessions end, and they are told by e-mail.

    Without an actor it is a command's act: the way in for the only admin, whom nobody else can help.
    """
    with transaction.atomic():
        found = _lock(person, actor) if actor else Person.objects.locked().get(pk=person.pk)
        if found == actor:
            raise Refused("Your own second factor is on your account's page.")
        stored = Authenticator.objects.filter(user=found)
        kinds = sorted(stored.values_list("type", flat=True))
        if not kinds:
            raise Refused(f"{found} has no second factor.")
        stored.delete()
        ended = sessions.end_silently(found)
        if actor:
            send_factor_removed(found, actor=actor)
        sentence = f"Removed the second factor of {found}, as lost{'' if actor else ', by command'}."
        _entry("person.factor_removed", found, actor, sentence, kinds=kinds, sessions=ended)


# --- common -----------------------------------------------------------------------------------------------------------


def _lock(person: Person, actor: Person) -> Person:
    """The person as they are once the rows of all active admins are ours: of two who demote each other, one waits."""
    admins = Q(role=Role.ADMIN, is_active=True)
    rows = Person.objects.locked().filter(admins | Q(pk__in=[person.pk, actor.pk]))
    known = {each.pk: each for each in rows.order_by("pk")}
    if actor.pk not in known or not may(known[actor.pk], Right.CONFIGURE):
        raise Refused("You are no longer an admin. Nothing was changed.")
    if person.pk not in known:
        raise Refused("This person no longer exists.")
    return known[person.pk]


def _refuse_last_admin(person: Person) -> None:
    """For a person whose row came from `_lock`. Who was only invited as an admin may never come."""
    others = Person.objects.filter(role=Role.ADMIN, is_active=True).exclude(pk=person.pk)
    if may(person, Right.CONFIGURE) and all(is_waiting(each) for each in others):
        raise Refused(f"{person} is the only active admin. Make someone else an admin first.")


def _refuse_inactive(person: Person) -> None:
    if not person.is_active:
        raise Refused(f"{person} is deactivated. Activate them first.")


def _refuse_unknown_role(role: str) -> None:
    if role not in Role.values:
        raise Refused("There is no such role. Choose one of the list.")


def _a(role: str) -> str:
    label = Role(role).label.lower()
    return f"{'an' if label[0] in 'aeiou' else 'a'} {label}"


def _audit_record(action: str, person: Person, actor: Person | None, sentence: str, **data: object) -> AuditRecord:
    return AuditRecord(action=action, actor=actor, subject=f"person {person.pk}", sentence=sentence, data=data)


def _entry(action: str, person: Person, actor: Person | None, sentence: str, **data: object) -> None:
    trail.record_all([_audit_record(action, person, actor, sentence, **data)])

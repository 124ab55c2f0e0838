"""Asking admins to approve a plan, by whoever may plan and cannot approve it: whom, who was asked, and its end."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.text import get_text_list

from alignadmin.accounts.models import Person
from alignadmin.accounts.people.services import is_waiting
from alignadmin.accounts.rights import Right, may
from alignadmin.errors import Refused
from alignadmin.notifications.kinds import NotificationKind
from alignadmin.notifications.services import mark_done
from alignadmin.notifications.telling import News, tell
from alignadmin.parsing import plain
from alignadmin.text import counted
from connectors.models import Connector
from mappings.models import ApprovalAsk, Plan, PlanState
from mappings.planning.authors import people_of
from mappings.planning.entries import plan_entry
from mappings.planning.notifications import other_admins
from mappings.planning.rules import approval_status, former_number_sentence, is_old

ASKED = NotificationKind(
    key="approval-asked",
    label="You are asked to approve a plan",
    explanation="Somebody who may not approve it chose you. It also stands on your overview until the plan is decided.",
    right=Right.APPROVE,
)
PAUSE = timedelta(hours=1)  # between two times that one admin is asked about one plan
LONGEST_NOTE = 1000
TO_APPROVE = (PlanState.DRAFT, PlanState.APPROVED)  # approved: where the approval does not count


# --- who, and what there is ---------------------------------------------------------------------------------------


def may_ask(plan: Plan, person: Person) -> bool:
    """Who may plan, where the plan can be approved now, has to be, and they are not the one who can do that."""
    status = approval_status(plan, person)
    can_be = status.needs_approval and not plan.is_of_former_number and not is_old(plan)
    return may(person, Right.EDIT) and can_be and not status.may_approve


def askable(plan: Plan, person: Person | None) -> list[Person]:
    """The admins but `person` who may approve this plan: where a second person has to, none with a part in it.

    Nobody who was invited and has not joined: they would not see it.
    """
    has_part = people_of(plan) if plan.connector.four_eyes else set()
    return [each for each in other_admins(person) if each.pk not in has_part and not is_waiting(each)]


def open_asks(plan: Plan) -> QuerySet[ApprovalAsk]:
    """The first one first."""
    return plan.asks.filter(ended_at=None).select_related("asked", "asked_by").order_by("pk")


def asks_to(person: Person, connector: Connector) -> list[ApprovalAsk]:
    """What this person is asked to approve, and may approve now: an approval may count again, or they got a part."""
    if not may(person, Right.APPROVE):
        return []
    found = ApprovalAsk.objects.filter(
        asked=person, ended_at=None, plan__connector=connector, plan__state__in=TO_APPROVE
    )
    asks = found.select_related("plan__connector", "plan__approver", "asked_by").order_by("pk")
    return [each for each in asks if approval_status(each.plan, person).may_approve]


# --- asking -------------------------------------------------------------------------------------------------------


def ask(plan: Plan, chosen: Collection[int], *, note: str, actor: Person) -> list[ApprovalAsk]:
    """Ask the admins of these numbers; they are told, and the history says so. Raises Refused."""
    note = _checked(note)
    with transaction.atomic():
        Connector.objects.locked().get(pk=plan.connector_id)
        found = Plan.objects.locked().select_related("connector", "author", "approver").get(pk=plan.pk)
        people = _chosen(found, chosen, actor)
        _end(open_asks(found).filter(asked__in=people))  # the new one takes their place
        now = timezone.now()
        asks = [
            ApprovalAsk.objects.create(plan=found, asked=person, asked_by=actor, asked_at=now, note=note)
            for person in people
        ]
        changes = found.changes.count()
        for each in asks:
            tell(_news(each, changes), [each.asked])
        names = get_text_list([str(each) for each in people], "and")
        sentence = f"Asked {names} to approve plan {found.pk}{f': {note}' if note else '.'}"
        plan_entry("plan.asked", found, actor, sentence, asked=[each.pk for each in people], note=note)
    return asks


def _chosen(plan: Plan, chosen: Collection[int], actor: Person) -> list[Person]:
    asker = Person.objects.filter(pk=actor.pk).first()
    if asker is None or not may_ask(plan, asker):
        raise Refused(_why_not(plan, asker))
    if not chosen:
        raise Refused("Choose at least one admin to ask.")
    people = {each.pk: each for each in askable(plan, asker)}
    if not people.keys() >= set(chosen):
        raise Refused("Somebody whom you chose cannot approve this plan now. Reload the page and choose again.")
    since = timezone.now() - PAUSE
    recent = open_asks(plan).filter(asked__in=chosen, asked_at__gt=since).first()
    if recent is not None:
        raise Refused(
            f"{recent.asked_by} asked {recent.asked} at {recent.asked_at:%H:%M} UTC. Nobody was asked now: ask again "
            f"after {recent.asked_at + PAUSE:%H:%M} UTC, or ask somebody else."
        )
    return [people[pk] for pk in sorted(set(chosen))]


def _why_not(plan: Plan, asker: Person | None) -> str:
    if not may(asker, Right.EDIT):
        return "You may not plan any more: nobody was asked."
    status = approval_status(plan, asker) if asker else None
    if status and status.may_approve:
        return "You can approve this plan yourself: nobody was asked."
    if status and status.needs_approval and plan.is_of_former_number:
        return f"{former_number_sentence(plan)} Nobody was asked."
    if status and status.needs_approval:
        return "The values of this plan were read too long ago: nobody was asked. Refresh it, then ask."
    return f"Plan {plan.pk} is {plan.get_state_display().lower()} by now and needs no approval: nobody was asked."


def _checked(note: str) -> str:
    text = plain(note).replace("\r\n", "\n").strip()
    if len(text) > LONGEST_NOTE:
        raise Refused(f"A note has at most {LONGEST_NOTE:,} characters; this one has {len(text):,}. Nobody was asked.")
    return text


def _news(ask: ApprovalAsk, changes: int) -> News:
    plan = ask.plan
    note = f"Note: {ask.note}\n" if ask.note else ""
    return News(
        kind=ASKED,
        about=_about(ask),
        title=f"{ask.asked_by} asks you to approve plan {plan.pk} of {plan.connector}",
        details=(
            f"{counted(changes, 'change')}, planned by {plan.author}. Reason: {plan.reason}\n{note}"
            "Open the plan, read what it would send, and approve it or cancel it."
        ),
        address=reverse("plan", args=[plan.pk]),
    )


def _about(ask: ApprovalAsk) -> str:
    return f"plan {ask.plan_id} ask {ask.pk}"


# --- the end ------------------------------------------------------------------------------------------------------


def end_asks(plan: Plan) -> None:
    """In the transaction that approves, replaces, cancels or starts it, which holds its row."""
    _end(open_asks(plan))


def _end(asks: Iterable[ApprovalAsk]) -> None:
    """There is nothing left to do about them: also their e-mails that wait are not sent any more."""
    ending = list(asks)
    if ending:
        ApprovalAsk.objects.filter(pk__in=[each.pk for each in ending]).update(ended_at=timezone.now())
        mark_done(ASKED, [_about(each) for each in ending])

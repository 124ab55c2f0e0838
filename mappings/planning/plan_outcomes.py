"""Telling the people of a plan what became of it: who asked for its approval, who planned it, who edited any of it.

Each hears it once, and never of what they did themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right
from alignadmin.notifications.kinds import NotificationKind
from alignadmin.notifications.telling import News, tell
from alignadmin.text import counted
from connectors.models import HistoryRow
from mappings.models import NOT_ENDED, UNANSWERED, ChangeState, Plan
from mappings.planning.authors import people_of
from mappings.planning.notifications import other_admins

OUTCOME = NotificationKind(
    key="plan-outcome",
    label="What became of a plan of yours",
    explanation=(
        "A plan that you made, that holds edits of yours, or whose approval you asked for was approved, replaced, "
        "cancelled or applied, or its apply stopped."
    ),
    right=Right.SEE,
)
TO_APPLY = "An admin can apply it now."


def tell_approved(plan: Plan, *, actor: Person) -> None:
    alone = f" alone, in an emergency: {plan.emergency_reason}" if plan.emergency_reason else ""
    # Of an emergency all other admins have an e-mail of its own, which says more.
    mailed = [each.pk for each in other_admins(actor)] if plan.emergency_reason else []
    following = "It is applied with that: kept here, nothing is sent to Align." if plan.is_ours else TO_APPLY
    _tell(plan, f"{actor} approved {_name(plan)}{alone}", following, by=actor, mailed=mailed)


def tell_cancelled(plan: Plan, unsent: int, *, actor: Person, why: str = "") -> None:
    """`unsent` changes are not sent; `why` is a clause, where it was no decision about this plan alone."""
    reason = f", {why}" if why else ""
    what = counted(unsent, "change is", "changes are")
    details = f"{what} not sent; the edits stay in the draft and can be planned again."
    if plan.started_at:
        details += " The plan's page says what had been sent before."
    _tell(plan, f"{actor} cancelled {_name(plan)}{reason}", details, by=actor)


def tell_replaced(plan: Plan, by: Plan | None, *, actor: Person | None) -> None:
    who = str(actor or "AlignAdmin")
    if by is None:
        title = f"{who} refreshed {_name(plan)}, whose rows had moved: nothing is left to do, so it ended"
        _tell(plan, title, "Its page says of each change why it was dropped.", by=actor)
        return
    details = "An approval does not carry over: look at what is left, and ask for the approval of the new plan."
    title = f"{who} refreshed {_name(plan)}, whose rows had moved: plan {by.pk} replaces it"
    _tell(plan, title, details, by=actor, address=reverse("plan", args=[by.pk]))


def tell_finished(plan: Plan, counts: Mapping[str, int]) -> None:
    """At the end of an apply; `counts` by the state of a change."""
    done, total = counts.get(ChangeState.DONE, 0), sum(counts.values())
    words = ", ".join(f"{number} {state}" for state, number in _in_order(counts))
    by = _first_of_details(plan)
    unknown = sum(counts.get(state, 0) for state in UNANSWERED)
    doubt = f"of {counted(unknown, 'change')} it is not known whether Align took {'it' if unknown == 1 else 'them'}"
    if counts.get(ChangeState.CANCELLED):
        who = _canceller(plan)
        title = f"{who or 'Somebody'} cancelled the rest of {_name(plan)}: {words}{f'; {doubt}' if unknown else ''}"
        _tell(plan, title, f"{by}What was not sent is in the draft, to be planned again.", by=who)
    elif unknown:
        details = f"{by}Look at these in Align: nothing of them is sent again by itself. The plan's page names them."
        _tell(plan, f"{capfirst(_name(plan))} ended; {doubt}: {words}", details, by=plan.applier)
    elif done == total:
        _tell(plan, f"{capfirst(_name(plan))} was applied: {words}", by, by=plan.applier)
    elif done:
        details = f"{by}What was not applied is in the draft: see why on the plan's page, then plan it again."
        _tell(plan, f"{capfirst(_name(plan))} was partly applied: {words}", details, by=plan.applier)
    else:
        details = f"{by}See why on the plan's page; the edits are in the draft and can be planned again."
        title = f"{capfirst(_name(plan))} failed, nothing was changed in Align: {words}"
        _tell(plan, title, details, by=plan.applier)


def _first_of_details(plan: Plan) -> str:
    """Who applied it, and what of it was found otherwise afterwards, or could not be read."""
    done = plan.changes.filter(state=ChangeState.DONE)
    unconfirmed = done.exclude(confirmed=True).count()
    by = f"Applied by {plan.applier}. " if plan.applier else ""
    if not unconfirmed:
        return by
    verb = "is" if unconfirmed == 1 else "are"
    return (
        f"{by}{unconfirmed} of {done.count()} done {verb} not confirmed by reading back: see them on the plan's page. "
    )


def _canceller(plan: Plan) -> Person | None:
    """Who cancelled it last while it was applied, as the history has it."""
    rows = HistoryRow.objects.filter(plan=plan.pk, action="plan.cancel").order_by("-id")
    number = rows.values_list("person_id", flat=True).first()
    return Person.objects.filter(pk=number).first() if number else None


def tell_stopped(plan: Plan, why: str) -> None:
    """An apply that stopped by itself; nobody did that, so whoever applies it is told as well."""
    counts = Counter(plan.changes.order_by().values_list("state", flat=True))
    left = sum(counts[state] for state in NOT_ENDED)
    title = f"The apply of {_name(plan)} stopped: {left} of {sum(counts.values())} changes are left"
    also = [plan.applier_id] if plan.applier_id else []
    _tell(plan, title, f"{why} It is paused: an admin resumes it, or cancels the rest.", by=None, also=also)


def _in_order(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """What was done first, then by name."""
    return sorted(counts.items(), key=lambda each: (each[0] != ChangeState.DONE, each[0]))


def _tell(
    plan: Plan,
    title: str,
    details: str,
    *,
    by: Person | None,
    address: str = "",
    mailed: Collection[int] = (),
    also: Collection[int] = (),
) -> None:
    """To all but who did it, and `also` to these people; those in `mailed` have an e-mail about it already."""
    numbers = people_of(plan) | set(plan.asks.values_list("asked_by", flat=True)) | set(also)
    if by is not None:
        numbers.discard(by.pk)
    news = News(
        kind=OUTCOME,
        about=f"plan {plan.pk} at {timezone.now().isoformat()}",
        title=title,
        details=details,
        address=address or reverse("plan", args=[plan.pk]),
    )
    found = list(Person.objects.filter(pk__in=numbers).order_by("pk"))
    tell(news, [each for each in found if each.pk not in mailed])
    if mailed:
        tell(news, [each for each in found if each.pk in mailed], sends_mail=False)


def _name(plan: Plan) -> str:
    return f"plan {plan.pk} of {plan.connector}"

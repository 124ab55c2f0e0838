"""From chosen rows to a stored plan, its approval, and the start of its apply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from collections.abc import Mapping as MappingOf
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from connectors import jobs
from connectors.audit import trail
from connectors.models import Connector, Job, Person, Project
from mappings.engine import families
from mappings.engine import plan as engine
from mappings.engine.checks import Problem, RowKey, by_row, check
from mappings.engine.families import FAMILIES
from mappings.engine.values import Direction, Kind, Row, Severity, WorkItemType
from mappings.facts import Facts, Shown
from mappings.models import Change, ChangeState, Mapping, Plan, PlanState, Scope
from mappings.queries import Names, names_of, waiting_edits
from mappings.services import Refused

Asked = tuple[Shown, Direction]

GAP = (
    "Jira Align's token is being replaced and the one in use is dead: nothing can be applied until the connector "
    "has been switched to the new one, on its credential page."
)
TYPED_ABOVE_CHANGES = 25
TYPED_ABOVE_SHARE = 0.10  # of a scope's rows


class NothingToDo(Refused):
    """The chosen rows already hold in Align: a result of its own, not an error."""


@dataclass(frozen=True)
class Choice:
    """A row chosen for a plan, with the matrix it belongs to and its problems."""

    mapping: Mapping
    shown: Shown
    row: Row
    problems: tuple[Problem, ...]


# --- making ------------------------------------------------------------------------------------------------------


def make_plan(
    connector: Connector,
    mapping_ids: Collection[int],
    *,
    actor: Person,
    reason: str,
    ticket: str = "",
    now: datetime | None = None,
) -> Plan:
    """Plan the chosen waiting rows. Raises NothingToDo, or Refused when no row of them can be planned."""
    if not reason.strip():
        raise Refused("Say why: the reason goes into the history with every change of this plan.")
    choices = choose(connector, mapping_ids)
    planning = engine.plan(_drafts(connector, choices))
    if not planning.changes:
        if planning.refused:
            raise Refused(" ".join(refused.sentence for refused in planning.refused))
        raise NothingToDo("Nothing to do: Align already holds what is wanted.")
    return _store(connector, choices, planning, actor=actor, reason=reason, ticket=ticket, now=now or timezone.now())


def preview(connector: Connector, mapping_ids: Collection[int] | None = None) -> engine.Planning:
    """What a plan of these rows (default: all that wait) would send; stores nothing."""
    return engine.plan(_drafts(connector, choose(connector, mapping_ids)))


def choose(connector: Connector, mapping_ids: Collection[int] | None = None) -> list[Choice]:
    waiting = waiting_edits(connector)
    mappings = list(waiting if mapping_ids is None else waiting.filter(pk__in=set(mapping_ids)))
    shown = {mapping.pk: _shown(mapping) for mapping in mappings}
    facts = Facts(connector, set(shown.values()))
    asked = {(shown[mapping.pk], mapping.direction) for mapping in mappings}
    found = {(each, about): by_row(check(facts.view(each), about)) for each, about in asked}
    rows = {each: {row.source_id: row for row in facts.rows_of(*each)} for each in asked}
    return [_choice(mapping, shown[mapping.pk], rows, found) for mapping in mappings]


def _shown(mapping: Mapping) -> Shown:
    family = FAMILIES[mapping.scope.family]
    return Shown(family.kind, WorkItemType(mapping.work_item_type), mapping.scope.project)


def _choice(
    mapping: Mapping,
    shown: Shown,
    rows: MappingOf[Asked, MappingOf[int, Row]],
    found: MappingOf[Asked, MappingOf[RowKey, list[Problem]]],
) -> Choice:
    asked = (shown, mapping.direction)
    problems = found[asked].get((mapping.direction, mapping.source_id), ())
    return Choice(mapping=mapping, shown=shown, row=rows[asked][mapping.source_id], problems=tuple(problems))


def _drafts(connector: Connector, choices: Iterable[Choice]) -> Iterable[engine.Draft]:
    names = names_of(connector)
    shared = Project.objects.filter(connector=connector, in_scope=True, vanished_at=None, team_managed=False).count()
    for choice in choices:
        yield _draft(connector, choice, names, 1 if choice.mapping.scope.project_id else shared)


def _draft(connector: Connector, choice: Choice, names: Names, project_count: int) -> engine.Draft:
    place, row, type_ = choice.mapping.scope.place, choice.row, choice.shown.work_item_type
    kind, direction = place.family.kind, place.family.direction
    overrides = {WorkItemType(t): id_ for t, id_ in connector.type_ids.get(place.family.code, {}).items()}
    return engine.Draft(
        connector_id=connector.align_connector_id,
        place=place,
        work_item_type=type_,
        type_id=place.family.with_type_ids(overrides)[type_],
        row=row,
        source_name=names.of(kind, direction, source=row.source_id),
        before_name=names.of(kind, direction, target=row.observed),
        after_name=names.of(kind, direction, target=row.wanted),
        target_names=_duplicate_names(row, kind, direction, names),
        project_count=project_count,
        problems=choice.problems,
    )


def _duplicate_names(row: Row, kind: Kind, direction: Direction, names: Names) -> dict[int, str]:
    return {each.target_id: names.of(kind, direction, target=each.target_id) for each in row.duplicates}


# --- storing -----------------------------------------------------------------------------------------------------


def _store(
    connector: Connector,
    choices: list[Choice],
    planning: engine.Planning,
    *,
    actor: Person,
    reason: str,
    ticket: str,
    now: datetime,
) -> Plan:
    mappings = {_key(choice): choice.mapping for choice in choices}
    fingerprint = engine.fingerprint(connector.align_connector_id, planning.changes)
    calls = engine.request_count(engine.batches(planning.changes, settings.APPLY_BATCH), _list_sizes(choices))
    with transaction.atomic():
        # The connector's row, so that two posts of one form come one after the other.
        Connector.objects.select_for_update().get(pk=connector.pk)
        if (same := _same_draft(connector, fingerprint, actor, reason, ticket)) is not None:
            return same
        plan = Plan.objects.create(
            connector=connector,
            author=actor,
            reason=reason.strip(),
            ticket=ticket.strip(),
            fingerprint=fingerprint,
            created_at=now,
            seen_at=min(_seen_at(choices), default=now),
            unchanged=planning.unchanged,
            refused=[asdict(refused) for refused in planning.refused],
            warnings=_warnings(planning, choices),
            api_calls=calls,
            seconds=engine.duration_estimate(
                calls,
                slots=settings.BUDGET_SLOTS - settings.BUDGET_RESERVED,
                window=settings.BUDGET_WINDOW,
                workers=settings.APPLY_THREADS,
            ),
        )
        changes = [_change(plan, n, each, mappings[each.key]) for n, each in enumerate(planning.changes)]
        Change.objects.bulk_create(changes, batch_size=500)
        trail.append(
            "plan.made",
            actor=actor,
            connector=connector,
            subject=f"plan {plan.pk}",
            sentence=f"Planned {counted(Counter(each.action.value for each in planning.changes))}.",
            data={"fingerprint": plan.fingerprint, "changes": len(changes), "refused": plan.refused},
            plan=plan.pk,
            reason=plan.reason,
            ticket=plan.ticket,
        )
    return plan


def _same_draft(connector: Connector, fingerprint: str, actor: Person, reason: str, ticket: str) -> Plan | None:
    """The author's own plan of exactly this, still to be approved: a form posted twice makes one plan."""
    drafts = Plan.objects.filter(connector=connector, author=actor, state=PlanState.DRAFT, fingerprint=fingerprint)
    plan = drafts.filter(reason=reason.strip(), ticket=ticket.strip()).first()
    return None if plan is None or is_old(plan) else plan


def _key(choice: Choice) -> str:
    return engine.row_key(choice.mapping.scope.place, choice.shown.work_item_type, choice.mapping.source_id)


def _seen_at(choices: Iterable[Choice]) -> list[datetime]:
    return [at for choice in choices if (at := choice.mapping.scope.observed_at) is not None]


def _list_sizes(choices: Iterable[Choice]) -> dict[families.Place, int]:
    return {choice.mapping.scope.place: choice.mapping.scope.rows for choice in choices}


def _warnings(planning: engine.Planning, choices: Iterable[Choice]) -> list[str]:
    """The warnings of the plan's own rows, each once, in the rows' order."""
    planned = {change.key for change in planning.changes}
    found = (
        problem.sentence
        for choice in choices
        if _key(choice) in planned
        for problem in choice.problems
        if problem.severity is Severity.WARNING
    )
    return list(dict.fromkeys(found))


def _change(plan: Plan, position: int, planned: engine.PlannedChange, mapping: Mapping) -> Change:
    return Change(
        plan=plan,
        position=position,
        mapping=mapping,
        scope=mapping.scope,
        action=planned.action.value,
        family=planned.place.family.code,
        project_key=planned.place.project_key or "",
        work_item_type=planned.work_item_type.value,
        source_id=planned.source_id,
        source_name=planned.source_name,
        before=planned.before,
        before_name=planned.before_name,
        after=planned.after,
        after_name=planned.after_name,
        remote_id=planned.remote_id,
        is_spare=planned.is_spare,
        method=planned.method,
        path=planned.path,
        query=[list(pair) for pair in planned.query],
        body=None if planned.body is None else dict(planned.body),
        sentence=planned.sentence,
        expected_line=planned.expected_line,
        event=asdict(planned.event),
    )


def counted(actions: Counter[str]) -> str:
    words = [f"{actions[action]} to {action}" for action in ("create", "update", "delete") if actions[action]]
    return ", ".join(words) or "nothing"


def stored_fingerprint(plan: Plan) -> str:
    """Worked out again from the stored changes, so that what is applied is what was approved."""
    return engine.fingerprint(plan.connector.align_connector_id, plan.changes.all())


# --- approval and apply --------------------------------------------------------------------------------------------


def is_old(plan: Plan, now: datetime | None = None) -> bool:
    """Its before values were last seen too long ago: it must be refreshed before it is approved or applied."""
    return (now or timezone.now()) - plan.seen_at > timedelta(seconds=settings.PLAN_MAX_AGE)


def approve(plan: Plan, fingerprint: str, *, ticked: bool, actor: Person) -> Plan:
    """Approve exactly what was looked at: the fingerprint is the one on the page."""
    now = timezone.now()
    if plan.warnings and not ticked:
        raise Refused("Tick that you have read the warnings, then approve.")
    if is_old(plan, now):
        raise Refused("This plan is too old to approve. Refresh it, so that its before values are known to hold.")
    with transaction.atomic():
        waiting = Plan.objects.filter(pk=plan.pk, state=PlanState.DRAFT, fingerprint=fingerprint)
        if not waiting.update(
            state=PlanState.APPROVED, approver=actor, approved_at=now, approved_fingerprint=fingerprint
        ):
            raise Refused(_why_not_approved(plan, fingerprint))
        plan.refresh_from_db()
        _plan_entry("plan.approved", plan, actor, f"Approved plan {plan.pk}.", fingerprint=fingerprint)
    return plan


def _why_not_approved(plan: Plan, fingerprint: str) -> str:
    plan.refresh_from_db()
    if plan.approver and plan.approved_at:
        return f"Already approved by {plan.approver} at {plan.approved_at:%H:%M} UTC."
    if plan.fingerprint != fingerprint:
        return "This plan is not the one on your page. Look at it again before approving."
    return f"This plan is {plan.get_state_display().lower()}, so it cannot be approved."


def confirmation_word(plan: Plan) -> str:
    """What has to be typed before an apply with deletes or of more than the threshold; empty: nothing."""
    actions = list(plan.changes.values_list("action", "scope_id"))
    many = len(actions) > TYPED_ABOVE_CHANGES or _large_share(plan, Counter(scope for _, scope in actions))
    return plan.connector.slug if many or any(action == "delete" for action, _ in actions) else ""


def _large_share(plan: Plan, changes: Counter[int | None]) -> bool:
    sizes = dict(Scope.objects.filter(pk__in=[pk for pk in changes if pk]).values_list("pk", "rows"))
    # A share of a handful of rows says nothing; deletes of them are asked about in any case.
    return any(
        sizes[pk] >= 20 and count > sizes[pk] * TYPED_ABOVE_SHARE for pk, count in changes.items() if pk in sizes
    )


def start_apply(plan: Plan, *, typed: str = "", reason: str = "", actor: Person) -> Plan:
    """Hand an approved plan to the worker. `reason` is why now, where it is more than the plan's own."""
    word = confirmation_word(plan)
    if word and typed.strip() != word:
        raise Refused(f'Type "{word}" to confirm: this plan deletes mappings or changes many at once.')
    if is_old(plan):
        raise Refused("This plan was seen too long ago. Refresh it, then apply.")
    try:
        with transaction.atomic():
            ready = Plan.objects.filter(pk=plan.pk, state=PlanState.APPROVED)
            ready = ready.filter(connector__is_active=True, connector__gap_since=None)
            if not ready.update(state=PlanState.APPLYING, applier=actor, started_at=timezone.now(), control=""):
                raise Refused(_why_not_started(plan))
            plan.refresh_from_db()
            jobs.start(plan.connector, "apply", actor=actor, subject=str(plan.pk))
            why = f" {reason.strip()}" if reason.strip() else ""
            sentence = f"Started to apply plan {plan.pk}.{why}"
            _plan_entry("plan.started", plan, actor, sentence, fingerprint=plan.fingerprint)
    except IntegrityError as error:
        raise Refused(_held_sentence(plan.connector)) from error
    return plan


def _why_not_started(plan: Plan) -> str:
    plan.refresh_from_db()
    if not plan.connector.is_active:
        return "This connector is deactivated. Activate it before applying."
    if plan.connector.gap_since:
        return GAP
    if plan.applier and plan.started_at:
        return f"Already started by {plan.applier} at {plan.started_at:%H:%M} UTC."
    return "This plan has to be approved before it can be applied."


def _held_sentence(connector: Connector) -> str:
    busy = Plan.objects.filter(connector=connector, state__in=[PlanState.APPLYING, PlanState.PAUSED]).first()
    if busy is None:
        return "Another apply of this connector is just starting. Try again in a moment."
    since = f" since {busy.started_at:%H:%M} UTC" if busy.started_at else ""
    return f"Plan {busy.pk} holds this connector ({busy.applier}{since}). Wait for it, or cancel it."


def control(plan: Plan, wish: str, *, actor: Person) -> Plan:
    """Pause, resume or cancel; effective before the next request."""
    acts = {"pause": _pause, "resume": _resume, "cancel": _cancel}
    if wish not in acts:
        raise Refused(f"A plan cannot be told to {wish}.")
    with transaction.atomic():
        locked = Plan.objects.select_for_update(of=("self",)).select_related("connector").get(pk=plan.pk)
        sentence = acts[wish](locked, actor)
        locked.save()
        _plan_entry(f"plan.{wish}", locked, actor, sentence)
    return locked


def _pause(plan: Plan, actor: Person) -> str:
    if plan.state != PlanState.APPLYING:
        raise Refused("Only a plan that is being applied can be paused.")
    plan.control = "pause"
    return f"{actor} asked to pause plan {plan.pk}."


def _resume(plan: Plan, actor: Person) -> str:
    if plan.state != PlanState.PAUSED:
        raise Refused("This plan is not paused.")
    if plan.connector.gap_since:
        raise Refused(GAP)
    plan.state, plan.control = PlanState.APPLYING, ""
    jobs.start(plan.connector, "apply", actor=actor, subject=str(plan.pk))
    return f"{actor} resumed plan {plan.pk}."


def _cancel(plan: Plan, actor: Person) -> str:
    if plan.state == PlanState.APPLYING:
        plan.control = "cancel"
        return f"{actor} asked to cancel the rest of plan {plan.pk}."
    if plan.state not in (PlanState.DRAFT, PlanState.APPROVED, PlanState.PAUSED):
        raise Refused(f"This plan is {plan.get_state_display().lower()}: there is nothing to cancel.")
    plan.changes.filter(state=ChangeState.PLANNED).update(state=ChangeState.CANCELLED)
    plan.state, plan.finished_at, plan.control = PlanState.CANCELLED, timezone.now(), ""
    return f"{actor} cancelled plan {plan.pk}."


def start_refresh(plan: Plan, *, actor: Person) -> Job:
    """Read the plan's lists again in the background; see apply.refresh_plan."""
    if plan.state not in (PlanState.DRAFT, PlanState.APPROVED):
        raise Refused(f"This plan is {plan.get_state_display().lower()}: there is nothing to refresh.")
    return jobs.start(plan.connector, "plan-refresh", actor=actor, subject=str(plan.pk))


def _plan_entry(action: str, plan: Plan, actor: Person | None, sentence: str, **data: object) -> None:
    trail.append(
        action,
        actor=actor,
        connector=plan.connector,
        subject=f"plan {plan.pk}",
        sentence=sentence,
        data=data,
        plan=plan.pk,
        reason=plan.reason,
        ticket=plan.ticket,
    )

"""Storing a plan: its changes, counts, expected duration and warnings, once and for all."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import asdict
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.text import Truncator

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.errors import Refused
from alignadmin.search import writing
from alignadmin.text import counted as counted_rows
from alignadmin.text import first_of
from connectors.align.paging import MAPPING_LISTS
from connectors.credentials.page_caps import caps_of
from connectors.models import Connector, Project, has_lists, ours
from connectors.ports.audited import context_of
from connectors.ports.connected import lock_connected
from mappings.edits.names import Names, names_of
from mappings.edits.unused import why_unused
from mappings.engine import families
from mappings.engine import plan as engine
from mappings.engine.batches import batches
from mappings.engine.cost import duration_estimate, request_count
from mappings.engine.families import FAMILIES
from mappings.engine.fingerprint import fingerprint_of
from mappings.engine.values import Severity
from mappings.models import Change, Mapping, Plan, PlanState
from mappings.planning.authors import Authors, authors_of, counted_authors, fields_of
from mappings.planning.digests import digest_of
from mappings.planning.reasons import reason_typed, ticket_typed
from mappings.planning.row_selection import RowSelection, choose, drafts
from mappings.planning.rules import is_old
from mappings.planning.search_names import PLANS

OF_OURS = " in lists of ours, which are kept here"
MOST_REASONS, MOST_NAMED = 3, 3  # of rows that cannot be planned, in one sentence


OF_BOTH = (
    "Some of these edits are of Align's lists and some of lists of ours, which are kept here and not sent. A plan is "
    "of one or the other: choose the edits of one kind, then those of the other."
)


class NothingToDo(Refused):
    """The chosen rows already hold: a result of its own, not an error."""


# --- making ------------------------------------------------------------------------------------------------------


def make_plan(
    connector: Connector,
    mapping_ids: Collection[int],
    *,
    actor: Person,
    reason: str,
    ticket: str = "",
    planner: Person | None = None,
    now: datetime | None = None,
) -> Plan:
    """Plan the chosen waiting rows. Raises NothingToDo, or Refused when no row of them can be planned.

    `planner` is whose plan it is, where that is not who acts: somebody refreshes the plan of somebody else.
    Its ticket was checked when it was typed, and nobody is there to type another.
    """
    reason = reason_typed(reason, lacks="Say why: the reason goes into the history with every change of this plan.")
    ticket = ticket_typed(connector, ticket) if planner is None else ticket
    choices = choose(connector, mapping_ids)
    if len({choice.mapping.scope.is_ours for choice in choices}) > 1:
        raise Refused(OF_BOTH)
    planning = engine.plan(drafts(connector, choices))
    if not planning.changes:
        if planning.refused:
            raise Refused(_why_none(connector, choices, planning))
        holder = "what is kept here already is" if _is_of_ours(choices) else "Align already holds"
        raise NothingToDo(f"Nothing to do: {holder} what is wanted.")
    return _store(
        connector,
        choices,
        planning,
        actor=actor,
        planner=planner or actor,
        reason=reason,
        ticket=ticket,
        now=now or timezone.now(),
    )


def _is_of_ours(choices: Iterable[RowSelection]) -> bool:
    return any(choice.mapping.scope.is_ours for choice in choices)


def _why_none(connector: Connector, choices: Sequence[RowSelection], planning: engine.Planning) -> str:
    """Each reason once, with the rows that it is of, so that these can be left out; short enough for a notice."""
    if len(planning.refused) == 1:
        return planning.refused[0].sentence
    mappings = {_key(choice): choice.mapping for choice in choices}
    names, reasons = names_of(connector, list(mappings.values())), defaultdict(list)
    for refused in planning.refused:
        reasons[refused.sentence].append(_name(connector, mappings[refused.key], names))
    said = [
        f"{first_of(rows, MOST_NAMED)}: {Truncator(sentence).chars(300)}"
        for sentence, rows in list(reasons.items())[:MOST_REASONS]
    ]
    more = sum(len(rows) for rows in list(reasons.values())[MOST_REASONS:])
    rest = [f"And {counted_rows(more, 'more row')}."] if more else []
    return " ".join([f"None of these {len(planning.refused):,} rows can be planned.", *said, *rest])


def _name(connector: Connector, mapping: Mapping, names: Names) -> str:
    """ "In Review (Story, PROJ1)" """
    family, project = FAMILIES[mapping.scope.family], mapping.scope.project
    source = names.of(family.kind, family.direction, source=mapping.source_id)
    place = project.key if project else "shared"
    place += ", ours" if mapping.scope.is_ours else ""
    return f"{Truncator(source).chars(60)} ({connector.terminology.name(mapping.work_item_type)}, {place})"


# --- storing -----------------------------------------------------------------------------------------------------


def _store(
    connector: Connector,
    choices: list[RowSelection],
    planning: engine.Planning,
    *,
    actor: Person,
    planner: Person,
    reason: str,
    ticket: str,
    now: datetime,
) -> Plan:
    mappings = {_key(choice): choice.mapping for choice in choices}
    authors = authors_of(list(mappings.values()), planner=planner)
    is_ours = _is_of_ours(choices)
    fingerprint = fingerprint_of(connector.align_connector_id, planning.changes)
    calls = 0 if is_ours else _calls(connector, choices, planning)
    with transaction.atomic():
        # The connector's row, so that two posts of one form come one after the other.
        found = lock_connected(connector)
        if found.align_connector_id != connector.align_connector_id:
            raise Refused(f"{found.name} was made anew in Jira Align meanwhile: look at its mappings and plan again.")
        _refuse_left(mappings[each.key] for each in planning.changes)
        same = _same_draft(connector, fingerprint, actor, reason, ticket) if planner == actor else None
        if same is not None and _is_of(same, authors):
            return same
        plan = Plan.objects.create(
            connector=connector,
            author=planner,
            reason=reason,
            ticket=ticket,
            fingerprint=fingerprint,
            created_at=now,
            is_ours=is_ours,
            seen_at=now if is_ours else min(_seen_at(choices), default=now),
            unchanged=planning.unchanged,
            refused=[asdict(refused) for refused in planning.refused],
            warnings=_warnings(planning, choices),
            api_calls=calls,
            seconds=_seconds(calls) if calls else 0,
        )
        rows = [mappings[each.key] for each in planning.changes]
        changes = [
            _change(plan, n, each, row, authors[row.pk])
            for n, (each, row) in enumerate(zip(planning.changes, rows, strict=True))
        ]
        Change.objects.bulk_create(changes, batch_size=500)
        writing.write(PLANS, [plan.pk])
        _record_made(plan, changes, actor)
    return plan


def _calls(connector: Connector, choices: list[RowSelection], planning: engine.Planning) -> int:
    """Of the requests that applying it sends."""
    every = batches(planning.changes, settings.APPLY_BATCH)
    return request_count(every, _list_sizes(choices), caps_of(connector).get(MAPPING_LISTS))


def _seconds(calls: int) -> float:
    return duration_estimate(
        calls,
        slots=settings.BUDGET_SLOTS - settings.BUDGET_RESERVED,
        window=settings.BUDGET_WINDOW,
        workers=settings.APPLY_THREADS,
    )


def _refuse_left(mappings: Iterable[Mapping]) -> None:
    """Behind the connector's row, where nobody takes a project out of scope before this plan is seen."""
    scopes = {mapping.scope for mapping in mappings}
    projects = Project.objects.filter(pk__in={scope.project_id for scope in scopes})
    count = ours() if any(scope.is_ours for scope in scopes) else has_lists()
    if left := projects.exclude(count).order_by("key").first():
        of_left = next(scope for scope in scopes if scope.project_id == left.pk)
        of_left.project = left
        why = why_unused(of_left)
        raise Refused(f"{why} That was so only after you had chosen: look at the draft and plan again.")


def _record_made(plan: Plan, changes: Sequence[Change], actor: Person) -> None:
    trail.record(
        AuditRecord(
            action="plan.made",
            actor=actor,
            context=context_of(plan.connector),
            subject=f"plan {plan.pk}",
            sentence=f"Planned {counted(Counter(each.action for each in changes))}{OF_OURS if plan.is_ours else ''}.",
            data={
                "fingerprint": plan.fingerprint,
                "changes": len(changes),
                "changes_sha256": digest_of(changes),
                "authors": counted_authors(changes),
                "refused": plan.refused,
                **({"is_ours": True} if plan.is_ours else {}),
            },
            plan=plan.pk,
            planner=plan.author,
            reason=plan.reason,
            ticket=plan.ticket,
        )
    )


def _same_draft(connector: Connector, fingerprint: str, actor: Person, reason: str, ticket: str) -> Plan | None:
    """The author's own plan of exactly this, still to be approved: a form posted twice makes one plan."""
    drafts = Plan.objects.filter(connector=connector, author=actor, state=PlanState.DRAFT, fingerprint=fingerprint)
    plan = drafts.filter(reason=reason, ticket=ticket).first()
    return None if plan is None or is_old(plan) else plan


def _is_of(plan: Plan, authors: MappingOf[int, Authors]) -> bool:
    """Whether those who decided on its values are the same: somebody may have set the same value anew."""
    there = plan.changes.filter(is_spare=False).values_list("mapping", "author")
    return all(key in authors and authors[key].value.pk == author for key, author in there)


def _key(choice: RowSelection) -> str:
    return engine.row_key(choice.mapping.scope.place, choice.shown.work_item_type, choice.mapping.source_id)


def _seen_at(choices: Iterable[RowSelection]) -> list[datetime]:
    return [at for choice in choices if (at := choice.mapping.scope.observed_at) is not None]


def _list_sizes(choices: Iterable[RowSelection]) -> dict[families.ListAddress, int]:
    return {choice.mapping.scope.place: choice.mapping.scope.rows for choice in choices}


def _warnings(planning: engine.Planning, choices: Iterable[RowSelection]) -> list[str]:
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


def _change(plan: Plan, position: int, planned: engine.PlannedChange, mapping: Mapping, authors: Authors) -> Change:
    who = fields_of(authors.kept, []) if planned.is_spare else fields_of(authors.value, authors.earlier)
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
        **who,
    )


def counted(actions: Counter[str]) -> str:
    words = [f"{actions[action]} to {action}" for action in ("create", "update", "delete") if actions[action]]
    return ", ".join(words) or "nothing"


def stored_fingerprint(plan: Plan) -> str:
    """Worked out again from the stored changes, so that what is applied is what was approved."""
    return fingerprint_of(plan.align_number, plan.changes.all())

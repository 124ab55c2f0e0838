"""What admins decide about the facts: to take note of a change, and to take over the type ids that were seen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord, lock_head
from alignadmin.errors import Refused
from connectors.history.mirror import remaking
from connectors.jobs import runner
from connectors.models import Connector, JobKind
from connectors.ports.audited import context_of
from mappings.contract import facts
from mappings.contract.proposals import Proposal, label, proposals, words_of
from mappings.contract.reading import TYPE_IDS
from mappings.edits.reconciling import type_ids_of
from mappings.engine.families import FAMILIES
from mappings.engine.values import TypeName
from mappings.models import ContractFact, Plan, PlanState, Scope

OPEN = (PlanState.DRAFT, PlanState.APPROVED, PlanState.APPLYING, PlanState.PAUSED)
NOT_PROPOSED = "These type ids are no longer proposed: check what Align answers now, then decide."


def acknowledge(connector: Connector, pk: int, *, changed_at: datetime, actor: Person) -> bool:
    """Take note of one change, which ends its alarm; False when somebody has done so. Raises Refused for another."""
    with transaction.atomic():
        fact = ContractFact.objects.locked().filter(connector=connector, pk=pk).first()
        if fact is None:
            raise Refused("There is no such fact of this connector. Reload the page.")
        if fact.changed_at is None:
            return False
        if fact.changed_at != changed_at:
            raise Refused("It has changed again since this page was loaded: check it, then acknowledge it.")
        fact.changed_at = None
        fact.save(update_fields=["changed_at"])
        trail.record(
            AuditRecord(
                action="contract.noted",
                actor=actor,
                context=context_of(connector),
                subject=facts.subject_of(fact),
                sentence=f"Acknowledged what Align answers: {facts.change_of(fact)}.",
                data={"family": fact.family, "name": fact.name, "before": fact.before, "after": fact.value},
            )
        )
    return True


def proposed(connector: Connector, family_code: str, fact: ContractFact | None) -> list[Proposal]:
    """For the family's fact about type ids; nothing without one."""
    if fact is None:
        return []
    family = FAMILIES[family_code]
    current = family.with_type_ids(type_ids_of(connector, family_code))
    return proposals(family, seen=fact.value, current=current)


def take_over(connector: Connector, family_code: str, key: str, *, actor: Person) -> bool:
    """Use the proposed type ids from now on; False when they are in use already. Raises Refused.

    The family's lists count as not read until they have been read with these ids: what they hold was there before,
    so it is no change made elsewhere.
    """
    if family_code not in FAMILIES:
        raise Refused(NOT_PROPOSED)
    family = FAMILIES[family_code]
    with transaction.atomic():
        owner = Connector.objects.locked().get(pk=connector.pk)
        current = family.with_type_ids(type_ids_of(owner, family_code))
        if key == ",".join(f"{type_.value}={id_}" for type_, id_ in current.items()):
            return False
        fact = ContractFact.objects.filter(connector=owner, family=family_code, name=TYPE_IDS).first()
        chosen = next((each for each in proposed(owner, family_code, fact) if each.key == key), None)
        if chosen is None:
            raise Refused(NOT_PROPOSED)
        _refuse_open_plans(owner, family_code)
        owner.type_ids = _overrides(owner.type_ids, family_code, chosen.type_ids)
        owner.save(update_fields=["type_ids"])
        Scope.objects.filter(connector=owner, family=family_code).update(observed_at=None)
        runner.start(owner, JobKind.OBSERVE, actor=actor)
        lock_head()
        remaking.remake(owner, None)  # lines of the log name the ids, too
        trail.record(
            AuditRecord(
                action="contract.type_ids",
                actor=actor,
                context=context_of(owner),
                subject=f"connector {owner.slug}",
                sentence=f"Took over type ids of {label(family)}: {chosen.words}, before {_before(current, chosen)}.",
                data={"family": family_code, "before": _plain(current), "after": _plain(chosen.type_ids)},
            )
        )
    return True


def _refuse_open_plans(connector: Connector, family_code: str) -> None:
    """A plan's requests hold the ids it was made with."""
    plan = Plan.objects.filter(connector=connector, state__in=OPEN, changes__family=family_code).first()
    if plan is not None:
        raise Refused(
            f"Plan {plan.pk} holds changes with the type ids before. Apply or cancel it, then take these over."
        )


def _overrides(
    stored: Mapping[str, Mapping[str, int]], family_code: str, type_ids: Mapping[TypeName, int]
) -> dict[str, Mapping[str, int]]:
    """Only what differs from the table is an override."""
    table = FAMILIES[family_code].type_ids
    others = {code: ids for code, ids in stored.items() if code != family_code}
    own = {type_.value: id_ for type_, id_ in type_ids.items() if table[type_] != id_}
    return {**others, family_code: own} if own else others


def _before(current: Mapping[TypeName, int], chosen: Proposal) -> str:
    return words_of({type_: current[type_] for type_ in chosen.changes})


def _plain(type_ids: Mapping[TypeName, int]) -> dict[str, int]:
    return {type_.value: id_ for type_, id_ in type_ids.items()}

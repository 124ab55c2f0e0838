"""What admins decide about the facts: to take note of a change, and to take over the type ids that were seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from connectors.ports.connected import lock_connected
from mappings.contract import choices, facts
from mappings.contract.choices import TypeIdChoice
from mappings.contract.proposals import Proposal, label, proposals, words_of
from mappings.contract.reading import TYPE_IDS
from mappings.edits.reconciling import type_ids_of
from mappings.edits.unrecognised import log_words
from mappings.engine.families import FAMILIES, TypeIds
from mappings.engine.values import TypeName
from mappings.models import OPEN_PLANS, ContractFact, Plan, Scope

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
    words = log_words(connector).get(family_code, {})
    return proposals(family, seen=fact.value, current=current, log_words=words)


def take_over(connector: Connector, family_code: str, key: str, *, actor: Person) -> bool:
    """Use the proposed type ids from now on; False when they are in use already. Raises Refused."""
    if family_code not in FAMILIES:
        raise Refused(NOT_PROPOSED)
    with transaction.atomic():
        owner = lock_connected(connector)
        before = choices.in_use(owner)
        if key == ",".join(f"{type_.value}={id_}" for type_, id_ in before[family_code].items()):
            return False
        fact = ContractFact.objects.filter(connector=owner, family=family_code, name=TYPE_IDS).first()
        chosen = next((each for each in proposed(owner, family_code, fact) if each.key == key), None)
        if chosen is None:
            raise Refused(NOT_PROPOSED)
        _use(owner, {**before, family_code: chosen.type_ids}, "Took over", actor=actor)
    return True


def choose(connector: Connector, choice: TypeIdChoice, own: choices.ByFamily, *, actor: Person) -> bool:
    """Use the type ids of that choice in all families; False when they are in use already. Raises Refused.

    `own`: what somebody picked or typed, which counts for the choice of own ids alone.
    """
    with transaction.atomic():
        owner = lock_connected(connector)
        after = choices.chosen(owner, choice, own)
        if after == choices.in_use(owner):
            return False
        _use(owner, after, f"Chose {choice.label.lower()} for the", actor=actor)
    return True


def _use(owner: Connector, after: choices.ByFamily, did: str, *, actor: Person) -> None:
    """The lists of a family whose ids change count as not read until they have been read with these.

    What they hold was there before, so it is no change made elsewhere. Within the caller's transaction.
    """
    before = choices.in_use(owner)
    changed = [code for code in FAMILIES if before[code] != after[code]]
    _refuse_open_plans(owner, changed)
    owner.type_ids = _overrides(after)
    owner.save(update_fields=["type_ids"])
    Scope.objects.filter(connector=owner, family__in=changed, is_ours=False).update(observed_at=None)
    runner.start(owner, JobKind.OBSERVE, actor=actor)
    lock_head()
    remaking.remake(owner, None)  # lines of the log name the ids, too
    trail.record_all([_audit_record(owner, code, before[code], after[code], did, actor) for code in changed])


def _audit_record(owner: Connector, code: str, before: TypeIds, after: TypeIds, did: str, actor: Person) -> AuditRecord:
    """One for each family: packs and comparisons read the ids of a family from it."""
    now = {type_: id_ for type_, id_ in after.items() if before[type_] != id_}
    then = {type_: before[type_] for type_ in now}
    return AuditRecord(
        action="contract.type_ids",
        actor=actor,
        context=context_of(owner),
        subject=f"connector {owner.slug}",
        sentence=f"{did} type ids of {label(FAMILIES[code])}: {words_of(now)}, before {words_of(then)}.",
        data={"family": code, "before": _plain(before), "after": _plain(after)},
    )


def _refuse_open_plans(connector: Connector, families: Sequence[str]) -> None:
    """A plan's requests hold the ids it was made with."""
    plan = Plan.objects.filter(connector=connector, state__in=OPEN_PLANS, changes__family__in=families).first()
    if plan is not None:
        raise Refused(
            f"Plan {plan.pk} holds changes with the type ids before. Apply or cancel it, then take these over."
        )


def _overrides(after: choices.ByFamily) -> dict[str, dict[str, int]]:
    """Only what differs from the table is an override."""
    table = choices.of_table()
    own = {
        code: {type_.value: id_ for type_, id_ in ids.items() if table[code][type_] != id_}
        for code, ids in after.items()
    }
    return {code: ids for code, ids in own.items() if ids}


def _plain(type_ids: Mapping[TypeName, int]) -> dict[str, int]:
    return {type_.value: id_ for type_, id_ in type_ids.items()}

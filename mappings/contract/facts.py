"""The stored facts: what is known of a connector's Align, what has changed, and what follows for its client."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.web.navigation import Alarm, AlarmSource
from connectors.align.list_reading import PAGE
from connectors.align.paging import MAPPING_LISTS, PageCaps
from connectors.jobs import runner
from connectors.models import Connector
from connectors.ports.audited import context_of
from mappings.contract.proposals import label
from mappings.contract.reading import FIELDS, MORE_THAN_PAGE, PAGE_LIMIT, POST_ANSWER, TYPE_IDS, TYPE_PROOF, Observation
from mappings.edits.key_on_write import PROJECT_KEY
from mappings.edits.reconciling import type_ids_of
from mappings.edits.unrecognised import LOG_WORDS
from mappings.engine.families import FAMILIES, Family
from mappings.engine.values import TypeName
from mappings.models import ContractFact

LABELS = {
    TYPE_IDS: "Type ids in records",
    FIELDS: "Fields of a record",
    PAGE_LIMIT: "Records in one answer",
    POST_ANSWER: "Answer to a create",
    PROJECT_KEY: "Project key in a write",
    TYPE_PROOF: "Type ids proven by a create",
}
POST_FORMS = {"object": "the record", "id": "its bare id", "nothing": "nothing"}
MOST_LISTED = 3  # changes in the sentence of the alarm; the page lists them all


def title(family: Family) -> str:
    return _capital(label(family))


def needed_fields(family: Family) -> tuple[str, ...]:
    """Without these a record cannot be read at all."""
    return ("id", "workItemTypeId", family.source_field, family.target_field)


def missing_fields(fact: ContractFact) -> list[str]:
    if fact.name != FIELDS:
        return []
    return [name for name in needed_fields(FAMILIES[fact.family]) if name not in fact.value]


def words(name: str, value: Any) -> str:
    """A fact's value for people."""
    if name == PAGE_LIMIT:
        return f"more than {PAGE}" if value == MORE_THAN_PAGE else f"at most {value}"
    if name == TYPE_PROOF:
        return ", ".join(_proof_words(type_, proof) for type_, proof in sorted(value.items()))
    if name == PROJECT_KEY:
        return ", ".join(f"{method} {'with' if value[method] else 'without'} it" for method in sorted(value))
    if name == POST_ANSWER:
        return POST_FORMS.get(value, str(value))
    return ", ".join(str(each) for each in value)


def _proof_words(type_: str, proof: dict[str, Any]) -> str:
    return f"{TypeName(type_).label} {proof['id']} {'taken' if proof['taken'] else 'refused'}"


def lower_caps(caps: PageCaps, findings: Iterable[Observation]) -> bool:
    """Where a list was seen to be answered in smaller pages than is known of the site, that is known from now on."""
    lower = False
    for found in findings:
        if found.name == PAGE_LIMIT and found.value < caps.of(MAPPING_LISTS):
            caps.forget(MAPPING_LISTS)
            caps.raise_to(MAPPING_LISTS, found.value)
            lower = True
    return lower


# --- storing ----------------------------------------------------------------------------------------------------------


def store(run: runner.Run, findings: Iterable[Observation]) -> list[ContractFact]:
    """Take findings into the facts; those that changed, each with its entry, in one commit."""
    now, connector = timezone.now(), run.connector
    with transaction.atomic():
        run.assert_lease()
        facts = ContractFact.objects.locked().filter(connector=connector)
        stored = {(fact.family, fact.name): fact for fact in facts}
        changed = []
        for finding in findings:
            fact = stored.get((finding.family, finding.name))
            if fact is None:
                fact = ContractFact(connector=connector, family=finding.family, name=finding.name)
            elif is_change(connector, fact, finding.value):
                fact.before, fact.changed_at = fact.value, now
                changed.append(fact)
            fact.value, fact.seen_at = finding.value, now
            fact.save()
        trail.record_all([_audit_record(run, fact) for fact in changed])
    return changed


def is_change(connector: Connector, fact: ContractFact, value: Any) -> bool:
    """Which of the known types have records comes and goes with the records; an id that nothing explains is news.

    So is a known one that goes while such an id is there: its records may have moved to that.
    """
    if fact.name in (LOG_WORDS, TYPE_PROOF):  # evidence for the choice of type ids, and no alarm by itself
        return False
    if fact.name != TYPE_IDS:
        return bool(fact.value != value)
    known = set(FAMILIES[fact.family].with_type_ids(type_ids_of(connector, fact.family)).values())
    strange, gone = set(value) - known, (set(fact.value) - set(value)) & known
    return bool(strange - set(fact.value)) or bool(strange and gone)


def _audit_record(run: runner.Run, fact: ContractFact) -> AuditRecord:
    return AuditRecord(
        action="contract.changed",
        actor=run.actor,
        context=context_of(run.connector),
        subject=subject_of(fact),
        sentence=f"Found that Align answers differently: {change_of(fact)}.",
        data={"family": fact.family, "name": fact.name, "before": fact.before, "after": fact.value},
    )


def subject_of(fact: ContractFact) -> str:
    return f"contract {fact.family} {fact.name}"


def change_of(fact: ContractFact) -> str:
    """ "records in one answer of states, Jira to Align: at most 100, now at most 50"."""
    what = f"{LABELS[fact.name].lower()} of {label(FAMILIES[fact.family])}"
    if fact.name != FIELDS:
        return f"{what}: {words(fact.name, fact.before)}, now {words(fact.name, fact.value)}"
    before, after = fact.before or [], fact.value
    gone, new = _difference(before, after), _difference(after, before)
    parts = [f"without {', '.join(gone)}" if gone else "", f"with {', '.join(new)}" if new else ""]
    return f"{what}: {', '.join(part for part in parts if part)}"


def _difference(values: Sequence[str], others: Sequence[str]) -> list[str]:
    return [each for each in values if each not in others]


# --- telling ----------------------------------------------------------------------------------------------------------


def changed_facts(slug: str) -> QuerySet[ContractFact]:
    """What has changed and nobody has taken note of."""
    return ContractFact.objects.filter(connector__slug=slug, changed_at__isnull=False)


def unacknowledged(slug: str) -> list[ContractFact]:
    """The latest first."""
    return list(changed_facts(slug).select_related("connector").order_by("-changed_at", "pk"))


def alarms(slug: str) -> list[Alarm]:
    """For every page of the connector: one line about all that has changed."""
    changed = unacknowledged(slug)
    if not changed:
        return []
    connector, more = changed[0].connector, len(changed) - MOST_LISTED
    listed = [change_of(fact) for fact in changed[:MOST_LISTED]] + ([f"and {more} more"] if more > 0 else [])
    is_harmful = any(fact.name == TYPE_IDS or missing_fields(fact) for fact in changed)
    return [
        Alarm(
            sentence=f"Jira Align answers {connector} differently from before. {_capital('; '.join(listed))}.",
            href=reverse("connector-contract", args=[slug]),
            action="Look at what has changed",
            ask="Ask an admin to look at it.",
            style="bad" if is_harmful else "warn",
        )
    ]


def alarming(slug: str) -> QuerySet[ContractFact]:
    """Of a disconnected connector nobody can take note of them."""
    return changed_facts(slug).filter(connector__disconnected_at=None)


ALARM = AlarmSource(rows=alarming, alarms=alarms)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

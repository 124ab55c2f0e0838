"""Writing connectors: adding, editing, credentials, activation, prerequisites and issue types.

Each service is one short transaction whose last statement is its audit entry.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.errors import Refused
from alignadmin.search import writing
from alignadmin.text import counted
from connectors.catalogue.reported import UNTOLD
from connectors.credentials.owner_links import links
from connectors.credentials.values import SecretData, seal_secret
from connectors.history.mirror import labels
from connectors.jobs import runner
from connectors.models import (
    Confirmation,
    ConnectionCheck,
    Connector,
    Credential,
    FieldReading,
    FieldRow,
    IssueType,
    Job,
    JobKind,
    PriorityList,
    Project,
    Stage,
    System,
    TypeMatch,
    WorkItemType,
)
from connectors.ports.audited import context_of
from connectors.ports.connected import lock_connected
from connectors.ports.extensions import extensions
from connectors.setup.align_numbers import refuse_taken, why_taken
from connectors.setup.search_names import CONNECTORS
from connectors.webhooks import services as webhooks


@dataclass(frozen=True, kw_only=True)
class ConnectorData:
    """What a person types about a connector, already cleaned."""

    name: str
    align_site: str
    align_connector_id: int
    jira_site: str
    jira_kind: str
    time_zone: str = "UTC"
    log_by_hand: bool = False


def add_connector(slug: str, data: ConnectorData, secrets: Sequence[SecretData], *, actor: Person) -> Connector:
    """Store a connector with its sealed credentials. Raises Refused when slug or connector are there already."""
    try:
        with transaction.atomic():
            rules = extensions().rules_of_new()
            connector = Connector.objects.create(slug=slug, **vars(data), **rules)
            refuse_taken(connector)
            for secret in secrets:
                _store(connector, secret, actor)
            writing.write(CONNECTORS, [connector.pk])
            sites = f"Align connector {data.align_connector_id} at {data.align_site}, Jira at {data.jira_site}"
            facts = {**vars(data), "rules": dict(rules)}
            sentence = f"Added connector {data.name}: {sites}.{_rules_of_one(connector)}"
            _entry("connector.added", connector, actor, sentence, **facts)
    except IntegrityError as error:
        raise Refused(_already_there(slug, data)) from error
    return connector


def _rules_of_one(connector: Connector) -> str:
    """Which rules of plans it begins with, where one person may approve their own plan."""
    if connector.four_eyes:
        return ""
    changes = counted(connector.typed_above, "change")
    return (
        f" Its plans need no second person; ticket format: {connector.ticket_pattern or 'any'}; "
        f"confirmed by typing above {changes} or {connector.typed_share} % of a list."
    )


def _already_there(slug: str, data: ConnectorData) -> str:
    here = Connector.objects.filter(slug=slug).first()
    if taken := why_taken(data.align_site, data.align_connector_id, by_other_than=here.pk if here else None):
        return taken
    return f'There is already a connector with the address "{slug}". Choose another.'


class AnotherNumber(Refused):
    """The number of a connector in use is not edited, but may be handed over: see hand_over."""


def is_in_use(connector: Connector) -> bool:
    """Something was read of it, by the number that it has in Align."""
    return connector.catalogue_at is not None or connector.mirror_lines.exists()


def edit_connector(connector: Connector, data: ConnectorData, *, actor: Person) -> Connector:
    """Change what it says; its slug, mappings and history stay.

    A credential never follows to another host: it is removed, and has to be given again for the new one. Nor does what
    Align has said of the connector follow to another one there, or what was counted in one Jira to another.
    """
    if data.align_connector_id != connector.align_connector_id and is_in_use(connector):
        raise AnotherNumber(
            "Another Align connector has other mappings: add it as a connector of its own. If this one was made anew "
            "in Jira Align, hand it over to its new number."
        )
    before = {name: getattr(connector, name) for name in vars(data)}
    changed = {name: [before[name], value] for name, value in vars(data).items() if before[name] != value}
    if not changed:
        return connector
    try:
        with transaction.atomic():
            lock_connected(connector)
            is_another = bool({"align_site", "align_connector_id"} & changed.keys())
            values = {**vars(data), **(UNTOLD if is_another else {})}
            if "align_site" in changed:
                values["pull_address"] = ""  # of the site before
            for name, value in values.items():
                setattr(connector, name, value)
            connector.save(update_fields=list(values))
            if is_another:
                refuse_taken(connector)
            _remove_stranded_credentials(connector, changed.keys(), actor)
            if "jira_site" in changed:
                extensions().forget_jira(connector)
                webhooks.forget_jira(connector)
            writing.write(CONNECTORS, [connector.pk])
            named = [(name.replace("_", " "), _said(old), _said(new)) for name, (old, new) in changed.items()]
            words = ", ".join(f"{name} from {old} to {new}" for name, old, new in named)
            _entry("connector.edited", connector, actor, f"Changed {words}.", changed=changed)
    except IntegrityError as error:
        raise Refused(_already_there(connector.slug, data)) from error
    return connector


def _said(value: object) -> str:
    return "nothing" if value == "" else str(value)


def _remove_stranded_credentials(connector: Connector, changed: Collection[str], actor: Person) -> None:
    moved = [System.ALIGN] if "align_site" in changed else []
    moved += [System.JIRA] if {"jira_site", "jira_kind"} & set(changed) else []
    Credential.objects.filter(connector=connector, system__in=moved).delete()
    tested = [*moved, System.ALIGN] if "align_connector_id" in changed else moved
    ConnectionCheck.objects.filter(connector=connector, system__in=tested).delete()
    PriorityList.objects.filter(connector=connector, system__in=tested).delete()
    for table in (FieldRow, FieldReading):
        table.objects.filter(connector=connector, system__in=moved).delete()
    if System.ALIGN in moved:  # the token that was being replaced is gone with its site
        Connector.objects.filter(pk=connector.pk).update(gap_since=None)
    links.end_moved(connector, moved, actor=actor)


def store_credential(connector: Connector, secret: SecretData, *, actor: Person) -> Credential:
    """Seal a secret as the current one; running jobs use it with their next call."""
    with transaction.atomic():
        credential = _store(connector, secret, actor)
        # What was refused was the old one.
        Connector.objects.filter(pk=connector.pk).update(last_error="")
        if secret.system == System.ALIGN:
            Connector.objects.filter(pk=connector.pk).update(gap_since=None)
        _entry(
            "credential.stored",
            connector,
            actor,
            f"Stored a new {secret.system.label} credential ({credential.get_kind_display()}).",
            fingerprint=credential.fingerprint,
            version=credential.version,
        )
    return credential


def _store(connector: Connector, secret: SecretData, actor: Person) -> Credential:
    # The connector's row, not the credential's: there may be no credential yet to queue behind.
    lock_connected(connector)
    current = Credential.objects.filter(connector=connector, system=secret.system, stage=Stage.CURRENT)
    old = current.first()
    version = old.version + 1 if old else 1
    current.delete()
    credential = Credential(
        uuid=uuid.uuid4(),
        connector=connector,
        system=secret.system,
        kind=secret.kind,
        version=version,
        user=secret.user,
        owner=actor,
        expires_on=secret.expires_on,
    )
    seal_secret(credential, secret.secret)
    credential.save()
    return credential


def set_active(connector: Connector, active: bool, *, actor: Person) -> None:
    with transaction.atomic():
        lock_connected(connector)
        if not Connector.objects.filter(pk=connector.pk, is_active=not active).update(is_active=active):
            return
        action, words = ("connector.activated", "Activated") if active else ("connector.deactivated", "Deactivated")
        _entry(action, connector, actor, f"{words} connector {connector.name}.")


def confirm_prerequisite(connector: Connector, code: str, *, actor: Person) -> None:
    """A person says that something the API cannot show is so, with today's date."""
    with transaction.atomic():
        Confirmation.objects.update_or_create(
            connector=connector, code=code, defaults={"person_name": actor.name, "confirmed_at": timezone.now()}
        )
        _entry("prerequisite.confirmed", connector, actor, f"Confirmed: {code.replace('-', ' ')}.", code=code)


# Work item type -> names of issue types; empty: it stands for none; None: for what Jira itself tells, or of a project
# for what is chosen for the others.
TypeNames = Mapping[str, "Sequence[str] | None"]


def store_type_matches(connector: Connector, chosen: Mapping[Project | None, TypeNames]) -> None:
    """Which Jira issue types an Align work item type stands for, by project (None: all others).

    In the transaction of the caller, who holds the connector's row and whose entries say who approved it.
    They are chosen by name and kept by id. A name that Jira no longer has keeps the ids it was chosen with.
    """
    unknown = {type_ for matches in chosen.values() for type_ in matches} - set(WorkItemType.values)
    if unknown:
        raise Refused(f"Align has no work item type {', '.join(sorted(unknown))}.")
    stored = list(TypeMatch.objects.filter(connector=connector))
    ids = _ids_by_name(connector, stored)
    places = {(project.pk if project else None, type_) for project, matches in chosen.items() for type_ in matches}
    replaced = [match.pk for match in stored if (match.project_id, match.work_item_type) in places]
    TypeMatch.objects.filter(pk__in=replaced).delete()
    TypeMatch.objects.bulk_create(
        TypeMatch(
            connector=connector,
            project=project,
            work_item_type=type_,
            issue_type_name=name,
            issue_type_ids=ids.get(name, []),
        )
        for project, matches in chosen.items()
        for type_, names in matches.items()
        if names is not None
        for name in dict.fromkeys(names or [""])
    )


def _ids_by_name(connector: Connector, stored: Iterable[TypeMatch]) -> dict[str, list[int]]:
    ids = {match.issue_type_name: match.issue_type_ids for match in stored}
    now: dict[str, list[int]] = {}
    there = IssueType.objects.filter(connector=connector, vanished_at=None).order_by("jira_id")
    for name, jira_id in there.values_list("name", "jira_id"):
        now.setdefault(name, []).append(jira_id)
    return ids | now


def decide_terms(connector: Connector, meanings: Mapping[str, str], *, actor: Person) -> None:
    """What the terms in Align's log mean: a work item type, or with an empty value none of the four."""
    try:
        with transaction.atomic():
            labels.decide(lock_connected(connector), meanings, actor=actor)
    except labels.NotDecided as error:
        raise Refused(str(error)) from error


def start_refresh(connector: Connector, *, actor: Person | None) -> Job:
    """Read the catalogue, and after it the mappings, in the background; returns the first job.

    In maintenance the mappings are left until its end, when every list is read.
    """
    following = {} if connector.maintenance_since else {"then": JobKind.OBSERVE}
    return runner.start(connector, JobKind.REFRESH, actor=actor, params=following)


def _entry(action: str, connector: Connector, actor: Person, sentence: str, **data: object) -> None:
    trail.record(
        AuditRecord(
            action=action,
            actor=actor,
            context=context_of(connector),
            subject=f"connector {connector.slug}",
            sentence=sentence,
            data=data,
        )
    )

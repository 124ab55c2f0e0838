"""The write that a probe of a credential may make with consent: one free key, one create and one delete.

`write_state` of the probe is committed before each request, so whoever comes after a crash knows what may stand in
Align, reads the list, and takes away what was created. Plans, edits and mappings are not touched.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.audit.models import Entry
from alignadmin.http.errors import NotFound, OutcomeUnknown, RemoteError
from alignadmin.parsing import whole
from connectors.align.audit_sentences import DELETED as DELETION
from connectors.align.client import AlignClient
from connectors.align.resources import MappingRecord, WriteAnswer, WriteRequest
from connectors.catalogue.issue_types import IssueTypes
from connectors.models import Connector, Probe, Project, Status
from connectors.ports.audited import CHANGE_SENT, context_of, event_fields
from connectors.ports.extensions import JobRun, ProbeOutcome, WriteKey
from mappings.edits.names import names_of
from mappings.edits.reconciling import type_ids_of
from mappings.engine import plan as engine
from mappings.engine.families import A2J_STATE, ListAddress
from mappings.engine.values import ALIGN_STATES, Category, Row, Situation, TypeName
from mappings.models import Mapping, Scope

MOST_KEYS = 20
MOST_SCOPES = 60  # looked through for them
CREATING, CREATED, DELETING, DONE = "creating", "created", "deleting", "done"
# An item rarely moves back to the first states, so a mapping of a moment there is least likely to meet one.
TYPES = (TypeName.STORY, TypeName.DEFECT, TypeName.FEATURE)
FITTING = {0: Category.TODO, 1: Category.TODO, 5: Category.DONE}  # the others: in progress


class NotProbed(Exception):
    """The write could not be tried or brought to its end; the message says why."""


@dataclass(frozen=True, kw_only=True)
class ProbeKey:
    """A state of one project and type that may lead to a status for a moment."""

    project: Project
    type_: TypeName
    state: int
    status: int

    @property
    def id(self) -> str:
        return f"{A2J_STATE.code}:{self.project.jira_id}:{self.type_.value}:{self.state}:{self.status}"

    def sentence(self, status_name: str) -> str:
        state = f"Align state {self.state} {ALIGN_STATES[self.state]}"
        return f"{self.project.key} · {self.type_.label} · {state} → {status_name}: nothing is mapped there"

    @classmethod
    def parse(cls, connector: Connector, text: str) -> ProbeKey:
        try:
            family, project_id, type_, state, status = text.split(":")
            numbers = [number for each in (project_id, state, status) if (number := whole(each)) is not None]
            jira_id, state_id, status_id = numbers
            project = Project.objects.get(connector=connector, jira_id=jira_id)
            key = cls(project=project, type_=TypeName(type_), state=state_id, status=status_id)
        except (ValueError, Project.DoesNotExist) as error:
            raise NotProbed("The chosen key no longer exists. Choose another.") from error
        if family != A2J_STATE.code or key.state not in ALIGN_STATES:
            raise NotProbed("The key that was chosen is not one that a probe writes to. Choose another.")
        return key


# -- free keys -----------------------------------------------------------------------------------------------------


def free_keys(connector: Connector) -> list[WriteKey]:
    """One free key for each of the first projects that have one."""
    scopes = Scope.objects.filter(connector=connector, family=A2J_STATE.code, error="", observed_at__isnull=False)
    in_scope = scopes.filter(project__in_scope=True, project__vanished_at=None)
    sampled = list(in_scope.select_related("project").order_by("project__key")[:MOST_SCOPES])
    projects = [scope.project for scope in sampled if scope.project]
    taken, reachable = _taken(sampled), _reachable(connector, projects)
    found = [key for project in projects if (key := _free_key(project, taken, reachable))][:MOST_KEYS]
    names = names_of(connector).statuses
    return [WriteKey(id=key.id, sentence=key.sentence(f"{names[key.status]} ({key.status})")) for key in found]


def _taken(scopes: Iterable[Scope]) -> set[tuple[int, str, int]]:
    """(project, type, state) of every mapping that is there, or that somebody wants there."""
    held = Q(observed__isnull=False) | Q(wanted__isnull=False) | Q(applied__isnull=False)
    rows = Mapping.objects.filter(held, scope__in=list(scopes))
    return set(rows.values_list("scope__project_id", "work_item_type", "source_id"))


def _reachable(connector: Connector, projects: Iterable[Project]) -> dict[tuple[int, str], list[Status]]:
    types, found = IssueTypes(connector), defaultdict[tuple[int, str], list[Status]](list)
    for type_ in TYPES:
        rows = types.reachable(type_).filter(project__in=list(projects), status__vanished_at=None)
        for row in rows.select_related("status").order_by("status__jira_id"):
            found[row.project_id, type_.value].append(row.status)
    return found


def _free_key(
    project: Project, taken: set[tuple[int, str, int]], reachable: dict[tuple[int, str], list[Status]]
) -> ProbeKey | None:
    for type_ in TYPES:
        for state in ALIGN_STATES:
            statuses = reachable.get((project.pk, type_.value))
            if statuses and (project.pk, type_.value, state) not in taken:
                category = FITTING.get(state, Category.DOING)
                status = next((each for each in statuses if each.category == category), statuses[0])
                return ProbeKey(project=project, type_=type_, state=state, status=status.jira_id)
    return None


# -- one write -----------------------------------------------------------------------------------------------------


class Attempt:
    """The create and the delete of one probe, from wherever an earlier worker has come to.

    `answer` is what Align said to the create, where this worker has heard it.
    """

    purpose = "Probe of a credential, for a moment"
    answer: WriteAnswer | None = None
    listed: MappingRecord | None = None  # as Align's list last showed what we created

    def __init__(self, probe: Probe, client: AlignClient, run: JobRun) -> None:
        self.probe, self.client, self.run = probe, client, run
        self.connector = run.connector
        self.key = ProbeKey.parse(self.connector, probe.write_key)
        self.place = ListAddress(family=A2J_STATE, project_key=self.key.project.wire_key)
        self.type_id = A2J_STATE.with_type_ids(type_ids_of(self.connector, A2J_STATE.code))[self.key.type_]
        self.status_name = names_of(self.connector).statuses.get(self.key.status, "")

    @property
    def what(self) -> str:
        state = f"{self.key.state} {ALIGN_STATES[self.key.state]}"
        return f"{self.key.project.key} · {self.key.type_.label} · {state} → {self.status_name} ({self.key.status})"

    # -- the two requests ------------------------------------------------------------------------------------------

    def create(self) -> None:
        if any(self._at_key()):
            raise NotProbed(f"Not tried: something is mapped at {self.what} by now. Choose another key.")
        change = self._change(create=True)
        self._move(CREATING, "change.sent", change)
        try:
            self.answer = self.client.send(_request(change))
        except OutcomeUnknown as unknown:
            self.resolve_create()
            if self.probe.write_state != CREATED:
                raise NotProbed(f"{unknown.sentence} Nothing was created; probe again.") from unknown
        except RemoteError as error:
            self._move("", "change.failed", change, detail=error.detail or error.sentence)
            raise
        else:
            self._move(CREATED, "change.done", change, write_id=self.answer.remote_id)

    def resolve_create(self) -> None:
        """Decide by reading whether a request without an answer took effect, once it cannot any more."""
        self._wait_out()
        change, ours = self._change(create=True), self._ours()
        if ours is not None:
            self._move(CREATED, "change.done", change, write_id=ours.id, detail="No answer came; Align has it.")
        else:
            self._move("", "change.failed", change, detail="No answer came, and nothing was created.")

    def remove(self) -> str:
        """Take away what was created, only as it was created; what became of it in words."""
        if self.probe.write_state == DELETING:
            self._wait_out()
        ours = self._ours()
        if ours is None:
            return self._resolve_absent()
        change = self._change(create=False, remote_id=ours.id)
        self._move(DELETING, "change.sent", change, write_id=ours.id)
        detail = ""
        try:
            self.client.send(_request(change))
        except NotFound:
            detail = "Already absent in Align."
        except OutcomeUnknown as unknown:
            self._wait_out()
            if self._ours() is not None:
                self._move(CREATED, "change.failed", change, detail="No answer came, and the record is still there.")
                raise NotProbed(f"Created record {ours.id}, but could not delete it: {unknown.sentence}") from unknown
            detail = "No answer came; the record is gone."
        except RemoteError as error:
            self._move(CREATED, "change.failed", change, detail=error.detail or error.sentence)
            raise NotProbed(f"Created record {ours.id}, but could not delete it: {error.sentence}") from error
        self._move(DONE, "change.done", change, detail=detail)
        return f"Created record {ours.id} ({self.what}) and deleted it again."

    def _resolve_absent(self) -> str:
        """Nothing of ours is there: our own delete without an answer, or somebody else was faster."""
        was_deleting, number = self.probe.write_state == DELETING, self.probe.write_id
        if was_deleting:
            change = self._change(create=False, remote_id=number)
            self._move(DONE, "change.done", change, detail="No answer came; the record is gone.")
            return f"Created record {number} ({self.what}) and deleted it again."
        self.probe.write_state = DONE
        self.probe.save(update_fields=["write_state"])
        return f"Created record {number or ''} ({self.what}); someone else has changed or removed it since."

    def still_there(self) -> bool:
        return self._ours() is not None

    # -- reading ---------------------------------------------------------------------------------------------------

    def _at_key(self) -> Iterator[MappingRecord]:
        for record in self.client.list_mappings(self.place.path):
            if (record.work_item_type_id, record.align_state_id) == (self.type_id, self.key.state):
                yield record

    def _ours(self) -> MappingRecord | None:
        """The record that equals what we created. Its id decides where the answer told it."""
        for record in self._at_key():
            if record.jira_status_id == self.key.status and self.probe.write_id in (None, record.id):
                self.listed = record
                return record
        return None

    def _wait_out(self) -> None:
        until = time.monotonic() + settings.REQUEST_DEADLINE + settings.SENDING_GRACE
        while (seconds := until - time.monotonic()) > 0:
            self.run.waits_for(f"a request without an answer may still take effect: {seconds:.0f} s")
            time.sleep(min(0.5, seconds))

    # -- writing down ----------------------------------------------------------------------------------------------

    def _change(self, *, create: bool, remote_id: int | None = None) -> engine.PlannedChange:
        """As a plan would make it, so that its request and its audit line are those of any other change."""
        before, after = (None, self.key.status) if create else (self.key.status, None)
        row = Row(
            source_id=self.key.state,
            wanted=after,
            applied=before,
            observed=before,
            remote_id=remote_id,
            situation=Situation.EDITED,
        )
        draft = engine.Draft(
            connector_id=self.connector.align_connector_id,
            place=self.place,
            work_item_type=self.key.type_,
            type_id=self.type_id,
            row=row,
            source_name=ALIGN_STATES[self.key.state],
            before_name="" if create else self.status_name,
            after_name=self.status_name if create else "",
            names_in_align=engine.NamesInAlign() if create else self._names_in_align(),
            project_count=1,
        )
        return engine.plan([draft]).changes[0]

    def _names_in_align(self) -> engine.NamesInAlign:
        """Its deletion is told by names alone: as Align's list called it, to this worker or to the one before."""
        if self.listed is not None:
            names = self.listed.align_state_name, self.listed.jira_status_name
            return engine.NamesInAlign(records={self.listed.id: names})
        sent = self._sent()
        event = json.loads(sent.body)["event"] if sent else None
        if event is None or event["action"] != DELETION or event["record_id"] is None:
            return engine.NamesInAlign()
        return engine.NamesInAlign(records={event["record_id"]: (event["source_name"], event["before_name"])})

    def _move(
        self, state: str, action: str, change: engine.PlannedChange, *, write_id: int | None = None, detail: str = ""
    ) -> None:
        """One commit: what may stand in Align now, and the entry about it."""
        now = timezone.now()
        self.probe.write_state = state
        self.probe.write_id = None if not state else write_id or self.probe.write_id
        with transaction.atomic():
            if not Probe.objects.filter(pk=self.probe.pk).update(write_state=state, write_id=self.probe.write_id):
                raise NotProbed("The credential was discarded while it was probed.")
            sent_at = now if action == CHANGE_SENT else self._sent_at() or now
            trail.record_all([self._audit_record(action, change, detail, sent_at)])

    def _sent_at(self) -> datetime | None:
        """When the request left, from the journal: Align's line bears that time, however late the outcome is told."""
        sent = self._sent()
        return sent.at if sent else None

    def _sent(self) -> Entry | None:
        sent = Entry.objects.filter(action=CHANGE_SENT, body__contains=f'"subject":"{self._subject}"')
        return sent.order_by("-seq").first()

    @property
    def reason(self) -> str:
        return self.probe.credential.reason

    @property
    def _subject(self) -> str:
        return f"credential {self.probe.credential.uuid}"

    def _audit_record(self, action: str, change: engine.PlannedChange, detail: str, sent_at: datetime) -> AuditRecord:
        return AuditRecord(
            action=action,
            actor=self.run.actor,
            context=context_of(self.connector),
            subject=self._subject,
            sentence=f"{self.purpose}: {change.sentence}",
            data={
                "method": change.method,
                "path": change.path,
                "query": [list(pair) for pair in change.query],
                "body": dict(change.body) if change.body else None,
                "detail": detail,
                "expected": change.expected_line,
            },
            event=event_fields(change.event),
            project_key=change.place.project_key or "",
            reason=self.reason,
            happened_at=sent_at,
        )


def _request(change: engine.PlannedChange) -> WriteRequest:
    return WriteRequest(
        method=change.method,
        path=change.path,
        query=change.query,
        body=dict(change.body) if change.body is not None else None,
    )


def carry_out(attempt: Attempt) -> ProbeOutcome:
    """From wherever it stands to its end. Raises RemoteError where the create is refused."""
    probe = attempt.probe
    try:
        if probe.write_state == CREATING:
            attempt.resolve_create()
        if not probe.write_state:
            attempt.create()
        words = attempt.remove() if probe.write_state != DONE else f"Wrote {attempt.what} and took it away again."
        if attempt.still_there():
            return ProbeOutcome(ok=False, sentence=f"{words} Yet Align still lists it: remove it in the matrix.")
    except NotProbed as why:
        return ProbeOutcome(ok=False, sentence=str(why))
    return ProbeOutcome(ok=True, sentence=words)


class MappingWriteProbe:
    """The hook that connectors.credentials.rotation asks."""

    def keys(self, connector: Connector) -> list[WriteKey]:
        return free_keys(connector)

    def run(self, probe: Probe, client: AlignClient, run: JobRun) -> ProbeOutcome:
        try:
            attempt = Attempt(probe, client, run)
        except NotProbed as why:
            return ProbeOutcome(ok=False, sentence=str(why))
        return carry_out(attempt)

    def tidy(self, probe: Probe, client: AlignClient, run: JobRun) -> ProbeOutcome:
        try:
            attempt = Attempt(probe, client, run)
            if probe.write_state == CREATING:
                attempt.resolve_create()
            if not probe.write_state:
                return ProbeOutcome(ok=True, sentence="Nothing was created.")
            attempt.remove()
        except NotProbed as why:
            return ProbeOutcome(ok=False, sentence=str(why))
        return ProbeOutcome(ok=True, sentence="The record was removed with the credential in use.")

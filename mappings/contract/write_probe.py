"""The write that a probe of a credential may make with consent: one free key, one create and one delete.

`write_state` of the probe is committed before each request, so whoever comes after a crash knows what may stand in
Align, reads the list, and takes away what was created. Plans, edits and mappings are not touched.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.audit.models import Entry
from alignadmin.http.errors import NotFound, OutcomeUnknown, RemoteError
from connectors.align.audit_sentences import DELETED as DELETION
from connectors.align.client import AlignClient
from connectors.align.refusals import may_be_the_key
from connectors.align.resources import WriteAnswer, WriteRequest
from connectors.models import Connector, Probe
from connectors.ports.audited import CHANGE_SENT, context_of, event_fields
from connectors.ports.extensions import JobRun, ProbeOutcome, WriteKey
from mappings.contract.free_keys import NotProbed, ProbeKey, free_keys
from mappings.edits.key_on_write import has_choice, keyed_methods, learned
from mappings.edits.names import names_of
from mappings.edits.reconciling import type_ids_of
from mappings.engine import plan as engine
from mappings.engine.reconcile import RemoteRecord
from mappings.engine.values import Row, Situation
from mappings.observing.lists import remote_record

CREATING, CREATED, DELETING, DONE = "creating", "created", "deleting", "done"

# -- one write -----------------------------------------------------------------------------------------------------


class Attempt:
    """The create and the delete of one probe, from wherever an earlier worker has come to.

    `answer` is what Align said to the create, where this worker has heard it.
    """

    purpose = "Probe of a credential, for a moment"
    answer: WriteAnswer | None = None
    listed: RemoteRecord | None = None  # as Align's list last showed what we created

    def __init__(self, probe: Probe, client: AlignClient, run: JobRun) -> None:
        self.probe, self.client, self.run = probe, client, run
        self.connector = run.connector
        self.key = ProbeKey.parse(self.connector, probe.write_key)
        self.place, family = self.key.place, self.key.family
        self.type_id = family.with_type_ids(type_ids_of(self.connector, family.code))[self.key.type_]
        self.names = names_of(self.connector)
        self.known = learned(self.connector)
        self.keyed = keyed_methods(self.known, family.direction, self.key.project)

    @property
    def what(self) -> str:
        return self.key.what(self.names, self.connector.terminology)

    def _name(self, **end: int) -> str:
        return self.names.of(self.key.family.kind, self.key.family.direction, **end)

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
            if not may_be_the_key(error) or not self._turn("POST"):
                raise
            self.create()  # which begins by reading the list
        else:
            self._move(CREATED, "change.done", change, write_id=self.answer.remote_id)

    def resolve_create(self) -> None:
        """Decide by reading whether a request without an answer took effect, once it cannot any more."""
        self._wait_out()
        change, ours = self._change(create=True), self._ours()
        if ours is not None:
            self._move(CREATED, "change.done", change, write_id=ours.remote_id, detail="No answer came; Align has it.")
        else:
            self._move("", "change.failed", change, detail="No answer came, and nothing was created.")

    def remove(self) -> str:
        """Take away what was created, only as it was created; what became of it in words."""
        if self.probe.write_state == DELETING:
            self._wait_out()
        ours = self._ours()
        if ours is None:
            return self._resolve_absent()
        change = self._change(create=False, remote_id=ours.remote_id)
        self._move(DELETING, "change.sent", change, write_id=ours.remote_id)
        detail = ""
        try:
            self.client.send(_request(change))
        except NotFound as missing:
            if self._ours() is not None:
                told = f"{missing.sentence} Its list holds it all the same."
                self._move(CREATED, "change.failed", change, detail=told)
                if self._turn("DELETE"):
                    return self.remove()
                raise NotProbed(f"Created record {ours.remote_id}, but could not delete it: {told}") from missing
            detail = "Already absent in Align."
        except OutcomeUnknown as unknown:
            self._wait_out()
            if self._ours() is not None:
                self._move(CREATED, "change.failed", change, detail="No answer came, and the record is still there.")
                raise NotProbed(
                    f"Created record {ours.remote_id}, but could not delete it: {unknown.sentence}"
                ) from unknown
            detail = "No answer came; the record is gone."
        except RemoteError as error:
            self._move(CREATED, "change.failed", change, detail=error.detail or error.sentence)
            raise NotProbed(f"Created record {ours.remote_id}, but could not delete it: {error.sentence}") from error
        self._move(DONE, "change.done", change, detail=detail)
        return f"Created record {ours.remote_id} ({self.what}) and deleted it again."

    def _turn(self, method: str) -> bool:
        """Whether to send it once more with the project's key: once, while nobody knows whether it is wanted."""
        direction, project = self.key.family.direction, self.key.project
        is_open = project is not None and project.team_managed and has_choice(direction, method)
        if not is_open or method in self.keyed or (direction, method) in self.known:
            return False
        self.keyed |= {method}
        return True

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

    def _at_key(self) -> Iterator[RemoteRecord]:
        key = self.place.project_key if self.place.sends_project_key else None
        for answered in self.client.list_mappings(self.place.path, project_key=key):
            record = remote_record(self.key.family, answered)
            if (record.type_id, record.source_id) == (self.type_id, self.key.source):
                yield record

    def _ours(self) -> RemoteRecord | None:
        """The record that equals what we created. Its id decides where the answer told it."""
        for record in self._at_key():
            if record.target_id == self.key.target and self.probe.write_id in (None, record.remote_id):
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
        before, after = (None, self.key.target) if create else (self.key.target, None)
        row = Row(
            source_id=self.key.source,
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
            source_name=self._name(source=self.key.source),
            before_name="" if create else self._name(target=self.key.target),
            after_name=self._name(target=self.key.target) if create else "",
            names_in_align=engine.NamesInAlign() if create else self._names_in_align(),
            project_count=1,
            keyed=self.keyed,
            terminology=self.connector.terminology,
        )
        return engine.plan([draft]).changes[0]

    def _names_in_align(self) -> engine.NamesInAlign:
        """Its deletion is told by names alone: as Align's list called it, to this worker or to the one before."""
        if self.listed is not None:
            names = self.listed.source_name, self.listed.target_name
            return engine.NamesInAlign(records={self.listed.remote_id: names})
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

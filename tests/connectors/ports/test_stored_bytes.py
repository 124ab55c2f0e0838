"""What is stored stays as it was first stored: the text and hash of entries, and what sealed values open by."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.conf import LazySettings

from alignadmin.accounts.models import Person
from alignadmin.accounts.second_factors import SECOND_FACTOR
from alignadmin.audit.entries import START, AuditRecord, PersonCopy, append, canonical, digest
from alignadmin.audit.models import SigningKey
from alignadmin.audit.signing_keys import signing_bound_to
from connectors.align.audit_sentences import MappingEvent
from connectors.credentials.values import bound_to, open_secret
from connectors.models import Connector, Credential
from connectors.ports.audited import context_of, event_fields

AT = "2026-03-01T12:00:02.500000+00:00"
BODY = (
    '{"action":"change.done","actor":{"email":"dana@example.test","id":4,"name":"Dana Adm\\u00edn","role":"admin"},'
    '"approver":{"email":"dana@example.test","id":4,"name":"Dana Adm\\u00edn","role":"admin"},'
    '"at":"2026-03-01T12:00:02.500000+00:00","connector":{"align_connector_id":123,'
    '"align_site":"https://acme.jiraalign.example","id":2,"name":"Acme","slug":"acme"},"data":{"change":9},'
    '"event":{"action":"updated","after_id":3,"after_name":"Dev complete","before_id":2,"before_name":"In progress",'
    '"connector_id":123,"direction":"j2a","kind":"state","project_key":null,"record_id":null,"source_id":10014,'
    '"source_name":"In Review","type_id":null,"work_item_type":"story"},"happened_at":"2026-03-01T12:00:01+00:00",'
    '"people":{"author":{"email":"eli@example.test","id":6,"name":"Eli","role":"editor"},'
    '"earlier":[{"email":"pia@example.test","id":7,"name":"Pia","role":"editor"}],'
    '"planner":{"email":"dana@example.test","id":4,"name":"Dana Adm\\u00edn","role":"admin"}},"plan":5,'
    '"project_key":"PROJ","reason":"Because","sentence":"Set to 3 Dev complete.","seq":1,'
    '"subject":"Story: In Review","ticket":"OPS-1"}'
)
PLAIN = (
    '{"action":"person.added","actor":null,"approver":null,"at":"2026-03-01T12:00:02.500000+00:00","connector":null,'
    '"data":{},"event":null,"happened_at":null,"people":null,"plan":null,"project_key":"","reason":"","sentence":"s",'
    '"seq":2,"subject":"p","ticket":""}'
)
ROW = UUID("12345678123456781234567812345678")
SEALED = "v1:first:LaWs+oaCh6Q03kYn:d0dXHAvaBw0GPSaRraccN1Rc6SOxfzC8"


@pytest.mark.django_db
def test_an_entry_is_stored_in_these_very_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alignadmin.audit.entries.timezone.now", lambda: datetime.fromisoformat(AT))
    monkeypatch.setattr("alignadmin.audit.entries._listeners", [])
    dana = Person(pk=4, name="Dana Admín", email="dana@example.test", role="admin")
    acme = Connector(
        pk=2, slug="acme", name="Acme", align_site="https://acme.jiraalign.example", align_connector_id=123
    )
    event = MappingEvent(
        connector_id=123,
        action="updated",
        kind="state",
        direction="j2a",
        work_item_type="story",
        source_id=10014,
        source_name="In Review",
        before_id=2,
        before_name="In progress",
        after_id=3,
        after_name="Dev complete",
    )
    change = AuditRecord(
        action="change.done",
        actor=dana,
        context=context_of(acme),
        subject="Story: In Review",
        sentence="Set to 3 Dev complete.",
        data={"change": 9},
        event=event_fields(event),
        plan=5,
        project_key="PROJ",
        author=PersonCopy(id=6, name="Eli", email="eli@example.test", role="editor"),
        earlier=[PersonCopy(id=7, name="Pia", email="pia@example.test", role="editor")],
        planner=dana,
        approver=dana,
        reason="Because",
        ticket="OPS-1",
        happened_at=datetime(2026, 3, 1, 12, 0, 1, tzinfo=UTC),
    )
    first, second = append([change, AuditRecord(action="person.added", actor=None, subject="p", sentence="s")])
    assert (first.body, second.body) == (BODY, PLAIN)
    assert first.prev == START
    assert first.hash == second.prev == digest(START, BODY)


def test_a_hash_is_this_very_one() -> None:
    body = BODY.replace('"seq":1', '"seq":7')
    assert digest(START, body) == "8d79d14c99fc7efb8257487fb7fa02e3bfd70e71f2be155eb0aa3b76f2f7ad0d"
    assert canonical({"b": "é", "a": 1}) == '{"a":1,"b":"\\u00e9"}'


def test_a_value_that_was_sealed_before_opens(settings: LazySettings) -> None:
    settings.SEAL_KEYS_FILE, settings.SEAL_KEYS = "", ["first:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE="]
    credential = Credential(uuid=ROW, version=3, sealed=SEALED)
    assert open_secret(credential) == "a secret"
    assert bound_to(credential) == f"connectors_credential|{ROW}|secret|3"
    assert signing_bound_to(SigningKey(uuid=ROW)) == f"connectors_signingkey|{ROW}|private"
    assert SECOND_FACTOR == "mfa_authenticator|secret"

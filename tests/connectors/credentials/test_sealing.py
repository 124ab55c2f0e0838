"""Encryption keys: bound to their row, opened by the right key alone, and what is noted when they are used."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import timedelta
from itertools import combinations, permutations, product
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from django.db.models import Model
from django.utils import timezone
from pytest_django import Settings

from alignadmin import sealing
from alignadmin.accounts.models import Person, Role
from alignadmin.accounts.second_factors import SECOND_FACTOR
from alignadmin.audit.models import SigningKey
from alignadmin.http.errors import Forbidden, ReadOnlyRefused, SignInRefused
from alignadmin.mail.models import OutgoingMail
from alignadmin.sealing import DoesNotOpen
from connectors.credentials import clients
from connectors.credentials.clients import Access, NoCredential
from connectors.credentials.values import SecretData, bound_to, open_secret, seal_secret
from connectors.jobs import runner
from connectors.models import Connector, Credential, JobKind, Stage, System, WebhookSecret
from connectors.setup.services import store_credential
from tests.conftest import SignIn
from tests.support import factories
from tests.support.sandbox_fixture import ALIGN_TOKEN, JIRA_TOKEN, RunningSandbox

pytestmark = pytest.mark.django_db
SECRET = "canary-7f3e1c"


def stored(system: System = System.ALIGN) -> Credential:
    return Credential.objects.get(system=system)


@pytest.fixture
def credential(bare_connector: Connector) -> Credential:
    found = stored()
    seal_secret(found, SECRET)
    found.save()
    return found


# --- sealing and opening ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", [SECRET, "", "zażółć “gęślą” jaźń", "with:colons:and spaces ", "x" * 10_000])
def test_what_was_sealed_is_what_opens(credential: Credential, secret: str) -> None:
    seal_secret(credential, secret)
    assert open_secret(credential) == secret
    assert not secret or secret not in credential.sealed


def test_it_names_its_key_and_is_different_each_time(credential: Credential) -> None:
    first = credential.sealed
    seal_secret(credential, SECRET)
    assert re.fullmatch(r"v1:test:[\w+/=]+:[\w+/=]+", first)
    assert credential.sealed != first


def to_other_row(credential: Credential) -> None:
    credential.uuid = stored(System.JIRA).uuid


def to_other_version(credential: Credential) -> None:
    credential.version += 1


def alter(credential: Credential) -> None:
    head, _, ciphertext = credential.sealed.rpartition(":")
    raw = bytearray(base64.b64decode(ciphertext))
    raw[0] ^= 1
    credential.sealed = f"{head}:{base64.b64encode(raw).decode()}"


def cut(credential: Credential) -> None:
    credential.sealed = credential.sealed[:-9]


def store_as_it_is(credential: Credential) -> None:
    credential.sealed = SECRET


def claim_other_form(credential: Credential) -> None:
    credential.sealed = credential.sealed.replace("v1:", "v2:")


@pytest.mark.parametrize("damage", [to_other_row, to_other_version, alter, cut, store_as_it_is, claim_other_form])
def test_a_value_that_is_not_its_own_never_opens(credential: Credential, damage: Callable[[Credential], None]) -> None:
    damage(credential)
    with pytest.raises(DoesNotOpen) as refused:
        open_secret(credential)
    assert SECRET not in str(refused.value)


def test_an_altered_byte_anywhere_never_opens(credential: Credential) -> None:
    """Every byte of nonce, ciphertext and tag, every character of form and key id."""
    head, nonce, ciphertext = credential.sealed.rsplit(":", 2)
    raws = [base64.b64decode(nonce), base64.b64decode(ciphertext)]
    altered = [f"{head[:at]}~{head[at + 1 :]}:{nonce}:{ciphertext}" for at in range(len(head))]
    for part, raw in enumerate(raws):
        for at in range(len(raw)):
            changed = [*raws]
            changed[part] = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
            altered.append(":".join((head, *(base64.b64encode(each).decode() for each in changed))))
    assert len(altered) > 40
    for value in altered:
        with pytest.raises(DoesNotOpen):
            sealing.unseal(value, bound_to=bound_to(credential))
    assert sealing.unseal(credential.sealed, bound_to=bound_to(credential)) == SECRET


def test_no_column_opens_a_value_of_another_and_second_factors_alone_are_bound_to_no_row() -> None:
    """allauth seals and opens the last without saying whose they are."""
    rows: dict[type[Model], tuple[Model, Model]] = {
        Credential: tuple(
            Credential(uuid=uuid4(), connector=Connector(pk=pk), system=System.ALIGN, version=1) for pk in (1, 2)
        ),  # type: ignore[dict-item]
        SigningKey: (SigningKey(uuid=uuid4()), SigningKey(uuid=uuid4())),
        OutgoingMail: (OutgoingMail(), OutgoingMail()),
        WebhookSecret: (WebhookSecret(uuid=uuid4()), WebhookSecret(uuid=uuid4())),
        Authenticator: (Authenticator(pk=1, user_id=1, type="totp"), Authenticator(pk=2, user_id=2, type="totp")),
    }
    bounds = {column.label: [column.bound_to(row) for row in rows[column.rows().model]] for column in sealing.columns()}
    assert [label for label, (first, second) in bounds.items() if first == second] == ["second factors"]
    every = [bound for both in bounds.values() for bound in dict.fromkeys(both)]
    assert len(every) == len(set(every)) == 9
    for sealed_for, opened_for in permutations(every, 2):
        with pytest.raises(DoesNotOpen):
            sealing.unseal(sealing.seal(SECRET, bound_to=sealed_for), bound_to=opened_for)


def test_two_values_exchanged_in_the_database_never_open(bare_connector: Connector, admin: Person) -> None:
    """Of all pairs over connectors, systems, stages and versions."""
    other = factories.connector("https://other.example.test", actor=admin, slug="other")
    Credential.objects.all().delete()
    for owner, system, (version, stage) in product((bare_connector, other), System, enumerate(Stage, start=1)):
        made = Credential(
            uuid=uuid4(), connector=owner, system=system, kind="align-bearer", stage=stage, version=version
        )
        seal_secret(made, SECRET)
        made.save()
    pairs = list(combinations(Credential.objects.values_list("pk", "sealed"), 2))
    assert len(pairs) == 66
    for (first, sealed_first), (second, sealed_second) in pairs:
        put_sealed(first, sealed_second)
        put_sealed(second, sealed_first)
        for exchanged in Credential.objects.filter(pk__in=[first, second]):
            with pytest.raises(DoesNotOpen):
                open_secret(exchanged)
        put_sealed(first, sealed_first)
        put_sealed(second, sealed_second)
    assert {open_secret(each) for each in Credential.objects.all()} == {SECRET}


def put_sealed(pk: int, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE connectors_credential SET sealed = %s WHERE id = %s", [value, pk])


def test_a_value_moved_to_another_field_never_opens(credential: Credential) -> None:
    with pytest.raises(DoesNotOpen):
        sealing.unseal(credential.sealed, bound_to=SECOND_FACTOR)
    with pytest.raises(DoesNotOpen):
        sealing.unseal(sealing.seal(SECRET, bound_to=SECOND_FACTOR), bound_to=bound_to(credential))


def test_a_value_that_does_not_open_is_never_sent_and_the_page_says_so(
    connector: Connector, sandbox: RunningSandbox, signed_in: SignIn
) -> None:
    altered = stored()
    alter(altered)
    altered.save()
    sandbox.clear_journal()
    jobs_of = {JobKind.REFRESH: "", JobKind.OBSERVE: "", JobKind.INTAKE: ""}
    for kind in jobs_of:
        jobs_of[kind] = runner.run_now(runner.start(connector, kind, actor=None)).error
    assert all("does not open" in error for error in jobs_of.values()), jobs_of
    assert sandbox.journal() == []
    assert "does not open" in signed_in(Role.ADMIN).get("/connectors/acme/").content.decode()


def test_the_first_key_seals_and_all_open(credential: Credential, settings: Settings) -> None:
    settings.SEAL_KEYS = [sealing.new_key("next"), *settings.SEAL_KEYS]
    assert open_secret(credential) == SECRET
    seal_secret(credential, SECRET)
    assert credential.sealed.startswith("v1:next:")


def test_without_its_key_it_says_which_one_is_missing(credential: Credential, settings: Settings) -> None:
    settings.SEAL_KEYS = [sealing.new_key("other")]
    with pytest.raises(DoesNotOpen, match='the key "test", which is not in SEAL_KEYS'):
        open_secret(credential)


def test_a_fingerprint_compares_secrets_without_telling_them(settings: Settings) -> None:
    found = sealing.fingerprint(SECRET)
    assert re.fullmatch(r"[0-9a-f]{16}", found)
    assert found == sealing.fingerprint(SECRET) != sealing.fingerprint(SECRET + "x")
    settings.SEAL_KEYS = [sealing.new_key("other")]
    assert sealing.fingerprint(SECRET) != found


# --- using them -------------------------------------------------------------------------------------------------------


def replace_secret(owner: Connector, secret: str, *, actor: Person, system: System = System.ALIGN) -> Credential:
    kind = "align-bearer" if system is System.ALIGN else "jira-cloud"
    typed = SecretData(system=system, kind=kind, user="admin@sandbox.test", secret=secret)
    return store_credential(owner, typed, actor=actor)


def test_a_good_answer_is_noted_on_credential_and_connector(bare_connector: Connector) -> None:
    clients.align_client(bare_connector).connector()
    assert stored().used_at is not None
    assert stored().last_answer == ""
    bare_connector.refresh_from_db()
    assert bare_connector.answered_at is not None


def test_good_answers_are_noted_at_most_once_a_minute(bare_connector: Connector) -> None:
    client = clients.align_client(bare_connector)
    client.connector()
    first = stored().used_at
    client.connector()
    clients.align_client(bare_connector).connector()
    assert stored().used_at == first
    Credential.objects.update(used_at=timezone.now() - timedelta(minutes=2))
    clients.align_client(bare_connector).connector()
    assert stored().used_at != first


@pytest.mark.parametrize(("status", "error"), [(401, SignInRefused), (403, Forbidden)])
def test_a_refusal_is_noted_and_cleared_by_the_next_good_answer(
    bare_connector: Connector, sandbox: RunningSandbox, status: int, error: type[Exception]
) -> None:
    sandbox.faults({"path": "/rest/align/", "status": status, "times": 1})
    client = clients.align_client(bare_connector)
    with pytest.raises(error):
        client.connector()
    bare_connector.refresh_from_db()
    assert f"({status})" in stored().last_answer
    assert bare_connector.last_error == stored().last_answer
    client.connector()
    bare_connector.refresh_from_db()
    assert bare_connector.last_error == stored().last_answer == ""


def test_a_token_that_lacks_a_scope_is_not_noted_as_a_refused_sign_in(
    bare_connector: Connector, sandbox: RunningSandbox
) -> None:
    lacking = '{"code": 401, "message": "Unauthorized; scope does not match"}'
    sandbox.faults({"path": "/rest/api/3/status", "status": 401, "body": lacking, "times": 1})
    client = clients.jira_client(bare_connector)
    with pytest.raises(Forbidden, match="lacks the scope"):
        client.statuses()
    assert stored(System.JIRA).refused_status == 403
    assert client.statuses()
    assert stored(System.JIRA).last_answer == ""


def test_an_answer_of_jira_does_not_make_up_for_a_refusal_of_align(
    bare_connector: Connector, sandbox: RunningSandbox
) -> None:
    sandbox.faults({"path": "/rest/align/", "status": 401})
    with pytest.raises(SignInRefused):
        clients.align_client(bare_connector).connector()
    clients.jira_client(bare_connector).myself()
    bare_connector.refresh_from_db()
    assert bare_connector.last_error == stored().last_answer != ""
    assert bare_connector.answered_at is None
    assert stored(System.JIRA).used_at is not None


def test_a_client_at_work_goes_on_with_the_token_that_replaces_a_dead_one(
    bare_connector: Connector, sandbox: RunningSandbox, admin: Person
) -> None:
    client = clients.align_client(bare_connector)
    client.connector()
    sandbox.edit("add_token", site="align", token="the-next-token")
    sandbox.edit("revoke_token", site="align", token=ALIGN_TOKEN)
    with pytest.raises(SignInRefused):
        client.connector()
    replaced = replace_secret(bare_connector, "the-next-token", actor=admin)
    assert client.connector().id == 123
    assert stored().pk == replaced.pk
    bare_connector.refresh_from_db()
    assert bare_connector.last_error == ""


def test_a_replacement_that_is_refused_too_is_tried_once_and_noted(
    bare_connector: Connector, sandbox: RunningSandbox, admin: Person
) -> None:
    client = clients.align_client(bare_connector)
    sandbox.edit("revoke_token", site="align", token=ALIGN_TOKEN)
    replace_secret(bare_connector, "wrong-again", actor=admin)
    sandbox.clear_journal()
    with pytest.raises(SignInRefused):
        client.connector()
    assert len(sandbox.journal()) == 1
    assert "(401)" in stored().last_answer
    assert stored().refused_status == 401


def test_a_secret_stored_for_a_new_site_is_never_sent_to_the_one_before(
    bare_connector: Connector, sandbox: RunningSandbox, admin: Person
) -> None:
    at_work, before = clients.align_client(bare_connector), Connector.objects.get()
    Connector.objects.update(align_site="https://new.example.test")
    replace_secret(bare_connector, SECRET, actor=admin)
    sandbox.edit("revoke_token", site="align", token=ALIGN_TOKEN)
    sandbox.clear_journal()
    with pytest.raises(SignInRefused):
        at_work.connector()
    with pytest.raises(NoCredential):
        clients.align_client(before)
    assert len(sandbox.journal()) == 1


def test_without_a_credential_it_says_where_to_add_one(bare_connector: Connector) -> None:
    Credential.objects.all().delete()
    with pytest.raises(NoCredential, match="No Jira credential is stored for Acme: add one on the connector's page"):
        clients.jira_client(bare_connector)


def test_a_client_for_reading_refuses_to_write(bare_connector: Connector, sandbox: RunningSandbox) -> None:
    from connectors.align.resources import WriteRequest

    with pytest.raises(ReadOnlyRefused):
        clients.align_client(bare_connector).send(WriteRequest(method="DELETE", path="mappings/states/1"))
    assert sandbox.journal() == []


def test_an_address_that_is_no_longer_allowed_is_refused(bare_connector: Connector, settings: Settings) -> None:
    settings.ALLOWED_PRIVATE_HOSTS = []
    with pytest.raises(Exception, match="https://"):
        clients.align_client(bare_connector)


def test_no_value_shows_its_secret_when_it_is_printed() -> None:
    access = Access(system=System.ALIGN, site="https://acme.example.test", kind="align-bearer", user="", secret=SECRET)
    typed = SecretData(system=System.ALIGN, kind="align-bearer", user="", secret=SECRET)
    for each in (access, access.auth, typed, [typed], {"typed": typed}):
        assert SECRET not in repr(each)
        assert SECRET not in str(each)


def test_no_secret_stands_in_the_history(bare_connector: Connector, admin: Person) -> None:
    from alignadmin.audit.models import Entry
    from connectors.models import HistoryRow

    replace_secret(bare_connector, SECRET, actor=admin)
    factories.connector("https://other.example.test", actor=admin, slug="other")
    written = [*Entry.objects.values_list("body", flat=True), *(str(each) for each in HistoryRow.objects.values())]
    for secret in (SECRET, ALIGN_TOKEN, JIRA_TOKEN, stored_sealed()):
        assert not any(secret in each for each in written)


def stored_sealed() -> str:
    return Credential.objects.filter(system=System.ALIGN).values_list("sealed", flat=True)[0]

"""Changing the key that seals: every value is sealed again, nothing is lost, and the old key goes only when it may."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from io import StringIO
from threading import Event
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from pytest_django import Settings

from alignadmin import sealing
from alignadmin.accounts.models import Person
from alignadmin.accounts.second_factors import SECOND_FACTOR, SECOND_FACTOR_FIELDS
from alignadmin.audit import key_rotation, verification
from alignadmin.audit.models import ChainHead, Entry
from connectors.credentials.values import SecretData, open_secret, seal_secret
from connectors.models import Connector, Credential, CredentialKind, HistoryRow, Stage, System
from connectors.setup.services import store_credential
from tests.support.crash import crashes

pytestmark = pytest.mark.django_db(transaction=True)
OLD, NEW = sealing.new_key("old"), sealing.new_key("new")
TOTP, CODES = Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES


def secret_of(credential: Credential) -> str:
    return f"canary-{credential.system}-{credential.stage}"


@pytest.fixture
def under_old_key(settings: Settings, bare_connector: Connector, admin: Person) -> Connector:
    """A credential in every stage of both systems and two second factors, with the new key put in front since."""
    settings.SEAL_KEYS = [OLD]
    Credential.objects.all().delete()
    for system, kind in ((System.ALIGN, CredentialKind.ALIGN_BEARER), (System.JIRA, CredentialKind.JIRA_CLOUD)):
        for version, stage in enumerate(Stage.values, start=1):
            made = Credential(
                uuid=uuid4(), connector=bare_connector, system=system, kind=kind, stage=stage, version=version
            )
            seal_secret(made, secret_of(made))
            made.save()
    for kind, name in ((TOTP, "secret"), (CODES, "seed")):
        value = sealing.seal(f"canary-{name}", bound_to=SECOND_FACTOR)
        Authenticator.objects.create(user=admin, type=kind, data={name: value, "used_mask": 5})
    settings.SEAL_KEYS = [NEW, OLD]
    return bare_connector


def everything_opens() -> None:
    for credential in Credential.objects.all():
        assert open_secret(credential) == secret_of(credential)
    for factor in Authenticator.objects.filter(type__in=[TOTP, CODES]):
        name = SECOND_FACTOR_FIELDS[factor.type]
        assert sealing.unseal(factor.data[name], bound_to=SECOND_FACTOR) == f"canary-{name}"
        assert factor.data["used_mask"] == 5


def rotate(*options: str, expect: int = 0) -> str:
    """Output and errors together; the exit code is part of what is expected."""
    out = StringIO()
    if expect:
        with pytest.raises(SystemExit) as left:
            call_command("seal_rotate", *options, stdout=out, stderr=out)
        assert left.value.code == expect
    else:
        call_command("seal_rotate", *options, stdout=out, stderr=out)
    return out.getvalue()


def tell_nobody(line: str) -> None:
    pass


def rotated() -> list[Entry]:
    return list(Entry.objects.filter(action="keys.rotated").order_by("seq"))


# --- all of it --------------------------------------------------------------------------------------------------------


def test_every_value_is_sealed_with_the_first_key_and_the_old_one_may_go(
    under_old_key: Connector, settings: Settings
) -> None:
    before = dict(Credential.objects.values_list("pk", "fingerprint"))
    said = rotate()
    assert '8 values were encrypted again with the key "new".' in said
    assert '0 values are encrypted with the key "old": it may be removed from SEAL_KEYS.' in said
    settings.SEAL_KEYS = [NEW]
    everything_opens()
    sealing.verify_stored()
    for credential in Credential.objects.all():
        assert credential.fingerprint == sealing.fingerprint(secret_of(credential)) != before[credential.pk]


def test_each_batch_is_an_entry_that_counts_and_tells_no_secret(under_old_key: Connector) -> None:
    key_rotation.reseal_all(tell_nobody, batch=4)
    entries = rotated()
    told = [json.loads(entry.body)["data"] for entry in entries]
    counted = {"to": "new", "from": {"old": 2}}
    assert counted | {"second_factors": 2} in told
    assert {"to": "new", "from": {"old": 4}, "credentials": 4} in told
    assert counted | {"credentials": 2} in told
    assert all('"actor":null' in entry.body and "canary" not in entry.body for entry in entries)
    assert HistoryRow.objects.filter(action="keys.rotated").count() == 3
    assert verification.verify().ok


def test_run_again_it_changes_and_enters_nothing(under_old_key: Connector) -> None:
    rotate()
    before, entries = list(Credential.objects.values("sealed").order_by("pk")), len(rotated())
    assert '0 values were encrypted again with the key "new".' in rotate()
    assert list(Credential.objects.values("sealed").order_by("pk")) == before
    assert len(rotated()) == entries


def test_a_dry_run_only_counts(under_old_key: Connector) -> None:
    said = rotate("--dry-run")
    assert '0 values are encrypted with the key "new"' in said
    assert '8 values are encrypted with the key "old": it has to stay in SEAL_KEYS.' in said
    assert not rotated()
    assert {sealing.key_id_of(each.sealed) for each in Credential.objects.all()} == {"old"}


def test_public_keys_of_security_keys_are_left_alone(under_old_key: Connector, admin: Person) -> None:
    data = {"name": "Key", "credential": {"id": "abc"}}
    made = Authenticator.objects.create(user=admin, type=Authenticator.Type.WEBAUTHN, data=data)
    rotate()
    made.refresh_from_db()
    assert made.data == data


def test_an_installation_without_secrets_has_nothing_to_do(settings: Settings) -> None:
    settings.SEAL_KEYS = [NEW, OLD]
    assert "0 values were encrypted again" in rotate()


# --- what does not open -----------------------------------------------------------------------------------------------


def test_a_value_that_does_not_open_is_named_and_the_others_go_on(under_old_key: Connector, settings: Settings) -> None:
    altered = Credential.objects.filter(system=System.JIRA, stage=Stage.CURRENT)
    altered.update(version=9)
    said = rotate(expect=1)
    assert "Does not open: Acme: Jira credential, current, version 9. Give this secret again." in said
    assert '1 values are encrypted with the key "old": it has to stay' in said
    assert "canary" not in said
    settings.SEAL_KEYS = [NEW]
    assert sum(not sealing.does_open(each) for each in sealing.stored_values()) == 1


def test_a_key_that_is_missing_is_named(under_old_key: Connector, settings: Settings) -> None:
    settings.SEAL_KEYS = [NEW]
    said = rotate(expect=1)
    assert '8 values are encrypted with the key "old", which is not in SEAL_KEYS: add it again.' in said
    assert "admin@example.test: totp authenticator" in said


def test_a_value_that_is_not_sealed_at_all_is_named(under_old_key: Connector) -> None:
    Authenticator.objects.filter(type=TOTP).update(data={"secret": "ABCDEF"})
    said = rotate(expect=1)
    assert "1 values are not in the encrypted form." in said
    assert "ABCDEF" not in said


@pytest.mark.parametrize("keys", [[], ["old"], [OLD, OLD]])
def test_keys_that_cannot_work_stop_it_in_one_line(
    under_old_key: Connector, settings: Settings, keys: list[str]
) -> None:
    settings.SEAL_KEYS = keys
    with pytest.raises(CommandError, match="SEAL_KEYS") as refused:
        rotate()
    assert "\n" not in str(refused.value)


# --- while others write -----------------------------------------------------------------------------------------------


def test_what_a_process_with_the_old_keys_stores_meanwhile_keeps_the_old_key(
    under_old_key: Connector, settings: Settings, admin: Person
) -> None:
    rotate()
    settings.SEAL_KEYS = [OLD, NEW]
    typed = SecretData(system=System.ALIGN, kind="align-bearer", user="", secret="canary-align-current")
    store_credential(under_old_key, typed, actor=admin)
    settings.SEAL_KEYS = [NEW, OLD]
    assert '1 values are encrypted with the key "old": it has to stay' in rotate("--dry-run")
    assert '0 values are encrypted with the key "old": it may be removed' in rotate()
    everything_opens()


def replace(credential: Credential) -> None:
    seal_secret(credential, "canary-typed-meanwhile")
    Credential.objects.filter(pk=credential.pk).update(sealed=credential.sealed)


def delete(credential: Credential) -> None:
    Credential.objects.filter(pk=credential.pk).delete()


@pytest.mark.parametrize("act", [replace, delete])
def test_a_value_that_changed_since_it_was_read_is_not_overwritten(
    under_old_key: Connector, act: Callable[[Credential], None]
) -> None:
    """The write in between comes in by the same connection, as no other can while the rows are held."""
    done = False
    changed = Credential.objects.get(system=System.ALIGN, stage=Stage.PENDING)

    def interfere(execute: Callable[..., object], sql: str, *arguments: object) -> object:
        nonlocal done
        if sql.startswith('UPDATE "connectors_credential"') and not done:
            done = True
            act(changed)
        return execute(sql, *arguments)

    with connection.execute_wrapper(interfere):
        key_rotation.reseal_all(tell_nobody)
    assert done
    left = Credential.objects.filter(pk=changed.pk).first()
    assert left is None or open_secret(left) == "canary-typed-meanwhile"
    assert Credential.objects.count() == (5 if left is None else 6)


def test_a_row_that_somebody_holds_is_passed_over_and_found_by_the_count(under_old_key: Connector) -> None:
    """On SQLite nobody holds single rows: there the command waits for the other one to end."""
    holds_rows = connection.vendor == "postgresql"
    held, done = Event(), Event()

    def hold() -> None:
        with closing(connection), transaction.atomic():
            list(Credential.objects.select_for_update().filter(system=System.JIRA, stage=Stage.CURRENT))
            held.set()
            done.wait(30 if holds_rows else 0.5)

    with ThreadPoolExecutor(1) as pool:
        holder = pool.submit(hold)
        assert held.wait(10)
        said = rotate(expect=int(holds_rows))
        done.set()
        holder.result(30)
    assert f'{int(holds_rows)} values are encrypted with the key "old"' in said
    assert '0 values are encrypted with the key "old"' in rotate()


def test_when_its_entry_cannot_be_written_nothing_is_sealed_again(under_old_key: Connector) -> None:
    before = list(Credential.objects.values("sealed").order_by("pk"))
    ChainHead.objects.update(seq=0)  # the next entry would take a number that is taken
    with pytest.raises(IntegrityError):
        rotate()
    assert list(Credential.objects.values("sealed").order_by("pk")) == before


# --- kill -9 ----------------------------------------------------------------------------------------------------------


def reseal_in_small_batches() -> None:
    key_rotation.reseal_all(tell_nobody, batch=3)


@pytest.mark.usefixtures("processes")
def test_a_kill_at_any_point_loses_nothing_and_the_next_run_finishes(
    under_old_key: Connector, settings: Settings
) -> None:
    rows = list(Credential.objects.all()), list(Authenticator.objects.all())

    def as_before() -> list[str]:
        for row in (*rows[0], *rows[1]):
            row.save()
        return []

    killed_between = 0
    for crash in crashes(reseal_in_small_batches, as_before, environment={"SEAL_KEYS": f"{NEW},{OLD}"}):
        everything_opens()
        killed_between += 0 < sum(stored.value.startswith("v1:new:") for stored in sealing.stored_values()) < 8
        assert '0 values are encrypted with the key "old": it may be removed' in rotate(), crash
        everything_opens()
    assert crash.point > 15
    assert killed_between > 3
    assert verification.verify().ok

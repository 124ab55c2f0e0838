"""The keys that seal: from settings and a file, refused in one line when they cannot work, missed at the start."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from pytest_django import Settings

from alignadmin import sealing
from alignadmin.accounts.models import Person
from alignadmin.accounts.second_factors import SECOND_FACTOR
from alignadmin.errors import SealError
from connectors.models import Connector, Credential, System

pytestmark = pytest.mark.django_db
KEY = base64.b64encode(b"k" * 32).decode()
OTHER = base64.b64encode(b"o" * 32).decode()
FIRST, SECOND, THIRD = (sealing.new_key(key_id) for key_id in ("first", "second", "third"))


@pytest.fixture
def credential(bare_connector: Connector) -> Credential:
    """Sealed with the key of the tests."""
    return Credential.objects.get(system=System.ALIGN)


# --- settings and file ------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path, settings: Settings) -> Path:
    """A file that is good as it stands; tests make one thing wrong."""
    made = tmp_path / "keys"
    made.write_text(f"# 2026\n\n{FIRST}\n  {SECOND}  \r\n")
    made.chmod(0o600)
    settings.SEAL_KEYS, settings.SEAL_KEYS_FILE = [], str(made)
    return made


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_has_one_key_a_line_and_comments(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert list(sealing.keys()) == ["first", "second"]
    assert sealing.check(None) == []


def test_a_byte_order_mark_is_no_part_of_the_first_key(file: Path) -> None:
    file.write_text(FIRST, encoding="utf-8-sig")
    assert list(sealing.keys()) == ["first"]


def test_the_keys_of_the_file_come_before_those_of_the_settings(file: Path, settings: Settings) -> None:
    settings.SEAL_KEYS = [THIRD]
    assert list(sealing.keys()) == ["first", "second", "third"]
    assert sealing.seal("a secret", bound_to="here").startswith("v1:first:")


def test_a_running_process_keeps_the_keys_it_has_read(file: Path) -> None:
    before = sealing.keys()
    file.write_text("")
    assert sealing.keys() == before


def refused() -> str:
    (found,) = sealing.check(None)
    assert found.id == "connectors.E001"
    assert "\n" not in found.msg
    assert KEY not in found.msg
    return found.msg


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o700, 0o200])
def test_a_file_that_others_may_use_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert "Let its owner alone read it: chmod 600" in refused()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "SEAL_KEYS is not set"),
        (b"# only a comment\n", "SEAL_KEYS is not set"),
        (b"\n\nkey\n", 'SEAL_KEYS_FILE: line 3 has to be "id:"'),
        (f"a:{KEY} # 2026\n".encode(), 'SEAL_KEYS_FILE: line 1 has to be "id:"'),
        (f"a:{KEY}\na:{OTHER}\n".encode(), "SEAL_KEYS_FILE: line 2: this id occurs twice"),
        (b"\xff\xfe" + f"a:{KEY}".encode(), "is not text in UTF-8"),
        (b"#" * 70_000, "is larger than 65536 bytes"),
    ],
)
def test_a_file_of_other_content_is_refused(file: Path, content: bytes, sentence: str) -> None:
    file.write_bytes(content)
    assert sentence in refused()


@pytest.mark.parametrize("path", ["missing", ".", "missing\0"])
def test_a_path_that_is_no_file_is_refused(file: Path, settings: Settings, path: str) -> None:
    settings.SEAL_KEYS_FILE = str(file.parent / path)
    assert "SEAL_KEYS_FILE: " in refused()


@pytest.mark.parametrize("keys", [["first:" + SECOND.partition(":")[2]], ["other:" + FIRST.partition(":")[2]]])
def test_what_occurs_in_the_file_and_in_the_settings_is_refused(
    file: Path, settings: Settings, keys: list[str]
) -> None:
    settings.SEAL_KEYS = keys
    assert "SEAL_KEYS: entry 1: this" in refused()
    assert "twice" in refused()


# --- keys at the start ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ([], "SEAL_KEYS is not set"),
        ([f":{KEY}"], 'entry 1 has to be "id:"'),
        ([KEY], 'entry 1 has to be "id:"'),
        ([f"a:{KEY}", f"{KEY}:b"], 'entry 2 has to be "id:"'),
        (["a:not base64!"], "the base64 of 32 bytes"),
        ([f"a:{KEY[:20]}"], "the base64 of 32 bytes"),
        ([f"a:{base64.b64encode(b'k' * 16).decode()}"], "the base64 of 32 bytes"),  # the cipher would take it
        ([f"a:{KEY}", f"a:{KEY}"], "occurs twice"),
        ([f"a:{KEY}", f"b:{KEY}"], "entry 2: this key is given twice"),
        ([f"{'a' * 41}:{KEY}"], "of at most 40 characters"),
        ([f"a\x1b[2J:{KEY}"], 'entry 1 has to be "id:"'),
    ],
)
def test_a_key_that_cannot_work_fails_the_checks_in_one_line(
    settings: Settings, keys: list[str], sentence: str
) -> None:
    settings.SEAL_KEYS = keys
    assert sentence in refused()


def test_good_keys_pass_the_checks_and_open_what_is_stored(credential: Credential) -> None:
    assert sealing.check(None) == []
    sealing.verify_stored()


def test_an_installation_without_secrets_starts(settings: Settings) -> None:
    settings.SEAL_KEYS = [sealing.new_key("first")]
    sealing.verify_stored()


def test_the_worker_does_not_start_when_the_key_is_gone(credential: Credential, settings: Settings) -> None:
    settings.SEAL_KEYS = [sealing.new_key("other")]
    with pytest.raises(CommandError, match='SEAL_KEYS lacks the key "test"') as refused:
        call_command("worker", skip_checks=True)
    assert "\n" not in str(refused.value)


def test_the_worker_does_not_start_with_another_key_of_the_same_name(
    credential: Credential, settings: Settings
) -> None:
    settings.SEAL_KEYS = [sealing.new_key("test")]
    with pytest.raises(CommandError, match='the key "test" does not open'):
        call_command("worker", skip_checks=True)


@pytest.mark.parametrize("keys", [[], ["not a key"]])
def test_the_worker_says_in_one_line_that_its_keys_cannot_work(settings: Settings, keys: list[str]) -> None:
    """Also when the system checks are not skipped, whose report has many lines."""
    settings.SEAL_KEYS = keys
    with pytest.raises(CommandError, match=r"^SEAL_KEYS[^\n]*$"):
        call_command("worker", skip_checks=False)


@pytest.mark.parametrize("system", list(System))
def test_one_altered_value_does_not_stop_the_others(bare_connector: Connector, system: System) -> None:
    altered = Credential.objects.get(system=system)
    altered.sealed = f"{altered.sealed[:-8]}AAAAAAA="
    altered.save()
    sealing.verify_stored()
    Credential.objects.exclude(pk=altered.pk).delete()
    with pytest.raises(SealError):
        sealing.verify_stored()


def test_a_value_that_names_no_key_stops_nothing(credential: Credential) -> None:
    Credential.objects.update(sealed="damaged")
    sealing.verify_stored()
    Credential.objects.update(sealed="v0:gone:AAAA:AAAA")  # of another form, whose second part may be anything
    sealing.verify_stored()


@pytest.mark.parametrize(
    ("kind", "field"), [(Authenticator.Type.TOTP, "secret"), (Authenticator.Type.RECOVERY_CODES, "seed")]
)
def test_second_factors_need_their_key_too(
    admin: Person, settings: Settings, kind: Authenticator.Type, field: str
) -> None:
    value = sealing.seal("ABCDEF", bound_to=SECOND_FACTOR)
    Authenticator.objects.create(user=admin, type=kind, data={field: value})
    Authenticator.objects.create(user=admin, type=Authenticator.Type.WEBAUTHN, data={"name": "Key"})
    sealing.verify_stored()
    settings.SEAL_KEYS = [FIRST]
    with pytest.raises(SealError, match='SEAL_KEYS lacks the key "test"'):
        sealing.verify_stored()

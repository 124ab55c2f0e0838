"""A demo without a connector, to try the set-up with: `EMPTY=1`."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command

from alignadmin.accounts.models import Person
from connectors.demo.surroundings import folder_of
from connectors.local.machine import CannotStartHere
from connectors.models import Connector


def test_it_has_a_folder_of_its_own_beside_what_another_demo_left(tmp_path: Path) -> None:
    assert folder_of(tmp_path, {}) == folder_of(tmp_path, {"EMPTY": "0"}) == tmp_path
    assert folder_of(tmp_path, {"EMPTY": "1"}) == folder_of(tmp_path, {"EMPTY": "yes"}) == tmp_path / "empty"
    with pytest.raises(CannotStartHere, match="EMPTY is 'maybe'"):
        folder_of(tmp_path, {"EMPTY": "maybe"})


@pytest.mark.django_db
def test_it_makes_who_can_sign_in_and_no_connector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_PASSWORD", "for-this-demo-alone")
    call_command("demo", "--empty")
    assert Person.objects.get(email="admin@demo.test").check_password("for-this-demo-alone")
    assert not Connector.objects.exists()

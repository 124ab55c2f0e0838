"""Testing a connector's stored connection, and what the last test of each system has found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from connectors.models import ConnectionCheck, Connector, Credential, Stage, System
from connectors.setup import connection_test


@dataclass(frozen=True, kw_only=True)
class SystemTest:
    """The last test of one system; without checks it was never tested."""

    system: System
    checks: Sequence[ConnectionCheck]
    is_of_former: bool = False  # another credential than the one that is current was tried

    @property
    def at(self) -> datetime | None:
        return self.checks[0].checked_at if self.checks else None

    @property
    def by(self) -> Person | None:
        return self.checks[0].checked_by if self.checks else None

    @property
    def failed(self) -> int:
        return sum(not check.ok for check in self.checks)

    @property
    def has_passed(self) -> bool:
        return bool(self.checks) and not self.failed and not self.is_of_former


def run_test(connector: Connector, systems: Iterable[System], *, actor: Person) -> None:
    """Try the stored credentials of these systems and store a line per check. Sends requests, so in no transaction."""
    for system in systems:
        credential = _current(connector, system)
        found = connection_test.try_stored(connector, system, actor=actor)
        now = timezone.now()
        rows = [
            ConnectionCheck(
                connector=connector,
                system=system,
                position=position,
                label=check.label,
                ok=check.ok,
                sentence=check.sentence,
                checked_at=now,
                checked_by=actor,
                credential_uuid=credential.uuid if credential else None,
            )
            for position, check in enumerate(found)
        ]
        with transaction.atomic():
            Connector.objects.locked().get(pk=connector.pk)  # two tests at once leave the lines of one of them
            ConnectionCheck.objects.filter(connector=connector, system=system).delete()
            ConnectionCheck.objects.bulk_create(rows)


def last_tests(connector: Connector) -> list[SystemTest]:
    """For a connector from `with_credentials`; of each system."""
    current = {each.system: each.uuid for each in connector.credentials.all() if each.stage == Stage.CURRENT}
    stored = list(connector.connection_checks.select_related("checked_by").order_by("position"))
    return [_last_test(system, [each for each in stored if each.system == system], current) for system in System]


def _last_test(system: System, checks: Sequence[ConnectionCheck], current: Mapping[str, UUID]) -> SystemTest:
    is_of_former = any(check.credential_uuid != current.get(system) for check in checks)
    return SystemTest(system=system, checks=checks, is_of_former=is_of_former)


def _current(connector: Connector, system: System) -> Credential | None:
    stored = Credential.objects.filter(connector=connector, system=system, stage=Stage.CURRENT)
    return stored.only("uuid").first()

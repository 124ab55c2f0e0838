"""Testing a connector's stored connection, and what the last test of each system has found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.errors import Refused
from alignadmin.text import counted
from connectors.models import ConnectionCheck, Connector, Credential, Stage, System
from connectors.setup import connection_test

BOTH = "1"  # in the address that a test leads to, in the place of a system
NEWS = timedelta(minutes=5)  # for how long that address tells a result as one that just came
TESTED = ("align_site", "align_connector_id", "jira_site", "jira_kind")  # of a connector, what its test is about


class Since(StrEnum):
    """What became of the credential that was tried, in words before "since then"."""

    SAME = ""
    REPLACED = "The credential was replaced"
    REMOVED = "The credential was removed"
    ADDED = "The first credential was added"


ADVICE = {Since.REPLACED: "test it again", Since.REMOVED: "add one, then test it", Since.ADDED: "test it"}


@dataclass(frozen=True, kw_only=True)
class SystemTest:
    """The last test of one system; without checks it was never tested."""

    system: System
    checks: Sequence[ConnectionCheck]
    since: Since = Since.SAME

    @property
    def is_of_former(self) -> bool:
        """Another credential than the one that is current was tried."""
        return self.since is not Since.SAME

    @property
    def advice(self) -> str:
        if not self.is_of_former:
            return ""
        return f"{self.since.value} since then: {ADVICE[self.since]}."

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


@dataclass(frozen=True, kw_only=True)
class ConnectionSummary:
    """What the last tests of some systems say together; `style` is a class of the stylesheet."""

    style: str
    words: str


def verdict(tests: Sequence[SystemTest]) -> ConnectionSummary:
    """Passed only where the credential of each system was tried as it is now, and each of its checks works."""
    current = [each for each in tests if not each.is_of_former]
    tried, failed = sum(len(each.checks) for each in current), sum(each.failed for each in current)
    if failed:
        return ConnectionSummary(style="bad", words=f"{failed} of {counted(tried, 'check')} failed")
    if len(current) < len(tests):
        return ConnectionSummary(style="warn", words="test again")
    if not tried:
        return ConnectionSummary(style="", words="not tested yet")
    if not all(each.has_passed for each in tests):
        return ConnectionSummary(style="warn", words="partly tested")
    return ConnectionSummary(style="ok", words=f"{counted(tried, 'check')} passed")


def just_tested(tests: Iterable[SystemTest], asked: str) -> list[SystemTest]:
    """Of the system that the address names (or BOTH), whose results have just come."""
    since = timezone.now() - NEWS
    return [each for each in tests if asked in (BOTH, each.system.value) and each.at and each.at >= since]


def run_test(connector: Connector, systems: Iterable[System], *, actor: Person) -> None:
    """Try the stored credentials of these systems and store a line per check. Sends requests, so in no transaction.

    Raises Refused, where a result is of what the connector was before, which is not stored.
    """
    if overtaken := [system.label for system in systems if not _is_tested(connector, system, actor)]:
        raise Refused(
            f"{connector.name} or its credential was changed while {' and '.join(overtaken)} was tested, so that "
            "result is not kept. Test again."
        )


def _is_tested(connector: Connector, system: System, actor: Person) -> bool:
    """False: meanwhile it has another site, number, kind or credential, so nothing was stored."""
    before = _subject(Connector.objects.get(pk=connector.pk), system)
    found = connection_test.try_stored(connector, system, actor=actor)
    now = timezone.now()
    with transaction.atomic():
        # Locked, so that two tests at once leave the lines of one of them.
        if _subject(Connector.objects.locked().get(pk=connector.pk), system) != before:
            return False
        ConnectionCheck.objects.filter(connector=connector, system=system).delete()
        ConnectionCheck.objects.bulk_create(
            ConnectionCheck(
                connector=connector,
                system=system,
                position=position,
                label=check.label,
                ok=check.ok,
                sentence=check.sentence,
                checked_at=now,
                checked_by=actor,
                credential_uuid=before.credential,
            )
            for position, check in enumerate(found)
        )
    return True


@dataclass(frozen=True, kw_only=True)
class _Subject:
    """What a test is of: the connector's values of TESTED, and the credential that is tried."""

    values: tuple[object, ...]
    credential: UUID | None


def _subject(connector: Connector, system: System) -> _Subject:
    stored = Credential.objects.filter(connector=connector, system=system, stage=Stage.CURRENT)
    values = tuple(getattr(connector, name) for name in TESTED)
    return _Subject(values=values, credential=stored.values_list("uuid", flat=True).first())


def last_tests(connector: Connector) -> list[SystemTest]:
    """For a connector from `with_credentials`; of each system."""
    current = {each.system: each.uuid for each in connector.credentials.all() if each.stage == Stage.CURRENT}
    stored = list(connector.connection_checks.select_related("checked_by").order_by("position"))
    return [_last_test(system, [each for each in stored if each.system == system], current) for system in System]


def _last_test(system: System, checks: Sequence[ConnectionCheck], current: Mapping[str, UUID]) -> SystemTest:
    since = _since(checks[0].credential_uuid, current.get(system)) if checks else Since.SAME
    return SystemTest(system=system, checks=checks, since=since)


def _since(tried: UUID | None, current: UUID | None) -> Since:
    if tried == current:
        return Since.SAME
    if current is None:
        return Since.REMOVED
    return Since.ADDED if tried is None else Since.REPLACED

"""Kill -9 at any point of a rotation: one current credential that opens, and it can go on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import Entry
from alignadmin.due_work import run_due
from alignadmin.errors import Refused
from alignadmin.http.budget import NoBudget
from alignadmin.http.remote import Remote
from connectors.align.client import AlignClient
from connectors.credentials import clients, retrying, rotation
from connectors.credentials.probing import begin
from connectors.credentials.values import open_secret
from connectors.demo.prepare import SANDBOX_SECRETS
from connectors.jobs import runner
from connectors.models import Connector, Credential, Job, Probe, Stage, System
from connectors.setup import services
from mappings.contract.write_probe import MappingWriteProbe
from tests.support.crash import crashes
from tests.support.rotation_helpers import NEW_TOKEN, SECOND, lines, probe, secret, stage, stages
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.usefixtures("processes")

CURRENT, PENDING, PREVIOUS = Stage.CURRENT, Stage.PENDING, Stage.PREVIOUS


def somebody() -> Person:
    return Person.objects.get(role=Role.ADMIN)


# --- what is run in a process that is killed -----------------------------------------------------------------------


def do_stage(connector: int, same_user: bool) -> None:
    staging = rotation.Staging(replaces_same_user=same_user)
    rotation.stage(Connector.objects.get(pk=connector), secret(), staging, actor=somebody())


def do_discard(uuid: str) -> None:
    rotation.discard(UUID(uuid), actor=somebody())


def do_switch(uuid: str) -> None:
    rotation.switch(UUID(uuid), actor=somebody())


def do_go_back(connector: int) -> None:
    rotation.go_back(Connector.objects.get(pk=connector), System.ALIGN, actor=somebody())


def do_retire(uuid: str) -> None:
    rotation.retire(UUID(uuid), actor=somebody())


def do_retire_due() -> None:
    rotation.retire_due()


def do_write_probe(uuid: str, write_key: str) -> None:
    """The write of a probe as its job begins it, without the rate budget, whose statements would be most of all."""
    job = rotation.start_probe(UUID(uuid), write_key=write_key, actor=somebody())
    run = runner.claim("a worker that dies", job.pk)
    assert run is not None
    begun = begin(run)
    assert begun is not None
    site = clients.site_of(System.ALIGN, run.connector.align_site)
    auth = clients.access_of(begun.credential, site.address).auth
    remote = Remote(site, budget=NoBudget(), auth=auth, retry=retrying.retry(System.ALIGN, tries=1), read_only=False)
    MappingWriteProbe().run(begun, AlignClient(remote, run.connector.align_connector_id), run)


# --- what has to hold ------------------------------------------------------------------------------------------------


def check(connector: Connector) -> None:
    """One current credential that opens, at most one pending, and none that does not open."""
    stored = list(Credential.objects.filter(connector=connector, system=System.ALIGN))
    assert [each.stage for each in stored].count(CURRENT) == 1
    for each in stored:
        assert open_secret(each)


def entries(action: str) -> int:
    return Entry.objects.filter(action=action).count()


def killed_everywhere(
    act: Callable[..., None],
    prepare: Callable[[], list[Any]],
    *,
    connector: Connector,
    action: str,
    has_happened: Callable[[], bool],
) -> None:
    """At each point the act has happened with its entry, or neither; what has not happened happens when repeated."""
    held: list[Any] = []

    def prepared() -> list[Any]:
        held[:] = [prepare(), entries(action)]
        return held[0]  # type: ignore[no-any-return]

    point = 0
    for crash in crashes(act, prepared):
        arguments, before = held
        check(connector)
        point, happened = crash.point, has_happened()
        assert entries(action) == before + happened, f"killed at {crash.point}, before {crash.before}"
        assert happened or crash.killed
        if happened and action != "credential.retired":
            with pytest.raises(Refused):
                act(*arguments)
        elif not happened:
            act(*arguments)
            assert has_happened()
        assert entries(action) == before + 1
        check(connector)
    assert point > 5


def reset(connector: Connector) -> None:
    """Version 1 is current and there is no other."""
    Credential.objects.filter(connector=connector, system=System.ALIGN).delete()
    services.store_credential(connector, SANDBOX_SECRETS[0], actor=somebody())
    Job.objects.all().delete()


@pytest.mark.parametrize("same_user", [False, True])
def test_staging(transactional_db: None, bare_connector: Connector, same_user: bool) -> None:
    def prepare() -> list[Any]:
        reset(bare_connector)
        return [bare_connector.pk, same_user]

    def has_happened() -> bool:
        happened = PENDING in stages(bare_connector)
        in_gap = Connector.objects.exclude(gap_since=None).exists()
        assert in_gap is (happened and same_user)
        return happened

    killed_everywhere(
        do_stage, prepare, connector=bare_connector, action="credential.staged", has_happened=has_happened
    )


def test_discarding(transactional_db: None, bare_connector: Connector, admin: Person) -> None:
    def prepare() -> list[Any]:
        reset(bare_connector)
        return [str(stage(bare_connector, actor=admin).uuid)]

    killed_everywhere(
        do_discard,
        prepare,
        connector=bare_connector,
        action="credential.discarded",
        has_happened=lambda: stages(bare_connector) == {CURRENT: 1},
    )


def passed(connector: Connector, admin: Person) -> Credential:
    """Pending, with a probe in which everything is well."""
    pending = stage(connector, actor=admin)
    Probe.objects.create(credential=pending, finished_at=timezone.now())
    return pending


def test_switching(transactional_db: None, bare_connector: Connector, admin: Person) -> None:
    def prepare() -> list[Any]:
        reset(bare_connector)
        return [str(passed(bare_connector, admin).uuid)]

    def has_happened() -> bool:
        happened = stages(bare_connector) == {PREVIOUS: 1, CURRENT: 2}
        assert happened or stages(bare_connector) == {CURRENT: 1, PENDING: 2}
        assert Job.objects.filter(kind="watch").exists() is happened
        return happened

    killed_everywhere(
        do_switch, prepare, connector=bare_connector, action="credential.switched", has_happened=has_happened
    )


def switched(connector: Connector, admin: Person) -> None:
    reset(connector)
    rotation.switch(passed(connector, admin).uuid, actor=admin)
    Job.objects.all().delete()


@pytest.mark.parametrize("refused", [False, True])
def test_going_back(transactional_db: None, bare_connector: Connector, admin: Person, refused: bool) -> None:
    def prepare() -> list[Any]:
        switched(bare_connector, admin)
        Credential.objects.filter(version=2).update(refused_status=401 if refused else None)
        return [bare_connector.pk]

    def has_happened() -> bool:
        after = {CURRENT: 1, PENDING: 2} if refused else {CURRENT: 1}
        happened = stages(bare_connector) == after
        assert happened or stages(bare_connector) == {PREVIOUS: 1, CURRENT: 2}
        return happened

    killed_everywhere(
        do_go_back, prepare, connector=bare_connector, action="credential.switched_back", has_happened=has_happened
    )


@pytest.mark.parametrize("by_the_clock", [False, True])
def test_retiring(transactional_db: None, bare_connector: Connector, admin: Person, by_the_clock: bool) -> None:
    def prepare() -> list[Any]:
        switched(bare_connector, admin)
        if by_the_clock:
            Credential.objects.filter(stage=PREVIOUS).update(previous_until=timezone.now() - timedelta(seconds=1))
            return []
        return [str(Credential.objects.get(stage=PREVIOUS).uuid)]

    killed_everywhere(
        do_retire_due if by_the_clock else do_retire,
        prepare,
        connector=bare_connector,
        action="credential.retired",
        has_happened=lambda: stages(bare_connector) == {CURRENT: 2},
    )


@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.soak)])
def test_a_probe_that_writes(
    connector: Connector, admin: Person, sandbox: RunningSandbox, settings: LazySettings, every: int
) -> None:
    """Nothing stays in Align, the probe is finished once, and its two writes are told once each."""
    settings.REQUEST_DEADLINE, settings.SENDING_GRACE = 0.2, 0.1
    sandbox.edit("add_token", site="align", token=NEW_TOKEN, user=SECOND)
    key = rotation.write_keys(connector)[0].id
    before = records(sandbox)

    def prepare() -> list[Any]:
        reset(connector)
        return [str(stage(connector, actor=admin).uuid), key]

    written = 0
    for crash in crashes(do_write_probe, prepare, every=every):
        pending = Credential.objects.get(stage=PENDING)
        Job.objects.filter(kind="probe").update(lease_until=timezone.now() - timedelta(seconds=1))
        if Job.objects.filter(kind="probe").exists():
            run_due()
        else:
            probe(pending, actor=admin, write_key=key)
        found = Probe.objects.get(credential=pending)
        assert found.finished_at is not None
        assert lines(found)["align-write"] == "ok", f"killed at {crash.point}, before {crash.before}"
        assert records(sandbox) == before
        written += 2
        assert entries("change.done") == written
        check(connector)
    assert crash.point > 30


def records(sandbox: RunningSandbox) -> list[Any]:
    return list(sandbox.align("GET", "/connectors/123/projects/PROJ/mappings/states").json())

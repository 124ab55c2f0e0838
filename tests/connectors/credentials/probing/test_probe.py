"""A probe tries a pending credential right by right, says what is missing, and leaves nothing behind."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.conf import LazySettings

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import Entry
from alignadmin.due_work import run_due
from alignadmin.errors import Refused
from connectors.credentials import rotation
from connectors.credentials.probing import begin
from connectors.credentials.probing.report import listed
from connectors.credentials.values import open_secret
from connectors.history.search import visibility
from connectors.jobs import runner
from connectors.models import (
    Certainty,
    Connector,
    Credential,
    CredentialKind,
    HistoryRow,
    JiraKind,
    Job,
    JobKind,
    JobState,
    Probe,
    ProbeLine,
    Project,
    Source,
    Stage,
    System,
)
from connectors.models import Status as CatalogueStatus
from mappings.contract.write_probe import CREATED, CREATING, DELETING, DONE
from mappings.models import Change, Edit, Mapping
from tests.support.mapping_helpers import read_log
from tests.support.rotation_helpers import NEW_TOKEN, SECOND, lines, probe, run_probe, sentence, stage
from tests.support.sandbox_fixture import ADMIN, ALIGN_TOKEN, JIRA_TOKEN, RunningSandbox

OK, FAILED, SKIPPED = "ok", "failed", "skipped"
ALIGN_LINES = ["align-sign-in", "align-projects", "align-mappings", "align-flows", "align-write"]
RIGHTS = {
    "jira-browse": "BROWSE_PROJECTS",
    "jira-create": "CREATE_ISSUES",
    "jira-edit": "EDIT_ISSUES",
    "jira-assign": "ASSIGN_ISSUES",
    "jira-transition": "TRANSITION_ISSUES",
    "jira-sprints": "MANAGE_SPRINTS_PERMISSION",
    "jira-releases": "ADMINISTER_PROJECTS",
}
JIRA_LINES = ["jira-sign-in", *RIGHTS, "jira-webhooks"]


@pytest.fixture
def align_token(sandbox: RunningSandbox) -> str:
    sandbox.edit("add_token", site="align", token=NEW_TOKEN, user=SECOND)
    return NEW_TOKEN


def jira_staged(connector: Connector, sandbox: RunningSandbox, actor: Person, **rights: Any) -> Credential:
    sandbox.edit("add_token", site="jira", token=NEW_TOKEN, user=SECOND, **rights)
    return stage(connector, kind=CredentialKind.JIRA_CLOUD, user=SECOND, actor=actor)


def a_key(connector: Connector) -> str:
    return rotation.write_keys(connector)[0].id


def written(sandbox: RunningSandbox) -> list[tuple[str, int]]:
    return [
        (each["method"], each["status"]) for each in sandbox.journal(containing="/mappings/") if each["method"] != "GET"
    ]


def remote_states(sandbox: RunningSandbox) -> list[object]:
    """Every Align to Jira state record of the first project."""
    return list(sandbox.align("GET", "/connectors/123/projects/PROJ/mappings/states?$top=100").json())


# --- Jira Align ---------------------------------------------------------------------------------------------------


def test_each_right_has_its_line_and_nothing_is_written_without_consent(
    connector: Connector, admin: Person, sandbox: RunningSandbox, align_token: str
) -> None:
    pending = stage(connector, align_token, actor=admin)
    sandbox.clear_journal()
    found = probe(pending, actor=admin)
    assert list(found.lines.values_list("code", flat=True)) == ALIGN_LINES
    assert lines(found) == {**dict.fromkeys(ALIGN_LINES, OK), "align-write": SKIPPED}
    assert not found.lines.get(code="align-write").required
    assert {each["method"] for each in sandbox.journal()} == {"GET"}
    pending.refresh_from_db()
    assert pending.identity == f"Svc B <{SECOND}>"
    assert f"Sees {found.expected} of {found.expected} projects" in sentence(found, "align-projects")
    assert rotation.hindrances(pending).blocking == []


def test_a_site_that_does_not_tell_whose_a_token_is_lets_it_be_switched_to(
    connector: Connector, admin: Person, sandbox: RunningSandbox, align_token: str
) -> None:
    sandbox.faults({"path": "/users/current", "status": 403})
    pending = stage(connector, align_token, actor=admin)
    found = probe(pending, actor=admin, write_key=a_key(connector))
    assert sentence(found, "align-sign-in").startswith("Signed in; connector ")
    rotation.switch(pending.uuid, confirm_loss=True, actor=admin)


def test_a_token_that_may_only_read_is_told_what_it_lacks_and_where_to_get_it(
    connector: Connector, admin: Person, sandbox: RunningSandbox, align_token: str
) -> None:
    sandbox.edit("set_token", site="align", token=align_token, rights=["read"])
    pending = stage(connector, align_token, actor=admin)
    found = probe(pending, actor=admin, write_key=a_key(connector))
    assert lines(found)["align-mappings"] == OK
    assert lines(found)["align-write"] == FAILED
    said = sentence(found, "align-write")
    assert said.startswith("This token can read mappings but may not create them: its owner needs")
    assert "Jira Settings, not in read-only mode" in said
    with pytest.raises(Refused, match="may not create them"):
        rotation.switch(pending.uuid, confirm_loss=True, actor=admin)

    sandbox.edit("set_token", site="align", token=align_token, rights=["read", "write"])
    assert lines(probe(pending, actor=admin, write_key=a_key(connector)))["align-write"] == OK
    rotation.switch(pending.uuid, confirm_loss=True, actor=admin)


@pytest.mark.parametrize("death", ["expired", "revoked", "deactivated"])
def test_a_dead_token_fails_at_the_sign_in_and_nothing_more_is_tried(
    connector: Connector, admin: Person, sandbox: RunningSandbox, align_token: str, death: str
) -> None:
    pending = stage(connector, align_token, actor=admin)
    assert lines(probe(pending, actor=admin))["align-sign-in"] == OK
    acts: dict[str, tuple[str, dict[str, Any]]] = {
        "expired": ("set_token", {"token": align_token, "expired": True}),
        "revoked": ("revoke_token", {"token": align_token}),
        "deactivated": ("deactivate_user", {"user": SECOND}),
    }
    action, fields = acts[death]
    sandbox.edit(action, site="align", **fields)
    sandbox.clear_journal()
    found = probe(pending, actor=admin, write_key=a_key(connector))
    assert lines(found) == {**dict.fromkeys(ALIGN_LINES, SKIPPED), "align-sign-in": FAILED}
    assert "Make a new one in Jira Align" in sentence(found, "align-sign-in")
    assert len(sandbox.journal(containing="/rest/align")) == 1
    assert rotation.hindrances(pending).blocking


def test_a_token_that_sees_no_project_is_blocked_for_good(
    connector: Connector, admin: Person, sandbox: RunningSandbox, align_token: str
) -> None:
    sandbox.edit("set_token", site="align", token=align_token, projects=[])
    pending = stage(connector, align_token, actor=admin)
    assert "Sees none of" in sentence(probe(pending, actor=admin), "align-projects")
    with pytest.raises(Refused, match="Sees none of"):
        rotation.switch(pending.uuid, confirm_loss=True, actor=admin)


def test_when_the_current_one_is_refused_the_projects_in_scope_are_the_measure(
    connector: Connector, admin: Person, sandbox: RunningSandbox, align_token: str
) -> None:
    sandbox.edit("set_token", site="align", token=align_token, projects=["PROJ"])
    sandbox.edit("revoke_token", site="align", token=ALIGN_TOKEN)
    found = probe(stage(connector, align_token, actor=admin), actor=admin)
    assert "refused the sign-in" in found.current_refusal
    in_scope = Project.objects.filter(connector=connector, in_scope=True)
    assert (found.seen, found.expected) == (1, in_scope.count())
    assert len(found.lost) == found.expected - 1


def test_a_connector_without_a_current_credential_can_be_given_one_this_way(
    connector: Connector, admin: Person, align_token: str
) -> None:
    Credential.objects.filter(system=System.ALIGN).delete()
    pending = stage(connector, align_token, actor=admin)
    assert probe(pending, actor=admin).current_refusal == "No Jira Align credential is in use."
    assert rotation.switch(pending.uuid, confirm_loss=True, actor=admin).version == 1


def test_a_secret_that_does_not_open_is_never_sent(
    connector: Connector, admin: Person, sandbox: RunningSandbox, align_token: str
) -> None:
    pending = stage(connector, align_token, actor=admin)
    other = Credential.objects.get(system=System.ALIGN, stage=Stage.CURRENT)
    Credential.objects.filter(pk=pending.pk).update(sealed=other.sealed)
    sandbox.clear_journal()
    found = probe(pending, actor=admin)
    assert "does not open" in sentence(found, "align-sign-in")
    assert sandbox.journal() == []
    assert rotation.hindrances(pending).blocking


def test_a_probe_is_in_the_history_with_its_lines_and_never_with_the_secret(
    connector: Connector, admin: Person, align_token: str
) -> None:
    pending = stage(connector, align_token, actor=admin)
    probe(pending, actor=admin)
    entry = Entry.objects.get(action="credential.probed")
    assert '"align-mappings":"ok"' in entry.body
    assert align_token not in entry.body
    used = Entry.objects.get(action="credential.used", body__contains=f"credential {pending.uuid}")
    assert used.seq < entry.seq


def test_only_a_pending_credential_is_probed(connector: Connector, admin: Person, align_token: str) -> None:
    pending = stage(connector, align_token, actor=admin)
    probe(pending, actor=admin)
    job = rotation.start_probe(pending.uuid, actor=admin)
    rotation.switch(pending.uuid, confirm_loss=True, actor=admin)
    assert "no longer pending" in runner.run_now(job).error
    with pytest.raises(Refused, match="only a pending one is probed"):
        rotation.start_probe(pending.uuid, actor=admin)
    with pytest.raises(Refused, match="no longer exists"):
        rotation.start_probe(UUID(int=1), actor=admin)


def test_a_credential_discarded_in_mid_probe_stops_the_probe(
    connector: Connector, admin: Person, align_token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pending = stage(connector, align_token, actor=admin)
    run = runner.claim("this test", rotation.start_probe(pending.uuid, actor=admin).pk)
    assert run is not None
    tell = run.progress

    def progress(item: str = "", **numbers: int) -> None:
        tell(item, **numbers)
        if item == "Read mappings":
            rotation.discard(pending.uuid, actor=admin)

    monkeypatch.setattr(run, "progress", progress)
    runner.execute(run)
    job = Job.objects.get(kind="probe")
    assert job.state == JobState.FAILED
    assert "discarded" in job.error
    assert not Probe.objects.exists()


def test_a_probe_that_was_cut_off_is_taken_up_and_not_doubled(
    connector: Connector, admin: Person, align_token: str, settings: LazySettings
) -> None:
    pending = stage(connector, align_token, actor=admin)
    run = runner.claim("a worker that dies", rotation.start_probe(pending.uuid, actor=admin).pk)
    assert run is not None
    left = begin(run)
    assert left is not None
    ProbeLine.objects.create(probe=left, position=0, code="align-sign-in", label="Sign in", state=OK, sentence="")
    with pytest.raises(Refused, match="still running"):
        rotation.switch(pending.uuid, confirm_loss=True, actor=admin)
    Job.objects.update(lease_until="2020-01-01T00:00:00Z")
    run_due()
    found = Probe.objects.get()
    assert found.pk == left.pk
    assert found.finished_at is not None
    assert list(found.lines.values_list("code", flat=True)) == ALIGN_LINES


# --- the write with consent ---------------------------------------------------------------------------------------


def test_the_write_probe_creates_and_deletes_once_and_its_audit_lines_are_the_persons(
    connector: Connector, admin: Person, sandbox: RunningSandbox, align_token: str
) -> None:
    pending = stage(connector, align_token, actor=admin, reason="Yearly rotation")
    before, rows = remote_states(sandbox), Mapping.objects.count()
    chosen = rotation.write_keys(connector)[0]
    assert chosen.sentence.endswith(": nothing is mapped there")
    sandbox.clear_journal()
    found = probe(pending, actor=admin, write_key=chosen.id)

    assert written(sandbox) == [("POST", 201), ("DELETE", 204)]
    assert remote_states(sandbox) == before
    assert lines(found)["align-write"] == OK
    assert (found.write_state, found.write_key) == (DONE, chosen.id)
    assert (Mapping.objects.count(), Change.objects.count(), Edit.objects.count()) == (rows, 0, 0)

    runner.run_now(runner.start(connector, JobKind.INTAKE, actor=None))
    ours = HistoryRow.objects.filter(object_id__isnull=False, source=Source.OURS).order_by("at")
    assert [(row.action, row.person_name, row.reason) for row in ours] == [
        ("created", admin.name, "Yearly rotation"),
        ("deleted", admin.name, "Yearly rotation"),
    ]
    assert all(row.line is not None and row.certainty == Certainty.EXACT for row in ours)
    assert not HistoryRow.objects.filter(source=Source.OUTSIDE).exists()
    viewer = Person.objects.create_user("onlooker@example.test", role=Role.VIEWER)
    assert not visibility.rows(viewer).filter(pk__in=ours).exists()
    assert visibility.rows(admin).filter(pk__in=ours).count() == 2


def test_the_deletion_of_a_probe_is_expected_by_the_name_that_align_gives_the_status(
    connector: Connector, admin: Person, sandbox: RunningSandbox, align_token: str
) -> None:
    key = a_key(connector)
    CatalogueStatus.objects.filter(connector=connector, jira_id=int(key.split(":")[-1])).update(name="Anders")
    probe(stage(connector, align_token, actor=admin), actor=admin, write_key=key)
    read_log(connector)
    rows = HistoryRow.objects.filter(connector=connector, action__in=["created", "deleted"]).order_by("-id")
    assert [(row.source, row.certainty) for row in rows] == [("alignadmin", "exact")] * 2


def test_a_key_that_is_taken_or_unknown_is_not_written_to(
    connector: Connector, admin: Person, sandbox: RunningSandbox, align_token: str
) -> None:
    pending = stage(connector, align_token, actor=admin)
    key = a_key(connector)
    for wrong in ("nonsense", "a2j-state:1:story:5:10003", f"{key}0"):
        with pytest.raises(Refused, match="no longer free"):
            rotation.start_probe(pending.uuid, write_key=wrong, actor=admin)
    _, jira_id, type_, state, status = key.split(":")
    project = Project.objects.get(connector=connector, jira_id=jira_id)
    type_id = {"story": 4, "defect": 9, "feature": 3}[type_]
    sandbox.edit("create_mapping", family="a2j_state", type=type_id, source=state, target=status, project=project.key)
    sandbox.clear_journal()
    found = probe(pending, actor=admin, write_key=key)
    assert "something is mapped at" in sentence(found, "align-write")
    assert written(sandbox) == []
    assert found.write_state == ""
    assert rotation.hindrances(pending).blocking


def test_a_write_is_not_offered_at_jira(connector: Connector, admin: Person, sandbox: RunningSandbox) -> None:
    pending = jira_staged(connector, sandbox, admin)
    with pytest.raises(Refused, match="nothing is ever written"):
        rotation.start_probe(pending.uuid, write_key=a_key(connector), actor=admin)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"method": "POST", "cut": "after"}, OK),
        ({"method": "POST", "cut": "before"}, FAILED),
        ({"method": "POST", "status": 500, "after_effect": True}, OK),
        ({"method": "DELETE", "cut": "after"}, OK),
        ({"method": "DELETE", "cut": "before"}, FAILED),
        ({"method": "DELETE", "status": 404, "body": "", "after_effect": True}, OK),
        ({"method": "DELETE", "status": 403}, FAILED),
    ],
)
def test_whatever_is_answered_nothing_stays_in_align(
    connector: Connector,
    admin: Person,
    sandbox: RunningSandbox,
    align_token: str,
    settings: LazySettings,
    fault: dict[str, Any],
    expected: str,
) -> None:
    settings.REQUEST_DEADLINE, settings.SENDING_GRACE = 0.5, 0.1
    pending = stage(connector, align_token, actor=admin)
    before = remote_states(sandbox)
    sandbox.faults({**fault, "times": 1})
    found = probe(pending, actor=admin, write_key=a_key(connector))
    assert lines(found)["align-write"] == expected, sentence(found, "align-write")
    assert remote_states(sandbox) == before
    assert found.write_state in ("", DONE)


def test_a_record_that_the_pending_token_cannot_delete_goes_with_the_one_in_use(
    connector: Connector, admin: Person, sandbox: RunningSandbox, align_token: str
) -> None:
    pending = stage(connector, align_token, actor=admin)
    before = remote_states(sandbox)
    sandbox.faults({"method": "DELETE", "status": 401, "times": 1})
    found = probe(pending, actor=admin, write_key=a_key(connector))
    said = sentence(found, "align-write")
    assert "could not delete it" in said
    assert said.endswith("The record was removed with the credential in use.")
    assert remote_states(sandbox) == before


def test_a_record_that_nobody_may_delete_is_named_and_discarding_stays_possible(
    connector: Connector, admin: Person, sandbox: RunningSandbox, align_token: str
) -> None:
    pending = stage(connector, align_token, actor=admin)
    sandbox.faults({"method": "DELETE", "status": 403, "times": 2})
    found = probe(pending, actor=admin, write_key=a_key(connector))
    assert found.write_state == CREATED
    assert f"Created record {found.write_id}, but could not delete it" in sentence(found, "align-write")
    assert rotation.hindrances(pending).blocking
    rotation.discard(pending.uuid, actor=admin)


@pytest.mark.parametrize(
    ("left_at", "stands"), [(CREATING, True), (CREATING, False), (CREATED, True), (DELETING, True), (DELETING, False)]
)
def test_what_a_dead_worker_left_is_brought_to_its_end(
    connector: Connector,
    admin: Person,
    sandbox: RunningSandbox,
    align_token: str,
    settings: LazySettings,
    left_at: str,
    stands: bool,
) -> None:
    """As if killed right after committing that state: the record stands in Align, or it does not."""
    settings.REQUEST_DEADLINE, settings.SENDING_GRACE = 0.3, 0.1
    pending = stage(connector, align_token, actor=admin)
    before, key = remote_states(sandbox), a_key(connector)
    _, jira_id, type_, state, status = key.split(":")
    project = Project.objects.get(connector=connector, jira_id=jira_id)
    record = None
    if stands:
        record = sandbox.edit(
            "create_mapping",
            family="a2j_state",
            type={"story": 4, "defect": 9, "feature": 3}[type_],
            source=state,
            target=status,
            project=project.key,
        )["id"]
    run = runner.claim("a worker that dies", rotation.start_probe(pending.uuid, write_key=key, actor=admin).pk)
    assert run is not None
    left = begin(run)
    assert left is not None
    known = None if left_at == CREATING else record or 9_999
    Probe.objects.filter(pk=left.pk).update(write_state=left_at, write_id=known)
    with pytest.raises(Refused, match="writes to Align right now"):
        rotation.discard(pending.uuid, actor=admin)
    Job.objects.update(lease_until="2020-01-01T00:00:00Z")
    run_due()

    found = Probe.objects.get()
    assert found.finished_at is not None
    assert lines(found)["align-write"] == OK, sentence(found, "align-write")
    assert found.write_state == DONE
    assert remote_states(sandbox) == before


def test_a_worker_that_dies_after_the_probe_and_before_its_job_ends_does_not_write_twice(
    connector: Connector, admin: Person, sandbox: RunningSandbox, align_token: str
) -> None:
    pending = stage(connector, align_token, actor=admin)
    probe(pending, actor=admin, write_key=a_key(connector))
    Job.objects.filter(kind="probe").update(state=JobState.RUNNING, lease_until="2020-01-01T00:00:00Z")
    sandbox.clear_journal()
    run_due()
    assert written(sandbox) == []
    assert Job.objects.get(kind="probe").state == JobState.DONE
    assert Probe.objects.count() == 1
    probe(pending, actor=admin, write_key=a_key(connector))  # but a new click does
    assert written(sandbox) == [("POST", 201), ("DELETE", 204)]


def test_a_record_that_somebody_changed_meanwhile_is_not_deleted(
    connector: Connector, admin: Person, sandbox: RunningSandbox, align_token: str, settings: LazySettings
) -> None:
    settings.REQUEST_DEADLINE, settings.SENDING_GRACE = 0.3, 0.1
    pending = stage(connector, align_token, actor=admin)
    key = a_key(connector)
    _, jira_id, type_, state, status = key.split(":")
    project = Project.objects.get(connector=connector, jira_id=jira_id)
    other = project.reachable.exclude(status__jira_id=status).values_list("status__jira_id", flat=True)[0]
    type_id = {"story": 4, "defect": 9, "feature": 3}[type_]
    record = sandbox.edit(
        "create_mapping", family="a2j_state", type=type_id, source=state, target=other, project=project.key
    )
    run = runner.claim("a worker that dies", rotation.start_probe(pending.uuid, write_key=key, actor=admin).pk)
    assert run is not None
    assert begin(run) is not None
    Probe.objects.update(write_state=CREATED, write_id=record["id"])
    Job.objects.update(lease_until="2020-01-01T00:00:00Z")
    sandbox.clear_journal()
    run_due()
    assert written(sandbox) == []
    assert "someone else has changed or removed it" in sentence(Probe.objects.get(), "align-write")


# --- Jira ---------------------------------------------------------------------------------------------------------


def test_jiras_rights_have_a_line_each_and_one_call_per_project(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    pending = jira_staged(connector, sandbox, admin)
    sandbox.clear_journal()
    found = probe(pending, actor=admin)
    assert list(found.lines.values_list("code", flat=True)) == JIRA_LINES
    assert set(lines(found).values()) == {OK}
    in_scope = Project.objects.filter(connector=connector, in_scope=True).count()
    assert sentence(found, "jira-browse") == f"In all {in_scope} projects in scope."
    asked = sandbox.journal(containing="mypermissions")
    assert len(asked) == in_scope + 2  # which keys are known, and the global one
    pending.refresh_from_db()
    assert SECOND in pending.identity


@pytest.mark.parametrize("code", [code for code in RIGHTS if code != "jira-browse"])
def test_a_right_missing_in_some_projects_names_them_and_counts_as_a_loss(
    connector: Connector, admin: Person, sandbox: RunningSandbox, code: str
) -> None:
    pending = jira_staged(connector, sandbox, admin, permissions={RIGHTS[code]: ["PROJ"]})
    found = probe(pending, actor=admin)
    expected = {**dict.fromkeys(JIRA_LINES, OK), code: FAILED}
    assert lines(found) == expected
    line = found.lines.get(code=code)
    assert not line.required
    lacking = sorted(
        Project.objects.filter(connector=connector, in_scope=True).exclude(key="PROJ").values_list("key", flat=True)
    )
    assert lacking[0] in line.sentence
    assert "PROJ," not in line.sentence
    assert "permission scheme" in line.sentence
    assert "Align's connector needs this of its own Jira user" in line.sentence
    assert [each.endswith(f"is lost in {listed(lacking)}.") for each in found.lost] == [True]
    assert rotation.hindrances(pending).blocking == []
    with pytest.raises(Refused, match="Confirm what is lost"):
        rotation.switch(pending.uuid, actor=admin)
    rotation.switch(pending.uuid, confirm_loss=True, actor=admin)


def test_a_right_that_the_current_one_lacks_too_is_no_loss(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    sandbox.edit("set_token", site="jira", token=JIRA_TOKEN, permissions={"CREATE_ISSUES": False}, global_admin=False)
    pending = jira_staged(connector, sandbox, admin, permissions={"CREATE_ISSUES": False}, global_admin=False)
    found = probe(pending, actor=admin)
    assert (lines(found)["jira-create"], lines(found)["jira-webhooks"]) == (FAILED, FAILED)
    assert found.lost == []


def test_webhooks_need_the_global_permission(connector: Connector, admin: Person, sandbox: RunningSandbox) -> None:
    found = probe(jira_staged(connector, sandbox, admin, global_admin=False), actor=admin)
    assert lines(found)["jira-webhooks"] == FAILED
    assert "Global permissions" in sentence(found, "jira-webhooks")
    assert found.lost == ["The global permission Administer Jira is lost."]


def test_projects_that_are_not_visible_in_jira_are_named_and_have_to_be_confirmed(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    pending = jira_staged(connector, sandbox, admin, projects=["PROJ", "PROJ1"])
    found = probe(pending, actor=admin)
    assert lines(found)["jira-browse"] == FAILED
    assert found.seen == 2
    assert found.expected == len(found.lost) + 2
    with pytest.raises(Refused, match="not visible"):
        rotation.switch(pending.uuid, actor=admin)
    rotation.switch(pending.uuid, confirm_loss=True, actor=admin)


def test_a_jira_account_that_sees_no_project_is_blocked_for_good(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    pending = jira_staged(connector, sandbox, admin, permissions={"BROWSE_PROJECTS": False})
    probe(pending, actor=admin)
    with pytest.raises(Refused, match="Browse projects: Sees no project in scope"):
        rotation.switch(pending.uuid, confirm_loss=True, actor=admin)


def test_a_wrong_jira_token_is_no_account_without_projects(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    """Jira answers an anonymous caller with empty lists."""
    pending = stage(connector, "wrong", kind=CredentialKind.JIRA_CLOUD, user=SECOND, actor=admin)
    found = probe(pending, actor=admin)
    assert lines(found) == {**dict.fromkeys(JIRA_LINES, SKIPPED), "jira-sign-in": FAILED}
    assert "id.atlassian.com" in sentence(found, "jira-sign-in")
    assert found.lost == []
    assert rotation.hindrances(pending).blocking


def test_a_permission_that_this_jira_does_not_know_is_not_tried(
    connector: Connector, admin: Person, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    from connectors.sandbox import permissions

    monkeypatch.delitem(permissions.KNOWN, "MANAGE_SPRINTS_PERMISSION")
    found = probe(jira_staged(connector, sandbox, admin), actor=admin)
    assert lines(found) == {**dict.fromkeys(JIRA_LINES, OK), "jira-sprints": SKIPPED}
    assert "does not know" in sentence(found, "jira-sprints")


def test_more_than_ten_projects_are_counted_and_not_all_named(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    Project.objects.bulk_create(
        [
            Project(connector=connector, jira_id=90_000 + number, key=f"X{number:03}", name="Gone", in_scope=True)
            for number in range(40)
        ]
    )
    found = probe(jira_staged(connector, sandbox, admin), actor=admin)
    assert "Missing in 40 of" in sentence(found, "jira-browse")
    assert "X009 and 30 more." in sentence(found, "jira-browse")


# --- a password of a Data Center ----------------------------------------------------------------------------------


@pytest.fixture
def data_center(connector: Connector, sandbox: RunningSandbox) -> Connector:
    sandbox.reset(jira="server")
    Connector.objects.update(jira_kind=JiraKind.DATA_CENTER)
    Credential.objects.filter(system=System.JIRA).update(kind=CredentialKind.JIRA_PASSWORD)
    connector.refresh_from_db()
    return connector


def test_a_refused_password_is_sent_once_and_not_tried_again_by_itself(
    data_center: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    pending = stage(data_center, "wrong", kind=CredentialKind.JIRA_PASSWORD, user=ADMIN, actor=admin)
    sandbox.clear_journal()
    found = probe(pending, actor=admin)
    assert lines(found)["jira-sign-in"] == FAILED
    assert [each["status"] for each in sandbox.journal(containing="/myself")].count(401) == 1
    sandbox.clear_journal()
    with pytest.raises(Refused, match="refused this password"):
        run_probe(pending, actor=admin)
    pending.refresh_from_db()
    assert any("refused this password" in each for each in rotation.hindrances(pending).blocking)
    assert sandbox.journal() == []

    rotation.try_again(pending, actor=admin)
    assert Entry.objects.filter(action="credential.tried_again").count() == 1
    assert lines(probe(pending, actor=admin))["jira-sign-in"] == FAILED
    with pytest.raises(Refused, match="was not refused"):
        rotation.try_again(Credential.objects.get(system=System.ALIGN), actor=admin)


def test_a_right_password_of_a_data_center_is_probed(
    data_center: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    sandbox.edit("add_token", site="jira", token="a right päss wörd", user=SECOND)
    pending = stage(data_center, "a right päss wörd", kind=CredentialKind.JIRA_PASSWORD, user=SECOND, actor=admin)
    found = probe(pending, actor=admin)
    assert lines(found)["jira-sign-in"] == OK
    assert open_secret(pending) == "a right päss wörd"


def test_a_switch_without_a_tried_write_asks_for_a_tick_and_says_so_in_its_entry(
    connector: Connector, admin: Person, sandbox: RunningSandbox, align_token: str
) -> None:
    sandbox.edit("set_token", site="align", token=align_token, rights=["read"])
    pending = stage(connector, align_token, actor=admin)
    probe(pending, actor=admin)
    assert rotation.hindrances(pending).blocking == []
    with pytest.raises(Refused, match="writing was not tried with this token"):
        rotation.switch(pending.uuid, actor=admin)
    rotation.switch(pending.uuid, confirm_loss=True, actor=admin)
    assert "writing was not tried" in Entry.objects.get(action="credential.switched").body


def test_a_switch_after_a_tried_write_asks_for_nothing(
    connector: Connector, admin: Person, sandbox: RunningSandbox, align_token: str
) -> None:
    pending = stage(connector, align_token, actor=admin)
    probe(pending, actor=admin, write_key=a_key(connector))
    rotation.switch(pending.uuid, actor=admin)

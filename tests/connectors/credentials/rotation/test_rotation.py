"""A credential is replaced in stages: staged beside the one in use, probed, switched to, and the way back kept."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.db import connections
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import Entry
from alignadmin.due_work import run_due
from alignadmin.errors import Refused
from connectors.credentials import rotation
from connectors.credentials.rotation import Staging
from connectors.credentials.values import open_secret
from connectors.jobs import runner
from connectors.models import Connector, Credential, CredentialKind, JiraKind, Job, JobState, Stage, System
from mappings import planning
from mappings.engine.values import TypeName
from mappings.models import Mapping, Plan, PlanState
from tests.support import factories, mapping_helpers, rotation_helpers
from tests.support.rotation_helpers import NEW_TOKEN, SECOND, at, probe, secret, stage, stages
from tests.support.sandbox_fixture import ALIGN_TOKEN, JIRA_TOKEN, RunningSandbox

IN_REVIEW, QA = 10013, 10015
CURRENT, PENDING, PREVIOUS = Stage.CURRENT, Stage.PENDING, Stage.PREVIOUS


@pytest.fixture
def second_user(sandbox: RunningSandbox) -> str:
    """The token of a second service user, whose making kills nothing."""
    sandbox.edit("add_token", site="align", token=NEW_TOKEN, user=SECOND)
    return NEW_TOKEN


def switched(connector: Connector, *, actor: Person, token: str = NEW_TOKEN) -> Credential:
    pending = stage(connector, token, actor=actor)
    probe(pending, actor=actor)
    return rotation.switch(pending.uuid, confirm_loss=True, actor=actor)


def actions() -> list[str]:
    found = Entry.objects.filter(action__startswith="credential.").exclude(action="credential.used")
    return list(found.order_by("seq").values_list("action", flat=True))


# --- staging ------------------------------------------------------------------------------------------------------


def test_a_staged_secret_is_sealed_beside_the_one_in_use(bare_connector: Connector, admin: Person) -> None:
    pending = stage(bare_connector, actor=admin, reason="CHG-77")
    assert stages(bare_connector) == {CURRENT: 1, PENDING: 2}
    assert open_secret(pending) == NEW_TOKEN
    assert NEW_TOKEN not in pending.sealed
    assert (pending.owner, pending.reason) == (admin, "CHG-77")
    entry = Entry.objects.get(action="credential.staged")
    assert NEW_TOKEN not in entry.body
    assert pending.fingerprint in entry.body


def test_a_second_person_is_told_who_staged_and_when(bare_connector: Connector, admin: Person) -> None:
    first = stage(bare_connector, actor=admin)
    Credential.objects.filter(pk=first.pk).update(created_at=timezone.now() - timedelta(minutes=3, seconds=20))
    other = factories.person(email="other@example.test", name="Other Admin")
    with pytest.raises(Refused, match=r"^Admin staged a Jira Align credential 3 min ago\."):
        stage(bare_connector, "another", actor=other)
    with pytest.raises(Refused, match="3 min ago"):
        stage(bare_connector, "another", actor=other, replacing=uuid4())

    second = stage(bare_connector, "another", actor=other, replacing=first.uuid)
    assert stages(bare_connector) == {CURRENT: 1, PENDING: 3}
    assert second.owner == other


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"token": ALIGN_TOKEN}, "in use already"),
        ({"token": "   "}, "Enter the token"),
        ({"token": "two\nlines"}, "line break"),
        ({"token": "x" * 1_000_000}, "longer than any token"),
        ({"kind": CredentialKind.JIRA_PAT}, "Jira Cloud does not take this sign-in"),
        ({"kind": CredentialKind.JIRA_CLOUD}, "needs the user"),
        ({"kind": CredentialKind.JIRA_CLOUD, "user": "a:b"}, "no colon"),
        ({"kind": CredentialKind.ALIGN_BASIC}, "needs the user"),
        ({"kind": "align-other"}, "does not take this sign-in"),
        ({"expires_on": timezone.localdate() - timedelta(days=1)}, "expiry date has passed"),
    ],
)
def test_it_refuses_a_secret_that_cannot_work(
    bare_connector: Connector, admin: Person, typed: dict[str, Any], said: str
) -> None:
    with pytest.raises(Refused, match=said) as refused:
        rotation.stage(bare_connector, secret(**typed), Staging(), actor=admin)
    assert typed.get("token", "none") not in str(refused.value)
    assert not Credential.objects.filter(stage=PENDING).exists()
    assert actions() == []
    rotation.stage(bare_connector, secret(), Staging(), actor=admin)  # and the same without that works


def test_a_token_that_expires_today_still_works_today(bare_connector: Connector, admin: Person) -> None:
    today = timezone.localdate()
    assert rotation.stage(bare_connector, secret(expires_on=today), Staging(), actor=admin).expires_on == today


def test_the_same_password_of_another_user_is_another_credential(bare_connector: Connector, admin: Person) -> None:
    kind = CredentialKind.JIRA_CLOUD
    with pytest.raises(Refused, match="in use already"):
        stage(bare_connector, JIRA_TOKEN, kind=kind, user="admin@sandbox.test", actor=admin)
    stage(bare_connector, JIRA_TOKEN, kind=kind, user="other@sandbox.test", actor=admin)


def test_the_backup_owner_is_somebody_else_who_is_active(bare_connector: Connector, people: dict[Role, Person]) -> None:
    admin, backup = people[Role.ADMIN], people[Role.EDITOR]
    with pytest.raises(Refused, match="someone other than the owner"):
        stage(bare_connector, actor=admin, backup_owner=admin)
    backup.is_active = False
    with pytest.raises(Refused, match="deactivated"):
        stage(bare_connector, actor=admin, backup_owner=backup)
    backup.is_active = True
    assert stage(bare_connector, actor=admin, backup_owner=backup).backup_owner == backup


def test_discarding_destroys_the_pending_one_alone(bare_connector: Connector, admin: Person) -> None:
    pending = stage(bare_connector, actor=admin)
    rotation.discard(pending.uuid, actor=admin)
    assert stages(bare_connector) == {CURRENT: 1}
    assert actions() == ["credential.staged", "credential.discarded"]
    with pytest.raises(Refused, match="no longer exists"):
        rotation.discard(pending.uuid, actor=admin)
    current = at(bare_connector, CURRENT)
    assert current is not None
    with pytest.raises(Refused, match="current by now"):
        rotation.discard(current.uuid, actor=admin)


def test_owners_and_expiry_can_be_changed_and_are_in_the_history(
    bare_connector: Connector, people: dict[Role, Person]
) -> None:
    admin, editor = people[Role.ADMIN], people[Role.EDITOR]
    current, day = at(bare_connector, CURRENT), timezone.localdate() + timedelta(days=30)
    assert current is not None
    rotation.set_owners(current, owner=editor, backup_owner=admin, expires_on=day, actor=admin)
    current.refresh_from_db()
    assert (current.owner, current.backup_owner, current.expires_on) == (editor, admin, day)
    assert actions() == ["credential.owners_changed"]
    rotation.set_owners(current, owner=editor, backup_owner=admin, expires_on=day, actor=admin)
    assert actions() == ["credential.owners_changed"]
    past = day - timedelta(days=31)
    with pytest.raises(Refused, match="expiry date has passed"):
        rotation.set_owners(current, owner=editor, backup_owner=admin, expires_on=past, actor=admin)
    with pytest.raises(Refused, match="someone other than the owner"):
        rotation.set_owners(current, owner=editor, backup_owner=editor, expires_on=day, actor=admin)
    with pytest.raises(Refused, match="someone other than the owner"):
        rotation.set_owners(current, owner=admin, backup_owner=admin, expires_on=day, actor=admin)


# --- two service users: no gap ------------------------------------------------------------------------------------


def test_with_two_service_users_there_is_no_gap(
    connector: Connector, admin: Person, sandbox: RunningSandbox, second_user: str
) -> None:
    pending = stage(connector, second_user, actor=admin)
    with pytest.raises(Refused, match="Probe it first"):
        rotation.switch(pending.uuid, confirm_loss=True, actor=admin)
    found = probe(pending, actor=admin)
    assert (found.seen, found.lost) == (found.expected, [])
    assert stages(connector) == {CURRENT: 1, PENDING: 2}
    sandbox.clear_journal()
    assert mapping_helpers.observe(connector)

    current = rotation.switch(pending.uuid, confirm_loss=True, actor=admin)
    assert stages(connector) == {PREVIOUS: 1, CURRENT: 2}
    assert current.identity == f"Svc B <{SECOND}>"
    run_due()
    watched = Job.objects.get(kind="watch", subject="align")
    assert (watched.state, watched.error) == (JobState.DONE, "")
    mapping_helpers.observe(connector)
    assert {each["status"] for each in sandbox.journal(containing="/rest/align")} == {200}
    assert actions() == ["credential.staged", "credential.probed", "credential.switched"]


def test_switching_twice_says_that_it_is_in_use_and_writes_one_entry(
    connector: Connector, admin: Person, second_user: str
) -> None:
    current = switched(connector, actor=admin)
    with pytest.raises(Refused, match="in use already since"):
        rotation.switch(current.uuid, confirm_loss=True, actor=admin)
    assert actions().count("credential.switched") == 1


def test_a_required_line_that_failed_blocks_the_switch(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    sandbox.edit("add_token", site="align", token=NEW_TOKEN, user=SECOND, expired=True)
    pending = stage(connector, actor=admin)
    probe(pending, actor=admin)
    with pytest.raises(Refused, match="Sign in and see the connector: Connector 123: Jira Align refused the sign-in"):
        rotation.switch(pending.uuid, confirm_loss=True, actor=admin)
    assert stages(connector) == {CURRENT: 1, PENDING: 2}
    sandbox.edit("set_token", site="align", token=NEW_TOKEN, expired=False)
    probe(pending, actor=admin)
    rotation.switch(pending.uuid, confirm_loss=True, actor=admin)


def test_an_old_probe_does_not_count(
    connector: Connector, admin: Person, second_user: str, settings: LazySettings
) -> None:
    pending = stage(connector, second_user, actor=admin)
    probe(pending, actor=admin)
    settings.PROBE_MAX_AGE = 0.0
    with pytest.raises(Refused, match="probe again"):
        rotation.switch(pending.uuid, confirm_loss=True, actor=admin)
    settings.PROBE_MAX_AGE = 1800.0
    rotation.switch(pending.uuid, confirm_loss=True, actor=admin)


def test_a_pending_one_that_expired_meanwhile_is_not_switched_to(
    connector: Connector, admin: Person, second_user: str
) -> None:
    pending = stage(connector, second_user, actor=admin)
    probe(pending, actor=admin)
    Credential.objects.filter(pk=pending.pk).update(expires_on=timezone.localdate() - timedelta(days=1))
    with pytest.raises(Refused, match="expired on"):
        rotation.switch(pending.uuid, confirm_loss=True, actor=admin)
    Credential.objects.filter(pk=pending.pk).update(expires_on=timezone.localdate())
    rotation.switch(pending.uuid, confirm_loss=True, actor=admin)


def test_lost_projects_block_until_they_are_confirmed(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    sandbox.edit("add_token", site="align", token=NEW_TOKEN, user=SECOND, projects=["PROJ"])
    pending = stage(connector, actor=admin)
    found = probe(pending, actor=admin)
    assert found.seen == 1
    assert found.expected > 1
    assert len(found.lost) == found.expected - 1
    assert all(each.endswith(": not visible.") for each in found.lost)
    with pytest.raises(Refused, match="Confirm what is lost"):
        rotation.switch(pending.uuid, actor=admin)
    rotation.switch(pending.uuid, confirm_loss=True, actor=admin)
    assert found.lost[0] in Entry.objects.get(action="credential.switched").body


# --- one service user: the gap ------------------------------------------------------------------------------------


@pytest.fixture
def in_gap(connector: Connector, admin: Person, sandbox: RunningSandbox) -> Credential:
    """The only user's token was made anew, so the one in use is dead; the new one is staged."""
    sandbox.edit("regenerate_token", site="align", token=ALIGN_TOKEN, new_token=NEW_TOKEN)
    return stage(connector, actor=admin, replaces_same_user=True)


def test_with_one_user_the_gap_has_begun_and_no_way_back_is_offered(
    connector: Connector, admin: Person, in_gap: Credential
) -> None:
    connector.refresh_from_db()
    assert connector.gap_since is not None
    assert "The gap has begun" in Entry.objects.get(action="credential.staged").body
    found = probe(in_gap, actor=admin)
    assert "refused the sign-in" in found.current_refusal
    assert (found.seen, found.expected, found.lost) == (found.expected, found.seen, [])

    rotation.switch(in_gap.uuid, confirm_loss=True, actor=admin)
    connector.refresh_from_db()
    assert [connector.gap_since, connector.last_error] == [None, ""]
    assert stages(connector) == {CURRENT: 2}  # the dead one is not kept
    assert "stopped working when its user made this one" in rotation.may_go_back(connector, System.ALIGN)
    with pytest.raises(Refused, match="stopped working when its user"):
        rotation.go_back(connector, System.ALIGN, actor=admin)


def test_a_gap_is_as_old_as_the_first_token_that_killed_the_one_in_use(
    connector: Connector, admin: Person, in_gap: Credential
) -> None:
    long_ago = timezone.now() - timedelta(hours=3)
    Connector.objects.update(gap_since=long_ago)
    stage(connector, "made-once-more", actor=admin, replaces_same_user=True, replacing=in_gap.uuid)
    connector.refresh_from_db()
    assert connector.gap_since == long_ago


def test_nothing_is_applied_in_a_gap_and_a_paused_plan_goes_on_after_the_switch(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    mapping_helpers.edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    plan = mapping_helpers.approved_plan(connector, actor=admin)
    planning.start_apply(plan, typed=connector.slug, actor=admin)
    sandbox.edit("regenerate_token", site="align", token=ALIGN_TOKEN, new_token=NEW_TOKEN)
    pending = stage(connector, actor=admin, replaces_same_user=True)
    sandbox.clear_journal()
    run_due()
    plan.refresh_from_db()
    assert plan.state == PlanState.PAUSED
    assert sandbox.journal("PUT") == []
    assert "token is being replaced" in Job.objects.get(kind="apply").error
    with pytest.raises(Refused, match="has been switched to the new one"):
        planning.control(plan, "resume", actor=admin)

    probe(pending, actor=admin)
    rotation.switch(pending.uuid, confirm_loss=True, actor=admin)
    planning.control(plan, "resume", actor=admin)
    run_due()
    plan.refresh_from_db()
    assert (plan.state, mapping_helpers.states(plan)) == (PlanState.FINISHED, ["done"])


def test_an_apply_is_not_started_in_a_gap(connector: Connector, admin: Person, in_gap: Credential) -> None:
    mapping_helpers.edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    plan = mapping_helpers.approved_plan(connector, actor=admin)
    with pytest.raises(Refused, match="token is being replaced"):
        planning.start_apply(plan, typed=connector.slug, actor=admin)
    assert Plan.objects.get(pk=plan.pk).state == PlanState.APPROVED
    rotation.discard(in_gap.uuid, actor=admin)
    planning.start_apply(plan, typed=connector.slug, actor=admin)


@pytest.mark.parametrize("kind", [CredentialKind.ALIGN_BASIC, CredentialKind.JIRA_CLOUD])
def test_only_a_bearer_token_of_align_has_a_gap(bare_connector: Connector, admin: Person, kind: str) -> None:
    with pytest.raises(Refused, match="Only an Align API token"):
        stage(bare_connector, kind=kind, user="a@example.test", actor=admin, replaces_same_user=True)
    bare_connector.refresh_from_db()
    assert bare_connector.gap_since is None
    stage(bare_connector, actor=admin, replaces_same_user=True)


def test_a_switch_at_jira_does_not_end_a_gap_at_align(
    connector: Connector, admin: Person, in_gap: Credential, sandbox: RunningSandbox
) -> None:
    sandbox.edit("add_token", site="jira", token=NEW_TOKEN, user=SECOND)
    pending = stage(connector, NEW_TOKEN, kind=CredentialKind.JIRA_CLOUD, user=SECOND, actor=admin)
    probe(pending, actor=admin)
    rotation.switch(pending.uuid, confirm_loss=True, actor=admin)
    connector.refresh_from_db()
    assert connector.gap_since is not None


# --- after the switch ---------------------------------------------------------------------------------------------


def test_a_refusal_right_after_the_switch_is_seen_at_once_and_offers_the_way_back(
    connector: Connector, admin: Person, sandbox: RunningSandbox, second_user: str
) -> None:
    switched(connector, actor=admin)
    sandbox.edit("deactivate_user", site="align", user=SECOND)
    run_due()
    watched = Job.objects.get(kind="watch")
    assert watched.state == JobState.FAILED
    assert watched.error.endswith("Go back to the previous credential on the credential's page.")
    left = at(connector, CURRENT)
    assert left is not None
    assert left.refused_status == 401

    current = rotation.go_back(connector, System.ALIGN, actor=admin)
    assert current.version == 1
    assert stages(connector) == {CURRENT: 1, PENDING: 2}  # what was refused can be looked at again
    assert "401" in Entry.objects.get(action="credential.switched_back").body
    connector.refresh_from_db()
    assert connector.last_error == ""
    with pytest.raises(Refused, match="Probe it first"):
        rotation.switch(left.uuid, confirm_loss=True, actor=admin)
    mapping_helpers.observe(connector)


def test_going_back_from_one_that_works_destroys_it(connector: Connector, admin: Person, second_user: str) -> None:
    switched(connector, actor=admin)
    rotation.go_back(connector, System.ALIGN, actor=admin)
    assert stages(connector) == {CURRENT: 1}
    with pytest.raises(Refused, match="no previous credential"):
        rotation.go_back(connector, System.ALIGN, actor=admin)


def test_going_back_forgets_what_the_previous_one_was_refused_with(
    connector: Connector, admin: Person, second_user: str
) -> None:
    """The first calls say anew whether it is accepted; until then nothing holds it back."""
    switched(connector, actor=admin)
    Credential.objects.filter(stage=PREVIOUS).update(refused_status=401, last_answer="refused")
    current = rotation.go_back(connector, System.ALIGN, actor=admin)
    current.refresh_from_db()
    assert (current.refused_status, current.last_answer, current.previous_until) == (None, "", None)


def test_going_back_with_another_one_pending_keeps_that_one(
    connector: Connector, admin: Person, second_user: str
) -> None:
    current = switched(connector, actor=admin)
    Credential.objects.filter(pk=current.pk).update(refused_status=401, last_answer="refused")
    third = stage(connector, "a-third-token", actor=admin)
    rotation.go_back(connector, System.ALIGN, actor=admin)
    assert stages(connector) == {CURRENT: 1, PENDING: 3}
    assert at(connector, PENDING) == third


def test_the_previous_one_is_destroyed_by_the_clock(
    connector: Connector, admin: Person, second_user: str, settings: LazySettings
) -> None:
    settings.PREVIOUS_KEPT = 3600.0
    switched(connector, actor=admin)
    run_due()
    previous = at(connector, PREVIOUS)
    assert previous is not None
    Credential.objects.filter(pk=previous.pk).update(previous_until=timezone.now())
    assert "time to go back has passed" in rotation.may_go_back(connector, System.ALIGN)
    run_due()
    assert stages(connector) == {CURRENT: 2}
    body = Entry.objects.get(action="credential.retired").body
    assert '"actor":null' in body
    assert str(previous.uuid) in body


def test_the_previous_one_can_be_retired_at_once(connector: Connector, admin: Person, second_user: str) -> None:
    current = switched(connector, actor=admin)
    previous = at(connector, PREVIOUS)
    assert previous is not None
    with pytest.raises(Refused, match="so it is not retired"):
        rotation.retire(current.uuid, actor=admin)
    rotation.retire(previous.uuid, actor=admin)
    assert stages(connector) == {CURRENT: 2}
    with pytest.raises(Refused, match="no longer exists"):
        rotation.retire(previous.uuid, actor=admin)
    assert stage(connector, "a-third-token", actor=admin).version == 3  # no version stands for two credentials


def test_a_previous_one_that_expired_is_not_gone_back_to(connector: Connector, admin: Person, second_user: str) -> None:
    switched(connector, actor=admin)
    past = timezone.localdate() - timedelta(days=1)
    Credential.objects.filter(stage=PREVIOUS).update(expires_on=past)
    with pytest.raises(Refused, match="expired on"):
        rotation.go_back(connector, System.ALIGN, actor=admin)
    Credential.objects.filter(stage=PREVIOUS).update(expires_on=None)
    rotation.go_back(connector, System.ALIGN, actor=admin)


def test_the_third_rotation_destroys_the_first_credential(
    connector: Connector, admin: Person, sandbox: RunningSandbox, second_user: str
) -> None:
    switched(connector, actor=admin)
    sandbox.edit("add_token", site="align", token="third-token", user="svc-c@sandbox.test")
    switched(connector, actor=admin, token="third-token")
    assert stages(connector) == {PREVIOUS: 2, CURRENT: 3}


# --- an apply under way -------------------------------------------------------------------------------------------


def test_an_apply_under_way_goes_on_with_the_new_secret_and_nothing_fails(
    connector: Connector, admin: Person, sandbox: RunningSandbox, second_user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In mid-run the switch comes, and then the old token is revoked."""
    plan = _plan_of_many(connector, admin)
    pending = stage(connector, second_user, actor=admin)
    probe(pending, actor=admin)
    planning.start_apply(plan, typed=connector.slug, actor=admin)
    run = runner.claim("this test", Job.objects.get(kind="apply").pk)
    assert run is not None
    half = plan.changes.count() // 2
    tell = run.progress

    def progress(*words: Any, **numbers: Any) -> None:
        tell(*words, **numbers)
        if run.job.done >= half and at(connector, PENDING) is not None:
            rotation.switch(pending.uuid, confirm_loss=True, actor=admin)
            sandbox.edit("revoke_token", site="align", token=ALIGN_TOKEN)

    monkeypatch.setattr(run, "progress", progress)
    runner.execute(run)
    plan.refresh_from_db()
    assert stages(connector) == {PREVIOUS: 1, CURRENT: 2}
    assert plan.state == PlanState.FINISHED
    assert set(mapping_helpers.states(plan)) == {"done"}
    assert plan.changes.filter(confirmed=True).count() == plan.changes.count()
    assert plan.changes.count() == 50
    used = Entry.objects.filter(action="credential.used", body__contains='"kind":"apply"').order_by("seq")
    of_align = [data for entry in used if (data := json.loads(entry.body)["data"])["system"] == "align"]
    assert [data["version"] for data in of_align] == [1, 2]


def _plan_of_many(connector: Connector, admin: Person) -> Plan:
    """Every Align to Jira row of every project gets another status."""
    rows = Mapping.objects.filter(scope__connector=connector, scope__family="a2j-state", observed__isnull=False)
    for row in list(rows.select_related("scope__project")[:200]):
        project = row.scope.project
        assert project is not None
        others = project.reachable.exclude(status__jira_id=row.observed or 0).values_list("status__jira_id", flat=True)
        mapping_helpers.edit(
            connector,
            "a2j-state",
            row.source_id,
            others[0],
            actor=admin,
            project=project.key,
            type_=TypeName(row.work_item_type),
        )
    return mapping_helpers.approved_plan(connector, actor=admin)


# --- two people at once -------------------------------------------------------------------------------------------


def in_two_threads(act: Any) -> list[str]:
    """The sentence of each refusal; empty for who came first."""
    from threading import Barrier, Thread

    start, said = Barrier(2), list[str]()

    def run(number: int) -> None:
        start.wait()
        try:
            act(number)
            said.append("")
        except Refused as refused:
            said.append(str(refused))
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(said)


def test_of_two_who_stage_at_once_one_wins_and_the_other_is_told(
    transactional_db: None, bare_connector: Connector, admin: Person
) -> None:
    said = in_two_threads(lambda number: stage(bare_connector, f"token-{number}", actor=admin))
    assert said[0] == ""
    assert said[1].startswith("Admin staged a Jira Align credential just now.")
    assert stages(bare_connector) == {CURRENT: 1, PENDING: 2}
    assert actions() == ["credential.staged"]


def test_of_two_who_switch_at_once_one_wins_and_the_other_is_told(
    connector: Connector, admin: Person, second_user: str
) -> None:
    pending = stage(connector, second_user, actor=admin)
    probe(pending, actor=admin)
    said = in_two_threads(lambda _: rotation.switch(pending.uuid, confirm_loss=True, actor=admin))
    assert said[0] == ""
    assert "in use already" in said[1]
    assert actions().count("credential.switched") == 1
    assert stages(connector) == {PREVIOUS: 1, CURRENT: 2}


def test_a_discard_and_a_switch_at_once_leave_one_of_the_two(
    connector: Connector, admin: Person, second_user: str
) -> None:
    pending = stage(connector, second_user, actor=admin)
    probe(pending, actor=admin)
    acts = [rotation.switch, rotation.discard]
    said = in_two_threads(lambda number: acts[number](pending.uuid, actor=admin))  # type: ignore[operator]
    assert said[0] == ""
    assert said[1]
    assert stages(connector) in ({CURRENT: 1}, {PREVIOUS: 1, CURRENT: 2})


# --- every kind ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "user"),
    [
        (CredentialKind.ALIGN_BEARER, CredentialKind.ALIGN_BASIC, SECOND),
        (CredentialKind.ALIGN_BASIC, CredentialKind.ALIGN_BEARER, ""),
        (CredentialKind.JIRA_CLOUD, CredentialKind.JIRA_CLOUD, SECOND),
        (CredentialKind.JIRA_PASSWORD, CredentialKind.JIRA_PAT, ""),
        (CredentialKind.JIRA_PAT, CredentialKind.JIRA_PASSWORD, SECOND),
    ],
)
def test_one_rotation_may_change_kind_user_and_secret(
    bare_connector: Connector, admin: Person, sandbox: RunningSandbox, before: str, after: str, user: str
) -> None:
    system = System.ALIGN if after.startswith("align") else System.JIRA
    if after in (CredentialKind.JIRA_PASSWORD, CredentialKind.JIRA_PAT):
        sandbox.reset(jira="server")
        Connector.objects.update(jira_kind=JiraKind.DATA_CENTER)
    Credential.objects.filter(system=system).update(kind=before)
    sandbox.edit("add_token", site=system.value, token=NEW_TOKEN, user=user or SECOND)
    bare_connector.refresh_from_db()

    pending = stage(bare_connector, NEW_TOKEN, kind=after, user=user, actor=admin)
    found = probe(pending, actor=admin)
    assert rotation.hindrances(pending).blocking == [], rotation_helpers.lines(found)
    current = rotation.switch(pending.uuid, confirm_loss=True, actor=admin)
    assert (current.kind, current.user) == (after, user)
    run_due()
    assert Job.objects.get(kind="watch", subject=system.value).state == JobState.DONE
    current.refresh_from_db()
    assert (current.refused_status, current.last_answer) == (None, "")
    assert "svc" in current.identity.lower()

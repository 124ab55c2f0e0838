"""Who may do what at which address: every URL x method x role over HTTP, against a table written by hand.

The table knows nothing of the rules in the code, and both are compared; a new URL that is not in it fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.accounts.rights import may
from connectors.align.query import query_of
from connectors.explorer import saved
from connectors.explorer import services as queries
from connectors.jobs import runner
from connectors.models import Credential, Job, JobKind, Project, System
from mappings.models import Mapping, Plan, Scope
from tests.support import factories
from tests.support.address_world import (
    ADDRESSES,
    EVERYBODY,
    METHODS,
    SAFE,
    Address,
    World,
    addresses,
    rule_of,
    send,
    world,
)
from tests.support.page_forms import taken_back

__all__ = ["world"]

EVERY_ROLE = frozenset(Role)
EDITORS = frozenset({Role.EDITOR, Role.ADMIN})
ADMINS = frozenset({Role.ADMIN})
HISTORIANS = frozenset({Role.REVIEWER, Role.ADMIN})
EXPLAINERS = frozenset({Role.EDITOR, Role.REVIEWER, Role.ADMIN})
REVIEWERS = frozenset({Role.REVIEWER})  # and admins who are made reviewers besides
NOBODY: frozenset[Role] = frozenset()


@dataclass(frozen=True)
class Expected:
    """Who may read and who may write at an address; `public`: also without a sign-in."""

    readers: frozenset[Role] = EVERY_ROLE
    writers: frozenset[Role] = NOBODY
    methods: tuple[str, ...] = ("GET",)
    public: bool = False
    own: bool = False  # of things that the person may not have; other people's are not there


READ = Expected()
EDIT = Expected(writers=EDITORS, methods=("POST",))
EDIT_FORM = Expected(writers=EDITORS, methods=("GET", "POST"))
APPROVE = Expected(writers=ADMINS, methods=("POST",))
CONFIGURE = Expected(writers=ADMINS, methods=("POST",))
ADMIN_ACT = Expected(readers=ADMINS, writers=ADMINS, methods=("POST",))
CONFIGURE_FORM = Expected(readers=ADMINS, writers=ADMINS, methods=("GET", "POST"))
HISTORY = Expected(readers=HISTORIANS)
PUBLIC_FORM = Expected(writers=EVERY_ROLE, methods=("GET", "POST"), public=True)
OWN_FORM = Expected(writers=EVERY_ROLE, methods=("GET", "POST"))
OWN_THING = Expected(writers=EVERY_ROLE, methods=("GET", "POST"), own=True)
OWN_CODES = Expected(own=True)

TABLE = {
    "healthz": Expected(public=True),
    "readyz": Expected(public=True),
    "metrics": Expected(public=True),
    "robots": Expected(public=True),
    # signing in
    "account_login": PUBLIC_FORM,
    "account_logout": PUBLIC_FORM,
    "account_inactive": Expected(public=True),
    "account_reauthenticate": OWN_FORM,
    "account_confirm": READ,
    "account_change_password": OWN_FORM,
    "account": OWN_FORM,
    "mfa_index": READ,
    "mfa_authenticate": PUBLIC_FORM,
    "mfa_login_webauthn": PUBLIC_FORM,
    "mfa_reauthenticate": OWN_FORM,
    "mfa_reauthenticate_webauthn": OWN_FORM,
    "mfa_activate_totp": OWN_FORM,
    "mfa_deactivate_totp": OWN_THING,
    "mfa_add_webauthn": OWN_FORM,
    "mfa_remove_webauthn": OWN_THING,
    "mfa_edit_webauthn": OWN_THING,
    "mfa_generate_recovery_codes": OWN_FORM,
    "mfa_view_recovery_codes": OWN_CODES,
    "mfa_download_recovery_codes": OWN_CODES,
    "account_reset_password": PUBLIC_FORM,
    "account_reset_password_done": Expected(public=True),
    "account_reset_password_from_key": PUBLIC_FORM,
    "usersessions_list": READ,
    "usersessions_end": Expected(writers=EVERY_ROLE, methods=("POST",)),
    "usersessions_end_others": Expected(writers=EVERY_ROLE, methods=("POST",)),
    "notifications": OWN_FORM,
    "notifications-read": Expected(writers=EVERY_ROLE, methods=("POST",)),
    "notification": Expected(own=True),
    # around every page
    "search": READ,
    "help": READ,
    "help-keys": READ,
    "help-topic": READ,
    "help-picture": READ,
    # people and settings
    "person-join": PUBLIC_FORM,
    "operator": Expected(readers=ADMINS),
    "settings": Expected(readers=ADMINS),
    "settings-choose": CONFIGURE_FORM,
    "settings-mail": ADMIN_ACT,
    "people": Expected(readers=ADMINS),
    "person": CONFIGURE_FORM,
    "person-new": CONFIGURE_FORM,
    "person-role": ADMIN_ACT,
    "person-reviews": ADMIN_ACT,
    "person-active": CONFIGURE_FORM,
    "person-sessions": ADMIN_ACT,
    "person-factors": ADMIN_ACT,
    "person-invitation": ADMIN_ACT,
    # connectors
    "connectors": READ,
    "connector": READ,
    "connector-new": CONFIGURE_FORM,
    "connector-draft": ADMIN_ACT,
    "connector-start-over": ADMIN_ACT,
    "setup-need": Expected(readers=ADMINS),
    "setup-before": Expected(readers=ADMINS),
    "setup": READ,
    "setup-step": READ,
    "setup-scope": CONFIGURE,
    "setup-ours": CONFIGURE_FORM,
    "setup-ours-choose": ADMIN_ACT,
    "setup-projects-check": EDIT,
    "setup-boards": EDIT_FORM,
    "connector-edit": CONFIGURE_FORM,
    "connector-hand-over": CONFIGURE_FORM,
    "connector-disconnect": CONFIGURE_FORM,
    "connector-export": ADMIN_ACT,
    "connector-former": CONFIGURE_FORM,
    "connector-again": CONFIGURE_FORM,
    "connector-pull-address": CONFIGURE,
    "credentials": Expected(readers=ADMINS),
    "connector-credential": CONFIGURE_FORM,
    "owner-link": Expected(public=True),
    "owner-link-enter": Expected(writers=EVERY_ROLE, methods=("GET", "POST"), public=True, own=True),
    "owner-link-ask": CONFIGURE_FORM,
    "owner-link-withdraw": ADMIN_ACT,
    "credential-probe": CONFIGURE,
    "credential-switch": CONFIGURE,
    "credential-discard": CONFIGURE,
    "credential-back": CONFIGURE,
    "credential-retire": CONFIGURE,
    "credential-again": CONFIGURE,
    "credential-owners": CONFIGURE,
    "connector-test": CONFIGURE,
    "connector-refresh": EDIT,
    "connector-active": CONFIGURE,
    "connector-confirm": CONFIGURE,
    "connector-projects": READ,
    "connector-types": READ,
    "connector-credentials": READ,
    "connector-checks": READ,
    "connector-settings": READ,
    "connector-job": READ,
    "connector-budget": READ,
    "connector-contract": READ,
    "contract-look": CONFIGURE,
    "contract-note": CONFIGURE,
    "contract-types": CONFIGURE,
    "connector-level-names": CONFIGURE,
    "connector-terms": CONFIGURE,
    "connector-maintenance": READ,
    "connector-maintenance-begin": CONFIGURE,
    "connector-maintenance-end": CONFIGURE,
    # the explorer: an editor's only where it has been opened to editors, see tests/connectors/explorer/test_explorer.py
    "explorer": Expected(readers=EDITORS, writers=EDITORS, methods=("GET", "POST"), own=True),
    "explorer-access": Expected(readers=EDITORS, writers=ADMINS, methods=("POST",)),
    "explorer-unsave": Expected(readers=EDITORS, writers=EDITORS, methods=("POST",), own=True),
    "explorer-rename": Expected(readers=EDITORS, writers=EDITORS, methods=("POST",), own=True),
    "explorer-run": Expected(readers=EDITORS, own=True),
    "explorer-stop": Expected(readers=EDITORS, writers=EDITORS, methods=("POST",), own=True),
    "explorer-file": Expected(readers=EDITORS, own=True),
    # the webhook: verdicts and counts are a reviewer's, too, bodies are not
    "hook": Expected(writers=EVERY_ROLE, methods=("POST",), public=True, own=True),
    "webhook": Expected(readers=EXPLAINERS),
    "webhook-set-up": Expected(readers=EXPLAINERS, writers=ADMINS, methods=("POST",)),
    "webhook-by-hand": Expected(readers=ADMINS),
    "webhook-register": Expected(readers=EXPLAINERS, writers=ADMINS, methods=("POST",)),
    "webhook-remove": Expected(readers=EXPLAINERS, writers=ADMINS, methods=("POST",)),
    "webhook-secret": Expected(readers=EXPLAINERS, writers=ADMINS, methods=("POST",)),
    "webhook-canary": Expected(readers=EXPLAINERS, writers=ADMINS, methods=("POST",)),
    "webhook-canary-send": Expected(readers=EXPLAINERS, writers=ADMINS, methods=("POST",)),
    "webhook-replay": Expected(readers=EXPLAINERS, writers=EDITORS, methods=("POST",)),
    "webhook-body": Expected(readers=EDITORS),
    # overview, mappings, plans
    "overview": READ,
    "mappings": READ,
    "coverage": READ,
    "matrix": READ,
    "matrix-cell": EDIT,
    "matrix-list": EDIT,
    "matrix-undo": EDIT,
    "matrix-redo": EDIT,
    "matrix-drop": EDIT,
    "matrix-decide": EDIT,
    "matrix-keep": EDIT,
    "matrix-copy": EDIT,
    "matrix-refresh": EDIT,
    "matrix-count": EDIT,
    "connector-rules": CONFIGURE_FORM,
    "first-drift": READ,
    "drift": READ,
    "drift-confirm": EDIT,
    "drift-decide": EDIT,
    "drift-check": EDIT,
    "drift-seen": EDIT,
    "fields": EDIT_FORM,
    "field-pair": EDIT_FORM,
    "fields-read": EDIT,
    "agreement": Expected(readers=EXPLAINERS),
    "agreement-compare": Expected(readers=EXPLAINERS, writers=EDITORS, methods=("POST",)),
    "agreement-switch": Expected(readers=EXPLAINERS, writers=ADMINS, methods=("POST",)),
    "agreement-link": Expected(readers=EXPLAINERS, writers=EDITORS, methods=("POST",)),
    "explain": Expected(readers=EXPLAINERS),
    "imports": EDIT_FORM,
    "import-run": Expected(readers=EXPLAINERS),
    "import-approve": Expected(readers=EXPLAINERS, writers=ADMINS, methods=("POST",)),
    "import-cancel": Expected(readers=EXPLAINERS, writers=EDITORS, methods=("POST",)),
    "import-control": Expected(readers=EXPLAINERS, writers=ADMINS, methods=("POST",)),
    "import-choose": Expected(readers=EXPLAINERS, writers=ADMINS, methods=("POST",)),
    "import-report": Expected(readers=EXPLAINERS),
    "import-undo": Expected(readers=EXPLAINERS, writers=EDITORS, methods=("GET", "POST")),
    "import-undo-approve": Expected(readers=EXPLAINERS, writers=ADMINS, methods=("POST",)),
    "import-undo-control": Expected(readers=EXPLAINERS, writers=ADMINS, methods=("POST",)),
    "item-trials": Expected(readers=EXPLAINERS),
    "item-trial-start": Expected(readers=EXPLAINERS, writers=ADMINS, methods=("POST",)),
    "item-trial-control": Expected(readers=EXPLAINERS, writers=ADMINS, methods=("POST",)),
    "progress": Expected(readers=EXPLAINERS, writers=EDITORS, methods=("GET", "POST")),
    "verify": Expected(readers=EXPLAINERS, writers=ADMINS, methods=("GET", "POST")),
    "verification": Expected(readers=EXPLAINERS),
    "verification-approve": Expected(readers=EXPLAINERS, writers=ADMINS, methods=("POST",)),
    "verification-put-back": Expected(readers=EXPLAINERS, writers=ADMINS, methods=("POST",)),
    "verification-leave": Expected(readers=EXPLAINERS, writers=ADMINS, methods=("POST",)),
    "verification-stop": Expected(readers=EXPLAINERS, writers=ADMINS, methods=("POST",)),
    "verification-discard": Expected(readers=EXPLAINERS, writers=ADMINS, methods=("POST",)),
    "rehearsals": READ,
    "rehearsal": Expected(readers=EXPLAINERS, writers=EDITORS, methods=("GET", "POST")),
    "hierarchy": EDIT_FORM,
    "hierarchy-start": EDIT,
    "import-scope": EDIT_FORM,
    "configuration-undo": EDIT,
    "configuration-drop": EDIT,
    "configuration-propose": EDIT,
    "configuration-proposal": READ,
    "configuration-approve": APPROVE,
    "configuration-decline": APPROVE,
    "configuration-withdraw": EDIT,
    "plan-new": EDIT_FORM,
    "plans": READ,
    "plan": READ,
    "plan-ask": EDIT,
    "plan-approve": APPROVE,
    "plan-apply": APPROVE,
    "plan-emergency": APPROVE,
    "plan-noted": APPROVE,
    "plan-refresh": EDIT,
    "plan-control": APPROVE,
    "plan-retry": APPROVE,
    "plan-roll-back": EDIT_FORM,
    "plan-put-back": EDIT,
    # history
    "history": READ,  # each its own rows: tests/connectors/history/search/test_visibility.py
    "history-row": READ,
    "history-person": HISTORY,
    "history-export": Expected(writers=EVERY_ROLE, methods=("GET", "POST")),
    "history-intake": Expected(readers=HISTORIANS, writers=HISTORIANS, methods=("GET", "POST")),
    "history-intake-preview": Expected(readers=HISTORIANS, writers=HISTORIANS, methods=("GET", "POST"), own=True),
    "history-runs": HISTORY,
    "history-run": Expected(readers=HISTORIANS, writers=HISTORIANS, methods=("GET", "POST")),
    "history-views": Expected(writers=EVERY_ROLE, methods=("GET", "POST")),
    "history-view": Expected(writers=EVERY_ROLE, methods=("POST",), own=True),
    "history-view-delete": Expected(writers=EVERY_ROLE, methods=("POST",), own=True),
    "history-verify": Expected(readers=HISTORIANS, writers=HISTORIANS, methods=("POST",)),
    "history-verification": HISTORY,
    "history-packs": HISTORY,
    "history-pack": HISTORY,
    "history-pack-new": Expected(readers=HISTORIANS, writers=HISTORIANS, methods=("GET", "POST")),
    "history-pack-file": HISTORY,
    "history-pack-again": Expected(readers=HISTORIANS, writers=HISTORIANS, methods=("POST",)),
    "history-pack-schedules": HISTORY,
    "history-pack-schedule-new": CONFIGURE_FORM,
    "history-pack-schedule-switch": ADMIN_ACT,
    "cases": READ,
    "case": Expected(writers=EXPLAINERS, methods=("GET", "POST")),
    "cases-explain": Expected(writers=EXPLAINERS, methods=("POST",)),
    "review": HISTORY,
    "review-quarter": HISTORY,
    "review-quarter-sign": Expected(readers=HISTORIANS, writers=REVIEWERS, methods=("POST",)),
    "review-week": HISTORY,
    "review-draft": Expected(readers=HISTORIANS, writers=REVIEWERS, methods=("POST",)),
    "review-sample": Expected(readers=HISTORIANS, writers=REVIEWERS, methods=("POST",)),
    "review-sign": Expected(readers=HISTORIANS, writers=REVIEWERS, methods=("POST",)),
    "questions": HISTORY,
    "question": OWN_THING,
    "question-ask": Expected(readers=HISTORIANS, writers=REVIEWERS, methods=("POST",)),
    # REST
    "api-connectors-list": READ,
    "api-connectors-detail": READ,
    "api-setup-detail": READ,
    "api-projects-list": READ,
    "api-compared-items-list": Expected(readers=EXPLAINERS),
    "api-compared-items-detail": Expected(readers=EXPLAINERS),
    "api-mappings-list": READ,
    "api-mappings-detail": READ,
    "api-plans-list": READ,
    "api-plans-detail": READ,
    "api-history-list": READ,
    "api-history-detail": READ,
    "api-schema": READ,
    "api-docs": READ,
}


CASES = [pytest.param(ADDRESSES[name], expected, id=name) for name, expected in TABLE.items() if name in ADDRESSES]


# --- the table, the code's own rules and the URL configuration name the same ------------------------------------------


def test_every_address_has_a_name_of_its_own() -> None:
    names = [address.name for address in addresses()]
    assert "" not in names
    assert sorted(set(names)) == sorted(names)


def test_the_table_names_every_address_and_no_other() -> None:
    assert set(TABLE) == set(ADDRESSES)


@pytest.mark.parametrize(("address", "expected"), CASES)
def test_the_rule_in_the_code_is_the_one_in_the_table(address: Address, expected: Expected) -> None:
    read, write, methods = rule_of(address.callback)
    assert set(methods) == set(expected.methods)
    assert may(AnonymousUser(), read) is expected.public
    for role in Role:
        somebody = Person(role=role, is_active=True)
        assert may(somebody, read) is (expected.public or role in expected.readers), role
        if set(methods) - set(SAFE):
            assert may(somebody, write or read) is (expected.public or role in expected.writers), role


# --- over HTTP --------------------------------------------------------------------------------------------------------


def test_an_admin_gets_what_the_table_says(world: World, people: dict[Role, Person], client: Client) -> None:
    """One world for all: what a request has done is taken back before the next. All wrong cells are named.

    On every database. What the others get, and who is not signed in, is looked at where every answer is, on one:
    `test_every_address.test_what_holds_of_every_answer`.
    """
    client.force_login(people[Role.ADMIN])
    wrong = []
    for name in TABLE:
        for method in METHODS:
            with taken_back(client):
                answer = send(client, method, ADDRESSES[name], world)
            wrong.append(wrong_outcome(Role.ADMIN, ADDRESSES[name], method, answer))
    assert [each for each in wrong if each] == []


def wrong_outcome(role: Role | None, address: Address, method: str, answer: HttpResponse) -> str:
    """What differs from the table in words; empty where nothing does. `role`: None without a sign-in."""
    got, allowed = what(answer), allowed_outcomes(address, TABLE[address.name], role, method)
    return "" if got in allowed else f"{method} {address.name}: {got}, not {' or '.join(sorted(allowed))}"


def allowed_outcomes(address: Address, expected: Expected, role: Role | None, method: str) -> set[str]:
    if role is None and not expected.public:
        return {"refused", "no such method"} if address.is_rest else {"sent to sign in"}
    if ("GET" if method == "HEAD" else method) not in expected.methods:
        return {"no such method", "not found"}
    if expected.public:
        return {"answered", "not found"} if expected.own else {"answered"}
    if role not in expected.readers:
        return {"not found"}
    if method not in SAFE and role not in expected.writers:
        return {"refused"}
    return {"answered", "not found"} if expected.own else {"answered"}


def test_a_deactivated_person_gets_nothing(world: World, people: dict[Role, Person], client: Client) -> None:
    client.force_login(people[Role.ADMIN])
    assert what(send(client, "GET", ADDRESSES["overview"], world)) == "answered"
    Person.objects.filter(role=Role.ADMIN).update(is_active=False)
    assert what(send(client, "GET", ADDRESSES["overview"], world)) == "sent to sign in"


# --- ids of another connector -----------------------------------------------------------------------------------------


@pytest.fixture
def other_world(world: World, people: dict[Role, Person]) -> World:
    """The first connector's addresses and forms, with the ids of a second one's things in them."""
    other = factories.connector("http://127.0.0.2:9", actor=people[Role.ADMIN], slug="beta", name="Beta")
    scope = Scope.objects.create(connector=other, family="j2a-state", observed_at=timezone.now())
    mapping = Mapping.objects.create(scope=scope, work_item_type="story", source_id=10001, wanted=3, waits=True)
    project = Project.objects.create(connector=other, jira_id=7, key="OTHER", in_scope=True)
    job = runner.start(other, JobKind.REFRESH, actor=people[Role.ADMIN])
    credential = Credential.objects.filter(connector=other, system=System.ALIGN).first()
    assert credential
    of_mapping = {"mapping": mapping.pk, "seen": 3, "decision": "adopt", "record": 1}
    of_credential = {
        "credential": str(credential.uuid),
        "owners-credential": str(credential.uuid),
        "confirm_loss": "yes",
    }
    forms: dict[str, dict[str, Any]] = {
        **dict.fromkeys(("matrix-drop", "matrix-decide", "matrix-keep"), of_mapping),
        "drift-confirm": {"one": f"adopt {mapping.pk}.0."},
        "drift-decide": {"one": f"adopt {mapping.pk}.0."},
        "plan-new": {"row": mapping.pk, "reason": "of another connector"},
        "matrix-cell": {"scope": project.key, "status": 1, "target": 1},
        "matrix-list": {"scope": project.key},
        "setup-scope": {"ticked": project.pk, "choice": "out"},
        "setup-ours": {"do": "take", "project": project.pk, "reason": "of another connector", "confirm": project.key},
        "setup-ours-choose": {"ticked": project.pk},
        "matrix-copy": {"scope": project.key},
        "agreement-compare": {"project": project.pk},
        "setup-projects-check": {"ticked": project.pk},
        **{name: of_credential for name in TABLE if name.startswith("credential-")},
    }
    query = query_of("feature").top(5)
    of_query = {
        "query_run": queries.run(other, query, actor=people[Role.ADMIN]).uuid,
        "query": saved.save(other, "Five", query.text(), shared=True, actor=people[Role.ADMIN]).pk,
    }
    parameters = {
        **world.parameters,
        **of_query,
        "connector-job.pk": job.pk,
        "setup-boards.pk": project.pk,
        "rehearsal.project": project.pk,
        "history-run.run": factories.intake_run(other).pk,
        "webhook-body.pk": factories.inbox_delivery(other).pk,
    }
    return World(parameters=parameters, forms=forms)


OF_QUERIES = ("explorer-run", "explorer-stop", "explorer-file", "explorer-rename", "explorer-unsave")
THERE = {
    *OF_QUERIES,
    "connector-job",
    "setup-boards",
    "webhook-body",
    "rehearsal",
    "history-run",
    "matrix-drop",
    "matrix-decide",
    "matrix-keep",
    "matrix-cell",
    "matrix-list",
    "matrix-copy",
}


@pytest.mark.parametrize("role", EVERYBODY)
def test_a_thing_of_another_connector_is_not_there_below_this_one(
    role: Role, other_world: World, people: dict[Role, Person]
) -> None:
    """Whoever may do the act gets 404, or a refusal in words where a form names several; nothing of it is changed."""
    before = _stored()
    for name in sorted({*THERE, *other_world.forms}):
        address, expected = ADDRESSES[name], TABLE[name]
        client = Client()
        client.force_login(people[role])
        method = "POST" if "POST" in expected.methods else "GET"
        answer = send(client, method, address, other_world)
        allowed = role in (expected.writers if method == "POST" else expected.readers)
        wanted = {404} if name in THERE else {400, 404, 409}
        assert answer.status_code in (wanted if allowed else {403, 404}), f"{name}: {answer.status_code}"
    assert _stored() == before


def _stored() -> list[Any]:
    """Everything that the acts of these addresses could change, of the second connector."""
    kinds = (Mapping.objects.filter(scope__connector__slug="beta"), Credential.objects.filter(connector__slug="beta"))
    jobs_ = Job.objects.filter(connector__slug="beta")
    return [list(each.order_by("pk").values()) for each in (*kinds, jobs_)] + [Plan.objects.count()]


@pytest.mark.parametrize("name", sorted(name for name in TABLE if "slug" in ADDRESSES[name].parameters))
def test_every_address_below_a_connector_has_a_test_with_another_one_s_ids(name: str) -> None:
    """Its ids stand in the path, or in the form named above; an address that only names the connector has none."""
    ids = set(ADDRESSES[name].parameters) - {"slug", "system", "format", "form", "step", "subject"}
    assert not ids or name in THERE | {"api-connectors-detail", "api-setup-detail"}, f"{name} takes {ids}"


def what(answer: HttpResponse) -> str:
    if answer.status_code in (301, 302, 303) and answer.headers["Location"].startswith("/accounts/login/?"):
        return "sent to sign in"
    words = {401: "refused", 403: "refused", 404: "not found", 405: "no such method"}
    if answer.status_code >= 500:
        return f"failed with {answer.status_code}"
    return words.get(answer.status_code, "answered")

"""Who may do what at the sandbox: rights of tokens, their users, Jira's permissions, the lock of Data Center."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.support import sandbox_fixture
from tests.support.sandbox_fixture import ADMIN, ALIGN_TOKEN, JIRA_TOKEN, RunningSandbox

pytestmark = pytest.mark.usefixtures("network")

sandbox = sandbox_fixture.sandbox
STATES = "/connectors/123/mappings/states"
FREE = {"workItemTypeId": 4, "jiraStatusId": 10017, "alignStateId": 2}
BOT = "sync.bot@sandbox.test"
KEYS = "BROWSE_PROJECTS,CREATE_ISSUES,EDIT_ISSUES,ADMINISTER"


def align(sandbox: RunningSandbox, token: str, method: str = "GET", path: str = STATES, **kwargs: Any) -> int:
    return sandbox.align(method, path, headers={"Authorization": f"bearer {token}"}, **kwargs).status_code


def permissions(sandbox: RunningSandbox, query: str, version: int = 3, **kwargs: Any) -> requests.Response:
    return sandbox.jira(f"/rest/api/{version}/mypermissions?{query}", **kwargs)


def held(answer: requests.Response) -> dict[str, bool]:
    return {key: item["havePermission"] for key, item in answer.json()["permissions"].items()}


# -- Align -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rights", "expected"), [(["read", "write"], (200, 201)), (["read"], (200, 403)), (["write"], (403, 201))]
)
def test_a_token_does_what_its_rights_say(
    sandbox: RunningSandbox, rights: list[str], expected: tuple[int, int]
) -> None:
    sandbox.edit("add_token", site="align", token="limited", rights=rights)
    assert (align(sandbox, "limited"), align(sandbox, "limited", "POST", json=FREE)) == expected


def test_a_missing_right_is_told_as_align_tells_errors_and_changes_nothing(sandbox: RunningSandbox) -> None:
    sandbox.edit("add_token", site="align", token="limited", rights=["read"])
    before = sandbox.align("GET", STATES).json()
    headers = {"Authorization": "bearer limited"}
    for method, path in (("POST", STATES), ("PUT", f"{STATES}/1"), ("DELETE", f"{STATES}/1")):
        answer = sandbox.align(method, path, json=FREE, headers=headers)
        assert (answer.status_code, answer.json()["status"]) == (403, 403), method
    assert sandbox.align("GET", STATES).json() == before


def test_rights_can_be_changed_and_a_token_can_expire(sandbox: RunningSandbox) -> None:
    assert align(sandbox, ALIGN_TOKEN, "DELETE", f"{STATES}/1") == 204
    sandbox.edit("set_token", site="align", token=ALIGN_TOKEN, rights=["read"], projects=["PROJ"])
    assert align(sandbox, ALIGN_TOKEN, "DELETE", f"{STATES}/2") == 403
    assert len(sandbox.align("GET", "/connectors/123/projects").json()) == 1
    sandbox.edit("set_token", site="align", token=ALIGN_TOKEN, expired=True)
    assert align(sandbox, ALIGN_TOKEN) == 401


def test_a_new_token_of_the_same_user_ends_the_old_one_and_keeps_its_rights(sandbox: RunningSandbox) -> None:
    sandbox.edit("add_token", site="align", token="old", user=BOT, rights=["read"])
    sandbox.edit("regenerate_token", site="align", token="old", new_token="new")
    assert [align(sandbox, token) for token in ("old", "new", ALIGN_TOKEN)] == [401, 200, 200]
    assert align(sandbox, "new", "POST", json=FREE) == 403


def test_all_tokens_of_a_deactivated_user_die_at_that_site(sandbox: RunningSandbox) -> None:
    for token in ("one", "two"):
        sandbox.edit("add_token", site="align", token=token, user=BOT)
    sandbox.edit("add_token", site="jira", token="three", user=BOT)
    assert sandbox.edit("deactivate_user", site="align", user=BOT)["tokens"] == 2
    assert [align(sandbox, token) for token in ("one", "two", ALIGN_TOKEN)] == [401, 401, 200]
    assert sandbox.jira("/rest/api/3/myself", auth=(BOT, "three")).status_code == 200


def test_each_site_knows_whose_token_it_is(sandbox: RunningSandbox) -> None:
    for site in ("align", "jira"):
        sandbox.edit("add_token", site=site, token=f"bot-{site}", user=BOT)
    own = sandbox.align("GET", "/users/current").json()
    bot = sandbox.align("GET", "/users/current", headers={"Authorization": "bearer bot-align"}).json()
    assert (own["id"], own["email"], own["fullName"]) == (1, ADMIN, "Workspace Admin")
    assert (bot["email"], bot["fullName"], bot["id"] != own["id"]) == (BOT, "Sync Bot", True)
    mine = sandbox.jira("/rest/api/3/myself").json()
    its = sandbox.jira("/rest/api/3/myself", auth=(BOT, "bot-jira")).json()
    assert (its["emailAddress"], its["displayName"]) == (BOT, "Sync Bot")
    assert its["accountId"] != mine["accountId"]


@pytest.mark.parametrize(
    "edit",
    [
        {"action": "add_token", "site": "align", "token": "x", "rights": ["fly"]},
        {"action": "add_token", "site": "jira", "token": "x", "permissions": {"FLY": True}},
        {"action": "add_token", "site": "jira", "token": "x", "permissions": {"EDIT_ISSUES": "PROJ"}},
        {"action": "add_token", "site": "jira", "token": "x", "expired": "no"},
        {"action": "set_token", "site": "align", "token": "nobody's"},
        {"action": "regenerate_token", "site": "align", "token": ALIGN_TOKEN},
        {"action": "deactivate_user", "site": "align", "user": "nobody"},
        {"action": "unlock_user", "user": ADMIN},
    ],
)
def test_a_wrong_edit_of_a_token_is_refused_and_changes_nothing(sandbox: RunningSandbox, edit: dict[str, Any]) -> None:
    assert requests.post(f"{sandbox.url}/_sandbox/edit", json=edit, timeout=10).status_code == 400
    assert [align(sandbox, ALIGN_TOKEN), align(sandbox, "x")] == [200, 401]


# -- Jira's permissions ----------------------------------------------------------------------------


def test_cloud_tells_what_one_may_do_in_a_project(sandbox: RunningSandbox) -> None:
    sandbox.edit(
        "set_token", site="jira", token=JIRA_TOKEN, permissions={"CREATE_ISSUES": ["PROJ"], "EDIT_ISSUES": False}
    )
    in_proj = permissions(sandbox, f"projectKey=PROJ&permissions={KEYS}")
    assert held(in_proj) == {
        "BROWSE_PROJECTS": True,
        "CREATE_ISSUES": True,
        "EDIT_ISSUES": False,
        "ADMINISTER": True,
    }
    assert in_proj.json()["permissions"]["BROWSE_PROJECTS"] == {
        "id": "10",
        "key": "BROWSE_PROJECTS",
        "name": "Browse Projects",
        "type": "PROJECT",
        "description": "Ability to browse projects and the issues within them.",
        "havePermission": True,
    }
    assert held(permissions(sandbox, "projectKey=PAY&permissions=CREATE_ISSUES")) == {"CREATE_ISSUES": False}
    # Without a project, one that grants it is enough.
    assert held(permissions(sandbox, "permissions=CREATE_ISSUES,EDIT_ISSUES")) == {
        "CREATE_ISSUES": True,
        "EDIT_ISSUES": False,
    }


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("projectKey=PROJ", 400, "required"),
        ("projectKey=PROJ&permissions=", 400, "required"),
        ("projectKey=PROJ&permissions=BROWSE_PROJECTS,FLY", 400, "FLY"),
        ("projectKey=NOPE&permissions=BROWSE_PROJECTS", 404, "NOPE"),
    ],
)
def test_cloud_refuses_a_question_it_cannot_answer(sandbox: RunningSandbox, query: str, status: int, says: str) -> None:
    answer = permissions(sandbox, query)
    assert answer.status_code == status
    assert says in answer.json()["errorMessages"][0]


def test_a_project_one_may_not_browse_is_not_there(sandbox: RunningSandbox) -> None:
    sandbox.edit("set_token", site="jira", token=JIRA_TOKEN, permissions={"BROWSE_PROJECTS": ["PROJ", "PAY"]})
    assert sandbox.jira("/rest/api/3/project/search").json()["total"] == 2
    assert permissions(sandbox, f"projectKey=PAY&permissions={KEYS}").status_code == 200
    assert permissions(sandbox, f"projectKey=PROJ1&permissions={KEYS}").status_code == 404


def test_whether_one_administers_jira_is_told_without_a_project(sandbox: RunningSandbox) -> None:
    assert held(permissions(sandbox, "permissions=ADMINISTER")) == {"ADMINISTER": True}
    sandbox.edit("set_token", site="jira", token=JIRA_TOKEN, global_admin=False)
    assert held(permissions(sandbox, "permissions=ADMINISTER,EDIT_ISSUES")) == {
        "ADMINISTER": False,
        "EDIT_ISSUES": True,
    }


def test_an_anonymous_caller_may_do_nothing(sandbox: RunningSandbox) -> None:
    for auth in (None, (ADMIN, "nope")):
        answer = permissions(sandbox, f"projectKey=PROJ&permissions={KEYS}", auth=auth)
        assert (answer.status_code, set(held(answer).values())) == (200, {False})
    sandbox.edit("set_token", site="jira", token=JIRA_TOKEN, expired=True)
    assert set(held(permissions(sandbox, f"permissions={KEYS}")).values()) == {False}


# -- Data Center -----------------------------------------------------------------------------------


@pytest.fixture
def data_center() -> Iterator[RunningSandbox]:
    running = RunningSandbox(jira="server")
    running.edit("add_token", site="jira", token="personal", user=ADMIN)
    yield running
    running.close()


def sign_in(sandbox: RunningSandbox, password: str, path: str = "/rest/api/2/status") -> requests.Response:
    return sandbox.jira(path, auth=(ADMIN, password))


def test_data_center_gives_all_permissions_it_has(data_center: RunningSandbox) -> None:
    everything = held(permissions(data_center, "projectKey=PROJ", version=2))
    assert {"BROWSE_PROJECTS", "MANAGE_SPRINTS_PERMISSION", "ADMINISTER"} < set(everything)
    assert set(everything.values()) == {True}
    assert permissions(data_center, "projectKey=NOPE", version=2).status_code == 404
    assert set(held(permissions(data_center, "", version=2, auth=None)).values()) == {False}


def test_data_center_refuses_wrong_credentials_everywhere(data_center: RunningSandbox) -> None:
    assert sign_in(data_center, JIRA_TOKEN).status_code == 200
    for path in ("/rest/api/2/status", "/rest/api/2/serverInfo", "/rest/api/2/myself"):
        answer = data_center.jira(path, auth=("someone else", "nope"))
        assert (answer.status_code, answer.headers["X-Seraph-LoginReason"]) in [
            (401, "AUTHENTICATED_FAILED"),
            (401, "AUTHENTICATION_DENIED"),
        ]
    wrong = {"Authorization": "Bearer nope"}
    assert data_center.jira("/rest/api/2/status", auth=None, headers=wrong).status_code == 401
    assert data_center.jira("/rest/api/2/status", auth=None).json() == []


def test_three_wrong_passwords_in_a_row_lock_the_user_but_not_its_tokens(data_center: RunningSandbox) -> None:
    first = [sign_in(data_center, "nope").headers["X-Seraph-LoginReason"] for _ in range(2)]
    assert sign_in(data_center, JIRA_TOKEN).status_code == 200  # which ends the row
    first += [sign_in(data_center, "nope").headers["X-Seraph-LoginReason"] for _ in range(3)]
    assert first == ["AUTHENTICATED_FAILED"] * 5

    locked = sign_in(data_center, JIRA_TOKEN)
    assert locked.status_code == 401
    assert locked.headers["X-Seraph-LoginReason"] == "AUTHENTICATION_DENIED"
    assert locked.headers["X-Authentication-Denied-Reason"].startswith("CAPTCHA_CHALLENGE; login-url=http")
    personal = {"Authorization": "Bearer personal"}
    assert data_center.jira("/rest/api/2/myself", auth=None, headers=personal).status_code == 200

    data_center.edit("unlock_user", user=ADMIN)
    assert sign_in(data_center, JIRA_TOKEN).status_code == 200


# -- journal ---------------------------------------------------------------------------------------


def test_the_journal_never_holds_a_secret(sandbox: RunningSandbox) -> None:
    sandbox.edit("add_token", site="align", token="canary-align")
    assert align(sandbox, "canary-align") == 200
    sandbox.jira("/rest/api/3/myself", auth=(ADMIN, "canary-jira"))
    sandbox.edit("revoke_token", site="align", token="canary-align")
    text = repr(sandbox.journal())
    assert STATES in text
    encoded = base64.b64encode(f"{ADMIN}:canary-jira".encode()).decode()
    assert not [word for word in ("canary", "Authorization", encoded, JIRA_TOKEN, ALIGN_TOKEN) if word in text]

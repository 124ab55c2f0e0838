"""One request to the Jira site: who asks, what that person sees, and the parts that many answers are made of."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

from . import languages, permissions, users
from .jira_issues.records import Issue, IssueTypeRecord, ProjectRecord, StatusRecord, UserRecord, is_number
from .messages import ErrorAnswer, Json, Response, SandboxRequest, answer, jira_error
from .options import Options
from .world import Token, World

PAGE_DEFAULT, PAGE_MOST = 50, 100
CATEGORIES: dict[str, Json] = {
    "new": {"id": 2, "key": "new", "colorName": "blue-gray", "name": "To Do"},
    "indeterminate": {"id": 4, "key": "indeterminate", "colorName": "yellow", "name": "In Progress"},
    "done": {"id": 3, "key": "done", "colorName": "green", "name": "Done"},
}
NO_ISSUE = "Issue does not exist or you do not have permission to see it."


@dataclass(frozen=True, kw_only=True)
class JiraCall:
    """`token` None: anonymous. `root` is the address up to and with the version, `version` 2 or 3."""

    request: SandboxRequest
    world: World
    options: Options
    server: bool
    token: Token | None
    root: str
    version: str
    language: str

    @cached_property
    def projects(self) -> list[ProjectRecord]:
        """The projects that the caller may see, by key."""
        if self.token is None:
            return []
        keys = self.token.get("projects")
        seen = [item for item in self.world.projects() if keys is None or item["key"] in keys]
        # Data Center has no team-managed projects.
        kept = [item for item in seen if item["style"] == "classic"] if self.server else seen
        kept = permissions.browsable(self.token, kept)
        return sorted(kept, key=lambda item: item["key"])

    @cached_property
    def project_of(self) -> dict[str, ProjectRecord]:
        """By id."""
        return {project["id"]: project for project in self.projects}

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.token.get("zone", "Etc/UTC") if self.token else "Etc/UTC")

    def may(self, right: str, project: ProjectRecord) -> bool:
        return self.token is not None and permissions.holds(self.token, right, project["key"])

    def named(self, name: str) -> str:
        return languages.named(name, self.language)

    def param(self, name: str) -> str:
        return self.request.query.get(name.lower(), "")

    def params(self, name: str) -> list[str]:
        """All values of a parameter that may be repeated or hold commas."""
        given = [value for each, value in self.request.pairs if each.lower() == name.lower()]
        return [part.strip() for value in given for part in value.split(",") if part.strip()]

    def number(self, name: str, default: int) -> int:
        text = self.param(name)
        if text and not (text.isascii() and text.isdigit()):
            raise jira_error(400, f"{name.lower()} is not a number: {text}")
        return int(text) if text else default

    def find_project(self, key: str) -> ProjectRecord:
        wanted = unquote(key)
        for project in self.projects:
            if wanted in (project["key"], project["id"]):
                return project
        raise jira_error(404, f"No project could be found with key '{wanted}'.")

    def find_issue(self, key: str) -> Issue:
        """By key or id; what the caller may not see does not exist."""
        issue = self.peek_issue(unquote(key))
        if issue is None:
            raise jira_error(404, NO_ISSUE)
        return issue

    def peek_issue(self, wanted: str) -> Issue | None:
        if is_number(wanted):
            issue = self.world.issues.get(int(wanted))
        else:
            name, _, number = wanted.upper().rpartition("-")
            project = next((each for each in self.projects if each["key"] == name), None)
            known = project is not None and is_number(number)
            issue = self.world.issues.find(project["id"], int(number)) if project is not None and known else None
        return issue if issue is not None and issue["project"] in self.project_of else None

    def key_of(self, issue: Issue) -> str:
        return f"{self.project_of[issue['project']]['key']}-{issue['number']}"

    def need_sign_in(self) -> Token:
        if self.token is None:
            raise jira_error(401, "You are not authenticated. Authentication required to perform this operation.")
        return self.token

    def need_admin(self) -> None:
        if not self.need_sign_in().get("global_admin", True):
            raise jira_error(403, "Only Jira administrators can perform this action.")

    # -- people ------------------------------------------------------------------------------------

    @cached_property
    def people(self) -> dict[str, UserRecord]:
        """Everybody with an account: those of the data set, and whoever holds a token."""
        known = dict(self.world.issues.base.people)
        for token in self.world.tokens("jira"):
            user = token["user"]
            known.setdefault(user, UserRecord(user=user, name=users.display_name(user), active=True))
        return known

    def find_person(self, wanted: str) -> str | None:
        """The user of an account id (Cloud) or of a name or key (Data Center)."""
        return next((user for user in self.people if self.identity(user) == wanted), None)

    def identity(self, user: str) -> str:
        return user.partition("@")[0] if self.server else users.account(user)

    def person_shape(self, user: str | None) -> Json | None:
        if user is None:
            return None
        known = self.people.get(user) or UserRecord(user=user, name=users.display_name(user), active=False)
        return self.user_shape(known)

    def user_shape(self, known: UserRecord) -> Json:
        user = known["user"]
        shared: Json = {
            "emailAddress": users.email(user),
            "avatarUrls": avatars(self, f"user/{quote(user)}"),
            "displayName": known["name"],
            "active": known["active"],
            "timeZone": "Etc/UTC",
        }
        identity = self.identity(user)
        if self.server:
            return {"self": f"{self.root}/user?username={identity}", "name": identity, "key": identity, **shared}
        return {
            "self": f"{self.root}/user?accountId={identity}",
            "accountId": identity,
            "accountType": "atlassian",
            **shared,
        }


View = Callable[..., Response]


@dataclass(frozen=True, kw_only=True)
class Route:
    """`only`: cloud or server; empty for both. `methods`: by name."""

    path: str
    methods: dict[str, View]
    only: str = ""


def get(path: str, view: View, only: str = "") -> Route:
    return Route(path=path, methods={"GET": view}, only=only)


# -- parts of answers ------------------------------------------------------------------------------


def avatars(call: JiraCall, what: str) -> dict[str, str]:
    return {f"{size}x{size}": f"{call.request.base}/avatar/{what}?size={size}" for size in (48, 24, 16, 32)}


def body_of(call: JiraCall) -> Json:
    """The JSON object of a write."""
    try:
        body = call.request.json()
        json.dumps(body, ensure_ascii=False).encode()  # half a character could be kept and never be answered
    except ValueError as error:
        raise jira_error(400, "There was an error parsing JSON. Check that your request body is valid.") from error
    if not isinstance(body, dict):
        raise jira_error(400, "Invalid request payload. Refer to the REST API documentation and try again.")
    return body


def field_errors(errors: dict[str, str], status: int = 400) -> ErrorAnswer:
    return ErrorAnswer(answer({"errorMessages": [], "errors": errors}, status))


def page(call: JiraCall, path: str, rows: Sequence[Any], *, most: int = PAGE_MOST, name: str = "values") -> Response:
    """Jira's usual page: `isLast`, and `nextPage` while there is one."""
    start, size = call.number("startAt", 0), call.number("maxResults", PAGE_DEFAULT)
    if not 0 < size <= most:
        size = PAGE_DEFAULT
    last = start + size >= len(rows)
    payload: Json = {
        "self": f"{call.root}{path}?startAt={start}&maxResults={size}",
        "maxResults": size,
        "startAt": start,
        "total": len(rows),
        "isLast": last,
        name: rows[start : start + size],
    }
    if not last:
        payload["nextPage"] = f"{call.root}{path}?startAt={start + size}&maxResults={size}"
    return answer(payload)


def scope(project_id: str | None) -> Json:
    if project_id is None:
        return {}
    return {"scope": {"type": "PROJECT", "project": {"id": project_id}}}


def category_shape(call: JiraCall, key: str) -> Json:
    category = CATEGORIES[key]
    return {"self": f"{call.root}/statuscategory/{category['id']}", **category}


def status_shape(call: JiraCall, status: StatusRecord) -> Json:
    shape: Json = {
        "self": f"{call.root}/status/{status['id']}",
        "description": "",
        "iconUrl": f"{call.request.base}/images/icons/statuses/generic.png",
        "name": call.named(status["name"]),
        "id": str(status["id"]),
        "statusCategory": category_shape(call, status["category"]),
    }
    return shape | scope(status["project"])


def type_shape(call: JiraCall, issue_type: IssueTypeRecord) -> Json:
    shape: Json = {
        "self": f"{call.root}/issuetype/{issue_type['id']}",
        "id": issue_type["id"],
        "description": "",
        "iconUrl": f"{call.request.base}/images/icons/issuetypes/generic.svg",
        "name": call.named(issue_type["name"]),
        "subtask": issue_type["subtask"],
    }
    if "avatar" in issue_type:
        shape["avatarId"] = issue_type["avatar"]
    if not call.server:
        shape["hierarchyLevel"] = issue_type["level"]
    return shape | scope(issue_type["project"])


def priorities(call: JiraCall) -> list[Json]:
    """Beginning with the highest; none for nobody."""
    if call.token is None:
        return []
    there = (item for item in call.world.store.all("priority") if not item.get("gone"))
    kept = sorted(there, key=lambda item: int(item["id"]))
    return [
        {
            "self": f"{call.root}/priority/{item['id']}",
            "id": item["id"],
            "name": item["name"],
            "description": "",
            "statusColor": item["color"],
            "iconUrl": f"{call.request.base}/images/icons/priorities/{item['name'].lower()}.svg",
        }
        for item in kept
    ]


PROJECT_CATEGORIES = {11: "Commerce", 12: "Platform"}  # of Jira, by the programme of a project; others have none


def project_shape(call: JiraCall, project: ProjectRecord) -> Json:
    shape: Json = {
        "self": f"{call.root}/project/{project['id']}",
        "id": project["id"],
        "key": project["key"],
        "name": project["name"],
        "projectTypeKey": "software",
    }
    if category := PROJECT_CATEGORIES.get(project["programme"]):
        number = str(10000 + project["programme"])
        about = {"self": f"{call.root}/projectCategory/{number}", "id": number, "name": category, "description": ""}
        shape["projectCategory"] = about
    if call.server:
        return shape
    team = project["style"] == "next-gen"
    return {**shape, "simplified": team, "style": project["style"], "isPrivate": False}

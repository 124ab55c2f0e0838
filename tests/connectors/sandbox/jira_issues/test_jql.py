"""JQL on the small company: each query with the keys it finds, or with Jira's words on why it is refused."""

import datetime as dt
import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.sandbox import seed
from connectors.sandbox.issue_seeds import BASES
from connectors.sandbox.jira_issues.jql import compiled, found
from connectors.sandbox.jira_issues.jql_tokens import JqlError
from connectors.sandbox.jira_issues.jql_values import JqlContext
from tests import ROOT

# Each has `jql` and either `keys` in their order, as a plain look at the data gives them, or the `error`.
QUERIES: list[dict[str, Any]] = json.loads((ROOT / "tests/samples/jira_queries.json").read_text())
DATA, ISSUES = seed.small(), BASES["small"]().issues
KEYS = {project["id"]: project["key"] for project in DATA.projects}


def context(**changes: Any) -> JqlContext:
    users = [*BASES["small"]().people, seed.ADMIN]
    given: dict[str, Any] = {
        "projects": DATA.projects,
        "types": DATA.issue_types,
        "statuses": DATA.statuses,
        "priorities": [(number, name) for number, name, *_ in seed.PRIORITIES],
        "categories": {"new": (2, "To Do"), "indeterminate": (4, "In Progress"), "done": (3, "Done")},
        "names": {user: frozenset({user, user.split("@")[0], users_name(user)}) for user in users},
        "me": seed.ADMIN,
        "zone": ZoneInfo("Europe/Berlin"),
        "now": dt.datetime(2026, 11, 20, 18, 0, tzinfo=dt.UTC),
        "named": str,
    }
    return JqlContext(**{**given, **changes})


def users_name(user: str) -> str:
    known = BASES["small"]().people.get(user)
    return known["name"] if known else user


def asked(jql: str, around: JqlContext) -> list[str] | str:
    try:
        rows = found(compiled(jql, around), ISSUES.values(), around)
    except JqlError as error:
        return " ".join(error.messages)
    return [f"{KEYS[row['project']]}-{row['number']}" for row in rows]


def test_each_query_of_the_table_finds_its_keys_or_is_refused_at_its_place() -> None:
    around = context()
    wrong = []
    for each in QUERIES:
        got = asked(each["jql"], around)
        if got != each.get("keys", each.get("error")):
            wrong.append((each["jql"], got))
    assert wrong == []
    assert sum("keys" in each for each in QUERIES) >= 80
    assert sum("(line " in each.get("error", "") for each in QUERIES) >= 15
    assert sum("error" in each for each in QUERIES) >= 25


def test_a_moment_is_one_of_the_callers_zone_and_a_query_names_minutes() -> None:
    issue = next(iter(ISSUES.values()))
    made = dt.datetime.fromtimestamp(issue["created"] / 1000, dt.UTC)
    assert made.second != 0
    for zone in ("UTC", "Asia/Tokyo"):
        around = context(zone=ZoneInfo(zone))
        written = made.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
        key = f"{KEYS[issue['project']]}-{issue['number']}"
        assert asked(f"key = {key} and created = '{written}'", around) == [key]
        assert asked(f"key = {key} and created > '{written}'", around) == [key]
        assert asked(f"key = {key} and created != '{written}'", around) == []
    assert asked(f"key = {key} and created = '{written}'", context()) == []


def test_names_are_those_of_the_callers_language_and_of_what_the_caller_sees() -> None:
    german = context(named=lambda name: {"Done": "Fertig", "Bug": "Fehler"}.get(name, name))
    assert asked("project = PAY and status = Fertig and type = Fehler", german) == asked(
        "project = PAY and status = Done and type = Bug", context()
    )
    narrow = context(projects=[each for each in DATA.projects if each["key"] == "PAY"])
    assert asked("project = PROJ", narrow) == "The value 'PROJ' does not exist for the field 'project'."
    assert asked("project in (PROJ, NOPE)", narrow) == (
        "The value 'PROJ' does not exist for the field 'project'. The value 'NOPE' does not exist for the field "
        "'project'."
    )


@pytest.mark.parametrize("jql", ["(" * 100 + "project = PAY" + ")" * 100, "not " * 100 + "project = PAY"])
def test_what_is_too_deep_is_refused(jql: str) -> None:
    assert "too complex" in asked(jql, context())

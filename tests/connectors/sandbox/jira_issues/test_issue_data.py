"""The issues of the seeds: every kind in every project, and one for each item that Align has from Jira."""

from collections import Counter, defaultdict

from connectors.sandbox import seed, seed_large
from connectors.sandbox.issue_seeds import BASES, KINDS, PARENTS
from connectors.sandbox.jira_issues.records import Issue
from connectors.sandbox.objects.stock import BASES as OBJECT_BASES

PROJECTS = {"small": seed.small, "large": seed_large.large}


def test_each_item_of_align_with_an_external_key_has_its_issue() -> None:
    assert min(linked("small").values()) >= 2


def linked(name: str) -> Counter[str]:
    """How many of each kind have an issue, after each was compared with it."""
    issues, held = BASES[name]().issues, OBJECT_BASES[name]()
    projects = {each["id"]: each for each in PROJECTS[name]().projects}
    found: Counter[str] = Counter()
    for key in KINDS:
        for item in held[key].values():
            if item["externalKey"] is None:
                continue
            issue = issues[int(item["externalId"])]
            owner = held["user"].get(item["ownerId"])
            assert item["externalKey"] == f"{projects[issue['project']]['key']}-{issue['number']}"
            assert (item["externalProject"], item["connectorId"]) == (projects[issue["project"]]["key"], 123)
            assert (item["title"], owner and owner["email"]) == (issue["summary"], issue["assignee"])
            above, field = PARENTS.get(key, ("", ""))
            assert issue["parent"] == (int(held[above][item[field]]["externalId"]) if above else None)
            found[key] += 1
    assert set(found) == set(KINDS)
    return found


def test_every_project_of_the_small_company_has_each_kind_with_a_parent_that_fits() -> None:
    data, issues = seed.small(), BASES["small"]().issues
    types = {each["id"]: each for each in data.issue_types}
    by_project: dict[str, list[Issue]] = defaultdict(list)
    for issue in issues.values():
        by_project[issue["project"]].append(issue)
        level = types[issue["type"]]["level"]
        if issue["parent"] is not None:
            assert types[issues[issue["parent"]]["type"]]["level"] == level + 1
        assert (level < 0) <= (issue["parent"] is not None)
        assert issue["created"] <= issue["updated"]
        assert (issue["resolution"] is None) == (issue["resolved"] is None)
    assert len(by_project) == len(data.projects)
    for project in data.projects:
        seen = {issue["type"] for issue in by_project[project["id"]]}
        reached = {flow["type"]: set(flow["statuses"]) for flow in project["workflows"]}
        assert seen == set(reached)
        assert all(issue["status"] in reached[issue["type"]] for issue in by_project[project["id"]])
        assert 24 <= len(by_project[project["id"]]) <= 60
    values = list(issues.values())
    for name in ("assignee", "sprints", "labels", "components", "fix_versions", "due", "parent", "resolution"):
        empty = sum(not issue[name] for issue in values)
        assert 0 < empty < len(values), name


def test_the_large_company_has_two_thousand_projects_and_twenty_thousand_issues(network: None) -> None:
    """It is no unit test, as making them takes a second or two."""
    base = BASES["large"]()
    assert min(linked("large").values()) >= 1000
    assert len(base.issues) == 20_000
    assert len({issue["project"] for issue in base.issues.values()}) == len(base.last) == 2000
    assert BASES["large"]() is base

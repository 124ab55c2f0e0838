"""Which issues are brought over, as a subject of configuration: of each place its JQL, closed ones, and the landing.

A project follows what is shared part by part, until something of its own is agreed on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from alignadmin.errors import Refused
from alignadmin.parsing import plain, whole
from connectors.jira.typed_jql import mentions, typed_condition
from connectors.models import Connector, Project
from mappings.configuration.agreed import agreed_lines, store_agreed
from mappings.configuration.subjects import LineWords
from mappings.engine.configuration import (
    ConfigurationProblem,
    LineChange,
    LineValue,
    LineValues,
    differences,
    split_line_key,
)
from mappings.engine.import_scope import SHARED, SUBJECT
from mappings.engine.values import Severity
from mappings.items.scope.agreed import CLOSED, JQL, LANDING, PARTS

OLD_PAGE = "This form is not of the page as it is now: load the page again."
LABELS = {JQL: "Issues", CLOSED: "Closed issues", LANDING: "Where items land"}
LANDS: Mapping[str, str] = {"program": "Program", "release": "Program increment", "team": "Team"}
LONGEST_NAME = 100
EVERY = "every issue"
_PLACE = re.compile(r"shared|[1-9][0-9]{0,17}", re.ASCII)


class IssuesToImport:
    """A `mappings.configuration.subjects.ConfigurationSubject`."""

    code, label, page = SUBJECT, "Issues to import", "import-scope"

    def agreed(self, connector: Connector) -> LineValues:
        return agreed_lines(connector, self.code)

    def put_in_force(self, connector: Connector, changes: Sequence[LineChange]) -> None:
        store_agreed(connector, self.code, changes)

    def cleaned(self, connector: Connector, key: str, value: LineValue) -> LineValue:
        """An empty JQL decides that it is every issue; nothing else that all share is decided by being empty."""
        place, part = split_line_key(key)
        if part not in PARTS or not _PLACE.fullmatch(place):
            raise Refused(OLD_PAGE)
        if place != SHARED and not Project.objects.filter(connector=connector, jira_id=int(place)).exists():
            raise Refused("This project is not of this connector: load the page again.")
        if value is None:
            return None
        found = _CLEAN[part](value)
        return found if found or place != SHARED or part == JQL else None

    def lines(self, connector: Connector, before: LineValues, after: LineValues) -> Sequence[LineWords]:
        found = differences(before, after)
        places = {split_line_key(each.key)[0] for each in found} - {SHARED}
        projects = Project.objects.filter(connector=connector, jira_id__in=[int(each) for each in places])
        keys = {str(jira_id): key for jira_id, key in projects.values_list("jira_id", "key")}
        ordered = sorted(found, key=lambda each: _order(each.key))
        return [_words(each, keys) for each in ordered]

    def checks(self, connector: Connector, values: LineValues) -> Sequence[ConfigurationProblem]:
        """What Jira refuses is known when it is asked, on the page; here is what can be seen without it."""
        return [problem for key in sorted(values, key=_order) for problem in _problems(key, values[key])]


def _jql(value: LineValue) -> str:
    if not isinstance(value, str):
        raise Refused(OLD_PAGE)
    typed_condition(value)
    return value.strip()


def _closed(value: LineValue) -> bool:
    if not isinstance(value, bool):
        raise Refused(OLD_PAGE)
    return value


def _landing(value: LineValue) -> dict[str, Any]:
    if not isinstance(value, dict) or not set(value) <= set(LANDS):
        raise Refused(OLD_PAGE)
    found: dict[str, Any] = {}
    for part, one in value.items():
        id_ = one.get("id") if isinstance(one, dict) else None
        if isinstance(id_, bool) or not isinstance(id_, int) or not whole(id_):
            raise Refused(OLD_PAGE)
        found[part] = {"id": id_, "name": plain(str(one.get("name") or id_))[:LONGEST_NAME]}
        if one.get("unread") is True:
            found[part]["unread"] = True
        elif part == "team" and isinstance(of := one.get("programs"), list):
            found[part]["programs"] = sorted({each for each in of if type(each) is int})
    return found


_CLEAN = {JQL: _jql, CLOSED: _closed, LANDING: _landing}


def _order(key: str) -> tuple[bool, str, int]:
    place, part = split_line_key(key)
    return place != SHARED, place, PARTS.index(part) if part in PARTS else len(PARTS)


def _words(change: LineChange, keys: Mapping[str, str]) -> LineWords:
    place, part = split_line_key(change.key)
    key = "" if place == SHARED else keys.get(place, f"project {place}")
    return LineWords(
        key=change.key,
        label=f"{LABELS[part]}{f' of {key}' if key else ', shared'}",
        before=said(place, part, change.before),
        after=said(place, part, change.after),
        project_key=keys.get(place, ""),
    )


def said(place: str, part: str, value: LineValue) -> str:
    """A value of a line, for people."""
    if value is None and place != SHARED:
        return "as shared"
    if part == JQL:
        return str(value) if value else EVERY if value is not None else f"not decided: {EVERY}"
    if part == CLOSED:
        return "brought over, too" if value else "left out"
    return (
        ", ".join(f"{LANDS[each]} {value[each]['name']}" for each in LANDS if each in (value or {}))
        or "nowhere in particular"
    )


def _problems(key: str, value: LineValue) -> list[ConfigurationProblem]:
    part = split_line_key(key)[1]
    if part == JQL and mentions(value, "project"):
        said_ = "The JQL names projects. Each project’s own issues alone are imported: nothing of another one is."
        return [_warning("names-project", key, said_)]
    if part != LANDING:
        return []
    unread = [f"{LANDS[each].lower()} {one['id']}" for each, one in value.items() if one.get("unread")]
    found = []
    if unread:
        said_ = (
            f"Whether Align has {' and '.join(unread)} is not known: it could not be asked. Save it once more later."
        )
        found.append(_warning("landing-unread", key, said_))
    if _is_elsewhere(value):
        said_ = f"Team {value['team']['name']} does not work for program {value['program']['name']} in Align."
        found.append(_warning("team-elsewhere", key, said_))
    return found


def _is_elsewhere(value: Mapping[str, Any]) -> bool:
    """Not where Align tells no program of the team."""
    team, program = value.get("team"), value.get("program")
    return bool(team and program and team.get("programs") and program["id"] not in team["programs"])


def _warning(code: str, key: str, sentence: str) -> ConfigurationProblem:
    return ConfigurationProblem(code=code, severity=Severity.WARNING, sentence=sentence, key=key)


ISSUES_TO_IMPORT = IssuesToImport()

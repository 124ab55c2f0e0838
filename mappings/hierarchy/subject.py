"""The hierarchy as a subject of configuration: one line for each level and place.

Of the four work item types a line is what the rows of their matrices follow, and is kept there and nowhere else
(connectors.models.TypeMatch); of the levels above them, which have no matrix, among the agreed lines.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from alignadmin.errors import Refused
from alignadmin.parsing import whole
from alignadmin.text import counted
from connectors.align.terminology import LEVELS
from connectors.models import Connector, Project
from connectors.setup.services import store_type_matches
from mappings.configuration.agreed import store_agreed
from mappings.configuration.subjects import LineWords
from mappings.engine.configuration import (
    ConfigurationProblem,
    LineChange,
    LineValue,
    LineValues,
    differences,
    line_key,
    split_line_key,
)
from mappings.engine.hierarchy import SHARED, check_hierarchy
from mappings.engine.values import Severity
from mappings.hierarchy.facts import SUBJECT, HierarchyFacts, is_work_item_type

MOST_TYPES, LONGEST_NAME = 500, 255  # of one line; of the name of an issue type
OLD_PAGE = "This form is not of the page as it is now: load the page again."


class HierarchySubject:
    """A `mappings.configuration.subjects.ConfigurationSubject`; a value is a list of names, or empty."""

    code, label, page = SUBJECT, "Hierarchy", "hierarchy"

    def agreed(self, connector: Connector) -> LineValues:
        return HierarchyFacts(connector).agreed

    def put_in_force(self, connector: Connector, changes: Sequence[LineChange]) -> None:
        above = [each for each in changes if not is_work_item_type(_level(each.key))]
        store_agreed(connector, SUBJECT, above)
        chosen: dict[Project | None, dict[str, Sequence[str] | None]] = defaultdict(dict)
        places = {_place(each.key) for each in changes} - {SHARED}
        projects = Project.objects.filter(connector=connector, jira_id__in=[int(place) for place in places])
        by_place: dict[str, Project | None] = {SHARED: None, **{str(each.jira_id): each for each in projects}}
        for each in changes:
            if is_work_item_type(_level(each.key)):
                chosen[by_place[_place(each.key)]][_level(each.key)] = each.after
        store_type_matches(connector, chosen)

    def cleaned(self, connector: Connector, key: str, value: LineValue) -> LineValue:
        """Nothing at a level without a matrix is as good as undecided, since Jira tells nothing of those."""
        place, level = _place(key), _level(key)
        number = whole(place)
        if level not in LEVELS or (place != SHARED and (number is None or str(number) != place)):
            raise Refused(OLD_PAGE)
        if number is not None and not Project.objects.filter(connector=connector, jira_id=number).exists():
            raise Refused("This project is not of this connector: load the page again.")
        if value is None:
            return None
        if not isinstance(value, list) or len(value) > MOST_TYPES:
            raise Refused(OLD_PAGE)
        if any(not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME for name in value):
            raise Refused(OLD_PAGE)
        names = sorted(set(value))
        return names if names or is_work_item_type(level) or place != SHARED else None

    def lines(self, connector: Connector, before: LineValues, after: LineValues) -> Sequence[LineWords]:
        return hierarchy_words(HierarchyFacts(connector), before, after)

    def checks(self, connector: Connector, values: LineValues) -> Sequence[ConfigurationProblem]:
        return hierarchy_problems(HierarchyFacts(connector), values)


def hierarchy_problems(facts: HierarchyFacts, values: LineValues) -> list[ConfigurationProblem]:
    called = facts.connector.terminology
    if not facts.types:
        return []  # nothing was read yet
    places = facts.places(values)
    found = check_hierarchy(places, facts.project_types(values), called)
    feature = [facts.types[name] for name in places[0].chosen["feature"] if name in facts.types]
    if facts.carried and any(each.highest <= 0 for each in feature):
        found.append(
            ConfigurationProblem(
                code="carried-otherwise",
                severity=Severity.WARNING,
                sentence=(
                    f"Align carries {counted(facts.carried, 'project')} in scope, and its own connector makes "
                    f"{called.one('feature')} of an epic unless it is set up otherwise there. Where it does, mappings "
                    f"for {called.items('feature')} would be of the wrong statuses."
                ),
                key=line_key(SHARED, "feature"),
            )
        )
    return found


def hierarchy_words(facts: HierarchyFacts, before: LineValues, after: LineValues) -> list[LineWords]:
    """From the top level down, what is shared first."""
    called, projects = facts.connector.terminology, facts.projects
    was, now = facts.shared(before), facts.shared(after)
    changes = sorted(
        differences(before, after),
        key=lambda each: (_place(each.key) != SHARED, _place(each.key), LEVELS.index(_level(each.key))),
    )
    words = []
    for each in changes:
        place, level = _place(each.key), _level(each.key)
        project = projects.get(int(place)) if place != SHARED else None
        where = "" if place == SHARED else f" in {project.key if project else f'project {place}'}"
        words.append(
            LineWords(
                key=each.key,
                label=f"{called.name(level)}{where}",
                before=_said(each.before, place, was[level]),
                after=_said(each.after, place, now[level]),
                project_key=project.key if project else "",
            )
        )
    return words


def _said(names: LineValue, place: str, otherwise: Sequence[str]) -> str:
    if names is not None:
        return ", ".join(names) or "nothing"
    follows = "as Jira tells" if place == SHARED else "as shared"
    return f"{follows}: {', '.join(otherwise)}" if otherwise else "nothing"


def _place(key: str) -> str:
    return split_line_key(key)[0]


def _level(key: str) -> str:
    return split_line_key(key)[1]


HIERARCHY = HierarchySubject()

"""Jira's fields of the issue types that a work item type stands for: the site's list, and the screens of new issues.

A site can have thousands of projects, so a bounded number of them is asked for its screens; which these are is told.
What is on no screen that was asked is left out, but for fields of Jira itself and formulas, which can be sources.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from alignadmin.http.listing import Records, aside_words
from alignadmin.text import counted
from connectors.catalogue.fields.told import MOST_OPTIONS, ToldField, ToldFields, ToldOption, bounded
from connectors.catalogue.issue_types import IssueTypes
from connectors.catalogue.reachable import OF_ONE_PROJECT
from connectors.field_types.jira_spelling import jira_field_type
from connectors.field_types.value_types import ToldType
from connectors.jira.client import JiraClient
from connectors.jira.issue_resources import FieldSchema, JiraField, WritableField
from connectors.models import Connector, Project, WorkItemType, in_scope_here

MOST_PROJECTS = 10  # asked for the screens of their issue types: a request for each type of each
FROM_COMPANY = 6  # of them, where there are more of both kinds
PER_PROJECT = frozenset({"components"})  # options that each project has for itself: known by their names

Progress = Callable[[str, int], None]  # what is asked now, and how many projects are done


@dataclass(frozen=True, kw_only=True)
class Screen:
    """What a new issue takes, of one of the issue types of a project."""

    project_key: str
    fields: Records[WritableField]


@dataclass(kw_only=True)
class JiraScreens:
    """By work item type; `refusals`: what Jira said of a project, or of one of its types, and of no other."""

    by_type: dict[WorkItemType, list[Screen]] = field(default_factory=lambda: {each: [] for each in WorkItemType})
    refusals: dict[WorkItemType, list[str]] = field(default_factory=lambda: {each: [] for each in WorkItemType})
    asked: dict[WorkItemType, list[str]] = field(default_factory=lambda: {each: [] for each in WorkItemType})


def sampled_projects(connector: Connector) -> list[Project]:
    """Of those in scope, by key, so that the same are asked every day; of both kinds, where there are both."""
    found = Project.objects.filter(in_scope_here(), connector=connector).order_by("key", "pk")
    company = list(found.filter(team_managed=False)[:MOST_PROJECTS])
    team = list(found.filter(team_managed=True)[:MOST_PROJECTS])
    of_company = max(FROM_COMPANY, MOST_PROJECTS - len(team))
    return [*company[:of_company], *team][:MOST_PROJECTS]


def read_jira_screens(jira: JiraClient, connector: Connector, progress: Progress) -> JiraScreens:
    """What one project or type does not tell stops no other. Raises RemoteError for what is of the whole site."""
    found, matches = JiraScreens(), IssueTypes(connector)
    for done, project in enumerate(sampled_projects(connector)):
        progress(f"screens of {project.key} in Jira", done)
        try:
            types = {each.id for each in jira.create_types(project.jira_id)}
        except OF_ONE_PROJECT as error:
            for told in found.refusals.values():
                told.append(f"{project.key}: {error.sentence}")
            continue
        screens: dict[int, Screen | str] = {}
        for work_item_type in WorkItemType:
            wanted = {matches.all[pk].jira_id for pk in matches.of(work_item_type, project.pk)} & types
            for id_ in sorted(wanted):
                if id_ not in screens:
                    screens[id_] = _screen(jira, project, id_)
                _keep(found, work_item_type, project.key, screens[id_])
    return found


def _screen(jira: JiraClient, project: Project, issue_type: int) -> Screen | str:
    try:
        return Screen(project_key=project.key, fields=jira.create_fields(project.jira_id, issue_type))
    except OF_ONE_PROJECT as error:
        return error.sentence


def _keep(found: JiraScreens, type_: WorkItemType, key: str, screen: Screen | str) -> None:
    if isinstance(screen, str):
        found.refusals[type_].append(f"{key}: {screen}")
        return
    found.by_type[type_].append(screen)
    if key not in found.asked[type_]:
        found.asked[type_].append(key)


def told_of_jira(listed: Records[JiraField], screens: JiraScreens, type_: WorkItemType) -> ToldFields:
    """The site's fields and those of the screens as one list for a work item type."""
    shown = screens.by_type[type_]
    on_screen: dict[str, list[tuple[str, WritableField]]] = {}
    for screen in shown:
        for each in screen.fields:
            on_screen.setdefault(each.id, []).append((screen.project_key, each))
    site = {each.id: each for each in listed}
    keys = [*site, *(key for key in on_screen if key not in site)]
    found = [_told(key, site.get(key), on_screen.get(key, []), are_screens_told=bool(shown)) for key in keys]
    here = [each for each in found if not shown or _belongs(each, on_screen)]
    aside = [*listed.aside, *(one for screen in shown for one in screen.fields.aside)]
    return bounded(
        here,
        aside=frozenset(name for one in aside for name in one.names),
        remarks=list(_remarks(listed, screens, type_, shown)),
        asked=screens.asked[type_],
        is_whole=bool(shown) and not screens.refusals[type_] and not any(not one.names for one in aside),
        elsewhere=frozenset(each.key for each in found) - {each.key for each in here},
    )


def _belongs(each: ToldField, on_screen: Mapping[str, object]) -> bool:
    return each.key in on_screen or not each.is_custom or each.told.is_formula


def _told(
    key: str, site: JiraField | None, on: Sequence[tuple[str, WritableField]], *, are_screens_told: bool
) -> ToldField:
    """On none of the screens that were asked it cannot be written; where none was told, nobody knows."""
    schema = site.schema if site else on[0][1].schema
    name = (site.name if site else "") or (on[0][1].name if on else "") or key
    told = _type_of(schema)
    needed = sorted({project for project, each in on if each.must_be_given})
    return ToldField(
        key=key,
        name=name,
        told=told,
        is_custom=site.is_custom if site else bool(schema.custom),
        is_required=bool(needed) if are_screens_told else None,
        is_writable=_writable(on, told) if are_screens_told else None,
        options=_options(key, on) if told.type.has_options else None,
        required_in=tuple(needed),
    )


def _type_of(schema: FieldSchema) -> ToldType:
    return jira_field_type(type_=schema.type, items=schema.items, system=schema.system, custom=schema.custom)


def _writable(on: Sequence[tuple[str, WritableField]], told: ToldType) -> bool | None:
    if not on or told.is_formula:
        return False
    operations = {each for _, found in on for each in found.operations}
    return None if not operations else not operations.isdisjoint({"set", "add"})


def _options(key: str, on: Sequence[tuple[str, WritableField]]) -> tuple[ToldOption, ...] | None:
    """Of all screens together; None where no screen tells any."""
    told = [found.allowed for _, found in on if found.allowed is not None]
    if not told:
        return None
    options = (_option(key, each.id, each.name) for some in told for each in some if each.name)
    by_key = {each.key: each for each in options}
    return tuple(list(by_key.values())[:MOST_OPTIONS])


def _option(key: str, id_: int | None, name: str) -> ToldOption:
    return ToldOption(id="" if id_ is None or key in PER_PROJECT else str(id_), name=name)


def _remarks(
    listed: Records[JiraField], screens: JiraScreens, type_: WorkItemType, shown: Sequence[Screen]
) -> Iterator[str]:
    if not shown:
        yield (
            "No project in scope told what a new issue of this type takes, so which fields are required and which can "
            "be written is not known. The Jira user needs Create issues for that."
        )
    if listed.aside:
        yield aside_words("Fields in Jira", listed.aside)
    for screen in shown:
        if screen.fields.aside:
            yield aside_words(f"Fields of a new issue in {screen.project_key}", screen.fields.aside)
    if refusals := screens.refusals[type_]:
        yield f"{counted(len(refusals), 'answer')} missing. {refusals[0]}"

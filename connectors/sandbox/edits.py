"""`POST /_sandbox/edit`: changes that somebody else makes at the remote sites.

One object or a list of them; each names its `action` and that action's fields:

create_mapping  family, type, source, target; connector, project (none: shared), user, audit
update_mapping  family, target, and either id or type + source (+ project); connector, user, audit
delete_mapping  family, and either id or type + source (+ project); connector, user, audit
add_status      name, category (new|indeterminate|done); id, projects [keys], issue_types [names], pulled
remove_status   id                       rename_status  id, name
pull_configuration  (nothing): Align takes the names of Jira's statuses as they are now
add_issue_type  name; id, level (1 epics, 0 the base, -1 sub-tasks), projects [keys]: with the statuses of their stories
remove_issue_type  id                    rename_issue_type  id, name
add_priority    name; id: in Jira, with no priority in Align    remove_priority  id: Align's connector goes on naming it
set_field       site, id, and any of name, kind, options, required, gone; of Jira items, custom, written; of Align
                object, result (of a formula). Only what is told of it    add_field  the same, with name and kind
add_project     key, name; style (classic|next-gen), programme
remove_project  key                      rename_project key, and new_key or name or both
set_project     key, and any of style (classic|next-gen), programme, in_align (whether Align's connectors have it)
set_reach       key, issue_type (a name), statuses [ids]: what its workflow in this project reaches from now on
add_step        flow, name; id, state    remove_step id          rename_step id, name
set_flow        flow, and active or programmes or both
add_token       site (align|jira), token; user, projects [keys] (what its owner sees; none: everything), and
                for Align: rights ["read", "write"], portfolio (an id: reads the objects of this one alone);
                for Jira: permissions {key: true|false|[project keys]}, global_admin, language (en|de|zh), zone;
                expired.
                What is left out is granted, also a key that permissions does not name
set_token       site, token, and any of projects, rights, portfolio, permissions, global_admin, language, zone,
                expired
regenerate_token  site, token, new_token: the old one dies, the new one has the same user and rights
revoke_token    site, token              deactivate_user  site, user: all tokens of the user die
unlock_user     user: ends the lock of Data Center after three refused Basic sign-ins in a row
set_item        object (a key of the table or an address), id, values {field: value}: a person's change, as user (2)
move_item       object, id, to {field: id}: only fields that are links
delete_item     object, id: for good, with what hangs on it
archive_item    object, id; archived (true): into Align's recycle bin, or out of it
add_connector   id; name, copy_of (copies that connector's mappings)

`family` is j2a_state, a2j_state, j2a_step or a2j_step; `type` a wire id; `source` and `target` ids. Nothing is
validated against the mapping rules, so duplicates, strange types and vanished targets can be made. Mapping edits
write the audit line of Align's own user, unless `user` says another or `audit` is false. A step or status added to
a team-managed project belongs to it alone. A Jira project without BROWSE_PROJECTS is not visible at all.
"""

from collections.abc import Callable
from typing import Any

from . import access, audit, field_edits, object_edits, priority_edits, seed
from .families import FAMILIES, RouteFamily
from .jira_issues.records import IssueTypeRecord, ProjectRecord, StatusRecord, Workflow
from .messages import Json
from .objects import upkeep
from .world import ConnectorRecord, Flow, Record, Step, World, new_record

CATEGORIES = ("new", "indeterminate", "done")


def apply(world: World, payload: object) -> object:
    """The changed thing, or a list of them. ValueError says what is wrong; earlier edits of a list stay."""
    if isinstance(payload, list):
        return [_apply(world, edit) for edit in payload]
    return _apply(world, payload)


def _apply(world: World, edit: object) -> object:
    if not isinstance(edit, dict):
        raise ValueError("an edit is a JSON object")
    action = ACTIONS.get(edit.get("action", ""))
    if action is None:
        raise ValueError(f"unknown action {edit.get('action')!r}; known: {', '.join(ACTIONS)}")
    try:
        return action(world, edit)
    except KeyError as error:
        raise ValueError(f"{edit['action']} needs {error}") from error


# -- mappings --------------------------------------------------------------------------------------


def _create_mapping(world: World, edit: Json) -> Record:
    family = _family(edit)
    record = new_record(
        world, family, _scope(edit, family), int(edit["type"]), int(edit["source"]), int(edit["target"])
    )
    return world.create(family, record, user=_user(edit))


def _update_mapping(world: World, edit: Json) -> Record:
    family = _family(edit)
    return world.update(family, _find(world, family, edit), int(edit["target"]), user=_user(edit))


def _delete_mapping(world: World, edit: Json) -> Record:
    family = _family(edit)
    record = _find(world, family, edit)
    world.delete(family, record, user=_user(edit))
    return record


def _family(edit: Json) -> RouteFamily:
    family = FAMILIES.get(edit["family"])
    if family is None:
        raise ValueError(f"family is one of {', '.join(FAMILIES)}")
    return family


def _scope(edit: Json, family: RouteFamily) -> tuple[int, str, str | None]:
    return (int(edit.get("connector", seed.CONNECTOR)), family.code, edit.get("project"))


def _user(edit: Json) -> str | None:
    return str(edit.get("user", audit.USER)) if edit.get("audit", True) else None


def _find(world: World, family: RouteFamily, edit: Json) -> Record:
    scope = _scope(edit, family)
    if "id" in edit:
        found = world.mapping(scope[0], family, int(edit["id"]))
    else:
        wanted = new_record(world, family, scope, int(edit["type"]), int(edit["source"]), 0)
        found = world.same_key(family, wanted)
    if found is None:
        raise ValueError("there is no such mapping")
    return found


# -- Jira ------------------------------------------------------------------------------------------


def _add_status(world: World, edit: Json) -> StatusRecord:
    category = edit.get("category", "indeterminate")
    if category not in CATEGORIES:
        raise ValueError(f"category is one of {', '.join(CATEGORIES)}")
    projects = [_project(world, key) for key in edit.get("projects", [])]
    owner = projects[0]["id"] if projects and projects[0]["style"] == "next-gen" else None
    status_id = int(edit.get("id") or max(item["id"] for item in world.statuses()) + 1)
    status = StatusRecord(
        id=status_id, name=edit["name"], category=category, project=owner, pulled=bool(edit.get("pulled", True))
    )
    world.store.put("status", str(status_id), status)
    for project in projects:
        _extend_workflows(world, project, status_id, edit.get("issue_types"))
    return status


def _extend_workflows(world: World, project: ProjectRecord, status_id: int, names: list[str] | None) -> None:
    for workflow in project["workflows"]:
        issue_type = world.issue_type(workflow["type"])
        if names is None or (issue_type is not None and issue_type["name"] in names):
            workflow["statuses"].append(status_id)
    world.store.put("project", project["key"], project)


def _remove_status(world: World, edit: Json) -> StatusRecord:
    status = _status(world, edit)
    world.store.drop("status", str(status["id"]))
    for project in world.projects():
        for workflow in project["workflows"]:
            if status["id"] in workflow["statuses"]:
                workflow["statuses"].remove(status["id"])
                world.store.put("project", project["key"], project)
    return status


def _rename_status(world: World, edit: Json) -> StatusRecord:
    """Align calls it as before until the configuration is pulled, if that is done by hand."""
    status = _status(world, edit)
    if not world.pulls_at_once:
        status.setdefault("name_in_align", status["name"])
    status["name"] = edit["name"]
    world.store.put("status", str(status["id"]), status)
    if world.pulls_at_once:
        _rename_in_mappings(world, "jiraStatus", status["id"], edit["name"])
    return status


def _pull_configuration(world: World, edit: Json) -> int:
    late = [status for status in world.statuses() if "name_in_align" in status]
    for status in late:
        del status["name_in_align"]
        world.store.put("status", str(status["id"]), status)
        _rename_in_mappings(world, "jiraStatus", status["id"], status["name"])
    return len(late)


def _add_issue_type(world: World, edit: Json) -> IssueTypeRecord:
    projects = [_project(world, key) for key in edit.get("projects", [])]
    owner = projects[0]["id"] if projects and projects[0]["style"] == "next-gen" else None
    level = int(edit.get("level", 0))
    type_id = str(edit.get("id") or max(int(item["id"]) for item in world.issue_types()) + 1)
    made = IssueTypeRecord(id=type_id, name=edit["name"], subtask=level < 0, level=level, project=owner)
    world.store.put("issue_type", type_id, made)
    for project in projects:
        statuses = project["workflows"][0]["statuses"]
        project["workflows"].append(Workflow(type=type_id, statuses=list(statuses)))
        world.store.put("project", project["key"], project)
    return made


def _remove_issue_type(world: World, edit: Json) -> IssueTypeRecord:
    found = _issue_type(world, edit)
    world.store.drop("issue_type", found["id"])
    for project in world.projects():
        project["workflows"] = [each for each in project["workflows"] if each["type"] != found["id"]]
        world.store.put("project", project["key"], project)
    return found


def _issue_type(world: World, edit: Json) -> IssueTypeRecord:
    found = world.issue_type(str(edit["id"]))
    if found is None:
        raise ValueError(f"there is no issue type {edit['id']}")
    return found


def _rename_issue_type(world: World, edit: Json) -> IssueTypeRecord:
    found = _issue_type(world, edit)
    found["name"] = edit["name"]
    world.store.put("issue_type", found["id"], found)
    return found


def _rename_in_mappings(world: World, stem: str, value: int, name: str) -> None:
    for family, record in world.all_mappings():
        if record.get(f"{stem}Id") == value:
            world.rewrite(family, record, **{f"{stem}Name": name})


def _status(world: World, edit: Json) -> StatusRecord:
    found = world.status(int(edit["id"]))
    if found is None:
        raise ValueError(f"there is no status {edit['id']}")
    return found


def _add_project(world: World, edit: Json) -> ProjectRecord:
    key, programme = str(edit["key"]), int(edit.get("programme", seed.PLATFORM))
    number = max((int(item["id"]) for item in world.projects()), default=10000) + 1
    data = seed.Data()
    if edit.get("style", "classic") == "next-gen":
        first = max((item["id"] for item in world.statuses()), default=10000) + 100
        data.add_team_project(number, key, edit["name"], programme, first)
    else:
        data.add_company_project(number, key, edit["name"], programme, seed.LEAN)
    for status in data.statuses:
        world.store.put("status", str(status["id"]), status)
    for issue_type in data.issue_types:
        world.store.put("issue_type", issue_type["id"], issue_type)
    world.store.put("project", key, data.projects[0])
    return data.projects[0]


def _remove_project(world: World, edit: Json) -> ProjectRecord:
    project = _project(world, edit["key"])
    world.store.drop("project", project["key"])
    return project


def _rename_project(world: World, edit: Json) -> ProjectRecord:
    """The mappings follow a new key, as the project's id stays."""
    old = _project(world, edit["key"])
    new_key = edit.get("new_key", old["key"])
    project = ProjectRecord(**{**old, "key": new_key, "name": edit.get("name", old["name"])})
    world.store.drop("project", old["key"])
    world.store.put("project", new_key, project)
    for family, record in world.all_mappings():
        if record.get("projectKey") == old["key"]:
            world.rewrite(family, record, projectKey=new_key)
    return project


def _set_project(world: World, edit: Json) -> ProjectRecord:
    project = _project(world, edit["key"])
    project["style"] = str(edit.get("style", project["style"]))
    project["programme"] = int(edit.get("programme", project["programme"]))
    if "in_align" in edit:
        project["in_align"] = bool(edit["in_align"])
    world.store.put("project", project["key"], project)
    return project


def _set_reach(world: World, edit: Json) -> ProjectRecord:
    project = _project(world, edit["key"])
    for workflow in project["workflows"]:
        issue_type = world.issue_type(workflow["type"])
        if issue_type is not None and issue_type["name"] == edit["issue_type"]:
            workflow["statuses"] = [int(each) for each in edit["statuses"]]
    world.store.put("project", project["key"], project)
    return project


def _project(world: World, key: str) -> ProjectRecord:
    found = world.project(key)
    if found is None:
        raise ValueError(f"there is no project {key}")
    return found


# -- process flows ---------------------------------------------------------------------------------


def _add_step(world: World, edit: Json) -> Step:
    flow = _flow(world, edit)
    taken = [step["id"] for item in world.flows() for step in item["steps"]]
    step = Step(id=int(edit.get("id") or max(taken, default=500) + 1), name=edit["name"], state=edit.get("state"))
    flow["steps"].append(step)
    world.store.put("flow", str(flow["id"]), flow)
    return step


def _remove_step(world: World, edit: Json) -> Step:
    flow, step = _step(world, edit)
    flow["steps"].remove(step)
    world.store.put("flow", str(flow["id"]), flow)
    return step


def _rename_step(world: World, edit: Json) -> Step:
    flow, step = _step(world, edit)
    step["name"] = edit["name"]
    world.store.put("flow", str(flow["id"]), flow)
    _rename_in_mappings(world, "processStep", step["id"], step["name"])
    upkeep.step_renamed(world.objects, step["id"], step["name"])
    return step


def _set_flow(world: World, edit: Json) -> Flow:
    flow = _flow(world, edit)
    flow["active"] = bool(edit.get("active", flow["active"]))
    flow["programmes"] = list(edit.get("programmes", flow["programmes"]))
    world.store.put("flow", str(flow["id"]), flow)
    return flow


def _flow(world: World, edit: Json) -> Flow:
    for flow in world.flows():
        if flow["id"] == int(edit["flow"]):
            return flow
    raise ValueError(f"there is no process flow {edit['flow']}")


def _step(world: World, edit: Json) -> tuple[Flow, Step]:
    for flow in world.flows():
        for step in flow["steps"]:
            if step["id"] == int(edit["id"]):
                return flow, step
    raise ValueError(f"there is no process step {edit['id']}")


# -- connectors -------------------------------------------------------------------------


def _add_connector(world: World, edit: Json) -> ConnectorRecord:
    connector = ConnectorRecord(id=int(edit["id"]), name=edit.get("name", f"Connector {edit['id']}"))
    if world.connector(connector["id"]) is not None:
        raise ValueError(f"connector {connector['id']} exists already")
    world.store.put("connector", str(connector["id"]), connector)
    for family, record in world.all_mappings() if "copy_of" in edit else []:
        if record["connectorId"] == int(edit["copy_of"]):
            values = {name: value for name, value in record.items() if name != "id"}
            world.create(family, {**values, "connectorId": connector["id"]}, user=None)
    return connector


ACTIONS: dict[str, Callable[[World, dict[str, Any]], object]] = {
    "create_mapping": _create_mapping,
    "update_mapping": _update_mapping,
    "delete_mapping": _delete_mapping,
    "add_status": _add_status,
    "remove_status": _remove_status,
    "rename_status": _rename_status,
    "pull_configuration": _pull_configuration,
    "add_issue_type": _add_issue_type,
    "remove_issue_type": _remove_issue_type,
    "rename_issue_type": _rename_issue_type,
    "add_priority": priority_edits.add,
    "remove_priority": priority_edits.remove,
    "set_field": field_edits.set_field,
    "add_field": field_edits.add_field,
    "add_project": _add_project,
    "remove_project": _remove_project,
    "rename_project": _rename_project,
    "set_project": _set_project,
    "set_reach": _set_reach,
    "add_step": _add_step,
    "remove_step": _remove_step,
    "rename_step": _rename_step,
    "set_flow": _set_flow,
    "add_token": access.add_token,
    "set_token": access.set_token,
    "regenerate_token": access.regenerate_token,
    "revoke_token": access.revoke_token,
    "deactivate_user": access.deactivate_user,
    "unlock_user": access.unlock_user,
    "set_item": object_edits.set_item,
    "move_item": object_edits.move_item,
    "archive_item": object_edits.archive_item,
    "delete_item": object_edits.delete_item,
    "add_connector": _add_connector,
}

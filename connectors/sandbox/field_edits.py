"""Edits of fields: what lists of fields, createmeta and editmeta of both sites tell from now on.

They change what is told of a field, as an administrator of the site does. Records keep the values that they have.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .jira_issues.fields import KEY_TYPE, ROWS, IssueField
from .messages import Json
from .objects import custom_fields
from .world import World

BUCKET = "field_edit"
OF_ISSUES = frozenset({"name", "kind", "items", "custom", "options", "required", "written", "gone", "added"})
OF_OBJECTS = frozenset({"name", "kind", "result", "options", "required", "gone", "added"})
FIRST_OWN_OPTION = 20000
TEXT_FIELD = KEY_TYPE + "textfield"


def set_field(world: World, edit: Json) -> Json:
    """One that is there; `options` are names, or ids with names."""
    site, key = _site(edit), str(edit["id"])
    if site == "jira" and key not in _seeded_fields() and not world.store.get(BUCKET, _place(site, key, "")):
        raise ValueError(f"there is no field {key}")
    object_ = str(edit["object"]) if site == "align" else ""
    if object_ and key not in custom_fields.by_key(object_) and not world.store.get(BUCKET, _place(site, key, object_)):
        raise ValueError(f"{edit['object']} has no custom field {key}")
    return _put(world, site, edit)


def add_field(world: World, edit: Json) -> Json:
    """A custom field: in Jira on the screens of all types, in Align of one object."""
    site = _site(edit)
    if not str(edit["id"]).startswith("customfield_"):
        raise ValueError("the id of a custom field begins with customfield_")
    return _put(world, site, {**edit, "name": edit["name"], "kind": edit["kind"], "added": True})


def _site(edit: Json) -> str:
    if edit["site"] not in ("align", "jira"):
        raise ValueError("site is align or jira")
    return str(edit["site"])


def _put(world: World, site: str, edit: Json) -> Json:
    place = _place(site, str(edit["id"]), str(edit["object"]) if site == "align" else "")
    known = OF_ISSUES if site == "jira" else OF_OBJECTS
    values = {name: value for name, value in edit.items() if name in known}
    if isinstance(values.get("options"), list):
        values["options"] = {str(FIRST_OWN_OPTION + n): name for n, name in enumerate(values["options"])}
    kept: Json = {"id": edit["id"], **(world.store.get(BUCKET, place) or {}), **values}
    world.store.put(BUCKET, place, kept)
    return kept


def _place(site: str, key: str, object_: str) -> str:
    return f"{site} {object_} {key}"


def _of_site(world: World, site: str) -> list[Json]:
    return [each for place, each in world.store.items(BUCKET) if place.startswith(f"{site} ")]


def _seeded_fields() -> dict[str, IssueField]:
    return {each.id: each for each in ROWS}


# -- Jira ------------------------------------------------------------------------------------------


def fields_told(world: World, seeded: Mapping[str, IssueField], *, is_screen: bool = False) -> dict[str, IssueField]:
    """These, as they are told now, and with them those that were added; of a screen those alone that it shows."""
    told = dict(seeded)
    for edit in _of_site(world, "jira"):
        values = {name: value for name, value in edit.items() if name not in ("id", "gone", "added")}
        was = told.pop(edit["id"], None)
        if was is None:  # of a field that is not among these, unless it was added
            if not edit.get("added") or (is_screen and not values.get("written", True)):
                continue
            was = IssueField(id=edit["id"], name="", kind="", custom=TEXT_FIELD, written=True)
        if not edit.get("gone"):
            told[edit["id"]] = replace(was, **values)
    return told


# -- Align -----------------------------------------------------------------------------------------


def editmeta(world: World, key: str) -> dict[str, Any]:
    """Of an object, as it is told now."""
    told = custom_fields.editmeta(key)
    for edit in (each for place, each in world.store.items(BUCKET) if place.startswith(f"align {key} ")):
        was = told.get(edit["id"], {"required": False, "key": edit["id"], "schema": {}})
        schema = {**was["schema"], "customId": int(edit["id"].removeprefix("customfield_"))}
        schema |= {name: edit[at] for name, at in (("type", "kind"), ("result", "result")) if at in edit}
        told[edit["id"]] = {
            **was,
            **{name: edit[name] for name in ("name", "required") if name in edit},
            "schema": schema,
        }
        if "options" in edit:
            options = [{"value": name, "id": int(id_)} for id_, name in edit["options"].items()]
            told[edit["id"]]["allowedValues"] = options
        if edit.get("gone"):
            del told[edit["id"]]
    return told

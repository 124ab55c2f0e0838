"""Edits of Align's objects by somebody else, as a person makes them in the interface."""

import datetime as dt

from .messages import Json
from .objects import upkeep
from .objects.fill import as_written
from .world import World

SOMEBODY = 2  # the user who makes them, unless an edit says another
ACTIONS = frozenset({"set_item", "move_item", "archive_item", "delete_item", "rename_step"})


def are_among(payload: object) -> bool:
    """Whether one of these edits changes objects, so that they have to be there."""
    edits = payload if isinstance(payload, list) else [payload]
    return any(isinstance(edit, dict) and edit.get("action") in ACTIONS for edit in edits)


def set_item(world: World, edit: Json) -> Json:
    return _changed(world, edit, edit["values"])


def move_item(world: World, edit: Json) -> Json:
    """To another program, team, parent: `to` holds fields that are links."""
    described, wanted = upkeep.described_as(edit["object"]), edit["to"]
    for name in wanted:
        field = described.field(name)
        if field is None or not field.target:
            raise ValueError(f"{name} of {described.name} is no link: nothing can be moved by it")
    return _changed(world, edit, wanted)


def archive_item(world: World, edit: Json) -> Json:
    """Into the recycle bin, or with archived false out of it."""
    return _changed(world, edit, {"isRecycled": bool(edit.get("archived", True))})


def delete_item(world: World, edit: Json) -> Json:
    return upkeep.deleted(world.objects, edit["object"], int(edit["id"]))


def _changed(world: World, edit: Json, values: Json) -> Json:
    return upkeep.changed(
        world.objects,
        edit["object"],
        int(edit["id"]),
        values,
        steps=world.step_names(),
        user=int(edit.get("user", SOMEBODY)),
        now=as_written(dt.datetime.now(dt.UTC)),
    )

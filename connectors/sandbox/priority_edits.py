"""Edits of priorities: one more in Jira, of which Align's connector makes nothing yet; one that is gone from Jira."""

from .messages import Json
from .world import World

FIRST_OWN_ID = 10000


def add(world: World, edit: Json) -> Json:
    id_ = str(edit.get("id", FIRST_OWN_ID + sum(1 for _ in world.store.all("priority"))))
    priority: Json = {"id": id_, "name": edit["name"], "color": "#707070", "align": None}
    world.store.put("priority", id_, priority)
    return priority


def remove(world: World, edit: Json) -> Json:
    found = world.store.get("priority", str(edit["id"]))
    if found is None:
        raise ValueError(f"there is no priority {edit['id']}")
    gone = {**found, "gone": True}
    world.store.put("priority", str(edit["id"]), gone)
    return gone

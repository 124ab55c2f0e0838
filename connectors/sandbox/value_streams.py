"""Process flows as the object ValueStreams: their shape, and a POST of one."""

from collections.abc import Mapping
from typing import Any

from .families import STATES
from .messages import Json, invalid, nothing_here, problem
from .objects import changes
from .options import Options
from .world import Flow, Step, World


def records(world: World, options: Options) -> dict[int, Json]:
    """By id, as the table of objects has their fields."""
    if options.value_streams == "no":
        raise nothing_here()
    if options.value_streams == "403":
        raise problem(403, "You do not have permission to view process flows.")
    return {flow["id"]: _record(flow, options) for flow in world.flows()}


def _record(flow: Flow, options: Options) -> Json:
    return {
        "id": flow["id"],
        "name": flow["name"],
        "level": flow["level"],
        "teamId": None,
        "teamDescription": None,
        "regionId": None,
        "isActive": flow["active"],
        "mapToState": any(step["state"] is not None for step in flow["steps"]),
        "programIds": flow["programmes"],
        "customerIds": [],
        "processSteps": _steps(flow, options.step_shape),
        "lastUpdatedDate": None,
    }


def _steps(flow: Flow, shape: str) -> object:
    steps = [
        {"id": step["id"], "name": step["name"], "order": order, "state": step["state"]}
        for order, step in enumerate(flow["steps"], start=1)
    ]
    named = [{**told, "state": _state_name(step["state"])} for told, step in zip(steps, flow["steps"], strict=True)]
    shaped: Mapping[str, object] = {
        "state-names": named,
        "ids": [step["id"] for step in steps],
        "names": [step["name"] for step in steps],
        "none": None,
    }
    return shaped.get(shape, steps)


def _state_name(state: int | None) -> str | None:
    return None if state is None else STATES[state]


def create(world: World, writing: changes.ObjectWrite, body: object) -> int:
    """The id of the new flow. No source shows a POST of one: its steps are names, or records with name and state."""
    flows = world.flows()
    record = changes.created(writing, body, max((flow["id"] for flow in flows), default=0) + 1)
    taken = [step["id"] for flow in flows for step in flow["steps"]]
    first = max(taken, default=500) + 1
    steps = [_step(first + place, step) for place, step in enumerate(record["processSteps"] or [])]
    flow = Flow(
        id=record["id"],
        name=record["name"],
        level=record["level"],
        active=record["isActive"] is not False,
        programmes=record["programIds"],
        steps=steps,
    )
    world.store.put("flow", str(flow["id"]), flow)
    return flow["id"]


def _step(number: int, given: Any) -> Step:
    values = given if isinstance(given, dict) else {"name": given}
    name, state = values.get("name"), values.get("state")
    if not isinstance(name, str) or not (state is None or (isinstance(state, int) and state in STATES)):
        raise invalid("processSteps", f"A process step has a name and, if it is mapped, a state: not {given!r}.")
    return Step(id=number, name=name, state=state)

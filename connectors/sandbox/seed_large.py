"""The large data set: the small company, and beside it 2,000 projects and about 100,000 mappings in all.

300 shared statuses and a flow of 30 steps make the widest matrix that the product must carry.
"""

from . import seed
from .families import FAMILIES
from .world import Flow, Step, World

PROJECTS = 2000
TEAM_EVERY = 10
FIRST_STATUS = 20001
WORDS = ("Draft", "Ready", "Build", "Check", "Review", "Test", "Stage", "Ship", "Watch", "Close")
AREAS = 30
FLOW_STEPS = 30
FIRST_STEP = 601
# A workflow is a window into the pool of statuses; windows differ from project to project.
WINDOW = 12


def fill_large(world: World) -> None:
    large().fill(world)
    world.objects.begin("large")
    world.issues.begin("large")
    seed.add_gone_step(world)


def large() -> seed.Data:
    data = seed.small()
    pool = _add_statuses(data)
    steps = _add_flow(data)
    _add_shared_mappings(data, pool, steps)
    known = len(data.projects)
    for number in range(known, PROJECTS):
        _add_project(data, number, pool, steps)
    return data


def _add_statuses(data: seed.Data) -> list[int]:
    pool = []
    for place in range(AREAS * len(WORDS)):
        area, word = divmod(place, len(WORDS))
        category = seed.NEW if word < 2 else seed.DONE if word >= 8 else seed.DOING
        status_id = FIRST_STATUS + place
        data.statuses.append(seed.make_status(status_id, f"{WORDS[word]} {area + 1:02d}", category))
        pool.append(status_id)
    return pool


def _add_flow(data: seed.Data) -> list[int]:
    steps = [
        Step(id=FIRST_STEP + place, name=f"Step {place + 1:02d}", state=place * 5 // FLOW_STEPS)
        for place in range(FLOW_STEPS)
    ]
    programmes = [seed.COMMERCE, seed.PLATFORM]
    flow = Flow(id=10, name="Long flow", level="Story", active=True, programmes=programmes, steps=steps)
    data.flows.append(flow)
    return [step["id"] for step in steps]


def _add_shared_mappings(data: seed.Data, pool: list[int], steps: list[int]) -> None:
    # Every eleventh status stays unmapped, so that the large set has gaps too.
    mapped = [status for place, status in enumerate(pool) if place % 11]
    for type_id in FAMILIES["j2a_state"].types:
        states = {status: min((status - FIRST_STATUS) % len(WORDS) // 2, 4) for status in mapped}
        data.mappings.append(("j2a_state", None, type_id, states))
    for type_id in FAMILIES["j2a_step"].types:
        targets = {status: steps[(status - FIRST_STATUS) % len(steps)] for status in mapped}
        data.mappings.append(("j2a_step", None, type_id, targets))


def _add_project(data: seed.Data, number: int, pool: list[int], steps: list[int]) -> None:
    key, programme = f"L{number:04d}", seed.COMMERCE + number % 3
    if number % TEAM_EVERY == 0:
        first = 100_000 + number * 20
        data.add_team_project(30_000 + number, key, f"Team {number}", programme, first)
        statuses = [first + place for place in range(1, 5)]
        for type_id in (3, 4):
            data.mappings.append(("j2a_state", key, type_id, dict(zip(statuses, (1, 2, 3, 4), strict=True))))
    else:
        start = number * 7 % (len(pool) - WINDOW)
        statuses = pool[start : start + WINDOW]
        workflows = dict.fromkeys(seed.FULL, tuple(statuses))
        data.add_company_project(30_000 + number, key, f"Product {number}", programme, workflows)
    _add_ways_back(data, key, statuses, steps)


def _add_ways_back(data: seed.Data, key: str, statuses: list[int], steps: list[int]) -> None:
    for type_id in FAMILIES["a2j_state"].types:
        ways = {state: statuses[state % len(statuses)] for state in range(5)}
        data.mappings.append(("a2j_state", key, type_id, ways))
    for type_id in FAMILIES["a2j_step"].types:
        ways = {step: statuses[place % len(statuses)] for place, step in enumerate(steps[:17])}
        data.mappings.append(("a2j_step", key, type_id, ways))

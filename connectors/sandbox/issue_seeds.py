"""The issues of each seed: what Align's items came from, seen from Jira, and what only Jira has."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from . import seed, seed_large
from .families import FAMILIES
from .jira_issues import company, stock
from .jira_issues.company import Linked
from .jira_issues.records import UserRecord
from .objects.stock import BASES as OBJECT_BASES
from .objects.stock import Held

LEAST, LARGE_TOTAL = 30, 20_000
KINDS = {"feature": "epic", "story": "story", "defect": "bug", "task": "subtask"}
# The name of a work item type in the mappings to the kind of issue.
TYPE_KINDS = {"Feature": "epic", "Story": "story", "Defect": "bug", "Task": "subtask"}
PARENTS = {"story": ("feature", "featureId"), "defect": ("feature", "featureId"), "task": ("story", "storyId")}
SEEDS: Mapping[str, Callable[[], seed.Data]] = {
    "small": seed.small,
    "large": seed_large.large,
    "examples": seed.examples,
    "examples-company": seed.examples_company,
    "examples-mixed": seed.examples_mixed,
}


def _base(name: str) -> company.Base:
    data = SEEDS[name]()
    held = OBJECT_BASES["large" if name == "large" else "small"]()
    keys = {project["key"] for project in data.projects}
    return company.make(
        company.Catalogue(
            projects=data.projects,
            types={each["id"]: each for each in data.issue_types},
            statuses={each["id"]: each for each in data.statuses},
            people=_people(held),
            linked=[each for each in _linked(held) if each.project in keys],
            states=_states(data),
            least=0 if name == "large" else LEAST,
            total=LARGE_TOTAL if name == "large" else 0,
        )
    )


def _people(held: Held) -> dict[str, UserRecord]:
    return {
        user["email"]: UserRecord(user=user["email"], name=user["fullName"], active=True)
        for user in held["user"].values()
    }


def _linked(held: Held) -> Iterator[Linked]:
    for key, kind in KINDS.items():
        above, field = PARENTS.get(key, ("", ""))
        for item in held[key].values():
            if item["externalKey"] is None:
                continue
            project, _, number = item["externalKey"].rpartition("-")
            parent = held[above][item[field]]["externalId"] if above else None
            owner = held["user"].get(item["ownerId"])
            yield Linked(
                project=project,
                number=int(number),
                kind=kind,
                title=item["title"],
                state=item["state"],
                owner=owner["email"] if owner else None,
                points=item.get("points"),
                parent=int(parent) if parent else None,
            )


def _states(data: seed.Data) -> dict[tuple[str | None, str], dict[int, int]]:
    """What the connector makes of a status; of two records of one key the first one counts."""
    family = FAMILIES["j2a_state"]
    states: dict[tuple[str | None, str], dict[int, int]] = {}
    for code, project, type_id, pairs in data.mappings:
        kind = TYPE_KINDS.get(family.types.get(type_id, ""))
        if code == family.code and kind is not None:
            known = states.setdefault((project, kind), {})
            known.update((status, state) for status, state in pairs.items() if status not in known)
    return states


BASES: Mapping[str, Callable[[], company.Base]] = {name: stock.made_once(partial(_base, name)) for name in SEEDS}

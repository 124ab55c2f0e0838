"""From an issue of Jira to the item of Align that it becomes, with what is lost on the way. Pure, and total: whatever
Jira's fields hold, there is an item or it is said why there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.align.states import ALIGN_STATES
from connectors.align.terminology import Terminology
from mappings.engine.hierarchy import ABOVE
from mappings.engine.item_rules import AlignPartners as AlignPartners
from mappings.engine.item_rules import AlignPerson as AlignPerson
from mappings.engine.item_rules import AlignUsers as AlignUsers
from mappings.engine.item_rules import CarriedPair as CarriedPair
from mappings.engine.item_rules import ItemRules as ItemRules
from mappings.engine.item_rules import RequiredField as RequiredField
from mappings.engine.item_values import converted
from mappings.engine.items import IssueFacts, Loss, LossCode, PredictedField, PredictedItem, PredictedParent
from mappings.engine.values import TypeName

PENDING = 0
# Which field of the lower level holds the id of an item of the upper one, by Align's objects of work. An item of any
# other two levels cannot hang below the other, whatever stands above it in the path.
PARENT_FIELDS: Mapping[tuple[str, str], str] = {
    ("epic", "theme"): "themeId",
    ("epic", "epic"): "parentId",
    ("capability", "epic"): "epicId",
    ("feature", "epic"): "epicId",
    ("feature", "capability"): "parentId",
    ("story", "feature"): "featureId",
    ("defect", "feature"): "featureId",
    ("task", "story"): "storyId",
}
# A task of Align stands below a story; of the others none is refused for want of one.
NEEDS_PARENT = frozenset({"task"})
# Where items of a level land: its fields for a program, a program increment and a team; lists take one of each.
_LANDS: Mapping[str, tuple[str, str, str]] = {
    "theme": ("programIds", "releaseIds", ""),
    "epic": ("primaryProgramId", "releaseIds", ""),
    "capability": ("programId", "releaseIds", ""),
    "feature": ("programId", "releaseId", ""),
    "story": ("programId", "releaseId", "teamId"),
    "task": ("", "", "teamId"),
    "defect": ("programId", "", "teamId"),
}
_LANDED_NAMES = ("Program", "Program increment", "Team")


def predict(issue: IssueFacts, rules: ItemRules, parents: Mapping[int, IssueFacts | str]) -> PredictedItem:
    """`parents`: issues by id, or the levels that they become, of those that are or will be items in Align.

    1. Its type says which level it becomes; where it stands for none it becomes nothing.
    2. The pairs of that level give its fields, and what is configured says where it lands.
    3. Its parent is the item of the issue above it, where the levels may hang together.
    4. State and step go by the mappings of its status.
    """
    level = rules.level_of(issue.type_name)
    if not level:
        said = f"{issue.type_name or 'Its type'} stands for no level of Jira Align, so nothing is made of it."
        return PredictedItem(issue=issue, level="", losses=[Loss(code=LossCode.TYPE_NOT_MAPPED, sentence=said)])
    losses: list[Loss] = []
    fields = _fields(issue, level, rules, losses)
    parent = _parent(issue, level, rules, parents, losses)
    given = {*fields, parent.field} if parent else {*fields}
    for required in rules.required.get(level, ()):
        if required.key not in given:
            said = f"{required.name} is required in Jira Align and stays empty, so Align may refuse the item."
            losses.append(Loss(code=LossCode.REQUIRED_EMPTY, sentence=said, field=required.key))
    if level in NEEDS_PARENT and parent is None:
        losses.append(_without_parent(level, rules.called))
    return PredictedItem(
        issue=issue,
        level=level,
        fields=list(fields.values()),
        parent=parent,
        state=_state(issue, level, rules, losses),
        step=rules.steps.get((level, issue.status_id)),
        losses=losses,
    )


def _without_parent(level: str, called: Terminology) -> Loss:
    """Of a level that needs one."""
    above, field = next((above, field) for (below, above), field in PARENT_FIELDS.items() if below == level)
    said = f"In Jira Align, {called.one(level)} hangs below {called.one(above)}. Without one, Align may refuse it."
    return Loss(code=LossCode.REQUIRED_EMPTY, sentence=said, field=field)


def _fields(issue: IssueFacts, level: str, rules: ItemRules, losses: list[Loss]) -> dict[str, PredictedField]:
    """By Align's keys; of two pairs that would write one field the first does, as the checks tell."""
    found: dict[str, PredictedField] = {}
    for pair in rules.pairs.get(level, ()):
        if pair.stopped:
            said = f"{pair.jira_name} is not carried: {pair.stopped}"
            losses.append(Loss(code=LossCode.PAIR_STOPPED, sentence=said, field=pair.align))
            continue
        made = converted(pair, _value_of(issue, pair.jira), rules.partners)
        losses += made.losses
        if made.value is not None and pair.align not in found:
            found[pair.align] = PredictedField(
                key=pair.align,
                name=pair.align_name,
                value=made.value,
                shown=made.shown,
                source=pair.jira_name,
                is_once=pair.direction.value == "once",
            )
    if "title" not in found:
        title = issue.title or issue.key
        found["title"] = PredictedField(key="title", name="Title", value=title, shown=title, source="Summary")
    for key, field in _landed(level, rules).items():
        found.setdefault(key, field)
    return found


def _value_of(issue: IssueFacts, field: str) -> Any:
    return issue.title if field == "summary" and field not in issue.values else issue.values.get(field)


def _landed(level: str, rules: ItemRules) -> dict[str, PredictedField]:
    """They can be moved later, so a new item alone lands there."""
    landing = rules.landing
    ids = (landing.program_id, landing.release_id, landing.team_id)
    found = {}
    for key, id_, name in zip(_LANDS.get(level, ("", "", "")), ids, _LANDED_NAMES, strict=True):
        if key and id_ is not None:
            value = [id_] if key.endswith("Ids") else id_
            found[key] = PredictedField(key=key, name=name, value=value, shown=str(id_), source="", is_once=True)
    return found


def landed_values(level: str, rules: ItemRules) -> dict[str, Any]:
    """Where a new item lands, as it is sent."""
    return {key: field.value for key, field in _landed(level, rules).items()}


def _parent(
    issue: IssueFacts, level: str, rules: ItemRules, parents: Mapping[int, IssueFacts | str], losses: list[Loss]
) -> PredictedParent | None:
    if issue.parent_id is None and not issue.parent_key:
        return None
    known = parents.get(issue.parent_id) if issue.parent_id is not None else None  # by key alone: nobody found it
    above = rules.level_of(known.type_name) if isinstance(known, IssueFacts) else known or ""
    key = issue.parent_key or (known.key if isinstance(known, IssueFacts) else str(issue.parent_id))
    field = PARENT_FIELDS.get((level, above), "")
    if field and issue.parent_id is not None:
        return PredictedParent(issue_id=issue.parent_id, issue_key=key, level=above, field=field)
    one = rules.called.one(level)
    if known is None:
        why = f"Its parent {key} is not among what is brought to Jira Align"
    elif not above:
        why = f"Its parent {key} becomes nothing in Jira Align"
    else:
        usual = " or ".join(rules.called.one(each) for each in ABOVE[level] if (level, each) in PARENT_FIELDS)
        below = f", and {one} hangs below {usual}" if usual else f", and {one} hangs below nothing"
        why = f"Its parent {key} becomes {rules.called.one(above)}{below}"
    said = f"{why}, so it stands without a parent."
    losses.append(Loss(code=LossCode.PARENT_MISSING, sentence=said))
    return None


def _state(issue: IssueFacts, level: str, rules: ItemRules, losses: list[Loss]) -> int:
    state = rules.states.get((level, issue.status_id))
    if state is not None:
        return state
    shows = f"{PENDING} - {ALIGN_STATES[PENDING]}"
    if level in frozenset(TypeName):
        said = f"Status {issue.status_name} has no mapping for {rules.called.items(level)}: it shows {shows}."
    else:
        said = f"{rules.called.many(level)} have no mappings of statuses: it shows {shows}."
    losses.append(Loss(code=LossCode.STATUS_NOT_MAPPED, sentence=said))
    return PENDING

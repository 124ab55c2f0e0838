"""Step 6 of the set-up, worked out of the facts of its fields: pure, no database and no clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

from alignadmin.accounts.rights import Right
from alignadmin.text import counted
from connectors.ports.setup_steps import (
    Capability,
    CheckAgain,
    SetupCheck,
    SetupCheckState,
    SetupLink,
    SetupPlace,
    SetupSeverity,
    SetupStep,
    SetupStepState,
)
from mappings.engine.field_checks import FieldProblem
from mappings.setup_steps.fields_facts import FieldSetupFacts, TypePairs

SERVES = (Capability.IMPORT, Capability.IN_STEP)
MOST_TOLD = 2


def fields_step(facts: FieldSetupFacts | None) -> SetupStep:
    """Statuses need no fields, so it keeps nobody from going on."""
    checks = tuple(_checks(facts)) if facts else ()
    is_done = bool(checks) and all(each.is_settled for each in checks)
    return SetupStep(
        key="fields",
        number=6,
        title="Fields",
        why="Each field of Align goes with one field of Jira of the same type, for each type of item.",
        leads_to="An import of a project that is ours carries values by them; synchronisation comes later.",
        state=SetupStepState.DONE if is_done else SetupStepState.OPTIONAL,
        checks=checks,
        tips=(
            "Title, description, priority, owner and assignee, and iteration and sprint pair by themselves; statuses "
            "go by the matrix.",
            "A formula counts as the type of its result, and is a source only.",
            "Align tells one type for all lists of options, and its values can hold several, so such a field goes "
            "with a multi select of Jira.",
            *_carried(facts),
        ),
        links=tuple(_places(facts)) if facts else (),
    )


def _carried(facts: FieldSetupFacts | None) -> Iterator[str]:
    if facts and facts.carried:
        yield (
            f"Align’s own connector carries {counted(facts.carried, 'project')} here. For their items, saving changes "
            "nothing in Jira Align: that connector moves what it is set to in Jira Align."
        )


def _checks(facts: FieldSetupFacts) -> Iterator[SetupCheck]:
    yield _read(facts)
    yield _carry(facts)
    yield _required(facts)


def _read(facts: FieldSetupFacts) -> SetupCheck:
    state, said = SetupCheckState.OK, f"Read of both systems. {facts.remark}".strip()
    if facts.error:
        state, said = SetupCheckState.FAILED, facts.error
    elif facts.read_at is None:
        state, said = SetupCheckState.OPEN, "Not read yet. It takes some seconds, and is then done once a day."
    again = CheckAgain(
        place=SetupPlace(page="fields-read", of=(facts.slug,)),
        fields={"on": "set-up-fields"},
        right=Right.EDIT,
        label="Read fields",
    )
    return SetupCheck(
        id="fields-read",
        label="The fields of both systems were read",
        state=state,
        sentence=said,
        serves=SERVES,
        at=facts.read_at,
        again=again if facts.is_active else None,
    )


def _carry(facts: FieldSetupFacts) -> SetupCheck:
    stopped = [each for found in facts.types for each in found.stopped]
    chosen = sum(each.chosen for each in facts.types)
    core = sum(each.core for each in facts.types)
    state = SetupCheckState.OK
    said = f"{counted(core, 'pair')} by themselves, {chosen} chosen and approved."
    if facts.read_at is None and not facts.types:
        state, said = SetupCheckState.OPEN, "Nothing is known of pairs before the fields are read."
    elif stopped:
        what = counted(len(stopped), "pair carries", "pairs carry")
        state, said = SetupCheckState.FAILED, f"{what} nothing until somebody mends it. {_told(stopped)}"
    return SetupCheck(
        id="field-pairs",
        label="Each pair carries its values",
        state=state,
        sentence=said,
        serves=SERVES,
        mend=_place_of_first(facts, [each for each in facts.types if each.stopped]),
    )


def _required(facts: FieldSetupFacts) -> SetupCheck:
    missing = [each for found in facts.types for each in found.sourceless]
    state, said = SetupCheckState.OK, "Each field that a new item must have gets a value."
    if facts.read_at is None and not facts.types:
        state, said = SetupCheckState.OPEN, "Which fields are required is not known before they are read."
    elif missing:
        what = counted(len(missing), "required field has", "required fields have")
        state, said = SetupCheckState.FAILED, f"{what} no source. {_told(missing)}"
    return SetupCheck(
        id="fields-required",
        label="Required fields have a source",
        state=state,
        sentence=said,
        severity=SetupSeverity.REQUIRED,
        serves=SERVES,
        mend=_place_of_first(facts, [each for each in facts.types if each.sourceless]),
    )


def _told(problems: Sequence[FieldProblem]) -> str:
    more = f" And {len(problems) - MOST_TOLD} more." if len(problems) > MOST_TOLD else ""
    return " ".join(each.sentence for each in problems[:MOST_TOLD]) + more


def _place_of_first(facts: FieldSetupFacts, types: Sequence[TypePairs]) -> SetupPlace | None:
    return _place(facts, types[0]) if types else None


def _place(facts: FieldSetupFacts, found: TypePairs) -> SetupPlace:
    query = urlencode({"type": found.work_item_type.value})
    return SetupPlace(page="fields", of=(facts.slug,), query=query)


def _places(facts: FieldSetupFacts) -> Iterator[SetupLink]:
    for each in facts.types:
        wrong = f", {counted(len(each.stopped), 'pair')} stopped" if each.stopped else ""
        yield SetupLink(
            label=f"Fields of {facts.terminology.name(each.work_item_type)}",
            place=_place(facts, each),
            sentence=f"{each.core} by themselves, {each.chosen} chosen{wrong}",
        )

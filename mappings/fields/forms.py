"""What a form of fields wants: read by the fields that are stored, so that nothing else that is sent counts."""

from __future__ import annotations

import json
from dataclasses import replace

from django.http import QueryDict

from alignadmin.errors import Refused
from alignadmin.parsing import text_in
from mappings.configuration.drafting import LineRequest
from mappings.engine.configuration import LineValue, line_key
from mappings.engine.field_pairs import FieldDirection, SideField, by_itself, directions
from mappings.fields.page import PartnerChoice, TypeFields
from mappings.fields.pair_page import PairPage
from mappings.fields.subject import pair_value, value_of

EVERY_SUGGESTION = "*"  # in place of a field's key
LONGEST_SEEN = 100_000  # letters of a value as it was seen; one with all its options is far shorter


def choices_in(post: QueryDict, fields: TypeFields) -> dict[str, PartnerChoice]:
    """By the keys of Align's fields, of those that the form has."""
    return {
        field.key: PartnerChoice(
            jira=text_in(post, f"jira:{field.key}").strip(), direction=text_in(post, f"to:{field.key}").strip()
        )
        for field in fields.sides.align
        if f"jira:{field.key}" in post and not by_itself(field)
    }


def accepted_in(post: QueryDict, fields: TypeFields, choices: dict[str, PartnerChoice]) -> dict[str, PartnerChoice]:
    """The choices of the form, with the suggestion that was accepted by its button, or with all of them.

    Raises Refused where what was suggested is not any more.
    """
    key = text_in(post, "accept")
    if not key:
        return choices
    chosen = {each: choice.jira for each, choice in choices.items() if choice.jira}
    if key == EVERY_SUGGESTION:
        taken = set(chosen.values())
        suggested = fields.suggested.items()
        accepted = {each: field for each, field in suggested if each not in chosen and field.key not in taken}
    elif key in fields.suggested:
        accepted = {key: fields.suggested[key]}
    else:
        raise Refused("What was suggested for this field is not any more, so nothing was saved. Look at it again.")
    nothing = PartnerChoice(jira="", direction="")
    return choices | {each: replace(choices.get(each, nothing), jira=field.key) for each, field in accepted.items()}


def requests_in(post: QueryDict, fields: TypeFields, choices: dict[str, PartnerChoice]) -> list[LineRequest]:
    """Raises Refused. A pair whose partner stays keeps its options; another partner has other ones."""
    align = {each.key: each for each in fields.sides.align}
    found = []
    for key, choice in choices.items():
        seen = _seen(post, key)
        options = seen["options"] if seen and seen["jira"] == choice.jira else ()
        direction = choice.direction or _usual_direction(align[key], fields.jira.get(choice.jira))
        wanted = value_of(choice.jira, direction, options)
        found.append(LineRequest(key=line_key(fields.type, key), wanted=wanted, seen=seen))
    return found


def _usual_direction(align: SideField, jira: SideField | None) -> str:
    """Where nobody has chosen one: both ways, or the one that is left."""
    possible = directions(align, jira) if jira else ()
    return (FieldDirection.BOTH if not possible or FieldDirection.BOTH in possible else possible[0]).value


def matches_in(post: QueryDict, shown: PairPage) -> dict[str, str]:
    """Of each option of Align the id of the one of Jira that was chosen."""
    typed = {each.id: text_in(post, f"option:{each.id}") for each in shown.field.options}
    return {id_: chosen for id_, chosen in typed.items() if chosen}


def match_request(post: QueryDict, shown: PairPage, matches: dict[str, str]) -> LineRequest:
    """Raises Refused."""
    if shown.pair is None or shown.partner is None:
        raise Refused("This field is not paired any more, so its options cannot be matched. Choose a partner first.")
    there = {each.id for each in shown.partner.options}
    if unknown := [each for each in matches.values() if each not in there]:
        raise Refused(f"{shown.partner.words} has no option {unknown[0][:40]} any more. Choose another one.")
    wanted = value_of(shown.pair.jira, shown.pair.direction.value, sorted(matches.items()))
    return LineRequest(key=shown.key, wanted=wanted, seen=_seen(post, shown.field.key))


def _seen(post: QueryDict, key: str) -> LineValue:
    """What the page showed, as JSON; nothing where no pair was shown."""
    text = text_in(post, f"seen:{key}")
    if not text:
        return None
    try:
        return pair_value(json.loads(text) if len(text) <= LONGEST_SEEN else None)
    except (ValueError, RecursionError, Refused):
        raise Refused("What this page showed cannot be read any more, so nothing was saved. Load it again.") from None

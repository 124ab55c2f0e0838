"""Values of Jira's fields as Align takes them, type by type. Whatever JSON a field holds gives a value or a loss. Pure.

An empty field of Jira is None and lost nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from alignadmin.parsing import plain, whole
from connectors.field_types.value_types import ValueType
from mappings.engine.item_rules import AlignPartners, CarriedPair
from mappings.engine.items import Loss, LossCode
from mappings.engine.rich_text import rich_text

LARGEST = 10**15  # above it a number loses digits on its way
LONGEST_SHOWN = 2_000
_SPRINT_NAME = re.compile(r"[\[,]name=(.*?),(?:startDate|goal|endDate|completeDate|sequence|state|activatedDate)=")
_SPRINT_STATE = re.compile(r"[\[,]state=(\w+)", re.ASCII)
_ISO_ZONE = re.compile(r"([+-]\d\d)(\d\d)$")
NOT_CARRIED = {
    ValueType.ITEM: "Links between items are not carried",
    ValueType.ITEMS: "Links between items are not carried",
    ValueType.STATUS: "Statuses go by the matrix",
    ValueType.UNKNOWN: "Its type is not known here",
}


@dataclass(frozen=True, kw_only=True)
class Converted:
    """`value`: ready to be sent, None: nothing is. `shown`: for people."""

    value: Any = None
    shown: str = ""
    losses: Sequence[Loss] = ()


EMPTY = Converted()


def converted(pair: CarriedPair, value: Any, partners: AlignPartners) -> Converted:
    """Total: any value of JSON."""
    if value is None or value == "" or value == [] or value == {}:
        return EMPTY
    if why := NOT_CARRIED.get(pair.type):
        return Converted(losses=[_loss(pair, LossCode.VALUE_UNREADABLE, f"{pair.jira_name} is not taken over: {why}.")])
    found = _BY_TYPE[pair.type](pair, value, partners)
    return unreadable(pair) if found is None else found


def unreadable(pair: CarriedPair) -> Converted:
    said = f"What {pair.jira_name} holds is no {pair.type} that can be read, so {pair.align_name} stays empty."
    return Converted(losses=[_loss(pair, LossCode.VALUE_UNREADABLE, said)])


def _loss(pair: CarriedPair, code: LossCode, sentence: str) -> Loss:
    return Loss(code=code, sentence=sentence, field=pair.align)


# --- plain values -----------------------------------------------------------------------------------------------------


def _text(pair: CarriedPair, value: Any, partners: AlignPartners) -> Converted | None:
    if not isinstance(value, str):
        return None
    clean = plain(value)
    return _within(pair, clean, clean)


def _rich(pair: CarriedPair, value: Any, partners: AlignPartners) -> Converted | None:
    found = rich_text(value)
    if found is None:
        return None
    said = f"{pair.jira_name} holds more than text, as pictures or tables of apps: these stay in Jira."
    lost = [_loss(pair, LossCode.VALUE_UNREADABLE, said)] if found.lost else []
    html = plain(found.html)
    if not html:
        return Converted(losses=lost)
    made = _within(pair, html, plain(found.plain))
    return Converted(value=made.value, shown=made.shown, losses=[*lost, *made.losses])


def _within(pair: CarriedPair, text: str, shown: str) -> Converted:
    if pair.longest and len(text) > pair.longest:
        said = f"{pair.jira_name} has {len(text):,} characters; {pair.align_name} takes the first {pair.longest:,}."
        cut = text[: pair.longest - 1] + "…"
        return Converted(value=cut, shown=shown[:LONGEST_SHOWN], losses=[_loss(pair, LossCode.SHORTENED, said)])
    return Converted(value=text, shown=shown[:LONGEST_SHOWN])


def _number(pair: CarriedPair, value: Any, partners: AlignPartners) -> Converted | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not -LARGEST <= value <= LARGEST or math.isnan(value):
        return None
    if value == int(value):
        return Converted(value=int(value), shown=f"{int(value):,}")
    return None if pair.is_whole else Converted(value=value, shown=f"{value:,}")


def _truth(pair: CarriedPair, value: Any, partners: AlignPartners) -> Converted | None:
    return Converted(value=value, shown="yes" if value else "no") if isinstance(value, bool) else None


def _date(pair: CarriedPair, value: Any, partners: AlignPartners) -> Converted | None:
    day = _read(date.fromisoformat, value, longest=10)
    if day is None:
        return None
    sent = f"{day.isoformat()}T00:00:00Z" if pair.is_custom else day
    return Converted(value=sent, shown=day.isoformat())


def _moment(pair: CarriedPair, value: Any, partners: AlignPartners) -> Converted | None:
    at = _read(_zoned, value, longest=40)
    if at is None:
        return None
    written = f"{at.year:04d}-{at:%m-%dT%H:%M:%S}Z"
    return Converted(value=written if pair.is_custom else at, shown=f"{at.year:04d}-{at:%m-%d %H:%M} UTC")


def _zoned(text: str) -> datetime:
    """Jira writes +0000 without a colon. A time without a zone is no moment."""
    at = datetime.fromisoformat(_ISO_ZONE.sub(r"\1:\2", text))
    if at.tzinfo is None:
        raise ValueError("no time zone")
    return at.astimezone(UTC).replace(microsecond=0)


def _read(reader: Callable[[str], Any], value: Any, *, longest: int) -> Any:
    if not isinstance(value, str) or len(value) > longest:
        return None
    try:
        return reader(value)
    except (ValueError, OverflowError):
        return None


# --- choices ----------------------------------------------------------------------------------------------------------


def _single(pair: CarriedPair, value: Any, partners: AlignPartners) -> Converted | None:
    chosen = _choice(value)
    if chosen is None:
        return None
    partner = pair.options.get(chosen[0])
    if partner is None:
        return Converted(losses=[_no_option(pair, chosen[1])])
    id_, name = partner
    if pair.is_custom:
        return Converted(value=[{"value": name}], shown=name)
    # Align's own selects are numbers.
    number = whole(id_)
    return None if number is None else Converted(value=number, shown=name)


def _multi(pair: CarriedPair, value: Any, partners: AlignPartners) -> Converted | None:
    given = value if isinstance(value, list) else [value]
    chosen = [_choice(each) for each in given]
    known = [each for each in chosen if each is not None]
    if len(known) < len(chosen):
        return None
    names = list(dict.fromkeys(pair.options[id_][1] for id_, _ in known if id_ in pair.options))
    losses = [_no_option(pair, name) for id_, name in known if id_ not in pair.options]
    value = [{"value": each} for each in names] if names else None
    return Converted(value=value, shown=", ".join(names), losses=losses)


def _choice(value: Any) -> tuple[str, str] | None:
    """The id and the name of an option, a component, a priority."""
    if not isinstance(value, dict):
        return None
    id_, name = value.get("id"), _name_in(value, "value", "name")
    if isinstance(id_, bool) or not isinstance(id_, str | int):
        return None
    return str(id_)[:255], name or str(id_)[:255]


def _no_option(pair: CarriedPair, name: str) -> Loss:
    if pair.align == "priority":
        said = f"{pair.jira_name} {name[:80]} has no partner in Align's connector. Add it to its priorities there."
        return _loss(pair, LossCode.OPTION_MISSING, said)
    said = f"{pair.jira_name} is “{name[:80]}”, which has no partner among the options of {pair.align_name}. Match it."
    return _loss(pair, LossCode.OPTION_MISSING, said)


# --- people -----------------------------------------------------------------------------------------------------------


def _user(pair: CarriedPair, value: Any, partners: AlignPartners) -> Converted | None:
    if isinstance(value, list):  # a field of several, read as one: the first
        value = value[0]
    person = person_in(value)
    if person is None:
        return None
    name, email = person
    found = partners.users.of(email=email, name=name)
    if found is None:
        return Converted(losses=[_no_user(pair, name or email)])
    return Converted(value=found.id, shown=found.name)


def _users(pair: CarriedPair, value: Any, partners: AlignPartners) -> Converted | None:
    given = value if isinstance(value, list) else [value]
    each_one = [_user(pair, each, partners) if not isinstance(each, list) else None for each in given]
    return _together(each_one)


def person_in(value: Any) -> tuple[str, str] | None:
    """Name and e-mail of a user as Jira tells one; on Data Center the name that they sign in with stands in."""
    if not isinstance(value, dict):
        return None
    name = _name_in(value, "displayName", "name", "key")
    email = _name_in(value, "emailAddress")
    return (name, email) if name or email else None


def _no_user(pair: CarriedPair, name: str) -> Loss:
    said = f"{pair.jira_name} {name[:80]} has no Align user: read-only access for engineers mends it, a paid seat."
    return _loss(pair, LossCode.USER_MISSING, said)


# --- what goes by its name --------------------------------------------------------------------------------------------


def _by_name(pair: CarriedPair, value: Any, partners: AlignPartners) -> Converted | None:
    """A team, a sprint, a milestone: of several sprints the one in progress, else the last."""
    name = current_name(value)
    return None if name is None else _partner(pair, name, partners)


def _by_names(pair: CarriedPair, value: Any, partners: AlignPartners) -> Converted | None:
    given = value if isinstance(value, list) else [value]
    names = [name_in(each) for each in given]
    return _together([None if name is None else _partner(pair, name, partners) for name in names])


def _partner(pair: CarriedPair, name: str, partners: AlignPartners) -> Converted:
    ids = partners.ids_of(pair.target, name)
    if len(ids) == 1:
        return Converted(value=ids[0], shown=name)
    what = _WORDS.get(pair.target, "thing")
    many = f"{len(ids)} {what}s in Align are called so: nobody could say which is meant"
    why = many if ids else f"no {what} in Align is called so"
    said = f"{pair.jira_name} is “{name[:80]}”, and {why}."
    return Converted(losses=[_loss(pair, LossCode.PARTNER_MISSING, said)])


def _labels(pair: CarriedPair, value: Any, partners: AlignPartners) -> Converted | None:
    given = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str) for each in given):
        return None
    words = ", ".join(plain(each) for each in given)
    return _within(pair, words, words)


def _together(found: Iterable[Converted | None]) -> Converted | None:
    whole = list(found)
    known = [each for each in whole if each is not None]
    if len(known) < len(whole):
        return None
    there = [each for each in known if each.value is not None]
    ids = list(dict.fromkeys(each.value for each in there))
    losses = [loss for each in known for loss in each.losses]
    shown = ", ".join(dict.fromkeys(each.shown for each in there))
    return Converted(value=ids or None, shown=shown, losses=list(dict.fromkeys(losses)))


def current_name(value: Any) -> str | None:
    """Of what is one at a time, though Jira keeps those before it in the same list."""
    given = value if isinstance(value, list) else [value]
    at_work = [each for each in given if _state_in(each) == "active"]
    chosen = (at_work or given)[-1] if given else None
    return name_in(chosen)


def name_in(value: Any) -> str | None:
    """Of a version, a team or a sprint, which older Data Centers write as a text of their program."""
    if isinstance(value, dict):
        return _name_in(value, "name", "title", "value") or None
    if not isinstance(value, str):
        return None
    found = _SPRINT_NAME.search(value)
    if found:
        return plain(found[1]) or None
    return plain(value)[:255] if "[" not in value else None


def names_in(value: Any) -> list[str]:
    """All that a field names, for who asks Align for them."""
    given = value if isinstance(value, list) else [value]
    return [name for each in given if (name := name_in(each))]


def shown_in_jira(value: Any) -> str:
    """Any value of a field, for people."""
    if value is None or isinstance(value, bool):
        return "" if value is None else "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(filter(None, map(shown_in_jira, value)))[:LONGEST_SHOWN]
    if isinstance(value, dict):
        document = rich_text(value)
        text = document.plain if document else _name_in(value, "displayName", "name", "value", "title", "key")
        return plain(text)[:LONGEST_SHOWN]
    return plain(name_in(value) or value if isinstance(value, str) else str(value))[:LONGEST_SHOWN]


def _state_in(value: Any) -> str:
    if isinstance(value, dict):
        return _name_in(value, "state").lower()
    found = _SPRINT_STATE.search(value) if isinstance(value, str) else None
    return found[1].lower() if found else ""


def _name_in(value: Mapping[str, Any], *names: str) -> str:
    return next((plain(text)[:255] for each in names if isinstance(text := value.get(each), str) and text), "")


_WORDS: Mapping[str, str] = {
    "iteration": "iteration",
    "anchorsprint": "anchor sprint",
    "release": "program increment",
    "releasevehicle": "release vehicle",
    "team": "team",
    "objective": "objective",
}
_BY_TYPE: Mapping[ValueType, Callable[[CarriedPair, Any, AlignPartners], Converted | None]] = {
    ValueType.TEXT: _text,
    ValueType.RICH_TEXT: _rich,
    ValueType.NUMBER: _number,
    ValueType.DATE: _date,
    ValueType.MOMENT: _moment,
    ValueType.TRUTH: _truth,
    ValueType.SINGLE: _single,
    ValueType.MULTI: _multi,
    ValueType.USER: _user,
    ValueType.USERS: _users,
    ValueType.TIME_FRAME: _by_name,
    ValueType.TIME_FRAMES: _by_names,
    ValueType.MILESTONE: _by_name,
    ValueType.MILESTONES: _by_names,
    ValueType.RELEASES: _by_names,
    ValueType.TEAM: _by_name,
    ValueType.LABELS: _labels,
}

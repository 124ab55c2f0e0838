"""What the form of a place sends: of each level, which issue types are ticked, and whether it follows others."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from alignadmin.errors import Refused
from alignadmin.parsing import plain, text_in
from connectors.align.terminology import LEVELS
from mappings.configuration.drafting import LineRequest
from mappings.engine.configuration import line_key
from mappings.hierarchy.subject import OLD_PAGE

LONGEST_SEEN = 200_000  # characters


@dataclass(frozen=True, kw_only=True)
class SeenLevel:
    """Of one level, as a page was drawn: what is wanted (None: it follows others), and what that comes to."""

    value: Sequence[str] | None
    shown: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class TypedLevel:
    names: Sequence[str]
    follows: bool


def seen_text(seen: Mapping[str, SeenLevel]) -> str:
    """For a hidden field of the form."""
    return json.dumps({level: [each.value, list(each.shown)] for level, each in seen.items()}, ensure_ascii=False)


def seen_in(data: QueryDict) -> dict[str, SeenLevel]:
    """Raises Refused for what no page of ours has sent."""
    text = text_in(data, "seen")
    try:
        found = json.loads(text) if len(text) <= LONGEST_SEEN else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or set(found) != set(LEVELS):
        raise Refused(OLD_PAGE)
    return {level: _seen(found[level]) for level in LEVELS}


def _seen(found: Any) -> SeenLevel:
    if not isinstance(found, list) or len(found) != 2:
        raise Refused(OLD_PAGE)
    value, shown = found
    if not _is_names(shown) or not (value is None or _is_names(value)):
        raise Refused(OLD_PAGE)
    return SeenLevel(value=value, shown=shown)


def _is_names(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(each, str) for each in found)


def typed_in(data: QueryDict) -> dict[str, TypedLevel]:
    return {
        level: TypedLevel(
            names=sorted({plain(name) for name in data.getlist(f"types-{level}")}),
            follows=text_in(data, f"follow-{level}") == "on",
        )
        for level in LEVELS
    }


def requests_of(place: str, typed: Mapping[str, TypedLevel], seen: Mapping[str, SeenLevel]) -> list[LineRequest]:
    return [
        LineRequest(key=line_key(place, level), wanted=_wanted(typed[level], seen[level]), seen=seen[level].value)
        for level in LEVELS
    ]


def _wanted(typed: TypedLevel, seen: SeenLevel) -> list[str] | None:
    """Whoever ticks other types of a level that follows means these; whoever ticks that it follows means that."""
    is_as_shown = list(typed.names) == sorted(seen.shown)
    if typed.follows and (seen.value is not None or is_as_shown):
        return None
    return list(typed.names)

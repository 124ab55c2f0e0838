"""What the form of a place sends: JQL, closed issues, landing, and which parts of them follow what is shared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from alignadmin.errors import Refused
from alignadmin.parsing import text_in
from mappings.configuration.drafting import LineRequest
from mappings.engine.configuration import LineValue, line_key
from mappings.engine.import_scope import SHARED
from mappings.items.scope.agreed import CLOSED, JQL, LANDING, PARTS
from mappings.items.scope.subject import LANDS, OLD_PAGE

LONGEST_SEEN = 50_000  # characters


@dataclass(frozen=True, kw_only=True)
class SeenPart:
    """As a page was drawn: what is wanted (None: it follows others, or nobody decided), and what its fields showed."""

    value: LineValue
    shown: Any


@dataclass(frozen=True, kw_only=True)
class TypedScope:
    """`landing`: by part, an id or a name; `follows`: parts that are ticked to be taken from what is shared."""

    jql: str
    with_closed: bool
    landing: Mapping[str, str]
    follows: frozenset[str]

    @property
    def parts(self) -> dict[str, Any]:
        return {JQL: self.jql, CLOSED: self.with_closed, LANDING: dict(self.landing)}

    def following(self, seen: Mapping[str, SeenPart]) -> frozenset[str]:
        """Whoever types something else into a part that follows means that; whoever ticks that it follows means it."""
        return frozenset(
            part for part in self.follows if seen[part].value is not None or self.parts[part] == seen[part].shown
        )


def seen_text(seen: Mapping[str, SeenPart]) -> str:
    """For a hidden field of the form."""
    return json.dumps({part: [each.value, each.shown] for part, each in seen.items()}, ensure_ascii=False)


def seen_in(data: QueryDict) -> dict[str, SeenPart]:
    """Raises Refused for what no page of ours has sent."""
    text = text_in(data, "seen")
    try:
        found = json.loads(text) if len(text) <= LONGEST_SEEN else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or set(found) != set(PARTS):
        raise Refused(OLD_PAGE)
    if any(not isinstance(each, list) or len(each) != 2 for each in found.values()):
        raise Refused(OLD_PAGE)
    return {part: SeenPart(value=found[part][0], shown=found[part][1]) for part in PARTS}


def typed_in(data: QueryDict) -> TypedScope:
    """Of several that have a name, the chosen one counts. A browser sends the ends of lines as two signs."""
    return TypedScope(
        jql=text_in(data, "jql").replace("\r\n", "\n").strip(),
        with_closed=text_in(data, "closed") == "on",
        landing={
            part: text_in(data, f"chosen-{part}").strip() or text_in(data, f"landing-{part}").strip() for part in LANDS
        },
        follows=frozenset(part for part in PARTS if text_in(data, f"follow-{part}") == "on"),
    )


def requests_of(
    place: str, typed: TypedScope, landing: Mapping[str, Any], seen: Mapping[str, SeenPart]
) -> list[LineRequest]:
    """`landing`: as it was found in Align."""
    wanted: dict[str, LineValue] = {JQL: typed.jql, CLOSED: typed.with_closed, LANDING: dict(landing)}
    if place != SHARED:
        wanted |= dict.fromkeys(typed.following(seen))
    return [LineRequest(key=line_key(place, part), wanted=wanted[part], seen=seen[part].value) for part in PARTS]

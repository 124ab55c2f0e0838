"""What the page of one field of Align shows: which fields of Jira fit and why the others do not, and its options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from mappings.engine.configuration import ConfigurationProblem, LineValue, canonical, line_key
from mappings.engine.field_pairs import (
    FieldOption,
    FieldPair,
    SideField,
    by_itself,
    matched_options,
    misfit,
)
from mappings.fields.page import TypeFields, address_of
from mappings.fields.subject import pair_in


@dataclass(frozen=True, kw_only=True)
class OptionLine:
    """`chosen`: the id of Jira's option that goes with it; `is_suggested`: nobody has chosen it, the names agree."""

    option: FieldOption
    chosen: str = ""
    is_suggested: bool = False


class PairPage:
    """`typed`: the options of a form that was refused, by those of Align."""

    def __init__(self, found: TypeFields, field: SideField, *, typed: Mapping[str, str] | None = None) -> None:
        self.found, self.field, self.typed = found, field, typed

    @property
    def key(self) -> str:
        return line_key(self.found.type, self.field.key)

    @property
    def back(self) -> str:
        return address_of(self.found.connector, self.found.type)

    @property
    def seen(self) -> LineValue:
        return self.found.state.value(self.key)

    @property
    def seen_text(self) -> str:
        return canonical(self.seen) if self.seen else ""

    @cached_property
    def pair(self) -> FieldPair | None:
        return pair_in(self.field.key, self.seen)

    @property
    def partner(self) -> SideField | None:
        return self.found.jira.get(self.pair.jira) if self.pair else None

    @property
    def settled(self) -> str:
        return by_itself(self.field)

    @property
    def problems(self) -> Sequence[ConfigurationProblem]:
        return self.found.problems.get(self.key, ())

    @cached_property
    def judged(self) -> list[tuple[SideField, str]]:
        """Each field of Jira with why it does not fit, or nothing where it does; those that fit first."""
        there = [each for each in self.found.sides.jira if not each.is_gone]
        judged = [(each, by_itself(each) or misfit(self.field, each)) for each in there]
        return sorted(judged, key=lambda each: (bool(each[1]), each[0].name.lower()))

    @property
    def fitting(self) -> list[SideField]:
        return [each for each, why in self.judged if not why]

    @property
    def others(self) -> list[tuple[SideField, str]]:
        return [(each, why) for each, why in self.judged if why]

    # --- options ---

    @property
    def matches_options(self) -> bool:
        return bool(self.pair and self.partner and self.field.told.type.has_options)

    @cached_property
    def lines(self) -> list[OptionLine]:
        """Of each option of Align; where nobody has chosen anything yet, options of one name are suggested."""
        if self.pair is None or self.partner is None:
            return []
        if self.typed is not None:
            chosen, suggested = dict(self.typed), {}
        else:
            chosen = dict(self.pair.options)
            free = [each for each in self.partner.options if each.id not in chosen.values()]
            open_ = [each for each in self.field.options if each.id not in chosen]
            suggested = matched_options(open_, free)
        return [
            OptionLine(
                option=each,
                chosen=chosen.get(each.id) or suggested.get(each.id, ""),
                is_suggested=each.id in suggested and not chosen.get(each.id),
            )
            for each in self.field.options
        ]

    @property
    def suggested(self) -> int:
        return sum(each.is_suggested for each in self.lines)

    @property
    def lost(self) -> list[tuple[str, str]]:
        """Matches of options that one side has no more: they go with the next save."""
        if self.pair is None or self.partner is None:
            return []
        here, there = {each.id for each in self.field.options}, {each.id for each in self.partner.options}
        return [each for each in self.pair.options if each[0] not in here or each[1] not in there]

"""What is wrong with the pairs of fields of one work item type, each with its place and whether it can be saved so.

A field or an option that is gone stops that pair alone: the others go on. Pure: no database, no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mappings.engine.field_pairs import (
    FieldDirection,
    FieldPair,
    FieldSide,
    SideField,
    by_itself,
    core_pairs,
    directions,
    misfit,
)


class FieldProblemCode(StrEnum):
    FIELD_GONE = "field-gone"
    TYPES_DIFFER = "types-differ"
    NOT_WRITABLE = "not-writable"
    BY_ITSELF = "by-itself"
    WRITTEN_TWICE = "written-twice"
    OPTION_GONE = "option-gone"
    OPTION_UNMATCHED = "option-unmatched"
    NO_SOURCE = "no-source"


ERRORS = frozenset(FieldProblemCode) - {FieldProblemCode.OPTION_UNMATCHED}


@dataclass(frozen=True, kw_only=True)
class FieldProblem:
    """`align` and `jira`: the keys of the fields it is about, empty where it is about none of that side."""

    code: FieldProblemCode
    sentence: str
    align: str = ""
    jira: str = ""

    @property
    def is_error(self) -> bool:
        return self.code in ERRORS

    @property
    def stops_its_pair(self) -> bool:
        """The pair carries nothing until it is mended; the others go on."""
        return self.is_error and bool(self.align and self.jira)


class FieldChecks:
    """Of the pairs of one work item type, with what both sides have."""

    def __init__(self, align: Iterable[SideField], jira: Iterable[SideField], pairs: Sequence[FieldPair]) -> None:
        self.align = {each.key: each for each in align}
        self.jira = {each.key: each for each in jira}
        self.pairs = pairs

    def problems(self) -> list[FieldProblem]:
        found = [problem for pair in self.pairs for problem in self._of_pair(pair)]
        return [*found, *self._written_twice(), *self._without_source()]

    def _of_pair(self, pair: FieldPair) -> Iterator[FieldProblem]:
        align, jira = self.align.get(pair.align), self.jira.get(pair.jira)
        missing = [
            f"{field.words if field else f'{key} of {side.label}'} is told no more"
            for key, field, side in ((pair.align, align, FieldSide.ALIGN), (pair.jira, jira, FieldSide.JIRA))
            if field is None or field.is_gone
        ]
        if missing or align is None or jira is None:
            said = f"{', and '.join(missing)}, so nothing is carried between them. Choose another field, or none."
            yield self._problem(FieldProblemCode.FIELD_GONE, said, pair)
            return
        if why := next(filter(None, map(by_itself, (align, jira))), ""):
            yield self._problem(FieldProblemCode.BY_ITSELF, f"{align.words} takes no choice of a partner. {why}", pair)
        elif why := misfit(align, jira):
            yield self._problem(FieldProblemCode.TYPES_DIFFER, why, pair)
        elif pair.direction not in directions(align, jira):
            yield self._problem(FieldProblemCode.NOT_WRITABLE, _not_writable(pair.direction, align, jira), pair)
        elif align.told.type.has_options:
            yield from self._of_options(pair, align, jira)

    def _of_options(self, pair: FieldPair, align: SideField, jira: SideField) -> Iterator[FieldProblem]:
        there = ({each.id for each in align.options}, {each.id for each in jira.options})
        lost = [one for one in pair.options if one[0] not in there[0] or one[1] not in there[1]]
        if lost:
            said = (
                f"{len(lost)} of the options that {align.words} and {jira.words} were matched by are not there any "
                "more. Match them anew."
            )
            yield self._problem(FieldProblemCode.OPTION_GONE, said, pair)
        matched = ({one[0] for one in pair.options}, {one[1] for one in pair.options})
        for side, field, of_pair in ((FieldSide.JIRA, align, matched[0]), (FieldSide.ALIGN, jira, matched[1])):
            open_ = [each.name for each in field.options if each.id not in of_pair]
            if open_ and side in pair.direction.writes:
                said = f"{len(open_)} of the options of {field.words} lead nowhere: {_some(open_)}."
                yield self._problem(FieldProblemCode.OPTION_UNMATCHED, said, pair)

    def _written_twice(self) -> Iterator[FieldProblem]:
        core = {jira.key: align for align, jira in core_pairs(self.align.values(), self.jira.values())}
        for pair in self.pairs:
            if pair.jira in core and FieldSide.JIRA in pair.direction.writes:
                said = f"{pair.jira} of Jira gets its value from {core[pair.jira].name}, which pairs with it by itself."
                yield self._problem(FieldProblemCode.WRITTEN_TWICE, f"{said} It can be a source alone.", pair)
        for side in FieldSide:
            writers: dict[str, list[FieldPair]] = {}
            for pair in self.pairs:
                if side in pair.direction.writes:
                    writers.setdefault(pair.align if side is FieldSide.ALIGN else pair.jira, []).append(pair)
            for key, pairs in writers.items():
                for pair in pairs[1:]:
                    said = f"{len(pairs)} pairs would write {key} of {side.label}. Let one of them go the other way."
                    yield self._problem(FieldProblemCode.WRITTEN_TWICE, said, pair)

    def _without_source(self) -> Iterator[FieldProblem]:
        """Of both sides: what a new item must have and nothing gives it."""
        given = {(align.key, jira.key) for align, jira in core_pairs(self.align.values(), self.jira.values())}
        core = {FieldSide.ALIGN: {each for each, _ in given}, FieldSide.JIRA: {each for _, each in given}}
        for side, fields in ((FieldSide.ALIGN, self.align), (FieldSide.JIRA, self.jira)):
            written = {
                pair.align if side is FieldSide.ALIGN else pair.jira
                for pair in self.pairs
                if side in pair.direction.writes
            }
            for key, field in fields.items():
                is_open = field.is_required and not field.is_gone and key not in written | core[side]
                if is_open and not by_itself(field):
                    where = f" of {_some(field.required_in)}" if field.required_in else ""
                    said = f"{field.words} is required{where}, and nothing gives it a value. Pair it with a field."
                    keys = {side.value: key}
                    yield FieldProblem(code=FieldProblemCode.NO_SOURCE, sentence=said, **keys)

    def _problem(self, code: FieldProblemCode, sentence: str, pair: FieldPair) -> FieldProblem:
        return FieldProblem(code=code, sentence=sentence, align=pair.align, jira=pair.jira)


def _not_writable(direction: FieldDirection, align: SideField, jira: SideField) -> str:
    blocked = [each for each in (align, jira) if each.side in direction.writes and not each.can_be_target]
    why = "is a formula, which is a source only" if blocked[0].told.is_formula else "cannot be written"
    return f"{blocked[0].words} {why}, so its pair cannot go {direction.label}."


def _some(names: Sequence[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more

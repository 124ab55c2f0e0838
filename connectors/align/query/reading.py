"""Reads a typed filter into the tree that the builder makes, or says where it stops and which rule that is.

The order of operators is OData's: not, then mul and div, add, the comparisons, and, or. The library odata_query is not
used: its trees hold no places, it reads `allowTaskDeletion` as `all` and a rest, and takes operators in capitals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import cast

from connectors.align.query import tree
from connectors.align.query.builder import NOT_COMPARED
from connectors.align.query.errors import MOST_DIGITS, TOO_MANY_DIGITS, QueryRefused, Rule, Span
from connectors.align.query.tokens import AS_DATE, TypedWord, WordKind, moment_of, words_of

DEEPEST_TYPED = 60  # brackets and functions within each other: more than the check of levels lets through
LONGEST = 64_000  # characters
JOINS = ("and", "or")
UNSUPPORTED = {
    "sub": "There is no sub: add a negative number, as in points add -1.",
    "mod": "There is no mod: there are add, mul and div.",
    "in": "There is no in: join comparisons with or.",
    "has": "There is no has: compare with eq.",
    "all": "There is no all(): there is any().",
    "any": "any() stands after a list and a slash, as in countryIds/any(x: x eq 1).",
}
OPERATORS = frozenset((*tree.COMPARISONS, *tree.CALCULATIONS, *JOINS, "not"))
Part = tree.Value | tree.Condition


def read_filter(typed: str, *, offset: int = 0) -> tree.Condition:
    """The tree of a text, not yet checked against an object. Raises QueryRefused with the place."""
    if len(typed) > LONGEST:
        raise QueryRefused(
            Rule.TOO_LONG,
            f"The filter has {len(typed):,} characters; at most {LONGEST:,} are read.",
            at=(offset, offset),
        )
    reader = _Reader(words=list(words_of(typed, offset=offset)))
    if reader.next.kind is WordKind.END:
        raise QueryRefused(
            Rule.UNREADABLE, "The filter is empty: write a condition, such as id gt 1.", at=reader.next.at
        )
    found = reader.condition(reader.part())
    reader.expect_end()
    return found


@dataclass
class _Reader:
    """Goes through the words once. `variable`: inside any() the name of the element."""

    words: list[TypedWord]
    variable: str = ""
    place: int = field(default=0, init=False)
    depth: int = field(default=0, init=False)

    # -- words ---------------------------------------------------------------------------------------------------------

    @property
    def next(self) -> TypedWord:
        return self.words[self.place]

    def take(self) -> TypedWord:
        word = self.next
        self.place += word.kind is not WordKind.END
        return word

    def took(self, text: str) -> bool:
        """Whether this sign or this operator comes next; then it is behind us."""
        found = self.next.kind in (WordKind.SIGN, WordKind.NAME) and self.next.text == text
        self.place += found
        return found

    def comes(self, *texts: str) -> bool:
        return self.next.kind is WordKind.NAME and self.next.text in texts

    def expect(self, sign: str, why: str) -> None:
        if not self.took(sign):
            raise self.unreadable(f"“{sign}” is expected here, {why}.")

    def expect_end(self) -> None:
        if self.next.kind is not WordKind.END:
            raise self.unexpected(self.next)

    def unreadable(self, sentence: str) -> QueryRefused:
        return QueryRefused(Rule.UNREADABLE, sentence, part=self.next.text, at=self.next.at)

    def unexpected(self, word: TypedWord) -> QueryRefused:
        """What a word that fits nowhere may have been meant to be."""
        lowered, before = word.text.lower(), self.words[max(self.place - 1, 0)]
        if word.kind is WordKind.TEXT and before.text in ("datetime", "date"):
            return QueryRefused(Rule.DATE, AS_DATE, part=word.text, at=(before.at[0], word.at[1]))
        if word.kind is WordKind.NAME and lowered in tree.FUNCTIONS:
            sentence = f"{lowered} is written before its two texts: {lowered}(title, 'Test')."
            return QueryRefused(Rule.NOT_SUPPORTED, sentence, part=word.text, at=word.at)
        if word.kind is WordKind.NAME and lowered in UNSUPPORTED:
            return QueryRefused(Rule.NOT_SUPPORTED, UNSUPPORTED[lowered], part=word.text, at=word.at)
        if word.kind is WordKind.NAME and lowered in OPERATORS and word.text not in OPERATORS:
            sentence = f"Operators are written in small letters: {lowered}."
        elif word.kind is WordKind.NAME:
            sentence = f"“{word.text}” is no operator: there are eq, ne, gt, ge, lt, le, add, mul, div, and, or."
        elif word.kind is WordKind.END:
            sentence = "The filter ends here, and a value is expected."
        else:
            sentence = f"“{word.text}” does not fit here: an operator, or the end, is expected."
        return QueryRefused(Rule.UNREADABLE, sentence, part=word.text, at=word.at)

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST_TYPED:
            raise QueryRefused(
                Rule.TOO_DEEP,
                f"More than {DEEPEST_TYPED} brackets stand within each other here. Put conditions beside each other, "
                "or ask in several queries.",
                at=self.next.at,
            )

    # -- from the loosest operator to the tightest ---------------------------------------------------------------------

    def part(self) -> Part:
        return self._joined("or", self._all, tree.Either)

    def _all(self) -> Part:
        return self._joined("and", self._comparison, tree.All)

    def _joined(self, word: str, one: Callable[[], Part], kind: type[tree.All | tree.Either]) -> Part:
        first = one()
        if not self.comes(word):
            return first
        parts = [self.condition(first)]
        while self.took(word):
            parts.append(self.condition(one()))
        flat = [each for part in parts for each in tree.parts_of(part, kind)]
        return kind(tuple(flat), at=_span(*parts))

    def _comparison(self) -> Part:
        left = self._sum()
        while self.comes(*tree.COMPARISONS):
            operator = self.take()
            right = self._sum()
            left = self._compared(operator, left, right)
        return left

    def _compared(self, operator: TypedWord, left: Part, right: Part) -> tree.Condition:
        if isinstance(left, tree.Value) and isinstance(right, tree.Value):
            return tree.Compares(cast("tree.CompareOperator", operator.text), left, right, at=_span(left, right))
        one, other = (right, left) if isinstance(left, tree.Value) else (left, right)
        if isinstance(one, tree.Condition) and other == tree.Constant(None) and operator.text in ("eq", "ne"):
            return tree.unknown("eq" if operator.text == "eq" else "ne", one, at=_span(left, right))
        raise QueryRefused(
            Rule.WRONG_TYPE,
            "A condition is compared with null alone. If a comparison was meant, put brackets round it, as in "
            "not (points gt 3).",
            part=operator.text,
            at=operator.at,
        )

    def _sum(self) -> Part:
        return self._calculated(("add",), self._product)

    def _product(self) -> Part:
        return self._calculated(("mul", "div"), self._unary)

    def _calculated(self, operators: tuple[str, ...], one: Callable[[], Part]) -> Part:
        left = one()
        while self.comes(*operators):
            operator = cast("tree.CalculateOperator", self.take().text)
            first, second = self.value(left), self.value(one())
            left = tree.Calculation(operator, first, second, at=_span(first, second))
        return left

    def _unary(self) -> Part:
        word = self.next
        if not self.took("not"):
            return self._operand()
        self.deeper()
        of = self.condition(self._unary())
        self.depth -= 1
        return tree.Not(of, at=_from(word, of))

    def _operand(self) -> Part:
        word = self.take()
        match word.kind:
            case WordKind.NUMBER:
                return tree.Constant(_number(word), at=word.at)
            case WordKind.TEXT:
                return tree.Constant(word.text[1:-1].replace("''", "'"), at=word.at)
            case WordKind.DATE:
                return tree.Constant(moment_of(word), at=word.at)
            case WordKind.NAME:
                return self._named(word)
        if word.text != "(":
            raise self._no_value(word)
        self.deeper()
        found = self.part()
        self.expect(")", "to close the bracket")
        self.depth -= 1
        return found

    def _no_value(self, word: TypedWord) -> QueryRefused:
        if word.kind is WordKind.END:
            return self.unexpected(word)
        return QueryRefused(
            Rule.UNREADABLE, f"A field or a value is expected here, not “{word.text}”.", part=word.text, at=word.at
        )

    # -- names ---------------------------------------------------------------------------------------------------------

    def _named(self, word: TypedWord) -> Part:
        lowered = word.text.lower()
        if word.text == "null":
            return tree.Constant(None, at=word.at)
        if lowered in ("true", "false"):
            raise self._truth_compared(word)
        if self.next.kind is WordKind.SIGN and self.next.text == "(":
            return self._function(word)
        if lowered in OPERATORS:
            raise self._no_value(word) if word.text in OPERATORS else self.unexpected(word)
        if self.took("/"):
            return self._below(word)
        if word.text == self.variable:
            return tree.Element(at=word.at)
        return tree.Field(word.text, at=word.at)

    def _truth_compared(self, word: TypedWord) -> QueryRefused:
        before = self.words[self.place - 3] if self.place > 2 else word
        field = before.text if before.kind is WordKind.NAME else "field"
        return QueryRefused(Rule.TRUTH, NOT_COMPARED.format(field=field), part=word.text, at=word.at)

    def _function(self, word: TypedWord) -> Part:
        if word.text in tree.FUNCTIONS:
            text, wanted, end = self._two_values(word.text)
            return tree.Matched(word.text, text, wanted, at=(word.at[0], end))
        if word.text == "year":
            self.expect("(", "after year")
            self.deeper()
            of = self.value(self.part())
            self.expect(")", "as year takes one date")
            self.depth -= 1
            return tree.Year(of, at=(word.at[0], self.words[self.place - 1].at[1]))
        lowered = word.text.lower()
        if lowered in (*tree.FUNCTIONS, "year"):
            sentence = f"Functions are written in small letters: {lowered}."
        else:
            sentence = UNSUPPORTED.get(
                lowered, f"There is no {word.text}(): there are contains, startswith, endswith and year."
            )
        raise QueryRefused(Rule.NOT_SUPPORTED, sentence, part=word.text, at=word.at)

    def _two_values(self, name: str) -> tuple[tree.Value, tree.Value, int]:
        self.expect("(", f"after {name}")
        self.deeper()
        text = self.value(self.part())
        self.expect(",", f"as {name} takes two texts: the field, and what to look for")
        wanted = self.value(self.part())
        self.expect(")", f"as {name} takes two texts")
        self.depth -= 1
        return text, wanted, self.words[self.place - 1].at[1]

    def _below(self, word: TypedWord) -> Part:
        """After a slash: a field of the element, or any() of a list. Anything else is a level too deep."""
        following = self.take()
        if following.kind is not WordKind.NAME:
            raise QueryRefused(
                Rule.UNREADABLE, "After “/” stands any(…), or inside any() a field.", part="/", at=following.at
            )
        if following.text == "any" and self.next.text == "(":
            return self._any(word)
        if following.text == "all" and self.next.text == "(":
            raise QueryRefused(Rule.NOT_SUPPORTED, UNSUPPORTED["all"], part="all", at=following.at)
        name, at = following.text, (word.at[0], following.at[1])
        while self.took("/"):
            more = self.take()
            if more.text in ("any", "all") and self.next.text == "(":
                sentence = f"{word.text}/{name} is a level too deep: any() goes through lists of the object itself."
                raise QueryRefused(Rule.SUB_LEVEL, sentence, part=f"{word.text}/{name}", at=at)
            name, at = f"{name}/{more.text}", (at[0], more.at[1])
        if word.text == self.variable:
            return tree.ElementField(name, at=at)
        return tree.Field(f"{word.text}/{name}", at=at)

    def _any(self, word: TypedWord) -> tree.AnyOf:
        self.expect("(", "after any")
        self.deeper()
        if self.next.text == ")":
            raise self.unreadable("any() needs a condition on the element, as in any(x: x eq 1).")
        variable = self.take()
        if variable.kind is not WordKind.NAME:
            raise QueryRefused(
                Rule.UNREADABLE, "any() begins with a name for the element: any(x: x eq 1).", at=variable.at
            )
        self.expect(":", "after the name of the element: any(x: x eq 1)")
        outer, self.variable = self.variable, variable.text
        inner = self.condition(self.part())
        self.variable = outer
        self.expect(")", "to close any()")
        self.depth -= 1
        return tree.AnyOf(tree.Field(word.text, at=word.at), inner, at=(word.at[0], self.words[self.place - 1].at[1]))

    # -- what a part is taken for --------------------------------------------------------------------------------------

    def condition(self, part: Part) -> tree.Condition:
        if isinstance(part, tree.Field | tree.ElementField):
            return tree.IsTrue(part, at=part.at)
        if isinstance(part, tree.Value):
            if self.next.kind is WordKind.NAME:
                raise self.unexpected(self.next)
            raise QueryRefused(
                Rule.WRONG_TYPE, "This is a value, not a condition: compare it, as in points gt 3.", at=part.at
            )
        return part

    def value(self, part: Part) -> tree.Value:
        if isinstance(part, tree.Value):
            return part
        raise QueryRefused(Rule.WRONG_TYPE, "A value is expected here, not a condition.", at=part.at)


def _number(word: TypedWord) -> int | Decimal:
    if sum(map(str.isalnum, word.text)) > MOST_DIGITS:
        raise QueryRefused(Rule.TOO_LONG, TOO_MANY_DIGITS, part=f"{word.text[:MOST_DIGITS]}…", at=word.at)
    return Decimal(word.text) if "." in word.text else int(word.text)


def _span(*nodes: tree.Node) -> Span | None:
    """From the first to the last; brackets around are not in it."""
    spans = [node.at for node in nodes if node.at is not None]
    return (spans[0][0], spans[-1][1]) if spans else None


def _from(word: TypedWord, node: tree.Node) -> Span | None:
    return (word.at[0], node.at[1]) if node.at else None

"""Reads a `$filter` into one function of a record. What the article on queries does not allow is refused by name.

The library odata-query takes the beginning of names such as allocation or nullable for a word of its own, knows no
kinds of values, and names no place: so this is a reader of our own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from . import predicates
from .filter_tokens import FilterWord, QueryError, moment, tokens
from .objects import NOT_OF_A_PROGRAM, OBJECTS
from .predicates import Function, Part
from .table import ObjectField, ObjectRecord, ObjectType

Lookup = Callable[[str], Mapping[int, ObjectRecord]]  # the key of an object to its records
DEEPEST, MOST = 60, 1000  # brackets within each other, and conditions; no source says what a site takes
LONGEST_NUMBER = 30
KINDS = {"int": "number", "number": "number", "text": "text", "bool": "bool", "date": "date"}
WRITTEN = {"number": "a number", "text": "a text", "date": "a date", "bool": "true or false"}
UNKNOWN_OPERATORS = ("sub", "mod", "in", "has", "divby")
OPERATORS = ("eq", "ne", "lt", "gt", "le", "ge", "and", "or", "add", "mul", "div")


@dataclass(frozen=True, kw_only=True)
class Variable:
    """The name that any() gives to an element; `of` is the element's object, None where the elements are ids."""

    name: str
    of: ObjectType | None


@dataclass(frozen=True, kw_only=True)
class FilterContext:
    """What a filter may speak of: an object, the entities that this request expands, and inside any() its variable."""

    described: ObjectType
    expanded: frozenset[str]
    lookup: Lookup
    variable: Variable | None = None


def read(text: str, surroundings: FilterContext) -> Function:
    """True for the records that are wanted. QueryError says why a filter is refused."""
    if not text.strip():
        raise QueryError("The expression is empty.")
    reader = _FilterReader(list(tokens(text)), surroundings)
    part = reader.condition()
    reader.expect_end()
    return part.of


@dataclass
class _FilterReader:
    """Goes through the tokens once; `around` changes while it is inside any()."""

    words: list[FilterWord]
    around: FilterContext
    place: int = field(default=0, init=False)
    depth: int = field(default=0, init=False)
    conditions: int = field(default=0, init=False)

    # -- tokens ------------------------------------------------------------------------------------

    @property
    def next(self) -> FilterWord:
        return self.words[self.place]

    def take(self) -> FilterWord:
        self.place += 1
        return self.words[self.place - 1]

    def took(self, text: str) -> bool:
        """A sign or an operator, if it comes next."""
        found = self.next.role in ("sign", "word") and self.next.text == text
        self.place += found
        return found

    def expect(self, text: str) -> None:
        if not self.took(text):
            self._refuse_operator(self.next)
            raise QueryError(f"'{text}' is expected at character {self.next.at}, not {self.next.text}.")

    def expect_end(self) -> None:
        if self.next.role != "end":
            self._refuse_operator(self.next)
            raise QueryError(f"{self.next.text} at character {self.next.at} is one too many.")

    def _refuse_operator(self, token: FilterWord) -> None:
        if token.text.lower() in UNKNOWN_OPERATORS:
            raise QueryError(f"The operator {token.text} is not supported.")
        if token.text.lower() in OPERATORS and token.text not in OPERATORS:
            raise QueryError(f"Operators are written in small letters: {token.text.lower()} instead of {token.text}.")

    # -- conditions, the loosest binding first -----------------------------------------------------

    def condition(self) -> Part:
        """A whole expression that is true or false of a record."""
        return self._truth(self._or())

    def _or(self) -> Part:
        return self._chain("or", self._and, predicates.one_of)

    def _and(self) -> Part:
        return self._chain("and", self._equality, predicates.all_of)

    def _chain(self, word: str, part: Callable[[], Part], joined: Callable[[list[Part]], Part]) -> Part:
        first = part()
        if not (self.next.role == "word" and self.next.text == word):
            return first
        parts = [self._truth(first)]
        while self.took(word):
            parts.append(self._truth(part()))
        return joined(parts)

    def _truth(self, part: Part) -> Part:
        if part.kind != "bool":
            self._refuse_operator(self.next)
            raise QueryError(f"A condition is expected before character {self.next.at}, not {_told(part)}.")
        return part

    def _equality(self) -> Part:
        left = self._ordering()
        while self.next.role == "word" and self.next.text in ("eq", "ne"):
            left = self._comparison(self.take().text, left, self._ordering)
        return left

    def _ordering(self) -> Part:
        left = self._sum()
        while self.next.role == "word" and self.next.text in predicates.ORDERINGS:
            left = self._comparison(self.take().text, left, self._sum)
        return left

    def _count(self) -> None:
        self.conditions += 1
        if self.conditions > MOST:
            raise QueryError(f"The filter has more than {MOST} conditions.")

    def _comparison(self, name: str, left: Part, other: Callable[[], Part]) -> Part:
        self._count()
        right = other()
        _check_comparable(name, left, right)
        return predicates.compared(name, left, right)

    def _sum(self) -> Part:
        left = self._product()
        while self.next.role == "word" and self.next.text == "add":
            left = self._calculation(self.take().text, left, self._product)
        return left

    def _product(self) -> Part:
        left = self._unary()
        while self.next.role == "word" and self.next.text in ("mul", "div"):
            left = self._calculation(self.take().text, left, self._unary)
        return left

    def _calculation(self, name: str, left: Part, other: Callable[[], Part]) -> Part:
        self._count()
        right = other()
        for part in (left, right):
            if part.kind not in ("number", "text", "null"):
                raise QueryError(f"{name} calculates with numbers, not with {_told(part)}.")
        return predicates.calculated(name, left, right)

    def _unary(self) -> Part:
        if not self.took("not"):
            return self._operand()
        self._go_deeper()
        part = self._unary()
        self.depth -= 1
        if part.kind != "bool":
            raise QueryError("not takes the next value alone: write not (…) around a comparison.")
        return predicates.negated(part)

    def _go_deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise QueryError(f"The filter is too deep: more than {DEEPEST} brackets within each other.")

    # -- values ------------------------------------------------------------------------------------

    def _operand(self) -> Part:
        token = self.take()
        if token.role == "number":
            return predicates.constant("number", _number(token))
        if token.role == "text":
            return predicates.constant("text", token.text[1:-1].replace("''", "'"))
        if token.role == "date":
            return predicates.constant("date", moment(token.text))
        if token.role == "word":
            return self._word(token)
        if token.text != "(":
            raise QueryError(f"A value is expected at character {token.at}, not {token.text}.")
        self._go_deeper()
        part = self._or()
        self.expect(")")
        self.depth -= 1
        return part

    def _word(self, token: FilterWord) -> Part:
        if token.text == "null":
            return predicates.constant("null", None)
        if token.text.lower() in ("true", "false"):
            raise QueryError("field eq true and field eq false do not work: write the field alone, or not before it.")
        if self.next.text == "(" and self.next.role == "sign":
            return self._function(token)
        if self.around.variable is not None:
            return self._inside_any(token, self.around.variable)
        return self._property(token)

    def _function(self, token: FilterWord) -> Part:
        name = token.text
        if name in predicates.STRINGS:
            text, wanted = self._arguments(name, 2)
            for part in (text, wanted):
                if part.kind != "text":
                    raise QueryError(f"{name} takes two texts, not {_told(part)}.")
            return predicates.matched(name, text, wanted)
        if name == "year":
            (date,) = self._arguments(name, 1)
            if date.kind != "date":
                raise QueryError(f"year takes a date, not {_told(date)}.")
            return predicates.year(date)
        self._refuse_operator(token)
        raise QueryError(f"The function {name} is not supported: there are contains, startswith, endswith and year.")

    def _arguments(self, name: str, count: int) -> list[Part]:
        self.expect("(")
        self._go_deeper()
        parts = [self._or()]
        while self.took(","):
            parts.append(self._or())
        self.expect(")")
        self.depth -= 1
        if len(parts) != count:
            raise QueryError(f"{name} takes {count} value{'s' if count > 1 else ''}, not {len(parts)}.")
        return parts

    # -- properties --------------------------------------------------------------------------------

    def _property(self, token: FilterWord) -> Part:
        described = self.around.described
        found = described.field(token.text)
        entity = next((name for name in described.expands if name.lower() == token.text.lower()), None)
        if self.took("/"):
            following = self.take()
            if following.text in ("any", "all") and self.next.text == "(":
                return self._any(token, following, found, entity)
            raise QueryError(
                f"{token.text}/{following.text}: sub-levels of data cannot be queried, except inside any()."
            )
        if found is None and entity is None:
            self._refuse_operator(token)
            raise _no_property(described, token.text)
        if found is None or found.is_collection:
            raise QueryError(f"Operations on collections and entities are not supported: {token.text} needs any().")
        return _read_field(found)

    def _any(self, token: FilterWord, word: FilterWord, found: ObjectField | None, entity: str | None) -> Part:
        described = self.around.described
        if word.text == "all":
            raise QueryError("all() is not supported: there is any().")
        if found is None and entity is None:
            raise _no_property(described, token.text)
        name = entity or (found.name if found else "")
        if name not in (*described.collections, *described.entities):
            raise QueryError(f"{name} cannot be filtered at /{described.path}.")
        if entity is not None and entity not in self.around.expanded:
            raise QueryError(f"{entity} can be filtered where it is expanded: add expand=true.")
        stored = described.fields[described.expands[entity]] if entity else described.fields[name]
        self.expect("(")
        if self.took(")"):
            raise QueryError("any() needs a condition, as in any(r: r eq 1).")
        variable = self.take()
        self.expect(":")
        if variable.role != "word":
            raise QueryError("any() begins with a name for the element, as in any(r: r eq 1).")
        element = OBJECTS[stored.target] if entity else None
        inner = self._inside(Variable(name=variable.text, of=element))
        self.expect(")")
        return predicates.any_of(self._elements(stored, entity is not None), inner)

    def _inside(self, variable: Variable) -> Part:
        outer = self.around
        self.around = replace(outer, variable=variable)
        self._go_deeper()
        part = self.condition()
        self.depth -= 1
        self.around = outer
        return part

    def _elements(self, stored: ObjectField, as_entities: bool) -> Function:
        name = stored.name
        if not as_entities:
            return lambda row: row[name] or ()
        held = self.around.lookup(stored.target)
        return lambda row: (held[each] for each in row[name] or () if each in held)

    def _inside_any(self, token: FilterWord, variable: Variable) -> Part:
        if token.text != variable.name:
            raise QueryError(f"Inside any() only {variable.name} is known, not {token.text}.")
        if variable.of is None:
            if self.took("/"):
                raise QueryError(f"{variable.name} is an id: it has no properties.")
            return Part(kind="number", of=lambda element: element)
        if not self.took("/"):
            raise QueryError(f"{variable.name} is an entity: name a property of it, as in {variable.name}/id.")
        name = self.take().text
        found = variable.of.field(name)
        if self.next.text == "/":
            raise QueryError(f"{variable.name}/{name}/ is too deep: any() reaches one level.")
        if found is None or found.is_collection:
            raise _no_property(variable.of, name)
        if variable.of.key == "program" and name.lower() in NOT_OF_A_PROGRAM:
            raise QueryError(f"{found.name} of a program cannot be filtered.")
        return _read_field(found)


def _read_field(found: ObjectField) -> Part:
    name = found.name
    if found.kind == "date":
        return Part(kind="date", of=lambda row: None if (at := row[name]) is None else _compared(at))
    return Part(kind=KINDS[found.kind], of=lambda row: row[name])


def _compared(written: str) -> str:
    """A date of a record as `moment` has those of a filter; most have no fraction."""
    return written[:-1].rstrip("0").rstrip(".") if "." in written else written[:-1]


def _number(token: FilterWord) -> float:
    if len(token.text) > LONGEST_NUMBER:
        raise QueryError(f"The number at character {token.at} is too long.")
    return float(token.text) if "." in token.text else int(token.text)


def _no_property(described: ObjectType, name: str) -> QueryError:
    if name.lower().startswith("customfield_"):
        return QueryError(f"{name}: no source shows a filter by a custom field.")
    return QueryError(f"Could not find a property named '{name}' of {described.name}.")


def _check_comparable(name: str, left: Part, right: Part) -> None:
    kinds = {left.kind, right.kind} - {"null"}
    if kinds == {"date", "text"}:
        raise QueryError("A date stands without quotes, as in 2018-02-22T00:00:00Z, and is compared with a date.")
    if len(kinds) > 1:
        raise QueryError(f"{_told(left)} cannot be compared with {_told(right)}.")
    if kinds == {"bool"} and name in predicates.ORDERINGS:
        raise QueryError(f"{name} compares numbers, texts and dates, not true and false.")


def _told(part: Part) -> str:
    return WRITTEN.get(part.kind, part.kind)

"""Reads a JQL query into clauses: what is compared how with what. Which fields there are, it does not know."""

from dataclasses import dataclass

from .jql_tokens import RESERVED_WORDS, JqlError, JqlWord, unreadable, words_of

SIGNS = ("=", "!=", "<", ">", "<=", ">=", "~", "!~")
VALID = "The valid operators are '=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'."
OPERAND = "Expecting either a value, list or function"
AND, OR, NOT = ("and", "&", "&&"), ("or", "|", "||"), ("not", "!")
DEEPEST = 60


@dataclass(frozen=True, kw_only=True)
class Operand:
    """`kind`: value, function, list or empty. `text`: the value, or the name of the function."""

    kind: str
    text: str = ""
    parts: "tuple[Operand, ...]" = ()

    def __str__(self) -> str:
        inner = ", ".join(map(str, self.parts))
        names = {"empty": "EMPTY", "list": f"({inner})", "function": f"{self.text}({inner})"}
        return names.get(self.kind, f'"{self.text}"')


@dataclass(frozen=True, kw_only=True)
class Clause:
    field: str
    operator: str  # in lower case, as `not in`
    operand: Operand


@dataclass(frozen=True, kw_only=True)
class Combined:
    """`word`: and, or, not (of one part)."""

    word: str
    parts: "tuple[Clause | Combined, ...]"


@dataclass(frozen=True, kw_only=True)
class Ordering:
    field: str
    descending: bool


@dataclass(frozen=True, kw_only=True)
class ReadQuery:
    where: Clause | Combined | None
    order: tuple[Ordering, ...]


def read(query: str) -> ReadQuery:
    """JqlError says what is wrong and where, in Jira's words."""
    return _JqlReader(words_of(query)).query()


class _JqlReader:
    def __init__(self, words: list[JqlWord]) -> None:
        self._words = words
        self._place = 0
        self._depth = 0

    @property
    def _next(self) -> JqlWord:
        return self._words[self._place]

    def _take(self) -> JqlWord:
        word = self._next
        self._place += word.kind != "end"
        return word

    def _is(self, *texts: str) -> bool:
        word = self._next
        return word.low in texts or (word.kind == "sign" and word.text in texts)

    def _took(self, *texts: str) -> bool:
        found = self._is(*texts)
        self._place += found
        return found

    def _expect(self, text: str) -> None:
        if not self._took(text):
            raise self._wanted(f"Expecting '{text}'")

    def _wanted(self, what: str, tail: str = "") -> JqlError:
        """What was expected instead of the next word."""
        word = self._next
        if word.kind == "end":
            return unreadable(f"{what} before the end of the query.{tail}")
        return unreadable(f"{what} but got '{word.text}'.{tail}", word)

    # -- clauses -----------------------------------------------------------------------------------

    def query(self) -> ReadQuery:
        where = None if self._next.kind == "end" or self._is("order") else self._or()
        order = self._order() if self._is("order") else ()
        if self._next.kind != "end":
            raise self._wanted("Expecting ','" if order else "Expecting either 'OR' or 'AND'")
        return ReadQuery(where=where, order=order)

    def _or(self) -> Clause | Combined:
        parts = [self._and()]
        while self._took(*OR):
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else Combined(word="or", parts=tuple(parts))

    def _and(self) -> Clause | Combined:
        parts = [self._not()]
        while self._took(*AND):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else Combined(word="and", parts=tuple(parts))

    def _not(self) -> Clause | Combined:
        self._depth += 1
        if self._depth > DEEPEST:
            raise unreadable("The query is too complex.", self._next)
        if self._took(*NOT):
            part: Clause | Combined = Combined(word="not", parts=(self._not(),))
        elif self._took("("):
            part = self._or()
            self._expect(")")
        else:
            part = Clause(field=self._field(), operator=self._operator(), operand=self._operand())
        self._depth -= 1
        return part

    def _field(self) -> str:
        word = self._next
        if word.kind == "end":
            raise unreadable("Expecting a field name at the end of the query.")
        if word.low == "cf":
            return self._custom_field()
        if word.kind == "sign":
            told = "Did you mean 'cf['?" if word.text == "[" else self._quote_it("a field name")
            raise unreadable(f"Expecting a field name but got '{word.text}'. {told}", word)
        if word.low in ("asc", "desc", "and", "or", "order"):
            raise unreadable(f"Expecting a field name but got '{word.text}'. {self._quote_it('a field name')}", word)
        self._refuse_reserved(word)
        if not word.text:
            raise unreadable("A field name cannot be empty.", word)
        return self._take().text

    def _custom_field(self) -> str:
        self._take()
        self._expect("[")
        if not (self._next.kind == "word" and self._next.text.isdigit()):
            raise self._wanted("Expecting a custom field id (a positive number)")
        number = self._take().text
        self._expect("]")
        return f"cf[{number}]"

    def _quote_it(self, what: str) -> str:
        return f"You must surround '{self._next.text}' in quotation marks to use it as {what}."

    def _refuse_reserved(self, word: JqlWord) -> None:
        if word.low in RESERVED_WORDS:
            raise unreadable(
                f"'{word.text}' is a reserved JQL word. You must surround it in quotation marks to use it in a query.",
                word,
            )

    def _operator(self) -> str:
        word = self._next
        if word.kind == "sign" and word.text in SIGNS:
            return self._take().text
        if self._took("in"):
            return "in"
        if self._took("not"):
            self._expect("in") if self._is("in") else self._refuse("IN")
            return "not in"
        if self._took("is"):
            if self._next.text == "!":
                self._refuse("NOT")
            return "is not" if self._took("not") else "is"
        raise self._wanted("Expecting operator", f" {VALID}")

    def _refuse(self, wanted: str) -> None:
        raise self._wanted(f"Expecting '{wanted}'")

    # -- operands ----------------------------------------------------------------------------------

    def _operand(self) -> Operand:
        word = self._next
        if self._took("empty", "null"):
            return Operand(kind="empty")
        if self._took("("):
            return self._list()
        if word.kind == "end":
            raise self._wanted(OPERAND)
        if word.kind == "sign":
            raise self._wanted(OPERAND, f" {self._quote_it('a value')}")
        self._refuse_reserved(word)
        self._take()
        return self._function(word) if self._took("(") else Operand(kind="value", text=word.text)

    def _list(self) -> Operand:
        self._depth += 1
        if self._depth > DEEPEST:
            raise unreadable("The query is too complex.", self._next)
        parts = [self._operand()]
        while self._took(","):
            parts.append(self._operand())
        self._expect(")")
        self._depth -= 1
        return Operand(kind="list", parts=tuple(parts))

    def _function(self, name: JqlWord) -> Operand:
        if not name.text:
            raise unreadable("A function name cannot be empty.", name)
        parts: list[Operand] = []
        while not self._took(")"):
            if parts:
                self._expect(",")
            word = self._next
            if word.kind not in ("word", "text"):
                raise self._wanted("Expecting ')'" if not parts else "Expecting a function argument")
            parts.append(Operand(kind="value", text=self._take().text))
        return Operand(kind="function", text=name.text, parts=tuple(parts))

    # -- order by ----------------------------------------------------------------------------------

    def _order(self) -> tuple[Ordering, ...]:
        self._take()
        self._expect("by")
        order = [self._ordering()]
        while self._took(","):
            order.append(self._ordering())
        return tuple(order)

    def _ordering(self) -> Ordering:
        field = self._field()
        descending = self._took("desc")
        if not descending and not self._took("asc") and self._next.kind in ("word", "text"):
            raise self._wanted("Expecting either 'ASC' or 'DESC'")
        return Ordering(field=field, descending=descending)

"""The words of a JQL query, each with the line and the character at which it begins, as Jira's errors name them."""

import re
from dataclasses import dataclass

ESCAPES = {"'": "'", '"': '"', "t": "\t", "n": "\n", "r": "\r", "\\": "\\", " ": " "}
VALID_ESCAPES = "The valid escape sequences are \\', \\\", \\t, \\n, \\r, \\\\, '\\ ' and \\uXXXX."
SIGN = re.compile(r"!=|!~|>=|<=|&&|\|\||[()\[\],=<>~!&|]")
PLAIN = re.compile(r"[^\s()\[\],=<>~!&|'\"\\{}*/%+^$#@?;]+")
RESERVED_SIGNS = "{}*/%+^$#@?;"
RESERVED_TEXT = """
abort access add after alias all alter and any as asc audit avg before begin between boolean break by byte catch cf
char character check checkpoint collate collation column commit connect continue count create current date decimal
declare decrement default defaults define delete delimiter desc difference distinct divide do double drop else empty
encoding end equals escape exclusive exec execute exists explain false fetch file field first float for from
function go goto grant greater group having identified if immediate in increment index initial inner inout input
insert int integer intersect intersection into is isempty isnull join last left less like limit lock long max min
minus mode modify modulo more multiply next noaudit not notin nowait null number object of on option or order outer
output power previous prior privileges public raise raw remainder rename resource return returns revoke right row
rowid rownum rows select session set share size sqrt start strict string subtract sum synonym table then to trans
transaction trigger true uid union unique update user validate values view when whenever where while with
"""
RESERVED_WORDS = frozenset(RESERVED_TEXT.split())


class JqlError(Exception):
    """A query that Jira refuses; the messages are those of its answer."""

    def __init__(self, *messages: str) -> None:
        super().__init__(*messages)
        self.messages = list(messages)


@dataclass(frozen=True, kw_only=True)
class JqlWord:
    """`kind`: word, text (it stood in quotation marks), sign or end."""

    kind: str
    text: str
    line: int
    at: int

    @property
    def low(self) -> str:
        """As a keyword; nothing in quotation marks is one."""
        return self.text.lower() if self.kind == "word" else ""


def unreadable(message: str, word: JqlWord | None = None) -> JqlError:
    """`word`: at which the query cannot be read on; None where it ends too early."""
    place = f" (line {word.line}, character {word.at})" if word is not None else ""
    return JqlError(f"Error in the JQL Query: {message}{place}")


def words_of(query: str) -> list[JqlWord]:
    """All words, and at last the end. JqlError where a character cannot stand there."""
    words: list[JqlWord] = []
    place = 0
    while place < len(query):
        if query[place].isspace():
            place += 1
            continue
        here = _word("end", "", query, place)
        if query[place] in "'\"":
            text, place = _quoted(query, place, here)
            words.append(_at(here, "text", text))
        elif sign := SIGN.match(query, place):
            place = sign.end()
            words.append(_at(here, "sign", sign[0]))
        else:
            text, place, escaped = _plain(query, place)
            words.append(_at(here, "text" if escaped else "word", text))
    return [*words, _word("end", "", query, len(query))]


def _plain(query: str, place: int) -> tuple[str, int, bool]:
    """A word without quotation marks, where it ends, and whether an escape stands in it."""
    text, escaped = "", False
    while place < len(query):
        if found := PLAIN.match(query, place):
            text += found[0]
            place = found.end()
        elif query[place] == "\\":
            part, place = _escape(query, place)
            text, escaped = text + part, True
        elif query[place] in RESERVED_SIGNS:
            sign = query[place]
            raise unreadable(
                f"The character '{sign}' is a reserved JQL character. You must enclose it in a string or use the "
                f"escape '\\u{ord(sign):04x}' instead.",
                _word("end", "", query, place),
            )
        else:
            break
    return text, place, escaped


def _quoted(query: str, place: int, here: JqlWord) -> tuple[str, int]:
    """What stands between the quotation marks, and where the query goes on."""
    mark, text = query[place], ""
    place += 1
    while place < len(query):
        if query[place] == mark:
            return text, place + 1
        if query[place] == "\\":
            part, place = _escape(query, place)
            text += part
        else:
            text += query[place]
            place += 1
    said = f"The quoted string '{text}'" if text else "The quoted string"
    raise unreadable(f"{said} has not been completed.", here)


def _escape(query: str, place: int) -> tuple[str, int]:
    here = _word("end", "", query, place)
    if place + 1 == len(query):
        raise unreadable(f"The escape sequence has not been completed. {VALID_ESCAPES}", here)
    sign = query[place + 1]
    if sign in ESCAPES:
        return ESCAPES[sign], place + 2
    number = query[place + 2 : place + 6]
    if sign == "u" and re.fullmatch(r"[0-9a-fA-F]{4}", number):
        return chr(int(number, 16)), place + 6
    wrong = query[place : place + (3 if sign == "u" else 2)]
    raise unreadable(f"'{wrong}' is an illegal JQL escape sequence. {VALID_ESCAPES}", here)


def _word(kind: str, text: str, query: str, place: int) -> JqlWord:
    line = query.count("\n", 0, place)
    return JqlWord(kind=kind, text=text, line=line + 1, at=place - query.rfind("\n", 0, place))


def _at(here: JqlWord, kind: str, text: str) -> JqlWord:
    return JqlWord(kind=kind, text=text, line=here.line, at=here.at)

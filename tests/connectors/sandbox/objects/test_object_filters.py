"""Filters by chance: null as the article has it, whatever is written never breaks the site, and no lock is held."""

import re
import threading
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.sandbox.messages import Response, SandboxRequest
from connectors.sandbox.objects import answers, company
from connectors.sandbox.objects.objects import OBJECTS
from connectors.sandbox.objects.query_options import ObjectQuery
from connectors.sandbox.objects.ways import ObjectRefusal
from connectors.sandbox.options import Options
from connectors.sandbox.site import SandboxSite

Row = dict[str, Any]
Truth = Callable[[Row], bool | None]
USERS, FEATURES = company.data()["user"], company.data()["feature"]


def found(key: str, text: str) -> list[int]:
    query = ObjectQuery(filter=text, top=100, expand=tuple(OBJECTS[key].expands))
    held = company.data()
    return [row["id"] for row in answers.rows(OBJECTS[key], held[key].values(), query, held.__getitem__)]


# -- null: an expression as text, and what the article says that it is of a row ---------------------------------------


def compared(name: str, word: str, number: int | None) -> tuple[str, Truth]:
    def truth(row: Row) -> bool | None:
        left: int | None = row[name]
        if word in ("eq", "ne"):
            return (left == number) == (word == "eq")
        if left is None or number is None:
            return word in ("le", "ge") and left is number
        return {"lt": left < number, "le": left <= number, "gt": left > number, "ge": left >= number}[word]

    return f"{name} {word} {'null' if number is None else number}", truth


def joined(word: str, one: tuple[str, Truth], other: tuple[str, Truth]) -> tuple[str, Truth]:
    def truth(row: Row) -> bool | None:
        values = {one[1](row), other[1](row)}
        decides = word == "or"
        return decides if decides in values else None if None in values else not decides

    return f"({one[0]}) {word} ({other[0]})", truth


def negated(one: tuple[str, Truth]) -> tuple[str, Truth]:
    def truth(row: Row) -> bool | None:
        value = one[1](row)
        return None if value is None else not value

    return f"not ({one[0]})", truth


FLAGS = st.sampled_from([(name, lambda row, name=name: row[name]) for name in ("isTimeTracking", "isLocked")])
NUMBERS = st.builds(
    compared,
    st.sampled_from(["managerId", "regionId", "id"]),
    st.sampled_from(["eq", "ne", "lt", "le", "gt", "ge"]),
    st.none() | st.integers(-1, 9),
)
EXPRESSIONS = st.recursive(
    FLAGS | NUMBERS,
    lambda inner: st.builds(joined, st.sampled_from(["and", "or"]), inner, inner) | st.builds(negated, inner),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS)
def test_what_is_true_false_or_unknown_follows_the_article(expression: tuple[str, Truth]) -> None:
    text, truth = expression
    assert found("user", text) == [number for number, row in USERS.items() if truth(row) is True]


# -- anything ----------------------------------------------------------------------------------------------------------

WORDS = """title priority points createDate isBlocked additionalProgramIds releaseVehicles owner p p/id p/name / : ( ) ,
eq ne lt ge and or not add mul div any all contains startswith year null true 0 -3 2.5 'x' '1' 2018-02-22T00:00:00Z"""
TEXTS = st.lists(st.sampled_from(WORDS.split()), max_size=12).map(" ".join) | st.text(max_size=30)


# A word of the filter, or the beginning of a sentence, and no words of Python's own errors.
SENTENCE = re.compile(
    r"The query specified in the URI is not valid\. (?!.*(?:NoneType|Error|<class|Traceback))\S.{8,}\.", re.DOTALL
)


def refusal(text: str) -> ObjectRefusal | None:
    try:
        assert set(found("feature", text)) <= set(FEATURES)
    except ObjectRefusal as refused:
        return refused
    return None


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_whatever_is_written_finds_something_or_is_refused_by_a_sentence(text: str) -> None:
    refused = refusal(text)
    if refused is not None:
        assert (refused.status, refused.about) == (400, "$filter")
        assert SENTENCE.fullmatch(refused.message), refused.message


def test_of_what_is_written_by_chance_some_is_found_and_some_is_refused() -> None:
    """Or the test above would say nothing."""
    said = [
        refusal(text) for text in ("priority eq 3 or title eq null", "not isBlocked", "priority title", "year(p) :")
    ]
    assert [refused is None for refused in said] == [True, True, False, False]


def test_long_chains_and_large_numbers_are_refused_and_break_nothing() -> None:
    for text in (
        "priority eq 1" + " add 1" * 5000,
        "null" + " eq null" * 999,
        "priority eq " + "9" * 5000,
        "(priority" + " mul 999999999999999999999999999999" * 900 + ") mul 0.5 eq 1",
        "not " * 100 + "isBlocked",
    ):
        refused = refusal(text)
        assert refused is not None, text[:40]
        assert refused.status == 400


def test_a_list_is_made_while_somebody_else_holds_the_lock() -> None:
    site = SandboxSite(Options())
    site.world.objects.make()
    request = SandboxRequest(
        method="GET",
        path="/rest/align/api/2/features",
        raw_query="$filter=priority eq 3",
        authorization="bearer sandbox-align-token",
    )
    outcome = site._dispatch(request)
    assert not isinstance(outcome, Response)
    taken, done = threading.Event(), threading.Event()

    def hold() -> None:
        with site.world.lock:
            taken.set()
            done.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    taken.wait(10)
    answer = outcome()
    assert not site.world.lock.acquire(blocking=False)
    done.set()
    holder.join(10)
    assert answer.status == 200
    site.close()

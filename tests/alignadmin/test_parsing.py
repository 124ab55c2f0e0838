"""The one way numbers and text from people and other systems are read."""

from __future__ import annotations

import ast
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from alignadmin.http.errors import Malformed
from alignadmin.http.fields import Fields
from alignadmin.http.responses import Answer, Received
from alignadmin.parsing import LARGEST, plain, text_in, whole
from connectors.align.answers import created_id
from tests import ROOT


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("0", 0),
        (" 17 ", 17),
        ("0017", 17),
        (17, 17),
        (str(LARGEST), LARGEST),
        ("0" * 5000 + "7", 7),
        (str(LARGEST + 1), None),
        ("9" * 5000, None),
        ("²", None),
        ("١٧", None),
        ("-1", None),
        ("+1", None),
        ("1_0", None),
        ("1.0", None),
        ("", None),
        (None, None),
        (True, None),
        (1.0, None),
    ],
)
def test_a_whole_number_is_ascii_digits_that_a_column_holds(typed: object, number: int | None) -> None:
    assert whole(typed) == number


def test_a_number_may_have_a_limit_of_its_own() -> None:
    assert (whole("10", most=10), whole("11", most=10)) == (10, None)


def test_a_nul_becomes_what_nothing_is_named_like() -> None:
    assert text_in({"q": "a\0b"}, "q") == plain("a\0b") == "a\ufffdb"
    assert (text_in({}, "q"), text_in({}, "q", "x"), text_in({"q": ""}, "q", "x")) == ("", "x", "")


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, "9" * 5000, "²", "--1", "1-"])
def test_a_number_of_a_remote_that_no_column_holds_is_refused_in_words(value: object) -> None:
    with pytest.raises(Malformed, match="not a whole number"):
        Fields({"id": value}, what="project").integer("id")
    assert Fields({"order": value}, what="step").maybe_integer("order") is None


def test_a_number_of_a_remote_may_be_negative_or_written_as_text_and_an_id_is_not_negative() -> None:
    values = (-1, "-1", "17", 0, 3.0)
    assert [Fields({"level": value}, what="type").maybe_integer("level") for value in values] == [-1, -1, 17, 0, 3]
    assert [Fields({"id": value}, what="step").integer("id") for value in values[2:]] == [17, 0, 3]
    with pytest.raises(Malformed, match="an id"):
        Fields({"id": -1}, what="step").integer("id")


@pytest.mark.parametrize("answered", ["9" * 5000, "²"])
def test_an_id_of_a_created_record_that_is_none_is_taken_for_none(answered: str) -> None:
    """The write has taken effect, so its answer must not end in an error."""
    answer = Answer(status=201, data=answered, text=answered, headers={"location": f"/mappings/{answered}"})
    assert created_id(answer) is None


@pytest.mark.parametrize("value", ["9" * 400, "²", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"])
def test_a_time_to_wait_that_cannot_be_read_is_none(value: str) -> None:
    assert Received(status=429, headers={"retry-after": value}, body=b"").retry_after is None


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({"retry-after": "2"}, 2, 2),
        ({"retry-after": "{http}"}, 25, 30),
        ({"x-ratelimit-reset": "{iso}"}, 25, 30),
        ({"x-ratelimit-reset": "{iso_without_zone}"}, 25, 30),
        ({"retry-after": "2", "x-ratelimit-reset": "{iso}"}, 2, 2),
        ({"x-ratelimit-reset": "2020-01-01T00:00Z"}, 0, 0),
    ],
)
def test_a_time_to_wait_is_read_from_any_of_its_forms(headers: dict[str, str], least: float, most: float) -> None:
    then = datetime.now(UTC) + timedelta(seconds=30)
    forms = {"http": format_datetime(then, usegmt=True), "iso": then.isoformat(), "iso_without_zone": f"{then:%FT%T}"}
    written = {name: value.format(**forms) for name, value in headers.items()}
    found = Received(status=429, headers=written, body=b"").retry_after
    assert found is not None
    assert least <= found <= most


@pytest.mark.usefixtures("sources")
def test_no_view_reads_a_field_in_its_own_way() -> None:
    """`request.GET.get` and `int(request...)` would bring back what these parsers are for."""
    found = []
    for path in (path for floor in ("alignadmin", "connectors", "mappings") for path in ROOT.glob(f"{floor}/**/*.py")):
        if "sandbox" in path.parts:  # stands in for another system
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                of = ast.unparse(node.func)
                if of in ("request.GET.get", "request.POST.get", "self.request.query_params.get"):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
                if of.endswith((".isdigit", ".isdecimal", ".isnumeric")) and path.name not in READERS:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == []


# The parser itself; a length that has two answers; a day that begins with a year; a word that is a number as a whole;
# and what stands alone or for another system.
READERS = {"middleware.py", "selection.py", "query_language.py", "standalone_checker.py", "parsing.py"}

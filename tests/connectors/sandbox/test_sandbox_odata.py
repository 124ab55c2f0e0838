"""OData options, as Align's query article has them, on the sandbox's lists."""

from typing import Any

import pytest

from connectors.sandbox import odata
from connectors.sandbox.messages import ErrorAnswer
from tests.support import sandbox_fixture
from tests.support.sandbox_fixture import RunningSandbox

sandbox = sandbox_fixture.sandbox
ROWS: list[dict[str, Any]] = [
    {"id": 1, "title": "Alpha test", "active": True, "at": "2018-02-22T00:00:00Z", "tags": [1, 2], "parts": []},
    {"id": 2, "title": "Test beta", "active": False, "at": None, "tags": [], "parts": [{"id": 7, "title": "x"}]},
    {"id": 3, "title": "it's", "active": None, "at": "2020-05-01T10:00:00Z", "tags": [3], "parts": []},
]


@pytest.mark.parametrize(
    ("expression", "ids"),
    [
        ("Id gt 1", [2, 3]),
        ("id ge 2 and id le 2", [2]),
        ("id lt 2 or id eq 3", [1, 3]),
        ("id ne 2", [1, 3]),
        ("not (id eq 2)", [1, 3]),
        ("id in (1,2)", None),
        ("startswith(TITLE,'Test')", [2]),
        ("endswith(title,'test')", [1]),
        ("contains(title, 'est')", [1, 2]),
        ("title eq 'it''s'", [3]),
        ("title gt 'T'", [2, 3]),
        ("id add 1 eq 3", [2]),
        ("id mul 2 eq 6", [3]),
        ("id div 2 eq 1", [2, 3]),
        ("active", [1]),
        ("not active", [2]),
        ("active eq null", [3]),
        ("active ne null", [1, 2]),
        ("active eq true", None),
        ("at eq null", [2]),
        ("at ne null", [1, 3]),
        ("at eq 2018-02-22T00:00:00Z", [1]),
        ("at gt 2018-02-22T00:00:00Z", [3]),
        ("at le null", [2]),
        ("at lt null", []),
        ("year(at) gt 2018", [3]),
        ("tags/any(t: t eq 2)", [1]),
        ("tags/any()", [1, 3]),
        ("parts/any(p: p/ID eq 7)", [2]),
        ("parts/any(p: p/title eq 'unicorn')", []),
        ("parts/all(p: p/id eq 7)", None),
        ("nonsense eq 1", None),
        ("id eq", None),
        ("id eq 1 and", None),
        ("id gt 'a'", None),
        ("id sub 1 eq 1", None),
        ("id div 0 eq 1", None),
        ("tolower(title) eq 'x'", None),
    ],
)
def test_a_filter_selects_or_is_refused(expression: str, ids: list[int] | None) -> None:
    if ids is None:
        with pytest.raises(ErrorAnswer) as refused:
            odata.page(ROWS, {"$filter": expression})
        assert refused.value.response.status == 400
    else:
        assert [row["id"] for row in odata.page(ROWS, {"$filter": expression})] == ids


@pytest.mark.parametrize(
    ("order", "ids"),
    [
        ("id desc", [3, 2, 1]),
        ("title", [1, 2, 3]),
        ("TITLE desc,id", [3, 2, 1]),
        ("active,id desc", [3, 2, 1]),
        ("at desc", [3, 1, 2]),
    ],
)
def test_rows_are_ordered_by_several_keys(order: str, ids: list[int]) -> None:
    assert [row["id"] for row in odata.page(ROWS, {"$orderby": order})] == ids


@pytest.mark.parametrize(
    "query",
    [
        {"$orderby": "nonsense"},
        {"$orderby": "id up"},
        {"$top": "-1"},
        {"$top": "many"},
        {"$skip": "1.5"},
    ],
)
def test_wrong_options_are_refused(query: dict[str, str]) -> None:
    with pytest.raises(ErrorAnswer):
        odata.page(ROWS, query)


def test_pages_hold_a_hundred_rows_at_most(sandbox: RunningSandbox) -> None:
    for number in range(130):
        sandbox.edit("create_mapping", family="a2j_state", project="HRS", type=3, source=number, target=10001)
    path = "/connectors/123/projects/HRS/mappings/states"
    assert len(sandbox.align("GET", path).json()) == 100
    assert len(sandbox.align("GET", f"{path}?$top=500").json()) == 100
    assert sandbox.align("GET", f"{path}?$top=0").json() == []
    rest = sandbox.align("GET", path, params={"$top": 100, "$skip": 100, "$orderby": "id"}).json()
    assert len(rest) == 30
    last = sandbox.align("GET", path, params={"$filter": f"ID gt {rest[-3]['id']}"}).json()
    assert last == rest[-2:]
    assert sandbox.align("GET", f"{path}?$count=true&$top=1").json()[0]["alignStateId"] == 0


def test_a_wrong_filter_is_answered_with_its_name(sandbox: RunningSandbox) -> None:
    answer = sandbox.align("GET", "/connectors/123/mappings/states?$filter=colour eq 1")
    assert answer.status_code == 400
    assert "colour" in answer.json()["errors"]["$filter"][0]

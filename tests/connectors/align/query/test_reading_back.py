"""What the builder builds and writes, the reader reads to the same tree; so it does the examples of Align's article."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.align.query import EACH, AlignQuery, Q, query_of, read_filter, read_query, tree
from tests.support.align_conditions import ConditionsByChance

KEYS = ("feature", "epic", "release", "user", "team", "loginactivity")


@given(st.integers(0, 10**6))
def test_what_is_built_is_read_to_the_same_tree(number: int) -> None:
    chance = ConditionsByChance(number, KEYS)
    query = AlignQuery(asked=chance.asked).expand().where(chance.condition()).checked()
    read = read_query(query.text())
    assert read == query
    assert read.text() == query.text()


# As it is built, and as it is sent.
WRITTEN: list[tuple[Any, str]] = [
    (lambda: query_of("feature").select("ID", "Title", "ownerId"), "/features?$select=id,title,ownerId"),
    (lambda: query_of("feature").top(50).skip(15), "/features?$top=50&$skip=15"),
    (
        lambda: query_of("feature").ordered("title").ordered("ownerId", descending=True),
        "/features?$orderby=title,ownerId desc",
    ),
    (lambda: query_of("feature").expand("OWNER", "program"), "/features?expand=owner,program"),
    (lambda: query_of("feature").expand(), "/features?expand=true"),
    (lambda: query_of("feature").where(Q("Id").gt(1)), "/features?$filter=id gt 1"),
    (
        lambda: query_of("feature").where(Q("createdDate").year().gt(2005)),
        "/features?$filter=year(createdDate) gt 2005",
    ),
    (lambda: query_of("feature").where(Q("createDate").eq(None)), "/features?$filter=createDate eq null"),
    (lambda: query_of("user").where(~Q("istimetracking")), "/users?$filter=not isTimeTracking"),
    (
        lambda: query_of("feature").where(Q("title").startswith("Test") & ~Q("isBlocked")),
        "/features?$filter=startswith(title, 'Test') and not isBlocked",
    ),
    (lambda: query_of("feature").where(Q("title").eq("O'Brien & Co")), "/features?$filter=title eq 'O''Brien & Co'"),
    (
        lambda: query_of("feature").where(
            Q("lastUpdatedDate").gt(datetime(2018, 2, 22, 1, tzinfo=timezone(timedelta(hours=1))))
        ),
        "/features?$filter=lastUpdatedDate gt 2018-02-22T00:00:00Z",
    ),
    (lambda: query_of("epic").where(Q("releaseIds").any(EACH.eq(1))), "/epics?$filter=releaseIds/any(x: x eq 1)"),
    (
        lambda: query_of("epic").expand().where(Q("releases").any(EACH["title"].eq("unicorn"))),
        "/epics?expand=true&$filter=releases/any(x: x/title eq 'unicorn')",
    ),
    (
        lambda: query_of("feature").where(Q("isBlocked") | Q("points").add(1.5).mul(2).gt(3) & Q("points").ne(None)),
        "/features?$filter=isBlocked or ((points add 1.5) mul 2 gt 3 and points ne null)",
    ),
    (
        lambda: (
            query_of("feature").where(Q("isBlocked")).where(Q("priority").le(3)).where(Q("points").eq(Decimal("0.5")))
        ),
        "/features?$filter=isBlocked and priority le 3 and points eq 0.5",
    ),
]


@pytest.mark.parametrize(("build", "sent"), WRITTEN, ids=[row[1] for row in WRITTEN])
def test_it_is_sent_as_the_article_has_it(build: Any, sent: str) -> None:
    assert build().text() == sent
    assert read_query(sent) == build().checked()


# Examples of the article, verbatim where they hold to its own rule of the dollar sign.
ARTICLE = [
    "/features?$select=id,title,ownerId",
    "/features?$top=20",
    "/features?$top=50&$skip=15",
    "features?$orderby=title",
    "/features?$orderby=priority desc",
    "/features?$orderby=title,ownerId",
    "/features?$orderby=title,ownerId desc",
    "features?$filter=Id gt 1",
    "features?$filter=startswith(title,'Test')",
    "features?$filter=contains(title, 'Test')",
    "features?$filter=year(createdDate) gt 2005",
    "/features?$filter=lastUpdatedDate eq null",
    "/features?$filter=lastUpdatedDate ne null",
    "/features?$filter=lastUpdatedDate eq 2018-02-22T00:00:00Z",
    "/features?$filter=lastUpdatedDate gt 2018-02-22T00:00:00Z",
    "/users?$filter=isTimeTracking",
    "/users?$filter=not isTimeTracking",
    "/users?$filter=isTimeTracking eq null",
    "/users?$filter=isTimeTracking ne null",
    "epics?$filter=releaseIds/any(r: r eq 1)",
    "/epics?expand=true&$filter=releases/any(r: r/id eq 1)",
    "/epics?expand=true&$filter=releases/any(r: r/title eq 'unicorn')",
    "GET /align/api/2/features?expand=true&$filter=additionalProgramIds/any(x: x eq 97)",
    "/epics?expand=true&$filter=additionalProgramIds/any(d: d eq 23)",
    "/capabilities?expand=true&$filter=affectedCountryIds/any(d: d eq 23)",
    "/teams?expand=true&$filter=communityIds/any(x: x eq 1)",
    "/stories?expand=true&$filter=releaseVehicleIds/any(r: r eq 1)",
    "/defects?$filter=releaseVehicleIds/any(r: r eq 97)",
    "/releases?expand=true&$filter=programIds/any(x: x eq 1)",
    "/milestones?expand=true&$filter=programIds/any(d: d eq 23)",
    "/products?expand=true&$filter=competitorIds/any(x: x eq 23)",
    "/themes?expand=true&$filter=releaseIds/any(x: x eq 23)",
    "/releasevehicles?expand=true&$filter=storyIds/any(x: x eq 1)",
    "/loginactivities?$filter=logintimeutc gt \n2020-09-02T11:16:46Z and logintimeutc lt 2020-09-08T11:16:46Z",
]


@pytest.mark.parametrize("example", ARTICLE)
def test_each_example_of_the_article_is_read(example: str) -> None:
    assert read_query(example).pairs()


def test_a_pasted_address_is_decoded_and_places_are_those_of_what_was_typed() -> None:
    pasted = "https://site.jiraalign.com/rest/align/api/2/Feature?%24filter=title%20eq%20'R%26D'&%24top=5"
    for typed in (pasted, "GET /align/api/2/features?$filter=title eq 'R&D'&$top=5"):
        assert read_query(typed).text() == "/features?$filter=title eq 'R&D'&$top=5"
    condition = read_filter("  isBlocked and priority gt 3", offset=10)
    assert isinstance(condition, tree.All)
    assert [part.at for part in condition.parts] == [(12, 21), (26, 39)]

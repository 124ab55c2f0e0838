"""Each rule of Align's article on queries, by a typed query that breaks it: the rule, the place, and the sentence."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.align.query import EACH, Condition, Q, QueryRefused, Rule, query_of, read_filter, read_query

WORDS = (
    *("features", "?", "&", "$filter=", "$select=", "expand=true", "title", "points", "countryIds", "release"),
    *(
        "/",
        "any(x:",
        "x",
        "(",
        ")",
        ",",
        ":",
        " eq ",
        " and ",
        " or ",
        "not ",
        " add ",
        "null",
        "true",
        "5",
        "'a'",
        "'",
    ),
    *("2018-02-22T00:00:00Z", "2018", "-", ".", "contains", "year", " ", "é", "\0"),
)
# A typed query, with the refused part between ‹ and ›; the rule; what its sentence says.
TYPED = [
    ("‹colours›?$top=1", Rule.UNREADABLE, "no list of Align's"),
    ("features?‹skip›=220", Rule.UNKNOWN_OPTION, "Write $skip"),
    ("loginactivities?‹orderBy›=action", Rule.UNKNOWN_OPTION, "Write $orderby"),
    ("features?‹$expand›=true", Rule.UNKNOWN_OPTION, "without a dollar sign"),
    ("features?‹$count›=true", Rule.UNKNOWN_OPTION, "no number of records"),
    ("features?‹limit›=5", Rule.UNKNOWN_OPTION, "is no option"),
    ("features?‹$top›", Rule.UNREADABLE, "has no value"),
    ("features?$top=5&‹$top›=6", Rule.UNREADABLE, "stands here twice"),
    ("features?$top=‹-1›", Rule.UNREADABLE, "whole number"),
    ("features?$select=id,‹titel›", Rule.UNKNOWN_FIELD, "Did you mean title?"),
    ("features?$select=id,‹›,title", Rule.UNREADABLE, "names with commas"),
    ("features?$select=‹owner›", Rule.NOT_EXPANDED, "expand=owner"),
    ("risks?$select=‹customfield_7›", Rule.UNKNOWN_FIELD, "no field"),
    ("features?expand=‹countries›", Rule.UNKNOWN_FIELD, "there are releaseVehicles"),
    ("regions?expand=‹country›", Rule.UNKNOWN_FIELD, "there are none"),
    ("features?$orderby=‹countryIds›", Rule.LIST, "is a list"),
    ("features?$orderby=‹owner›", Rule.SUB_LEVEL, "of another object"),
    ("features?$orderby=‹title down›", Rule.UNREADABLE, "asc or desc"),
    ("features?$orderby=‹customfield_90791›", Rule.UNKNOWN_FIELD, "no order by custom fields"),
    ("features?$filter=‹customfield_90791› eq 1", Rule.UNKNOWN_FIELD, "no filter by custom fields"),
    ("features?$filter=‹nothing› eq 1", Rule.UNKNOWN_FIELD, "no field “nothing”"),
    ("features?$filter=lastUpdatedDate eq ‹'2018-02-22'›", Rule.DATE, "without quotes"),
    ("features?$filter=lastUpdatedDate gt ‹2018-02-22›", Rule.DATE, "with its time"),
    ("features?$filter=lastUpdatedDate gt ‹2018-02-31T00:00:00Z›", Rule.DATE, "Write a date as"),
    ("features?$filter=lastUpdatedDate gt ‹2018-02-22T00:00:00›", Rule.DATE, "in UTC"),
    ("users?$filter=isTimeTracking eq ‹true›", Rule.TRUTH, "“isTimeTracking eq true”"),
    ("users?$filter=isTimeTracking ne ‹False›", Rule.TRUTH, "stand alone, or write not"),
    ("users?$filter=‹isTimeTracking gt null›", Rule.TRUTH, "compared with null"),
    ("features?$filter=‹title gt 5›", Rule.WRONG_TYPE, "text stands in single quotes"),
    ("features?$filter=‹priority eq '5'›", Rule.WRONG_TYPE, "is a number and '5' is a text"),
    ("features?$filter=‹title›", Rule.WRONG_TYPE, "not a condition"),
    ("features?$filter=‹5›", Rule.WRONG_TYPE, "not a condition"),
    ("features?$filter=contains(title, ‹5›)", Rule.WRONG_TYPE, "takes two texts"),
    ("features?$filter=startswith(‹priority›, '5')", Rule.WRONG_TYPE, "priority is a number"),
    ("features?$filter=year(‹title›) eq 2005", Rule.WRONG_TYPE, "takes a date"),
    ("features?$filter=‹createDate› add 1 gt 5", Rule.WRONG_TYPE, "calculates with numbers"),
    ("features?$filter=points add ‹'many'› gt 5", Rule.WRONG_TYPE, "calculates with numbers"),
    ("features?$filter=points div ‹0› gt 5", Rule.WRONG_TYPE, "divided by zero"),
    ("features?$filter=not points ‹gt› 5", Rule.WRONG_TYPE, "put brackets round it"),
    ("features?$filter=points ‹sub› 1 gt 5", Rule.NOT_SUPPORTED, "add a negative number"),
    ("features?$filter=points ‹mod› 2 eq 1", Rule.NOT_SUPPORTED, "no mod"),
    ("features?$filter=priority ‹in› (1, 2)", Rule.NOT_SUPPORTED, "join comparisons with or"),
    ("features?$filter=‹tolower›(title) eq 'a'", Rule.NOT_SUPPORTED, "there are contains"),
    ("features?$filter=‹startsWith›(title, 'a')", Rule.NOT_SUPPORTED, "in small letters: startswith"),
    ("features?$filter=countryIds/‹all›(x: x eq 1)", Rule.NOT_SUPPORTED, "no all()"),
    ("features?$filter=priority ‹EQ› 1", Rule.UNREADABLE, "in small letters: eq"),
    ("features?$filter=isBlocked ‹AND› priority eq 1", Rule.UNREADABLE, "in small letters: and"),
    ("features?$filter=priority ‹=› 1", Rule.UNREADABLE, "written as a word: eq"),
    ("features?$filter=points ‹+› 1 gt 2", Rule.UNREADABLE, "add, mul and div"),
    ('features?$filter=title eq ‹"›a"', Rule.UNREADABLE, "straight single quotes"),
    ("features?$filter=title eq ‹'O'Brien'›", Rule.UNREADABLE, None),
    ("features?$filter=priority ‹like› 1", Rule.UNREADABLE, "is no operator"),
    ("features?$filter=title ‹contains› 'a'", Rule.NOT_SUPPORTED, "contains(title, 'Test')"),
    ("features?$filter=‹any›(x: x eq 1)", Rule.NOT_SUPPORTED, "after a list and a slash"),
    ("features?$filter=createDate eq ‹datetime'2018-02-22T00:00:00'›", Rule.DATE, "Write a date as"),
    ("features?$filter=‹createDate gt 2018›", Rule.WRONG_TYPE, "Ask for year(createDate)"),
    ("features?$filter=‹points gt '3'›", Rule.WRONG_TYPE, "A number has no quotes"),
    ("features?$filter=‹isBlocked eq 1›", Rule.WRONG_TYPE, "stands alone, or after not"),
    ("features?$filter=points gt ‹1›e3", Rule.UNREADABLE, "in digits alone"),
    ("features?$filter=points‹%›20gt%205", Rule.UNREADABLE, "paste the whole address"),
    ("features?$filter=title eq ‹Login›", Rule.UNKNOWN_FIELD, "in single quotes: 'Login'"),
    ("features?$select=‹*›", Rule.UNKNOWN_FIELD, "leave it out"),
    ("‹epic/1001›", Rule.UNREADABLE, "epic?$filter=id eq 1001"),
    ("‹›?$top=5", Rule.UNREADABLE, "begins with a list"),
    ("features?$filter=priority eq 1 and‹›", Rule.UNREADABLE, "ends here"),
    ("features?$filter=(priority eq 1‹›", Rule.UNREADABLE, "close the bracket"),
    ("features?$filter=priority eq 1‹)›", Rule.UNREADABLE, "does not fit here"),
    ("features?$filter=priority eq ‹and›", Rule.UNREADABLE, "value is expected"),
    ("features?$filter=contains(title‹)›", Rule.UNREADABLE, "takes two texts"),
    ("features?$filter=countryIds/any(‹)›", Rule.UNREADABLE, "needs a condition"),
    ("features?$filter=countryIds/any(‹1›: x eq 1)", Rule.UNREADABLE, "begins with a name"),
    ("features?$filter=‹release/title› eq 'unicorn'", Rule.SUB_LEVEL, "does not support outside of any()"),
    ("features?$filter=‹release› eq 1", Rule.LIST, "Compare its id, releaseId"),
    ("features?$filter=‹countryIds› eq 1", Rule.LIST, "Use any()"),
    ("features?$filter=‹customFields› eq 1", Rule.LIST, "list of objects"),
    ("features?$filter=‹title›/any(x: x eq 1)", Rule.LIST, "single value"),
    ("features?$filter=‹nothingIds›/any(x: x eq 1)", Rule.UNKNOWN_FIELD, "no field"),
    ("users?$filter=‹teams›/any(x: x eq 1)", Rule.LIST_NOT_FILTERED, "no list of users"),
    ("teams?$filter=‹programIds›/any(x: x eq 1)", Rule.LIST_NOT_FILTERED, "filters communityIds alone"),
    ("stories?expand=true&$filter=‹releaseVehicles›/any(x: x/id eq 1)", Rule.LIST_NOT_FILTERED, "releaseVehicleIds"),
    ("epics?$filter=‹releases›/any(r: r/id eq 1)", Rule.NOT_EXPANDED, "expand=true"),
    ("epics?expand=owner&$filter=‹releases›/any(r: r/id eq 1)", Rule.NOT_EXPANDED, "releaseIds"),
    ("epics?expand=true&$filter=releases/any(r: ‹r› eq 1)", Rule.SUB_LEVEL, "Name a field of it"),
    ("epics?expand=true&$filter=releases/any(r: ‹r/portfolio/title› eq 'a')", Rule.SUB_LEVEL, "one level"),
    ("epics?expand=true&$filter=releases/any(r: ‹r/programIds› eq 1)", Rule.SUB_LEVEL, "one level"),
    ("epics?expand=true&$filter=releases/any(r: ‹r/programIds›/any(x: x eq 1))", Rule.SUB_LEVEL, "too deep"),
    ("epics?expand=true&$filter=releases/any(r: ‹r/colour› eq 1)", Rule.UNKNOWN_FIELD, "Releases"),
    ("epics?expand=true&$filter=releases/any(r: ‹title› eq 'a')", Rule.SUB_LEVEL, "beside any()"),
    ("epics?$filter=releaseIds/any(r: ‹r/id› eq 1)", Rule.SUB_LEVEL, "ids, which have no fields"),
    ("epics?$filter=releaseIds/any(r: ‹releaseIds›/any(x: x eq r))", Rule.SUB_LEVEL, "no any() inside"),
    (
        "features?expand=true&$filter=additionalPrograms/any(p: ‹p/teamDescription› eq 'a')",
        Rule.UNKNOWN_FIELD,
        "excludes",
    ),
    ("releases?expand=true&$filter=programs/any(p: ‹p/RegionId› eq 1)", Rule.UNKNOWN_FIELD, "regionId of a program"),
]


@pytest.mark.parametrize(("marked", "rule", "says"), TYPED, ids=[row[0] for row in TYPED])
def test_what_is_typed_is_refused_where_it_stands(marked: str, rule: Rule, says: str | None) -> None:
    typed = marked.replace("‹", "").replace("›", "")
    with pytest.raises(QueryRefused) as refused:
        read_query(typed)
    found = refused.value
    assert found.rule is rule, found
    assert found.sentence.endswith((".", "?"))
    if says is not None:
        begin = marked.index("‹")
        assert found.at == (begin, marked.index("›") - 1), (found.sentence, typed[slice(*(found.at or (0, 0)))])
        assert says in found.sentence


BUILT: list[tuple[str, Any, Rule]] = [
    ("feature", lambda: Q("isBlocked").eq(True), Rule.TRUTH),
    ("feature", lambda: Q("isBlocked").ne(False), Rule.TRUTH),
    ("feature", lambda: Q("createDate").gt(datetime(2018, 2, 22)), Rule.DATE),  # noqa: DTZ001
    ("feature", lambda: Q("createDate").gt("2018-02-22"), Rule.DATE),
    ("feature", lambda: Q("points").eq(float("nan")), Rule.WRONG_TYPE),
    ("feature", lambda: Q("title").eq("\ud800"), Rule.WRONG_TYPE),
    ("feature", lambda: Q("title").eq(cast("Any", [1])), Rule.WRONG_TYPE),
    ("feature", lambda: ~Q("points").add(1), Rule.WRONG_TYPE),
    ("feature", lambda: Q("points") & Q("isBlocked"), Rule.WRONG_TYPE),
    ("feature", lambda: Q("release/title").eq("unicorn"), Rule.SUB_LEVEL),
    ("feature", lambda: EACH.eq(1), Rule.SUB_LEVEL),
    ("feature", lambda: EACH["id"].eq(1), Rule.SUB_LEVEL),
    ("feature", lambda: Q("countryIds").any(Q("countryIds").any(EACH.eq(1))), Rule.SUB_LEVEL),
    ("epic", lambda: Q("releases").any(EACH["title"].eq("unicorn")), Rule.NOT_EXPANDED),
    ("user", lambda: Q("teams").any(EACH.eq(1)), Rule.LIST_NOT_FILTERED),
    ("feature", lambda: Q("titel").contains("a"), Rule.UNKNOWN_FIELD),
]


@pytest.mark.parametrize(("key", "build", "rule"), BUILT)
def test_the_builder_cannot_say_it(key: str, build: Any, rule: Rule) -> None:
    with pytest.raises(QueryRefused) as refused:
        query_of(key).where(build()).pairs()
    assert refused.value.rule is rule
    assert refused.value.at is None


def test_conditions_are_not_joined_with_the_words_of_python() -> None:
    with pytest.raises(TypeError, match="joined with & and"):
        bool(Q("isBlocked"))


def test_what_is_too_deep_or_too_long_is_refused_before_it_is_worked_through() -> None:
    deep: Condition = Q("isBlocked")
    for _ in range(5000):
        deep = ~deep
    long = "id eq 1" + " or id eq 1" * 6000
    refusals: dict[Rule, list[Callable[[], object]]] = {
        Rule.TOO_DEEP: [
            lambda: query_of("feature").where(deep).pairs(),
            lambda: read_filter("(" * 3000 + "isBlocked" + ")" * 3000),
            lambda: read_filter("not " * 3000 + "isBlocked"),
            lambda: read_query("features?$filter=" + "not (" * 26 + "isBlocked" + ")" * 26),
        ],
        Rule.TOO_LONG: [
            lambda: read_filter(long),
            lambda: read_filter("id eq " + "9" * 5000),
            lambda: read_filter("id mul -" + "9" * 5000 + " gt 0." + "1" * 5000),
            lambda: query_of("feature").where(Q("id").eq(10**5000)),
            lambda: query_of("feature").where(Q("title").eq("ü" * 20_000)).pairs(),
            lambda: read_query("features?$select=" + ",".join(f"customfield_{number}" for number in range(9000))),
        ],
    }
    for rule, attempts in refusals.items():
        for attempt in attempts:
            with pytest.raises(QueryRefused) as refused:
                attempt()
            assert refused.value.rule is rule


@given(st.lists(st.sampled_from(WORDS), max_size=14).map("".join))
def test_whatever_is_typed_is_read_or_refused(typed: str) -> None:
    for text in (typed, f"features?$filter={typed}", f"epics?expand=true&{typed}"):
        try:
            query = read_query(text)
        except QueryRefused as refused:
            begin, end = refused.at or (0, 0)
            is_within = 0 <= begin <= end <= len(text)
        else:
            is_within = read_query(query.text()) == query
        assert is_within, text

"""Which fields can be a pair, what pairs by itself, which options agree, and what is wrong: tables and properties."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignadmin.folding import fold
from connectors.field_types.value_types import ToldType, ValueType
from mappings.engine.configuration import line_key, split_line_key
from mappings.engine.field_checks import FieldChecks, FieldProblemCode
from mappings.engine.field_pairs import (
    BY_IMPORT,
    BY_MATRIX,
    CORE_OF_ALIGN,
    FieldDirection,
    FieldGroup,
    FieldOption,
    FieldPair,
    FieldSide,
    SideField,
    Suggestions,
    by_itself,
    core_pairs,
    directions,
    group_of,
    matched_options,
    misfit,
)

REFUSED = {
    FieldProblemCode.TYPES_DIFFER,
    FieldProblemCode.NOT_WRITABLE,
    FieldProblemCode.BY_ITSELF,
    FieldProblemCode.WRITTEN_TWICE,
}

# --- pairs ------------------------------------------------------------------------------------------------------------


def side_field(side: FieldSide, key: str, type_: ValueType, **more: object) -> SideField:
    told = ToldType(type=type_, spelled=str(more.pop("spelled", type_.value)), is_formula=bool(more.pop("formula", 0)))
    return SideField(side=side, key=key, name=str(more.pop("name", key)), told=told, **more)  # type: ignore[arg-type]


def align(key: str = "customfield_1", type_: ValueType = ValueType.NUMBER, **more: object) -> SideField:
    return side_field(FieldSide.ALIGN, key, type_, **{"is_custom": key.startswith("customfield"), **more})


def jira(key: str = "customfield_2", type_: ValueType = ValueType.NUMBER, **more: object) -> SideField:
    return side_field(FieldSide.JIRA, key, type_, **{"is_custom": key.startswith("customfield"), **more})


def problems(
    of_align: Sequence[SideField], of_jira: Sequence[SideField], *pairs: FieldPair
) -> dict[FieldProblemCode, str]:
    return {each.code: each.sentence for each in FieldChecks(of_align, of_jira, pairs).problems()}


def stopped_by(checks: FieldChecks) -> set[str]:
    return {each.align for each in checks.problems() if each.stops_its_pair}


def pair(direction: FieldDirection = FieldDirection.BOTH, **more: object) -> FieldPair:
    return FieldPair(**{"align": "customfield_1", "jira": "customfield_2", "direction": direction, **more})  # type: ignore[arg-type]


def test_a_pair_of_two_types_is_refused_and_names_both() -> None:
    said = problems([align(name="Effort")], [jira(type_=ValueType.TEXT, name="Notes")], pair())
    assert said == {
        FieldProblemCode.TYPES_DIFFER: "Effort (customfield_1) in Jira Align is of type number, and Notes "
        "(customfield_2) in Jira of type text. A pair has one type on both sides."
    }


def test_what_is_of_no_known_type_is_named_so_and_fits_nothing() -> None:
    strange = jira(type_=ValueType.UNKNOWN, spelled="hologram")
    assert "not known here (hologram)" in misfit(align(type_=ValueType.UNKNOWN, spelled="hologram"), strange)


@pytest.mark.parametrize("direction", FieldDirection)
def test_a_formula_is_a_source_only(direction: FieldDirection) -> None:
    said = problems([align(formula=1)], [jira()], pair(direction))
    if direction is FieldDirection.TO_JIRA:
        assert not said
    else:
        assert "is a formula, which is a source only" in said[FieldProblemCode.NOT_WRITABLE]
    assert "Neither" in misfit(align(formula=1), jira(formula=1))


def test_what_cannot_be_written_is_no_target_and_what_is_not_told_may_be_tried() -> None:
    assert directions(align(), jira(is_writable=False)) == (FieldDirection.TO_ALIGN, FieldDirection.ONCE)
    assert directions(align(is_writable=None), jira(is_writable=None)) == tuple(FieldDirection)


def test_a_required_field_without_a_source_is_an_error_of_its_side() -> None:
    needed = jira(is_required=True, required_in=("PAY", "SRCH"), name="Region")
    assert problems([align()], [needed]) == {
        FieldProblemCode.NO_SOURCE: "Region (customfield_2) in Jira is required of PAY, SRCH, and nothing gives it a "
        "value. Pair it with a field."
    }
    assert not problems([align()], [needed], pair(FieldDirection.TO_JIRA))
    assert FieldProblemCode.NO_SOURCE in problems([align()], [needed], pair(FieldDirection.TO_ALIGN))
    assert FieldProblemCode.NO_SOURCE in problems([align(is_required=True)], [jira()], pair(FieldDirection.TO_JIRA))
    assert not problems([align("title", ValueType.TEXT)], [jira("summary", ValueType.TEXT, is_required=True)])
    assert not problems([align()], [jira("project", ValueType.UNKNOWN, is_required=True)])


def test_a_field_that_is_gone_stops_its_pair_and_no_other() -> None:
    both = [align(is_gone=True), align("customfield_3")], [jira(), jira("customfield_4")]
    checks = FieldChecks(*both, [pair(), pair(align="customfield_3", jira="customfield_4")])
    assert [each.code for each in checks.problems()] == [FieldProblemCode.FIELD_GONE]
    assert stopped_by(checks) == {"customfield_1"}


def test_a_field_that_two_pairs_write_is_refused_and_as_a_source_it_is_not() -> None:
    both = [align(), align("customfield_3")], [jira()]
    pairs = [pair(FieldDirection.TO_JIRA), pair(FieldDirection.TO_JIRA, align="customfield_3")]
    assert [each.code for each in FieldChecks(*both, pairs).problems()] == [FieldProblemCode.WRITTEN_TWICE]
    sources = [pair(FieldDirection.TO_ALIGN), pair(FieldDirection.TO_ALIGN, align="customfield_3")]
    assert not FieldChecks(*both, sources).problems()


def test_what_a_core_field_writes_can_be_a_source_of_others_and_no_target() -> None:
    of_align = [align("title", ValueType.TEXT), align(type_=ValueType.TEXT)]
    of_jira = [jira("summary", ValueType.TEXT)]
    said = problems(of_align, of_jira, pair(FieldDirection.BOTH, jira="summary"))
    assert "It can be a source alone" in said[FieldProblemCode.WRITTEN_TWICE]
    assert not problems(of_align, of_jira, pair(FieldDirection.TO_ALIGN, jira="summary"))


def test_options_without_a_partner_are_told_and_one_that_is_gone_stops_the_pair() -> None:
    size = [FieldOption(id="1", name="S"), FieldOption(id="2", name="L")]
    both = [align(type_=ValueType.MULTI, options=tuple(size))], [jira(type_=ValueType.MULTI, options=tuple(size))]
    said = problems(*both, pair(FieldDirection.TO_JIRA, options=(("1", "1"),)))
    assert list(said) == [FieldProblemCode.OPTION_UNMATCHED]
    assert "1 of the options" in said[FieldProblemCode.OPTION_UNMATCHED]
    assert not problems(*both, pair(options=(("1", "1"), ("2", "2"))))
    gone = problems(*both, pair(options=(("1", "9"), ("2", "2"))))
    assert FieldProblemCode.OPTION_GONE in gone


def test_what_pairs_by_itself_and_what_the_matrix_or_import_settles_takes_no_choice() -> None:
    sprint = jira("customfield_10020", ValueType.TIME_FRAME, spelled="array of json, gh-sprint")
    of_align = [align("title", ValueType.TEXT), align("iterationId", ValueType.TIME_FRAME), align("state")]
    found = core_pairs(of_align, [jira("summary", ValueType.TEXT), sprint])
    assert [(one.key, other.key) for one, other in found] == [
        ("title", "summary"),
        ("iterationId", "customfield_10020"),
    ]
    assert "matrix" in by_itself(align("state"))
    assert "Import" in by_itself(jira("parent"))
    said = problems(of_align, [jira()], pair(align="title"))
    assert FieldProblemCode.BY_ITSELF in said
    assert [group_of(align(key)) for key in ("title", "points", "businessValue", "customfield_1", "isBlocked")] == [
        *FieldGroup
    ]


def test_a_partner_is_suggested_by_use_or_name_and_never_where_two_are_alike() -> None:
    points = jira("customfield_10016", name="Story Points")
    found = Suggestions([points, jira("customfield_5", name="EFFORT  in days"), jira("customfield_6", name="x")])
    assert [(each.field.key, each.why) for each in [found.of(align("points"))] if each] == [
        ("customfield_10016", "usual partner")
    ]
    by_name = found.of(align(name="Effort in Days"))
    assert by_name
    assert (by_name.field.key, by_name.why) == ("customfield_5", "same name")
    twice = Suggestions([jira("customfield_5", name="Same"), jira("customfield_6", name="same")])
    assert twice.of(align(name="Same")) is None
    assert found.of(align(name="Effort in days", type_=ValueType.TEXT)) is None


# --- properties -------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(
    ["Red", "red ", "RED", "Rouge", "Größe", "GRÖSSE", "été", "e\u0301te\u0301", "", " ", "大", "🙂"]
)
OPTIONS = st.lists(st.tuples(st.integers(1, 9).map(str), NAMES), max_size=8, unique_by=lambda each: each[0]).map(
    lambda rows: tuple(FieldOption(id=id_, name=name) for id_, name in rows)
)


def fields_of(side: FieldSide) -> st.SearchStrategy[list[SideField]]:
    keys = [*CORE_OF_ALIGN, *sorted(BY_MATRIX[side]), *sorted(BY_IMPORT[side]), "summary", "points"]
    made = st.builds(
        SideField,
        side=st.just(side),
        key=st.sampled_from([*keys, *(f"customfield_{number}" for number in range(6))]),
        name=NAMES,
        told=st.builds(ToldType, type=st.sampled_from(ValueType), spelled=st.just("x"), is_formula=st.booleans()),
        options=OPTIONS,
        is_required=st.none() | st.booleans(),
        is_writable=st.none() | st.booleans(),
        is_gone=st.booleans(),
    )
    return st.lists(made, max_size=10, unique_by=lambda each: each.key)


@given(OPTIONS, OPTIONS)
def test_suggested_options_agree_by_name_and_are_one_with_one(
    one: tuple[FieldOption, ...], other: tuple[FieldOption, ...]
) -> None:
    found = matched_options(one, other)
    names = {each.id: fold(each.name) for each in one}, {each.id: fold(each.name) for each in other}
    assert all(names[0][mine] == names[1][theirs] != "" for mine, theirs in found.items())
    assert len(set(found.values())) == len(found)
    assert matched_options(other, one) == {theirs: mine for mine, theirs in found.items()}


@given(fields_of(FieldSide.ALIGN), fields_of(FieldSide.JIRA), st.data())
def test_what_raises_no_error_fits_and_writes_nothing_that_cannot_be_written(
    of_align: list[SideField], of_jira: list[SideField], data: st.DataObject
) -> None:
    keys = [each.key for each in of_align] + ["nowhere"], [each.key for each in of_jira] + ["nowhere"]
    pairs = [
        FieldPair(
            align=key, jira=data.draw(st.sampled_from(keys[1])), direction=data.draw(st.sampled_from(FieldDirection))
        )
        for key in data.draw(st.lists(st.sampled_from(keys[0]), unique=True))
    ]
    checks = FieldChecks(of_align, of_jira, pairs)
    stopped = stopped_by(checks)
    assert {each.align for each in checks.problems() if each.code in REFUSED} <= stopped
    for each in pairs:
        if each.align in stopped:
            continue
        one, other = checks.align[each.align], checks.jira[each.jira]
        assert one.told.type is other.told.type is not ValueType.UNKNOWN
        assert not one.is_gone
        assert not other.is_gone
        assert all(field.can_be_target for field in (one, other) if field.side in each.direction.writes)
    written = [each.jira for each in pairs if each.align not in stopped and FieldSide.JIRA in each.direction.writes]
    assert len(set(written)) == len(written)


@given(st.text(max_size=20), st.text(max_size=40))
def test_a_key_of_a_line_is_read_as_it_was_written(type_: str, key: str) -> None:
    if ":" not in type_ and type_ and key:
        assert split_line_key(line_key(type_, key)) == (type_, key)

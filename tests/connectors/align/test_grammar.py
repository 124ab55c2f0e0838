"""Align's audit sentences: every form of the seed is written and read, and no input is an error."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.align.audit_sentences import (
    A2J,
    CREATED,
    DELETED,
    J2A,
    STATE,
    STEP,
    TYPE_IDS,
    UPDATED,
    MappingEvent,
    Parsed,
    as_written,
    parse,
    parse_any,
    write,
)
from connectors.history.mirror.projection import match_of, match_of_ours
from connectors.sandbox import audit as sandbox_audit
from connectors.sandbox.families import family_of

IN_REVIEW = MappingEvent(
    connector_id=123,
    action=CREATED,
    kind=STATE,
    direction=J2A,
    work_item_type="Story",
    source_id=10013,
    source_name="In Review",
    record_id=41,
    type_id=4,
    after_id=3,
    after_name="Dev complete",
)
DEV_COMPLETE = replace(
    IN_REVIEW,
    direction=A2J,
    project_key="PROJ",
    source_id=3,
    source_name="Dev complete",
    after_id=10013,
    after_name="In Review",
)


def updated(event: MappingEvent, before_id: int, before_name: str) -> MappingEvent:
    return as_written(replace(event, action=UPDATED, before_id=before_id, before_name=before_name))


def deleted(event: MappingEvent) -> MappingEvent:
    return as_written(replace(event, action=DELETED, before_id=event.after_id, before_name=event.after_name))


def step(event: MappingEvent) -> MappingEvent:
    if event.direction == J2A:
        return replace(event, kind=STEP, type_id=3, after_id=5, after_name="Review")
    return replace(event, kind=STEP, source_id=5, source_name="Review")


J2A_STATE = "State mapping - Jira To Align - Story - In Review (10013)"
A2J_STATE = "State mapping - Align to Jira - Story - Dev complete (3)"
J2A_STEP = "Process Step mapping - Jira To Align - Story - In Review (10013)"
A2J_STEP = "Process Step mapping - Align to Jira - Story - Review (5)"
SENTENCES = [
    (
        IN_REVIEW,
        f"CONFIG Created - {J2A_STATE} Id: 41, ConnectorId: 123, WorkItemTypeId: 4, JiraStatusId: 10013, "
        "JiraStatusName: In Review, AlignStateId: 3, AlignStateName: Dev complete",
    ),
    (
        updated(IN_REVIEW, 2, "In progress"),
        f"CONFIG Updated - {J2A_STATE} AlignStateId Changed - From [2] To [3], "
        "AlignStateName Changed - From [In progress] To [Dev complete]",
    ),
    (deleted(IN_REVIEW), f"CONFIG Deleted - {J2A_STATE} Deleted mapping: [In Review] → [Dev complete]"),
    (
        DEV_COMPLETE,
        f"CONFIG Created - {A2J_STATE} - PROJ Id: 41, ConnectorId: 123, ProjectKey: PROJ, WorkItemTypeId: 4, "
        "AlignStateId: 3, AlignStateName: Dev complete, JiraStatusId: 10013, JiraStateName: In Review",
    ),
    (
        updated(DEV_COMPLETE, 10012, "QA"),
        f"CONFIG Updated - {A2J_STATE} JiraStatusId Changed - From [10012] To [10013], "
        "JiraStateName Changed - From [QA] To [In Review]",
    ),
    (deleted(DEV_COMPLETE), f"CONFIG Deleted - {A2J_STATE} Deleted mapping: [Dev complete] → [In Review]"),
    (
        step(IN_REVIEW),
        f"CONFIG Created - {J2A_STEP} Id: 41, ConnectorId: 123, WorkItemTypeId: 3, JiraStatusId: 10013, "
        "JiraStatusName: In Review, ProcessStepId: 5, ProcessStepName: Review",
    ),
    (
        updated(step(IN_REVIEW), 4, "Build"),
        f"CONFIG Updated - {J2A_STEP} ProcessStepId Changed - From [4] To [5], "
        "ProcessStepName Changed - From [Build] To [Review]",
    ),
    (
        deleted(step(IN_REVIEW)),
        f"CONFIG Deleted - {J2A_STEP} Deleted mapping: [Jira Status Id 10013] → [Process Step ID 5]",
    ),
    (
        step(DEV_COMPLETE),
        f"CONFIG Created - {A2J_STEP} - PROJ Id: 41, ConnectorId: 123, ProjectKey: PROJ, WorkItemTypeId: 4, "
        "ProcessStepId: 5, ProcessStepName: Review, JiraStatusId: 10013, JiraStateName: In Review",
    ),
    (
        updated(step(DEV_COMPLETE), 10012, "QA"),
        f"CONFIG Updated - {A2J_STEP} JiraStatusId Changed - From [10012] To [10013], "
        "JiraStateName Changed - From [QA] To [In Review]",
    ),
    (deleted(step(DEV_COMPLETE)), f"CONFIG Deleted - {A2J_STEP} Deleted mapping: [Review] → [In Review]"),
]


@pytest.mark.parametrize(("event", "sentence"), SENTENCES)
def test_each_form_of_the_seed_is_written_and_read(event: MappingEvent, sentence: str) -> None:
    assert write(event) == sentence
    parsed = parse(sentence, "CONFIG 123")
    assert (parsed.event, parsed.ambiguous, parsed.raw) == (event, False, sentence)


def test_an_unknown_record_id_is_written_as_a_question_mark() -> None:
    sentence = write(replace(IN_REVIEW, record_id=None))
    assert " Id: ?, ConnectorId: 123," in sentence
    assert parse(sentence, "CONFIG 123").event == replace(IN_REVIEW, record_id=None)


@pytest.mark.parametrize(("event", "sentence"), SENTENCES)
@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda text: text.removeprefix("CONFIG "), id="no leading CONFIG"),
        pytest.param(lambda text: f"  {text}  ", id="spaces around"),
        pytest.param(lambda text: text.replace(" - ", "  -  "), id="double spaces at dashes"),
        pytest.param(lambda text: text.replace("→", "->"), id="typed arrow"),
        pytest.param(lambda text: text.replace("Jira To Align", "Jira to Align"), id="small to"),
        pytest.param(lambda text: text.replace("Align to Jira", "Align To Jira"), id="large to"),
        pytest.param(lambda text: text.replace("Created", "CREATED").replace("Updated", "updated"), id="capitals"),
        pytest.param(lambda text: text.replace(", ", "; "), id="semicolons"),
        pytest.param(lambda text: text.replace(" (", "("), id="no space before the id"),
    ],
)
def test_other_capitals_spaces_and_signs_read_the_same(
    event: MappingEvent, sentence: str, spoil: Callable[[str], str]
) -> None:
    parsed = parse(spoil(sentence), "config 123")
    assert (parsed.event, parsed.ambiguous) == (event, False)


def test_a_project_key_in_a_jira_to_align_sentence_is_taken() -> None:
    sentence = write(IN_REVIEW).replace("ConnectorId: 123,", "ConnectorId: 123, ProjectKey: PROJ1,")
    assert parse(sentence, "CONFIG 123").event == replace(IN_REVIEW, project_key="PROJ1")


@pytest.mark.parametrize("gone", [" - PROJ Id", "ProjectKey: PROJ, "])
def test_a_project_is_read_from_the_head_or_the_details(gone: str) -> None:
    sentence = write(DEV_COMPLETE).replace(gone, " Id" if gone.endswith("Id") else "")
    assert parse(sentence, "CONFIG 123").event == DEV_COMPLETE


def test_a_sentence_without_its_details_is_ambiguous() -> None:
    for sentence in (f"CONFIG Created - {J2A_STATE}", f"CONFIG Deleted - {J2A_STATE}", SENTENCES[1][1][:-3]):
        parsed = parse(sentence, "CONFIG 123")
        assert parsed.ambiguous
        assert parsed.event is not None
        assert parsed.event.source_id == 10013


CREATED_LINE, UPDATED_LINE, DELETED_LINE = (SENTENCES[number][1] for number in range(3))


@pytest.mark.parametrize(
    ("event", "usual", "unusual"),
    [
        (
            IN_REVIEW,
            "JiraStatusId: 10013, JiraStatusName: In Review, AlignStateId: 3, AlignStateName: Dev complete",
            "AlignStateId: 3, AlignStateName: Dev complete, JiraStatusId: 10013, JiraStatusName: In Review",
        ),
        (
            updated(IN_REVIEW, 2, "In progress"),
            "AlignStateId Changed - From [2] To [3], AlignStateName Changed - From [In progress] To [Dev complete]",
            "AlignStateName Changed - From [In progress] To [Dev complete], AlignStateId Changed - From [2] To [3]",
        ),
    ],
)
def test_details_in_another_order_are_read_and_ambiguous(event: MappingEvent, usual: str, unusual: str) -> None:
    """Each field is there; but one out of its place may as well stand inside the name before it."""
    assert write(event).count(usual) == 1
    parsed = parse(write(event).replace(usual, unusual), "CONFIG 123")
    assert (parsed.event, parsed.ambiguous) == (event, True)


@pytest.mark.parametrize(
    "sentence",
    [
        f"{CREATED_LINE}, AlignStateName: Done",
        f"{UPDATED_LINE}, AlignStateName Changed - From [In progress] To [Done]",
        f"{DELETED_LINE} Deleted mapping: [In Review] → [Done]",
    ],
)
def test_a_detail_that_stands_there_twice_in_a_row_is_ambiguous(sentence: str) -> None:
    assert parse(sentence, "CONFIG 123").ambiguous


def test_a_source_whose_name_holds_a_whole_detail_is_ambiguous() -> None:
    """An update without a change after it, or a source that is called so: nobody can tell."""
    sentence = f"CONFIG Updated - {J2A_STATE}".replace("In Review", "AlignStateId Changed - From [2] To [3]")
    parsed = parse(sentence, "CONFIG 123")
    assert parsed.ambiguous
    assert parsed.event is not None
    assert (parsed.event.before_id, parsed.event.after_id) == (None, None)


def test_an_update_that_changed_nothing_leaves_the_bare_head() -> None:
    event = as_written(replace(IN_REVIEW, action=UPDATED, before_id=3, before_name="Dev complete"))
    assert write(event) == f"CONFIG Updated - {J2A_STATE}"
    assert parse(write(event), "CONFIG 123") == Parsed(event=event, ambiguous=False, raw=write(event))


@pytest.mark.parametrize("name", ["a] To [b", "x, AlignStateId: 5", "y Id: 7", "z (5) AlignStateId Changed - From ["])
def test_a_name_that_holds_a_separator_is_read_right_or_marked(name: str) -> None:
    event = replace(updated(IN_REVIEW, 2, "In progress"), after_name=name, source_name=name)
    parsed = parse(write(event), "CONFIG 123")
    assert parsed.event == event or parsed.ambiguous


@pytest.mark.parametrize("line", ["", "CONFIG", "Signed in", "CONFIG Created - Team mapping - x", "\x00", "→" * 50])
def test_other_lines_have_no_event(line: str) -> None:
    parsed = parse(line, "USER")
    assert (parsed.event, parsed.raw) == (None, line)


def sandbox_sentence(event: MappingEvent) -> str:
    """The same event told by the stand-in for Align, from records as its own store keeps them."""
    family = family_of(to_align=event.direction == J2A, steps=event.kind == STEP)
    type_ids = {name: number for number, name in family.types.items()}

    def record(target_id: int | None, target_name: str) -> dict[str, Any]:
        return {
            "id": event.record_id,
            "connectorId": event.connector_id,
            "projectKey": event.project_key,
            "workItemTypeId": type_ids[event.work_item_type],
            family.source_id: event.source_id,
            f"{family.source}Name": event.source_name,
            family.target_id: target_id,
            f"{family.target}Name": target_name,
        }

    before, after = record(event.before_id, event.before_name), record(event.after_id, event.after_name)
    if event.action == CREATED:
        return sandbox_audit.created(family, after)
    if event.action == UPDATED:
        return sandbox_audit.updated(family, before, after)
    return sandbox_audit.deleted(family, before)


@pytest.mark.parametrize(("event", "_sentence"), SENTENCES)
@pytest.mark.parametrize("target", ["QA", "Dev complete, 2 of 2 → [done] (3)"])
def test_the_sandbox_writes_the_same_sentences(event: MappingEvent, _sentence: str, target: str) -> None:
    event = replace(event, before_name=target) if event.action == DELETED else replace(event, after_name=target)
    assert sandbox_sentence(event) == write(event)


SEPARATORS = [" - ", " (", ") ", "(5)", "[", "]", " → ", "->", "] → [", "] To [", ", ", "?", " ", "\n", "\t"]
WORDS = [
    "Id: ",
    ", Id: 4",
    " AlignStateId: 3",
    "Deleted mapping: [",
    "AlignStateId Changed - From [",
    "CONFIG ",
    "Story",
]
TRAPS = [", ProjectKey: X", "JiraStatusName: ", "JiraStateName Changed - From [1] To [2]", "\u202e", "=1+1", '"', "<b>"]
PIECES = st.sampled_from(SEPARATORS + WORDS + TRAPS)
NAMES = st.lists(st.one_of(PIECES, st.text(max_size=4)), max_size=6).map("".join)
NUMBERS = st.integers(0, 10**12)


@st.composite
def events(draw: st.DrawFn) -> MappingEvent:
    return as_written(
        MappingEvent(
            connector_id=draw(st.integers(1, 10**6)),
            action=draw(st.sampled_from([CREATED, UPDATED, DELETED])),
            kind=draw(st.sampled_from([STATE, STEP])),
            direction=draw(st.sampled_from([J2A, A2J])),
            work_item_type=draw(st.sampled_from(["Feature", "Story", "Task", "Defect", "Type 2"])),
            source_id=draw(NUMBERS),
            source_name=draw(NAMES),
            project_key=draw(st.from_regex(r"[A-Z][A-Z0-9_]{1,9}", fullmatch=True)),
            record_id=draw(st.none() | NUMBERS),
            type_id=draw(st.integers(1, 20)),
            before_id=draw(NUMBERS),
            before_name=draw(NAMES),
            after_id=draw(NUMBERS),
            after_name=draw(NAMES),
        )
    )


@given(events())
@example(replace(IN_REVIEW, source_name="In Review ", after_name=", "))
@example(replace(DEV_COMPLETE, source_name="a (5) - PROJ"))
def test_what_is_written_is_read_back_or_marked_ambiguous(event: MappingEvent) -> None:
    sentence = write(event)
    parsed = parse(sentence, f"CONFIG {event.connector_id}")
    assert parsed.raw == sentence
    assert parsed.event is not None
    assert parsed.ambiguous or parsed.event == event


# Some of what stands in the way of reading a sentence in one go, and nothing that does.
NEARLY_PLAIN = st.lists(st.sampled_from(["Id", "To", "Review", "5", "?", " ", "-", ":", "é"]), max_size=4).map("".join)


@given(events(), NEARLY_PLAIN, NEARLY_PLAIN, NEARLY_PLAIN, st.integers(0, 250), st.sampled_from([*" ?-,:0a", ""]))
@example(DEV_COMPLETE, "Dev", "To", "Review", 250, "")
@example(replace(IN_REVIEW, type_id=None), "Dev", "To", "Review", 250, "")
def test_a_sentence_of_plain_names_reads_the_same_in_one_go(
    event: MappingEvent, source: str, before: str, after: str, at: int, put_in: str
) -> None:
    told = replace(event, source_name=source, before_name=before, after_name=after)
    for each in (told, as_written(told), replace(told, before_id=told.after_id), replace(told, source_id=None)):
        sentence = write(each)
        for line in (sentence, sentence[:at] + put_in + sentence[at:], sentence[:at] + put_in + sentence[at + 1 :]):
            assert parse(line, "CONFIG 123") == parse_any(line, 123)
            assert parse(line, "CONFIG") == parse_any(line, None)


PLAIN = st.text(st.characters(categories=["L", "N"], include_characters=" _.'éß日"), min_size=1).map(str.strip)


@given(events(), PLAIN, PLAIN, PLAIN)
def test_plain_names_are_never_ambiguous(event: MappingEvent, source: str, before: str, after: str) -> None:
    event = as_written(replace(event, source_name=source, before_name=before, after_name=after))
    parsed = parse(write(event), f"CONFIG {event.connector_id}")
    assert (parsed.event, parsed.ambiguous) == (event, False)


@given(events(), st.one_of(NAMES, PLAIN), st.one_of(NAMES, PLAIN, st.just("")), st.one_of(NAMES, PLAIN, st.just("")))
def test_a_change_of_ours_looks_like_its_sentence(event: MappingEvent, source: str, before: str, after: str) -> None:
    own_id = TYPE_IDS[event.family].get(event.work_item_type.lower())  # we send no other
    event = replace(event, type_id=own_id, source_name=source, before_name=before, after_name=after)
    for each in (event, replace(event, source_id=None), replace(event, before_id=event.after_id)):
        assert match_of_ours(each) == match_of(write(each), each.connector_id)


@given(st.one_of(st.text(), NAMES, st.lists(PIECES, max_size=30).map("".join)), st.text(max_size=12))
def test_no_line_is_an_error(line: str, type_: str) -> None:
    assert parse(line, type_).raw == line


@given(st.sampled_from(SENTENCES), st.integers(0, 200), NAMES)
def test_no_torn_sentence_is_an_error(form: tuple[MappingEvent, str], at: int, put_in: str) -> None:
    sentence = form[1][:at] + put_in + form[1][at + len(put_in) // 2 :]
    assert parse(sentence, "CONFIG 123").raw == sentence


@pytest.mark.parametrize("noise", [" ", "(", "(1)", "[", "] To [", " - ", ", ", "Id: ", "→", "- \n"])
def test_long_hostile_lines_are_read_in_linear_time(noise: str) -> None:
    started = time.process_time()
    for text in (
        write(replace(IN_REVIEW, source_name=noise * 10_000)),
        f"created - state mapping - jira to align - x{noise * 10_000}",
    ):
        parse(text.lower(), "CONFIG 123")
    assert time.process_time() - started < 2

"""How the three values of a mapping stand to each other, and what observing and deciding does to them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.engine.families import A2J_STATE, FAMILIES, J2A_STATE, J2A_STEP, ListAddress
from mappings.engine.reconcile import Accepted, RemoteRecord, Seen, read_list, reconcile
from mappings.engine.values import DuplicateRecord, Situation, TypeName

F, S, T = TypeName.FEATURE, TypeName.STORY, TypeName.TASK
VALUE = st.sampled_from([None, 0, 1, 2, 3])


@pytest.mark.parametrize(
    ("wanted", "applied", "observed", "situation"),
    [
        (None, None, None, Situation.IN_SYNC),
        (0, 0, 0, Situation.IN_SYNC),
        (0, None, None, Situation.EDITED),
        (None, 0, 0, Situation.EDITED),
        (2, 1, 1, Situation.EDITED),
        (None, None, 0, Situation.DRIFTED),
        (0, 0, None, Situation.DRIFTED),
        (1, 1, 2, Situation.DRIFTED),
        (0, 1, None, Situation.CONFLICT),
        (None, 1, 0, Situation.CONFLICT),
        (1, 2, 3, Situation.CONFLICT),
    ],
)
def test_each_constellation_has_its_situation(
    wanted: int | None, applied: int | None, observed: int | None, situation: Situation
) -> None:
    settled = reconcile(wanted=wanted, applied=applied, observed=observed)
    assert (settled.situation, settled.applied) == (situation, applied)


@pytest.mark.parametrize(("both", "applied"), [(0, None), (None, 0), (2, 1)])
def test_what_wanted_and_observed_agree_on_becomes_applied(both: int | None, applied: int | None) -> None:
    settled = reconcile(wanted=both, applied=applied, observed=both)
    assert (settled.situation, settled.applied) == (Situation.IN_SYNC, both)


@pytest.mark.parametrize("value", [None, 0, 2])
def test_an_accepted_value_is_tolerated_and_another_one_is_drift_again(value: int | None) -> None:
    accepted = Accepted(value=value)
    assert reconcile(wanted=1, applied=1, observed=value, accepted=accepted).situation is Situation.ACCEPTED
    assert reconcile(wanted=1, applied=1, observed=3, accepted=accepted).situation is Situation.DRIFTED


def test_accepting_no_record_is_not_the_same_as_accepting_nothing() -> None:
    assert reconcile(wanted=0, applied=0, observed=None, accepted=None).situation is Situation.DRIFTED
    assert reconcile(wanted=0, applied=0, observed=None, accepted=Accepted(value=None)).situation is Situation.ACCEPTED
    assert reconcile(wanted=1, applied=1, observed=0, accepted=Accepted(value=None)).situation is Situation.DRIFTED


@given(VALUE, VALUE, VALUE, st.none() | st.builds(Accepted, value=VALUE), st.booleans())
def test_settling_twice_changes_nothing(
    wanted: int | None, applied: int | None, observed: int | None, accepted: Accepted | None, known: bool
) -> None:
    once = reconcile(wanted=wanted, applied=applied, observed=observed, accepted=accepted, known=known)
    twice = reconcile(wanted=wanted, applied=once.applied, observed=observed, accepted=accepted, known=known)
    assert once == twice


@given(VALUE, VALUE, VALUE)
def test_an_unseen_row_is_unknown_whatever_its_values(
    wanted: int | None, applied: int | None, observed: int | None
) -> None:
    settled = reconcile(wanted=wanted, applied=applied, observed=observed, known=False)
    assert (settled.situation, settled.applied) == (Situation.UNKNOWN, applied)


@given(VALUE, VALUE)
def test_adopting_ends_in_sync_with_what_align_says(observed: int | None, applied: int | None) -> None:
    settled = reconcile(wanted=observed, applied=applied, observed=observed)
    assert (settled.situation, settled.applied) == (Situation.IN_SYNC, observed)


@given(VALUE, VALUE, st.none() | st.builds(Accepted, value=VALUE))
def test_restoring_and_our_own_write_never_read_as_drift_or_conflict(
    wanted: int | None, observed: int | None, accepted: Accepted | None
) -> None:
    """Both leave applied equal to observed."""
    settled = reconcile(wanted=wanted, applied=observed, observed=observed, accepted=accepted)
    assert settled.situation is (Situation.IN_SYNC if wanted == observed else Situation.EDITED)
    assert settled.applied == observed


# --- lists ---------------------------------------------------------------------------------------------------


def record(remote_id: int, *, type_id: int = 4, source_id: int = 10001, target_id: int = 0) -> RemoteRecord:
    return RemoteRecord(remote_id=remote_id, type_id=type_id, source_id=source_id, target_id=target_id)


def test_the_same_type_id_means_another_type_in_another_family() -> None:
    assert list(read_list([record(1, type_id=3)], family=J2A_STATE).rows) == [(F, 10001)]
    assert list(read_list([record(1, type_id=3)], family=J2A_STEP).rows) == [(S, 10001)]


def test_records_outside_the_table_are_kept_as_foreign() -> None:
    task, stray = record(1, type_id=6), record(2, type_id=2)
    assert read_list([task, stray], family=J2A_STATE).foreign == (stray,)
    assert read_list([task], family=A2J_STATE).foreign == (task,)


def test_an_override_moves_a_type_to_another_id() -> None:
    listing = read_list([record(1, type_id=2), record(2, type_id=3)], family=J2A_STATE, type_ids={F: 2})
    assert list(listing.rows) == [(F, 10001)]
    assert [each.remote_id for each in listing.foreign] == [2]


def test_two_types_may_swap_their_ids_but_not_share_one() -> None:
    swapped = read_list([record(1, type_id=3)], family=J2A_STATE, type_ids={F: 4, S: 3})
    assert list(swapped.rows) == [(S, 10001)]
    with pytest.raises(ValueError, match="Feature and Story both have type id 4"):
        read_list([], family=J2A_STATE, type_ids={F: 4})


def test_the_oldest_of_several_records_is_the_record_unless_another_was_chosen() -> None:
    records = [record(9, target_id=2), record(5, target_id=0), record(7, target_id=1)]
    seen = read_list(records, family=J2A_STATE).rows[S, 10001]
    assert (seen.remote_id, seen.target_id) == (5, 0)
    assert [each.remote_id for each in seen.duplicates] == [7, 9]
    chosen = read_list(records, family=J2A_STATE, kept={(S, 10001): 7}).rows[S, 10001]
    assert chosen == Seen(
        remote_id=7,
        target_id=1,
        duplicates=(DuplicateRecord(remote_id=5, target_id=0), DuplicateRecord(remote_id=9, target_id=2)),
    )
    gone = read_list(records, family=J2A_STATE, kept={(S, 10001): 99}).rows[S, 10001]
    assert gone.remote_id == 5


def test_a_record_that_two_pages_repeat_is_no_duplicate() -> None:
    assert read_list([record(5), record(5)], family=J2A_STATE).rows[S, 10001].duplicates == ()


@given(st.lists(st.builds(record, st.integers(1, 30), type_id=st.integers(1, 9), source_id=st.integers(1, 4))))
def test_no_record_is_lost_in_reading(records: list[RemoteRecord]) -> None:
    listing = read_list(records, family=J2A_STATE)
    ids = [each.remote_id for each in listing.foreign]
    for seen in listing.rows.values():
        ids += [seen.remote_id, *(each.remote_id for each in seen.duplicates)]
    assert sorted(ids) == sorted({each.remote_id for each in records})


# --- places --------------------------------------------------------------------------------------------------


def test_a_place_can_be_a_key_and_align_to_jira_needs_a_project() -> None:
    assert len({ListAddress(family=family, project_key="PROJ") for family in FAMILIES.values()}) == 4
    with pytest.raises(ValueError, match="always per project"):
        ListAddress(family=A2J_STATE)

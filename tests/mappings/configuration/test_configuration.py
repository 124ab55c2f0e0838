"""Drafts and proposals of configuration over HTTP: two people, four eyes, what is stale, and what the history says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.test import Client

from alignadmin.accounts.models import Person, Role
from alignadmin.errors import Refused
from alignadmin.notifications.models import Notification
from connectors.models import Connector, HistoryRow
from connectors.setup.disconnecting.disconnect import disconnect
from mappings.configuration import drafting, proposing, subjects
from mappings.configuration.agreed import agreed_lines, store_agreed
from mappings.configuration.draft import DraftState
from mappings.configuration.drafting import LineRequest, LinesOvertaken
from mappings.engine.configuration import LineChange
from mappings.models import ConfigurationProposal, DraftLine, DraftSave, ProposalState
from tests.conftest import SignIn
from tests.support import factories
from tests.support.labels_subject import ColourLabels
from tests.support.people_helpers import at_once, entries, said

pytestmark = pytest.mark.django_db
committing = pytest.mark.django_db(transaction=True)
BASE = "/connectors/acme/draft/colours/"


@pytest.fixture
def subject() -> Iterator[ColourLabels]:
    before = dict(subjects._SUBJECTS)
    found = ColourLabels()
    subjects.register(found)
    yield found
    subjects._SUBJECTS.clear()
    subjects._SUBJECTS.update(before)


@pytest.fixture
def acme(bare_connector: Connector, subject: ColourLabels) -> Connector:
    return bare_connector


@pytest.fixture
def editor(acme: Connector, people: dict[Role, Person]) -> Person:
    return people[Role.EDITOR]


@pytest.fixture
def second(acme: Connector) -> Person:
    return factories.person(Role.ADMIN, email="second@example.test", name="Sam Second")


def want(acme: Connector, actor: Person, seen: dict[str, str] | None = None, **wanted: str) -> list[LineChange]:
    """`seen`: where it is not what is wanted now."""
    state = DraftState(ColourLabels(), acme)
    requests = [
        LineRequest(key=key, wanted=value, seen=(seen or {}).get(key, state.value(key)) or None)
        for key, value in wanted.items()
    ]
    return drafting.set_lines(ColourLabels(), acme, requests, actor=actor)


def fingerprint(acme: Connector) -> str:
    return DraftState(ColourLabels(), acme).fingerprint


def proposed(acme: Connector, actor: Person, **more: str) -> ConfigurationProposal:
    return proposing.propose(
        ColourLabels(), acme, actor=actor, **{"seen": fingerprint(acme), "reason": "Our words", **more}
    )


def browser_of(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def approve(client: Client, proposal: ConfigurationProposal, **data: str) -> Any:
    return client.post(f"/proposals/{proposal.pk}/approve/", {"fingerprint": proposal.fingerprint, **data})


def state_of(proposal: ConfigurationProposal) -> str:
    return ConfigurationProposal.objects.get(pk=proposal.pk).state


# --- from a draft to what is in force ----------------------------------------------------------------------------


def test_what_an_editor_proposes_is_in_force_once_an_admin_approves_it(
    acme: Connector, editor: Person, admin: Person, signed_in: SignIn
) -> None:
    want(acme, editor, red="Stop", green="Go")
    assert agreed_lines(acme, "colours") == {}
    form = {"seen": fingerprint(acme), "reason": "Our words", "ticket": "CHG-1"}
    made = browser_of(editor).post(f"{BASE}propose/", form)
    proposal = ConfigurationProposal.objects.get()
    assert made["Location"] == f"/proposals/{proposal.pk}/"
    assert not DraftLine.objects.exists(), "its lines left the draft"
    shown = said(browser_of(editor).get(made["Location"]))
    assert "red none → Stop Editor" in shown
    assert proposal.fingerprint[:12] in shown
    assert (
        f'action="/proposals/{proposal.pk}/approve/"' not in browser_of(editor).get(made["Location"]).content.decode()
    )
    assert approve(signed_in(Role.ADMIN), proposal).status_code == 303
    assert agreed_lines(acme, "colours") == {"red": "Stop", "green": "Go"}
    red, green = entries("configuration.agreed")
    assert red["sentence"] == "Colours: red is now Stop, previously none."
    assert red["people"]["author"]["id"] == red["people"]["planner"]["id"] == editor.pk
    assert red["approver"]["id"] == red["actor"]["id"] == admin.pk
    assert (red["reason"], red["ticket"], red["data"]["before"], red["data"]["after"]) == (
        "Our words",
        "CHG-1",
        None,
        "Stop",
    )
    assert green["data"]["key"] == "green"
    row = HistoryRow.objects.get(action="configuration.agreed", object_name="Colours: red")
    assert (row.person_id, row.approver_id) == (editor.pk, admin.pk)


def test_each_line_keeps_its_author(acme: Connector, editor: Person, admin: Person) -> None:
    want(acme, editor, red="Stop")
    want(acme, admin, green="Go")
    want(acme, admin, red="Halt")
    lines = {each["key"]: each["author"]["id"] for each in proposed(acme, editor).lines}
    assert lines == {"red": admin.pk, "green": admin.pk}


def test_a_value_that_is_agreed_already_takes_its_line_out_of_the_draft(acme: Connector, editor: Person) -> None:
    store_agreed(acme, "colours", [LineChange(key="red", before=None, after="Stop")])
    want(acme, editor, red="Halt")
    want(acme, editor, red="Stop")
    assert not DraftLine.objects.exists()
    with pytest.raises(Refused, match="nothing to propose"):
        proposed(acme, editor)


def test_an_error_cannot_be_saved_and_a_warning_has_to_be_read(
    acme: Connector, editor: Person, signed_in: SignIn
) -> None:
    want(acme, editor, red="STOP")
    with pytest.raises(drafting.BreaksConfiguration, match="STOP is the label of two colours"):
        want(acme, editor, green="STOP")
    assert DraftLine.objects.count() == 1
    proposal = proposed(acme, editor)
    client = signed_in(Role.ADMIN)
    refused = approve(client, proposal)
    assert (refused.status_code, state_of(proposal)) == (409, "open")
    assert "Tick that you have read the warnings" in said(refused)
    assert approve(client, proposal, warnings="on").status_code == 303


def test_an_error_that_was_there_before_keeps_nobody_from_mending_another_line(acme: Connector, editor: Person) -> None:
    both = [LineChange(key=key, before=None, after="Stop") for key in ("red", "green")]
    store_agreed(acme, "colours", both)
    want(acme, editor, blue="Sky")
    assert proposed(acme, editor).lines[0]["after"] == "Sky"


# --- two people --------------------------------------------------------------------------------------------------


def test_who_saw_another_value_overwrites_nothing(acme: Connector, editor: Person, admin: Person) -> None:
    want(acme, editor, red="Stop")
    with pytest.raises(LinesOvertaken, match="Editor changed 1 of these choices") as told:
        want(acme, admin, seen={"red": ""}, red="Halt", green="Go")
    assert told.value.keys == {"red"}
    assert list(DraftLine.objects.values_list("key", "wanted")) == [("red", "Stop")]
    want(acme, admin, seen={"blue": ""}, blue="Sky")


def test_the_same_form_sent_twice_changes_nothing_the_second_time(acme: Connector, editor: Person) -> None:
    for _ in range(2):
        want(acme, editor, seen={"red": ""}, red="Stop")
    assert len(entries("configuration.edited")) == 1


@committing
def test_two_who_save_at_once_end_with_one_value_and_one_told(acme: Connector, editor: Person, second: Person) -> None:
    acts: list[Callable[[], object]] = [
        partial(want, acme, who, seen={"red": ""}, red=word) for who, word in ((editor, "Stop"), (second, "Halt"))
    ]
    refused = at_once(acts)
    assert len(refused) == 1
    assert DraftLine.objects.count() == DraftSave.objects.count() == 1


@committing
def test_two_admins_who_approve_at_once_put_it_in_force_once(
    acme: Connector, editor: Person, admin: Person, second: Person
) -> None:
    want(acme, editor, red="Stop")
    proposal = proposed(acme, editor)
    acts: list[Callable[[], object]] = [
        partial(proposing.approve, proposal, proposal.fingerprint, actor=who) for who in (admin, second)
    ]
    (refused,) = at_once(acts)
    assert "has decided on this already: it was approved" in refused
    assert len(entries("configuration.agreed")) == 1


def test_while_a_proposal_waits_nothing_else_is_edited_or_proposed(
    acme: Connector, editor: Person, admin: Person
) -> None:
    want(acme, editor, red="Stop")
    proposal = proposed(acme, editor)
    with pytest.raises(Refused, match=f"Proposal {proposal.pk} by Editor waits for a decision"):
        want(acme, admin, green="Go")
    with pytest.raises(Refused, match="waits already"):
        proposed(acme, admin)
    answer = browser_of(editor).post(f"{BASE}undo/")
    assert (answer.status_code, "waits for a decision" in said(answer)) == (409, True)


# --- undo, drop --------------------------------------------------------------------------------------------------


def test_undo_takes_back_only_my_own_last_save(acme: Connector, editor: Person, admin: Person) -> None:
    want(acme, editor, red="Stop")
    want(acme, admin, red="Halt", green="Go")
    mine, theirs = browser_of(admin), browser_of(editor)
    assert "so your edit was not undone" in said(theirs.post(f"{BASE}undo/"))
    assert mine.post(f"{BASE}undo/").status_code == 303
    row = DraftLine.objects.get()
    assert (row.key, row.wanted, row.author_id) == ("red", "Stop", editor.pk)
    assert theirs.post(f"{BASE}undo/").status_code == 303
    assert not DraftLine.objects.exists()
    assert "There is no edit of yours to undo." in said(theirs.post(f"{BASE}undo/"))


def test_undo_leaves_a_value_that_somebody_else_came_to_by_themselves(
    acme: Connector, editor: Person, admin: Person, second: Person
) -> None:
    want(acme, editor, red="Stop")
    want(acme, admin, red="Halt")
    want(acme, second, red="Stop")
    assert "so your edit was not undone" in said(browser_of(editor).post(f"{BASE}undo/"))
    row = DraftLine.objects.get()
    assert (row.wanted, row.author_id) == ("Stop", second.pk)


def test_a_dropped_line_is_as_agreed_again_unless_the_draft_has_moved(acme: Connector, editor: Person) -> None:
    want(acme, editor, red="Stop")
    client, old = browser_of(editor), fingerprint(acme)
    want(acme, editor, green="Go")
    assert client.post(f"{BASE}drop/", {"key": "red", "seen": old}).status_code == 409
    assert client.post(f"{BASE}drop/", {"key": "red", "seen": fingerprint(acme)}).status_code == 303
    assert list(DraftLine.objects.values_list("key", flat=True)) == ["green"]


# --- four eyes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["proposed", "edited"])
def test_where_a_second_person_is_asked_for_nobody_with_a_part_approves(
    acme: Connector, editor: Person, admin: Person, second: Person, part: str
) -> None:
    Connector.objects.update(four_eyes=True)
    want(acme, admin if part == "edited" else editor, red="Stop")
    proposal = proposed(acme, editor if part == "edited" else admin)
    refused = approve(browser_of(admin), proposal)
    assert (refused.status_code, state_of(proposal)) == (409, "open")
    assert "You have a part in this proposal" in said(refused)
    assert approve(browser_of(second), proposal).status_code == 303


def test_without_that_rule_an_admin_approves_what_they_proposed(acme: Connector, admin: Person) -> None:
    want(acme, admin, red="Stop")
    assert approve(browser_of(admin), proposed(acme, admin)).status_code == 303


def test_who_is_no_admin_any_more_approves_nothing(acme: Connector, editor: Person, second: Person) -> None:
    want(acme, editor, red="Stop")
    proposal = proposed(acme, editor)
    Person.objects.filter(pk=second.pk).update(role=Role.EDITOR)
    with pytest.raises(Refused, match="no longer an admin"):
        proposing.approve(proposal, proposal.fingerprint, actor=second)
    with pytest.raises(Refused, match="no longer an admin"):
        proposing.decline(proposal, reason="no", actor=second)


# --- declined, withdrawn, stale ----------------------------------------------------------------------------------


def test_declined_its_lines_are_in_the_draft_again_with_their_authors(
    acme: Connector, editor: Person, admin: Person
) -> None:
    want(acme, editor, red="Stop")
    proposal = proposed(acme, editor)
    client = browser_of(admin)
    lacks = client.post(f"/proposals/{proposal.pk}/decline/", {"decline_reason": " "})
    assert "Say why it is declined" in said(lacks)
    client.post(f"/proposals/{proposal.pk}/decline/", {"decline_reason": "Not our words"})
    assert state_of(proposal) == ProposalState.DECLINED
    row = DraftLine.objects.get()
    assert (row.wanted, row.author_id) == ("Stop", editor.pk)
    declined = said(client.get(f"/proposals/{proposal.pk}/"))
    assert "Declined: Not our words" in declined
    assert "Its changes are in the draft again." in declined
    assert "Open the draft" in declined
    assert "has decided on this already" in said(approve(client, proposal))


def test_only_who_has_a_part_or_an_admin_withdraws(acme: Connector, editor: Person, admin: Person) -> None:
    want(acme, admin, red="Stop")
    first = proposed(acme, admin)
    answer = browser_of(editor).post(f"/proposals/{first.pk}/withdraw/")
    assert (answer.status_code, state_of(first)) == (409, "open")
    assert browser_of(admin).post(f"/proposals/{first.pk}/withdraw/").status_code == 303
    assert state_of(first) == ProposalState.WITHDRAWN
    second = proposed(acme, editor)
    assert browser_of(editor).post(f"/proposals/{second.pk}/withdraw/").status_code == 303


def test_a_proposal_upon_another_value_is_stale(acme: Connector, editor: Person, admin: Person) -> None:
    want(acme, editor, red="Stop")
    proposal = proposed(acme, editor)
    store_agreed(acme, "colours", [LineChange(key="red", before=None, after="Scarlet")])
    client = browser_of(admin)
    told = said(client.get(f"/proposals/{proposal.pk}/"))
    assert "what holds for red has changed without a decision here: what it names is called otherwise" in told
    refused = approve(client, proposal)
    assert (refused.status_code, agreed_lines(acme, "colours")) == (409, {"red": "Scarlet"})


def test_only_the_draft_on_the_page_is_proposed(acme: Connector, editor: Person) -> None:
    want(acme, editor, red="Stop")
    old = fingerprint(acme)
    want(acme, editor, green="Go")
    with pytest.raises(Refused, match="not the one on your page"):
        proposed(acme, editor, seen=old)


def test_another_fingerprint_approves_nothing(acme: Connector, editor: Person, admin: Person) -> None:
    want(acme, editor, red="Stop")
    proposal = proposed(acme, editor)
    assert approve(browser_of(admin), proposal, fingerprint="0" * 64).status_code == 409
    ConfigurationProposal.objects.update(lines=[{**proposal.lines[0], "after": "Halt"}])
    assert approve(browser_of(admin), proposal).status_code == 409, "what it holds is not what the fingerprint is of"
    assert agreed_lines(acme, "colours") == {}


# --- reasons, tickets, odd input ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"reason": ""}, "Say why"),
        ({"reason": "\x00 "}, "Say why"),
        ({"reason": "x" * 2001}, "longer than 2000 characters"),
        ({"reason": "y", "ticket": "nope"}, "does not fit the ticket format"),
        ({"reason": "y", "ticket": "C" * 101}, "at most 100 characters"),
    ],
)
def test_a_proposal_needs_a_reason_and_a_ticket_that_fits(
    acme: Connector, editor: Person, form: dict[str, str], sentence: str
) -> None:
    Connector.objects.update(ticket_pattern="CHG-#+")
    want(acme, editor, red="Stop")
    answer = browser_of(editor).post(f"{BASE}propose/", {"seen": fingerprint(acme), **form})
    assert (answer.status_code, ConfigurationProposal.objects.count()) == (409, 0)
    assert sentence in said(answer)


def test_odd_lines_are_refused_whole(acme: Connector, editor: Person) -> None:
    with pytest.raises(Refused, match="There is no colour mauve"):
        want(acme, editor, red="Stop", mauve="Oh")
    twice = [LineRequest(key="red", wanted=word, seen=None) for word in ("Stop", "Halt")]
    with pytest.raises(Refused, match="one choice twice"):
        drafting.set_lines(ColourLabels(), acme, twice, actor=editor)
    many = [LineRequest(key="red", wanted="Stop", seen=None)] * 2001
    with pytest.raises(Refused, match="2,001 lines"):
        drafting.set_lines(ColourLabels(), acme, many, actor=editor)
    assert not DraftLine.objects.exists()


def test_a_subject_that_is_not_there_is_404(acme: Connector, editor: Person) -> None:
    assert browser_of(editor).post("/connectors/acme/draft/nothing/undo/").status_code == 404


def test_a_disconnection_withdraws_what_waits_for_a_decision_and_its_notice_is_done(
    acme: Connector, editor: Person, admin: Person
) -> None:
    want(acme, editor, red="Stop")
    proposal = proposed(acme, editor)
    waiting = Notification.objects.filter(kind="configuration-proposed", read_at=None)
    assert waiting.exists()
    disconnect(acme, reason="Over", actor=admin)
    assert state_of(proposal) == ProposalState.WITHDRAWN
    assert DraftLine.objects.get().wanted == "Stop"
    assert not waiting.exists()
    [entry] = entries("configuration.withdrawn")
    assert f"Withdrew proposal {proposal.pk} of" in entry["sentence"]
    assert "was disconnected" in entry["sentence"]
    assert f"Proposal {proposal.pk} of" in entries("connector.disconnected")[0]["sentence"]
    assert "Its changes are in the draft again" in said(browser_of(admin).get(f"/proposals/{proposal.pk}/"))


def test_of_a_disconnected_connector_nothing_is_decided(acme: Connector, editor: Person, admin: Person) -> None:
    want(acme, editor, red="Stop")
    proposal = proposed(acme, editor)
    disconnect(acme, reason="Over", actor=admin)
    assert "was disconnected" in said(approve(browser_of(admin), proposal))
    assert state_of(proposal) == ProposalState.WITHDRAWN


def test_of_a_deactivated_connector_nothing_takes_effect(acme: Connector, editor: Person, admin: Person) -> None:
    want(acme, editor, red="Stop")
    proposal = proposed(acme, editor)
    Connector.objects.update(is_active=False)
    assert "Activate it before approving" in said(approve(browser_of(admin), proposal))
    assert (state_of(proposal), agreed_lines(acme, "colours")) == ("open", {})
    Connector.objects.update(is_active=True)
    assert approve(browser_of(admin), proposal).status_code == 303


# --- who is told -------------------------------------------------------------------------------------------------


def test_admins_hear_of_a_proposal_and_its_people_of_its_end(
    acme: Connector, editor: Person, admin: Person, second: Person
) -> None:
    Connector.objects.update(four_eyes=True)
    want(acme, second, red="Stop")
    proposal = proposed(acme, editor)
    told = Notification.objects.filter(kind="configuration-proposed")
    assert [each.person_id for each in told] == [admin.pk], "not the admin with a part in it"
    proposing.approve(proposal, proposal.fingerprint, actor=admin)
    assert told.get().read_at is not None, "there is nothing left to do"
    heard = Notification.objects.filter(kind="configuration-decided").values_list("person_id", flat=True)
    assert set(heard) == {editor.pk, second.pk}

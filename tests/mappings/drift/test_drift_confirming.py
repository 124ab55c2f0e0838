"""What is asked before drifted rows are decided: what will happen, to how many rows, and which are left out."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from alignadmin.accounts.models import Role
from alignadmin.audit.models import Entry
from mappings.drift.decisions import seen
from mappings.engine.values import Situation
from mappings.models import Mapping, Plan
from tests.conftest import SignIn
from tests.support.mapping_helpers import many_drifted, mapping, observe
from tests.support.sandbox_fixture import RunningSandbox
from tests.support.snapshot import States

DRIFT = "/connectors/acme/drift/"
CONFIRM, DECIDE = f"{DRIFT}confirm/", f"{DRIFT}decide/"
IN_REVIEW = 10013


@pytest.fixture
def editor(connector: Any, signed_in: SignIn) -> Client:
    return signed_in(Role.EDITOR)


@pytest.fixture
def drifted(connector: Any, sandbox: RunningSandbox, states: States) -> Mapping:
    sandbox.edit("update_mapping", family="j2a_state", type=4, source=IN_REVIEW, target=5)
    states.put("drifted", lambda: observe(connector))
    return mapping(connector, "j2a-state", IN_REVIEW)


def asked(client: Client, **data: Any) -> str:
    answer = client.post(CONFIRM, data)
    assert answer.status_code == 200, answer.content.decode()
    return answer.content.decode()


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def confirmed(html: str) -> dict[str, Any]:
    """The fields of the form that carries it out."""
    form = html.split('id="confirmed"')[1].split("</form>")[0]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))


def test_adopting_says_that_nothing_is_sent_and_restoring_that_a_plan_is_made(editor: Client, drifted: Mapping) -> None:
    rows = [drifted, *many_drifted(drifted.scope, 11)]
    ticked = [seen(row).token for row in rows]
    page = asked(editor, decision="adopt", ticked=ticked)
    text = text_of(page)
    assert "Adopt 12 rows" in text
    assert "Nothing is sent to Align. What Align has now becomes the wanted value here of all 12 rows" in text
    assert "In Review Story · Jira to Align · shared 2 In progress → 5 Accepted here" in text
    assert "and 2 more rows" in text
    part = editor.post(CONFIRM, {"decision": "adopt", "ticked": ticked}, headers={"HX-Request": "true"})
    assert part.content.startswith(b'<div id="_confirm"')

    plan_page = asked(editor, decision="restore", ticked=ticked)
    text = text_of(plan_page)
    assert "Restore 12 rows by a plan" in text
    assert "A plan is made that changes 12 rows in Align back to the wanted value." in text
    assert "Nothing is sent before an admin has approved and applied it" in text
    assert "5 Accepted → 2 In progress in Align" in text
    assert Mapping.objects.filter(situation=Situation.DRIFTED).count() == 12  # asking changes nothing

    made = editor.post(DECIDE, {**confirmed(plan_page), "reason": "As it was"})
    plan = Plan.objects.get()
    # Recorded last: until then the history's head is free, however long the plan takes to work out.
    actions = list(Entry.objects.order_by("seq").values_list("action", flat=True))
    assert actions[-13:] == ["plan.made", *["drift.restore"] * 12]
    assert (made["Location"], plan.changes.count()) == (f"/plans/{plan.pk}/", 12)


def test_what_changed_between_page_and_confirmation_is_left_out_and_between_confirmation_and_click_is_refused(
    editor: Client, signed_in: SignIn, drifted: Mapping
) -> None:
    rows = [drifted, *many_drifted(drifted.scope, 2)]
    ticked = [seen(row).token for row in rows]
    admin = signed_in(Role.ADMIN)
    admin.post(DECIDE, {"one": f"adopt {ticked[0]}"})
    page = asked(editor, decision="adopt", ticked=ticked)
    assert "Adopt 2 rows" in text_of(page)
    assert re.search(r"1 row is left out: In Review .*Admin was faster", text_of(page))
    assert confirmed(page)["ticked"] == " ".join(ticked[1:])

    admin.post(DECIDE, {"one": f"adopt {ticked[1]}"})
    assert editor.post(DECIDE, confirmed(page)).status_code == 303
    text = text_of(editor.get(DRIFT).content.decode())
    assert "Adopted 1 row: what Align has is wanted here, too. Nothing was sent to Align." in text
    assert "Decided 1 of 2." in text
    again = editor.post(DECIDE, confirmed(page))
    assert (again.status_code, "was faster" in again.content.decode()) == (409, True)
    none_left = editor.post(CONFIRM, {"decision": "adopt", "ticked": ticked})
    assert (none_left.status_code, "was faster" in none_left.content.decode()) == (409, True)


def test_all_rows_of_a_filter_are_those_that_were_confirmed(editor: Client, drifted: Mapping) -> None:
    many_drifted(drifted.scope, 130)
    shown = editor.get(DRIFT, {"project": "-"}).content.decode()
    assert shown.count('name="ticked"') == 100
    assert "All 131 rows of this filter" in shown
    drawn = dict(re.findall(r'name="(shown|project)" value="([^"]*)"', shown))
    # After the page was drawn, three rows come, two are gone, and one gets another value under the same drift.
    came = many_drifted(drifted.scope, 3, first=750_000)
    Mapping.objects.filter(source_id__in=(700_000, 700_001)).delete()
    Mapping.objects.filter(source_id=700_002).update(observed=1)
    page = asked(editor, decision="adopt", all="on", ticked=["1.1.1"], **drawn)
    text = text_of(page)
    assert "Adopt 128 rows" in text
    assert "3 more than when the page was loaded are left out: look at them first" in text
    assert "3 rows are left out: 2 of the rows are no longer there. Status 700002" in text
    many_drifted(drifted.scope, 5, first=800_000)  # they come after it, so they were not confirmed
    answer = editor.post(DECIDE, confirmed(page))
    assert answer["Location"] == f"{DRIFT}?project=-"
    assert Mapping.objects.filter(situation=Situation.DRIFTED).count() == 9
    left = Mapping.objects.filter(situation=Situation.DRIFTED)
    assert {row.pk for row in came} < set(left.values_list("pk", flat=True))
    nothing = editor.post(CONFIRM, {"decision": "adopt", "all": "on", "shown": ""})
    assert (nothing.status_code, b"Tick at least one row." in nothing.content) == (409, True)


def test_a_restore_of_which_no_row_can_be_planned_decides_nothing(editor: Client, drifted: Mapping) -> None:
    page = asked(editor, one=f"restore {seen(drifted).token}")
    assert "Restore 1 row by a plan" in text_of(page)
    drifted.scope.connector.ticket_pattern = "CHG-####"
    drifted.scope.connector.save(update_fields=["ticket_pattern"])
    refused = editor.post(DECIDE, {**confirmed(page), "reason": "As it was", "ticket": "nonsense"})
    assert refused.status_code == 409
    assert ">As it was</textarea>" in refused.content.decode()  # nobody types it twice
    assert 'value="nonsense"' in refused.content.decode()
    assert Mapping.objects.get(pk=drifted.pk).situation == Situation.DRIFTED
    assert not Plan.objects.exists()


def test_a_refused_restore_of_many_rows_says_each_reason_once_and_names_the_first_rows(
    editor: Client, drifted: Mapping
) -> None:
    many_drifted(drifted.scope, 60)
    Mapping.objects.filter(scope=drifted.scope, situation=Situation.DRIFTED).update(remote_id=None, wanted=99)
    rows = Mapping.objects.filter(situation=Situation.DRIFTED).order_by("source_id")
    form = {"decision": "restore", "ticked": [seen(row).token for row in rows], "reason": "As it was"}
    refused = editor.post(DECIDE, form, headers={"HX-Request": "true"})
    sentence = refused.content.decode()
    assert (refused.status_code, len(sentence) < 2000) == (409, True), sentence
    assert sentence.startswith(
        "None of these 61 rows can be planned. In Review (Story, shared): In Review (10013) leads"
    )
    assert sentence.endswith("which is no longer in Align. And 58 more rows.")


def test_accepting_many_is_confirmed_with_its_day_and_needs_it_before(editor: Client, drifted: Mapping) -> None:
    ticked = [seen(drifted).token]
    assert editor.post(CONFIRM, {"decision": "accept", "ticked": ticked, "reason": "trial"}).status_code == 409
    page = asked(editor, decision="accept", ticked=ticked, until="2027-03-01", reason="trial")
    assert "Accept 1 row until" in text_of(page)
    assert editor.post(DECIDE, confirmed(page)).status_code == 303
    assert Mapping.objects.get(pk=drifted.pk).accepted_reason == "trial"


def test_the_bar_of_acts_stands_in_the_form_of_the_rows_and_weighs_its_acts_apart(
    editor: Client, signed_in: SignIn, drifted: Mapping
) -> None:
    """Without scripts it is simply there; app.css shows it with them while a row is ticked."""
    form = editor.get(DRIFT).content.decode().split('<form id="decide"')[1].split("</form>")[0]
    assert f'action="{CONFIRM}"' in form
    assert '<button class="btn" name="decision" value="adopt">' in form
    assert '<button class="btn primary" name="decision" value="restore">' in form
    seen_by_others = signed_in(Role.VIEWER).get(DRIFT).content.decode()
    assert 'class="bar"' not in seen_by_others
    assert "An editor or an admin decides" in seen_by_others

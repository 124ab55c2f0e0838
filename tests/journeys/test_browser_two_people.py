"""Two people, two tabs, two clicks: the second one is told, and nothing happens twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support import browser_helpers as steps
from tests.support.browser import axe, look
from tests.support.browser_helpers import ADMIN, EDITOR, SECOND_ADMIN, Own, cell, entered, own_connector, trouble
from tests.support.processes import Site

# However many: other tests of this installation tell these people something, too.
UNREAD = re.compile(r"^Notifications: \d+ unread$")


@pytest.fixture
def own(site: Site) -> Iterator[Own]:
    with own_connector(site) as made:
        yield made


def test_the_second_editor_of_a_cell_sees_who_and_the_three_values(own: Own, browser: Browser) -> None:
    with entered(browser, own.site, EDITOR) as (first, _), entered(browser, own.site, ADMIN) as (second, complaints):
        complaints.expect("409")
        for page in (first, second):
            page.goto(f"{own.matrix}?scope=PROJ")
        cell(first, "QA 10015 4 Test complete").click()
        steps.expect_waiting(first, 1)

        cell(second, "QA 10015 2 In progress").click()
        expect(trouble(second)).to_contain_text("Eli Editor changed this mapping at")
        expect(trouble(second)).to_contain_text(
            "Wanted is now 4 Test complete, applied 3 Dev complete, Align has 3 Dev complete. Your edit was not stored."
        )
        expect(trouble(second)).to_be_in_viewport()
        expect(cell(second, "QA 10015 4 Test complete"), "the row is drawn anew").to_have_attribute(
            "aria-selected", "true"
        )
        expect(cell(second, "QA 10015 3 Dev complete")).to_have_attribute("aria-selected", "false")
        expect(cell(second, "QA 10015 2 In progress"), "the focus stays").to_be_focused()

        cell(second, "QA 10015 2 In progress").click()
        expect(cell(second, "QA 10015 2 In progress")).to_have_attribute("aria-selected", "true")
        expect(trouble(second)).to_be_hidden()


def test_a_second_approval_is_told_who_was_first_and_when(own: Own, browser: Browser) -> None:
    own.set_cell(10017, 2)
    with entered(browser, own.site, ADMIN) as (first, _), entered(browser, own.site, SECOND_ADMIN) as (second, told):
        told.expect("409")
        plan = steps.make_plan(first, own)
        second.goto(first.url)
        steps.approve(first)
        second.get_by_role("button", name="Approve").click()
        expect(trouble(second)).to_contain_text("Already approved by Dana Admin at")
        beside = second.locator("form").filter(has=second.get_by_role("button", name="Approve"))
        expect(beside).to_contain_text("Already approved by Dana Admin at")
        assert len(entries(own, "plan.approved")) == 1

        second.reload()
        steps.apply(first, own.slug)
        steps.expect_confirmed(first, 1)
        steps.apply(second, own.slug)
        expect(trouble(second)).to_contain_text("Already started by Dana Admin at")
        second.goto(f"{own.site.url}/plans/{plan}/")
        steps.expect_confirmed(second, 1)


def test_an_emergency_approval_is_seen_by_the_other_admin_until_they_take_note(own: Own, browser: Browser) -> None:
    own.set_cell(10017, 2)
    with entered(browser, own.site, ADMIN) as (author, _), entered(browser, own.site, SECOND_ADMIN) as (second, _):
        author.goto(f"{own.page}rules/")
        author.get_by_label("Require a second approver").check()
        author.get_by_role("button", name="Save").click()
        expect(author.get_by_role("region", name="Rules of plans")).to_contain_text(
            "an admin who neither planned nor edited it"
        )

        plan = steps.make_plan(author, own)
        expect(author.get_by_role("button", name="Approve", exact=True)).to_have_count(0)
        author.get_by_text("Approve in an emergency").click()
        author.get_by_label("What the emergency is").fill("Align shows all Stories as done")
        warnings = author.get_by_role("checkbox", name="I have read")
        if warnings.count():
            warnings.check()
        author.get_by_role("button", name="Approve alone").click()
        expect(author.get_by_role("heading", level=1)).to_contain_text("approved, not applied")
        expect(author.locator("#emergency-note")).to_contain_text("No other admin has acknowledged it yet.")

        second.goto(own.site.url)
        loud = second.locator(".alarm").filter(has=second.get_by_role("link", name=f"plan {plan}", exact=True))
        expect(loud).to_contain_text("Align shows all Stories as done")
        loud.get_by_role("button", name="Acknowledge").click()
        expect(second.locator("#emergency-note")).to_contain_text("Sam Second acknowledged it")
        second.goto(own.site.url)
        expect(loud).to_have_count(0)


def test_an_editor_asks_for_approval_and_hears_the_outcome(own: Own, browser: Browser) -> None:
    with entered(browser, own.site, EDITOR) as (editor, _), entered(browser, own.site, SECOND_ADMIN) as (second, _):
        editor.goto(f"{own.matrix}?scope=PROJ")
        cell(editor, "QA 10015 4 Test complete").click()
        steps.expect_waiting(editor, 1)
        plan = steps.make_plan(editor, own)
        form = editor.locator("#ask-approval")
        form.get_by_role("checkbox", name="Sam Second").check()
        form.get_by_label("Note").fill("Needed before Friday")
        axe(editor)
        form.get_by_role("button", name="Ask for approval").click()
        asked = editor.get_by_role("list", name="Asked to approve")
        expect(asked).to_contain_text("Eli Editor asked Sam Second to approve this")
        expect(asked).to_contain_text("Needed before Friday")
        expect(editor.locator("#ask-approval").get_by_role("checkbox", name="Sam Second")).to_be_disabled()

        second.goto(own.site.url)
        expect(second.get_by_role("link", name=f"Eli Editor asks you to approve plan {plan}")).to_have_count(1)
        second.get_by_role("link", name=UNREAD).click()
        look(second)
        second.get_by_role("link", name=f"Eli Editor asks you to approve plan {plan} of").click()
        expect(second.get_by_role("list", name="Asked to approve")).to_contain_text("Sam Second (you)")
        steps.approve(second)
        expect(second.get_by_role("link", name="Notifications: none unread")).to_be_visible()

        editor.goto(own.site.url)
        editor.get_by_role("link", name=UNREAD).click()
        expect(editor.get_by_role("link", name=f"Sam Second approved plan {plan} of")).to_be_visible()
        editor.get_by_role("button", name="Mark all as read").click()
        expect(editor.get_by_role("link", name="Notifications: none unread")).to_be_visible()


def test_a_double_click_has_one_effect(own: Own, page: Page) -> None:
    own.set_cell(10017, 2)
    steps.enter(page, own.site)
    page.goto(own.new_plan)
    page.get_by_label("Reason").fill(steps.REASON)
    page.get_by_role("button", name="Plan", exact=True).dblclick()
    page.wait_for_url("**/plans/*/")
    warnings = page.get_by_role("checkbox", name="I have read")
    if warnings.count():
        warnings.check()
    page.get_by_role("button", name="Approve").dblclick()
    expect(page.get_by_role("heading", level=1)).to_contain_text("approved, not applied")
    page.get_by_role("button", name="Apply").dblclick()
    steps.expect_confirmed(page, 1)
    for act in ("plan.made", "plan.approved", "plan.started"):
        assert len(entries(own, act)) == 1, act
    assert len(own.sandbox.journal("POST", "/mappings/states")) == 1


def test_a_form_that_is_posted_twice_has_one_effect(own: Own) -> None:
    own.set_cell(10017, 2)
    waiting = own.get(f"/api/v1/mappings/?connector={own.slug}&situation=edited").json()["results"]
    form = {"row": [str(each["id"]) for each in waiting], "reason": steps.REASON}
    first = own.post(own.new_plan, form)
    number = int(first.url.rstrip("/").rsplit("/", 1)[1])
    plan = f"{own.site.url}/plans/{number}/"
    shown = own.get(f"/api/v1/plans/{number}/").json()
    approval = {"fingerprint": shown["fingerprint"], "warnings": "on"}

    assert own.post(f"{plan}approve/", approval).status_code == 200
    again = own.post(f"{plan}approve/", approval)
    assert again.status_code == 409
    assert "Already approved by Dana Admin at" in again.text

    assert own.post(f"{plan}apply/", {}).status_code == 200
    again = own.post(f"{plan}apply/", {})
    assert again.status_code == 409
    assert "Already started by Dana Admin at" in again.text
    own.wait_until_idle()
    assert len(own.sandbox.journal("POST", "/mappings/states")) == 1


def test_a_list_that_is_sent_twice_without_javascript_is_stored_once(own: Own, browser: Browser) -> None:
    with steps.without_scripts(browser) as page:
        steps.enter(page, own.site)
        page.goto(f"{own.matrix}?scope=PROJ&view=list")
        page.get_by_label("Blocked 10017 shows").select_option("2 In progress")
        page.get_by_role("button", name="Save to the draft").dblclick()
        steps.expect_waiting(page, 1)
    edits = own.get(f"/api/v1/history/?connector={own.slug}&action=mapping.edited").json()["results"]
    assert len(edits) == 1


def entries(own: Own, action: str) -> list[Any]:
    return list(own.get(f"/api/v1/history/?connector={own.slug}&action={action}").json()["results"])

"""A rotation in a real browser, from staging to retiring, judged by axe at each step in both themes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.environment import PASSWORD
from tests.support import browser_helpers as steps
from tests.support.browser import NARROW, WIDE, axe, fits, sign_in
from tests.support.browser_helpers import ADMIN, SECOND_ADMIN, Own, entered, own_connector, trouble
from tests.support.processes import Site
from tests.support.sandbox_fixture import ALIGN_TOKEN

SECOND, THIRD = "token-of-the-second-service-user", "token-of-the-third-service-user"
JOB = 30_000


@pytest.fixture
def own(site: Site) -> Iterator[Own]:
    with own_connector(site) as made:
        yield made


def address(own: Own, system: str = "align") -> str:
    return f"{own.page}credential/{system}/"


def add_token(own: Own, token: str, **limits: object) -> None:
    own.sandbox.edit("add_token", site="align", token=token, user=f"{token}@acme.test", **limits)


def judge(page: Page) -> None:
    """axe finds nothing in either theme, and a phone needs no sideways scrolling."""
    axe(page)
    page.emulate_media(color_scheme="dark")
    axe(page)
    page.set_viewport_size(NARROW)
    assert fits(page), "a phone has to scroll sideways"
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light")


def card(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def expect_step(page: Page, name: str) -> None:
    now = page.get_by_role("list", name="Progress of the rotation").locator("[aria-current=step]")
    expect(now).to_contain_text(name, timeout=JOB)


def stage(page: Page, token: str, *, whose: str = "Of another Align user") -> None:
    form = page.locator("#stage")
    button = form.get_by_role("button", name="Save as pending", include_hidden=True)
    expect(button).to_be_attached()  # it is the last of the form: what is folded is there as well
    if form.locator("details:not([open])").count():
        form.locator("summary").click()
    form.get_by_label("Token", exact=True).fill(token)
    form.get_by_role("radio", name=whose).check()
    form.get_by_label("Expires on").fill(str(date.today() + timedelta(days=90)))  # noqa: DTZ011  as a person types it
    form.get_by_label("Why").fill("The old one expires next week")
    button.click()


def probe(page: Page) -> None:
    page.get_by_role("button", name="Probe").click()
    expect(page.get_by_role("list", name="Rights of the pending credential")).to_be_visible(timeout=JOB)


def losses(page: Page) -> Locator:
    """The box to tick where rights will be lost; it is the card's only one."""
    return card(page, "Switch").get_by_role("checkbox")


def switch(page: Page) -> None:
    press_switch(page)
    expect_step(page, "Retire")


def press_switch(page: Page) -> None:
    button = page.get_by_role("button", name="Switch to it")
    expect(button).to_be_enabled()  # it comes after the box
    if losses(page).count():
        losses(page).check()
    button.click()


def expect_accepted(page: Page) -> None:
    expect(card(page, "After the switch")).to_contain_text("last accepted", timeout=JOB)


def expect_used(page: Page) -> None:
    """The page loads itself again when the first calls are over; a reload of ours could meet that one half way."""
    expect(card(page, "Current")).to_contain_text("accepted", timeout=JOB)


@pytest.mark.journey
def test_a_rotation_without_a_gap_and_the_way_back(own: Own, page: Page) -> None:
    add_token(own, SECOND, projects=["PROJ"])
    add_token(own, THIRD)
    steps.enter(page, own.site)
    page.goto(address(own))
    expect_step(page, "Stage")
    judge(page)

    stage(page, SECOND)
    expect_step(page, "Probe")
    expect(page.get_by_role("button", name="Switch to it")).to_be_disabled()
    assert SECOND not in page.content()
    judge(page)

    page.get_by_text("Try a write as well").click()
    keys = page.get_by_label("At this key")
    keys.select_option(keys.locator("option", has_text="PROJ · ").first.get_attribute("value"))
    page.get_by_role("checkbox", name="I agree").check()
    judge(page)
    own.sandbox.clear_journal()
    probe(page)
    written = [each["method"] for each in own.sandbox.journal(containing="mappings") if each["method"] != "GET"]
    assert written == ["POST", "DELETE"]
    expect_step(page, "Switch")
    expect(card(page, "Probe").get_by_role("listitem").filter(has_text="May not")).to_have_count(0)
    judge(page)

    page.get_by_role("button", name="Switch to it").click()
    assert losses(page).evaluate("box => box.validity.valueMissing"), "a loss is confirmed first"
    switch(page)
    expect_accepted(page)
    judge(page)

    own.sandbox.edit("revoke_token", site="align", token=SECOND)
    own.refresh()
    page.goto(address(own))
    expect(card(page, "After the switch")).to_contain_text("401")
    judge(page)
    page.get_by_role("button", name="Go back").click()
    expect(card(page, "Pending")).to_contain_text("401")
    own.refresh()
    expect_used(page)
    judge(page)

    page.get_by_role("button", name="Discard it").click()
    page.get_by_role("button", name="Continue").click()
    expect_step(page, "Stage")
    stage(page, THIRD)
    probe(page)
    switch(page)
    expect_accepted(page)
    page.get_by_role("button", name="Destroy now").click()
    page.get_by_role("button", name="Continue").click()
    expect(card(page, "Previous")).to_contain_text("No previous credential is kept.")
    expect_step(page, "Stage")
    judge(page)
    own.sandbox.edit("revoke_token", site="align", token=ALIGN_TOKEN)
    own.refresh()
    page.reload()
    expect(card(page, "Current")).to_contain_text("accepted")


def test_with_one_service_user_the_page_says_that_the_gap_has_begun(own: Own, page: Page) -> None:
    own.sandbox.edit("regenerate_token", site="align", token=ALIGN_TOKEN, new_token=SECOND)
    steps.enter(page, own.site)
    page.goto(address(own))
    stage(page, SECOND, whose="Of the same user")
    main = page.locator("main")
    gap = main.get_by_text("applies are paused")
    expect(gap).to_contain_text("It cannot be undone")
    judge(page)
    probe(page)
    expect_step(page, "Switch")
    judge(page)
    press_switch(page)
    expect(gap).to_have_count(0)
    expect(page.get_by_role("button", name="Go back")).to_have_count(0)
    own.refresh()
    expect_used(page)
    judge(page)


def test_the_second_of_two_admins_replaces_a_pending_one_only_by_a_tick(own: Own, browser: Browser) -> None:
    add_token(own, SECOND)
    with entered(browser, own.site, SECOND_ADMIN) as (first, told), entered(browser, own.site, ADMIN) as (second, also):
        told.expect("409")
        also.expect("409")
        for page in (first, second):
            page.goto(address(own))
        stage(first, SECOND)
        expect_step(first, "Probe")
        stage(second, THIRD)
        expect(trouble(second)).to_contain_text("Nothing is stored.")
        expect(second.locator("#stage")).to_contain_text("staged a Jira Align credential")
        assert THIRD not in second.content()
        judge(second)
        form = second.locator("#stage")
        form.get_by_role("checkbox", name="Replace what").check()
        form.get_by_label("Token", exact=True).fill(THIRD)
        form.get_by_role("button", name="Save as pending").click()
        expect(card(second, "Pending")).to_contain_text("version 3")

        first.get_by_role("button", name="Probe it").click()
        expect(trouble(first)).to_contain_text("no longer exists")
        first.go_back()
        assert first.locator("#stage").get_by_label("Token", exact=True).input_value() == ""


def test_without_javascript_a_rotation_goes_on_by_reloading(own: Own, browser: Browser) -> None:
    add_token(own, SECOND)
    with steps.without_scripts(browser) as page:
        sign_in(page, own.site.url, ADMIN, PASSWORD)
        page.goto(address(own))
        stage(page, SECOND)
        page.get_by_role("button", name="Probe it").click()
        own.wait_until_idle()
        page.reload()
        expect(page.get_by_role("list", name="Rights of the pending credential")).to_be_visible()
        switch(page)
        own.wait_until_idle()
        page.reload()
        expect_accepted(page)
        page.get_by_role("button", name="Go back").click()
        expect_step(page, "Stage")

"""The hierarchy in a browser: an editor chooses by keyboard and proposes, an admin approves, and the matrix follows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.browser import look
from tests.support.browser_helpers import ADMIN, EDITOR, Own, enter, entered, own_connector, trouble, without_scripts
from tests.support.processes import Site


@pytest.fixture
def own(site: Site) -> Iterator[Own]:
    with own_connector(site) as made:
        yield made


def level(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name))


def by_keyboard(page: Page, name: str, issue_type: str) -> None:
    """Open the drop-down of a level and tick, or clear, one type."""
    level(page, name).locator("summary").focus()
    page.keyboard.press("Enter")
    level(page, name).get_by_role("checkbox", name=issue_type).focus()
    page.keyboard.press("Space")


def test_from_the_step_to_a_matrix_that_follows(own: Own, browser: Browser) -> None:
    with entered(browser, own.site, EDITOR) as (editor, told), entered(browser, own.site, ADMIN) as (admin, _):
        told.expect("409")
        editor.goto(f"{own.page}set-up/types/")
        editor.get_by_role("link", name="Edit the hierarchy").click()
        by_keyboard(editor, "Feature", "Story base level")
        look(editor)
        editor.get_by_role("button", name="Save to the draft").click()
        expect(trouble(editor)).to_contain_text("so Bug would have to belong to Story")
        expect(level(editor, "Feature").get_by_role("checkbox", name="Story base level")).to_be_checked()
        editor.goto(f"{own.page}hierarchy/")

        by_keyboard(editor, "Story", "Task base level")
        editor.get_by_role("button", name="Save to the draft").click()
        draft = editor.get_by_role("region", name="Draft")
        expect(draft).to_contain_text("as Jira tells: Story")
        expect(draft).to_contain_text("Story, Task")
        look(editor)
        editor.get_by_label("Reason").fill("Tasks of the base level are planned as stories")
        editor.get_by_role("button", name="Propose 1 change").click()
        expect(editor.get_by_role("heading", level=1)).to_contain_text("Hierarchy")
        expect(editor.get_by_role("region", name="Decide")).to_contain_text("Waiting for an admin")
        expect(editor.get_by_role("button", name="Approve")).to_have_count(0)

        admin.goto(editor.url)
        look(admin)
        admin.get_by_role("button", name="Approve").click()
        expect(admin.get_by_role("region", name="Decide")).to_have_count(0)
        admin.goto(f"{own.page}types/")
        expect(admin.get_by_role("row", name="Story Story, Task")).to_be_visible()
        admin.goto(f"{own.page}hierarchy/")
        expect(admin.get_by_role("region", name="Draft")).to_contain_text("Nothing is pending")
        look(admin)


def test_it_is_chosen_and_proposed_without_scripts(own: Own, browser: Browser) -> None:
    with without_scripts(browser) as page:
        enter(page, own.site, EDITOR)
        page.goto(f"{own.page}hierarchy/")
        level(page, "Story").locator("summary").click()
        level(page, "Story").get_by_role("checkbox", name="Task base level").check()
        page.get_by_role("button", name="Save to the draft").click()
        page.get_by_role("button", name="Drop: Story").click()
        expect(page.get_by_role("region", name="Draft")).to_contain_text("Nothing is pending")
        page.get_by_role("button", name="Undo my last edit").click()
        page.get_by_label("Reason").fill("Tasks are planned as stories")
        page.get_by_role("button", name="Propose 1 change").click()
        page.get_by_role("button", name="Withdraw").click()
        expect(page.locator("main")).to_contain_text("Withdrawn")

"""The guided set-up in a real browser, from an empty installation to a mapping that was applied and read back.

On Cloud and on Data Center, by keyboard alone, without JavaScript, and broken off and resumed at every step.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.environment import PASSWORD
from tests.journeys.test_browser_journeys import align_state
from tests.support import browser_helpers as steps
from tests.support import import_journey as imports
from tests.support import in_step_journey as in_step
from tests.support import set_up_journey as journey
from tests.support.browser import look, sign_in
from tests.support.browser_helpers import Own, cell, entered, expect_waiting, own_connector
from tests.support.processes import Site, eventually, running_site
from tests.support.sandbox_fixture import RunningSandbox

MOST_CLICKS = 25  # of which typing a secret is one each
COUNTS_CLICKS = """addEventListener("pointerdown", () =>
    sessionStorage.setItem("clicks", Number(sessionStorage.getItem("clicks")) + 1), true)"""
PARKED = "Parked 10205 0 Pending approval"
BLOCKED = "Blocked 10017 0 Pending approval"  # of a Data Center, which has no team-managed projects


@pytest.fixture(scope="module")
def installation(processes: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One for all journeys: it is empty when the first of them begins."""
    moves = (part for name, value in in_step.MOVES.items() for part in (f"--{name.replace('_', '-')}", value))
    with running_site(tmp_path_factory.mktemp("empty"), *moves, BUDGET_BLOCK="15", **in_step.SETTINGS) as site:
        name = ("--name", "First Admin", "--password-stdin")
        site.command("createadmin", journey.PERSON, *name, stdin=f"{PASSWORD}\n")
        yield site


def apply_the_first_mapping(page: Page, slug: str, *, project: str = "PROJ1", edited: str = PARKED) -> None:
    """From the page of the statuses."""
    page.get_by_role("link", name="Coverage by project").click()
    page.get_by_role("link", name=f"{project}, Story").click()
    page.wait_for_url("**/mappings/?*")
    expect(page.get_by_text("have not been read from Align yet")).to_have_count(0, timeout=journey.READ)
    expect(page.locator("#job")).to_be_hidden(timeout=journey.READ)
    cell(page, edited).click()
    expect_waiting(page, 1)
    page.get_by_role("link", name="Review plan").click()
    steps.fill_plan(page)
    steps.approve(page)
    steps.apply(page, slug)
    steps.expect_confirmed(page, 1)


def expect_applied(page: Page, site: Site, slug: str) -> None:
    page.goto(f"{site.url}/connectors/{slug}/set-up/statuses/")
    expect(page.locator("#check-first-apply")).to_contain_text("1 change applied from here and read back")


def test_from_an_empty_database_to_the_first_applied_mapping_and_on_to_verified_both_ways(
    installation: Site, page: Page
) -> None:
    """By the guided set-up, from the first page after the sign-in, to the mapping in few clicks; on Cloud."""
    site, address = installation, installation.sandbox_url
    page.add_init_script(COUNTS_CLICKS)
    sign_in(page, site.url, journey.PERSON, PASSWORD)
    page.evaluate("sessionStorage.removeItem('clicks')")
    expect(page.get_by_role("heading", level=2)).to_have_text("No connector yet")
    page.get_by_role("link", name="Set up your first connector").click()
    for title in ("Terminology", "Key", "Connect"):
        page.get_by_role("link", name=f"Next: {title}").click()
    look(page)
    journey.fill(page, journey.typed(address, "First", journey.CLOUD))
    journey.fill(page, journey.SECRETS | {"jira-secret": "not-the-token"})
    journey.look_up(page, "Jira Cloud")
    wrong = page.locator(".field.wrong")
    expect(wrong).to_have_count(1)
    expect(wrong).to_contain_text("refused the sign-in")
    expect(page.locator("[name='align-secret']")).to_have_value(journey.SECRETS["align-secret"])
    look(page)
    page.locator("[name='jira-secret']").fill(journey.SECRETS["jira-secret"])
    page.get_by_role("button", name="Look again").click()
    expect(wrong).to_have_count(0, timeout=journey.ASKED)
    journey.expect_chosen(page)
    journey.add(page, "first")
    journey.expect_all_read(page)
    said = page.get_by_text("First is stored.")
    expect(said).to_be_visible()  # after the pages that the reading has loaded anew
    journey.walk_the_steps(page)
    expect(said).to_have_count(0)
    assert align_state(address, 10205, ProjectKey="PROJ1") is None
    apply_the_first_mapping(page, "first")
    clicks = int(page.evaluate("sessionStorage.getItem('clicks')"))
    assert 10 < clicks + 3 <= MOST_CLICKS, "three secrets were typed"
    assert align_state(address, 10205, ProjectKey="PROJ1") == 0
    expect_applied(page, site, "first")
    base = f"{site.url}/connectors/first/"
    imports.of_aligns(page, base, "PAY")
    in_step.on_cloud(page, base, address)


def test_a_project_that_align_does_not_carry_is_taken_over_and_imported(site: Site, browser: Browser) -> None:
    """Steps 4 to 8 of a project of ours with 200 issues, and of one that Align carries, on Cloud."""
    with own_connector(site) as own, entered(browser, site, steps.ADMIN) as (page, _):
        imports.leave_align(own.sandbox.url, "HACK")
        imports.write_issues(own.sandbox.url, "HACK", imports.ISSUES)
        imports.refresh(page, own.page)
        imports.of_ours(page, own.page, "HACK", "Parked 10605 0 Pending approval")
        imports.of_aligns(page, own.page, "PAY")


def test_all_ten_steps_on_a_data_center_with_a_password_for_which_no_key_is_needed(
    installation: Site, page: Page
) -> None:
    """From both addresses to "Verified both ways"."""
    site = installation
    with closing(RunningSandbox(jira="server-9", **in_step.MOVES)) as sandbox:
        sign_in(page, site.url, journey.PERSON, PASSWORD)
        page.goto(f"{site.url}/connectors/new/")
        journey.fill(page, journey.typed(sandbox.url, "Premises", journey.PASSWORD_OF_DATA_CENTER) | journey.SECRETS)
        journey.look_up(page, "Jira Data Center 9.12.15")
        journey.expect_chosen(page)
        look(page)
        page.get_by_role("button", name="Test").click()
        result = page.get_by_role("list", name="Result of the test")
        expect(result.get_by_role("listitem").filter(has_text="Works").first).to_be_visible(timeout=journey.ASKED)
        expect(result.get_by_role("listitem").filter(has_text="Fails")).to_have_count(0)
        journey.add(page, "premises")
        journey.expect_all_read(page)
        journey.rail(page).get_by_role("link", name="Key").click()
        needed = page.locator("#check-jira-key")
        expect(needed).to_contain_text("Not needed")
        expect(needed).to_contain_text("no token needed")
        journey.walk_the_steps(page)
        assert align_state(sandbox.url, 10017) is None
        apply_the_first_mapping(page, "premises", project="PROJ", edited=BLOCKED)
        assert align_state(sandbox.url, 10017) == 0
        expect_applied(page, site, "premises")
        base = f"{site.url}/connectors/premises/"
        imports.leave_align(sandbox.url, "SUP")
        imports.write_issues(sandbox.url, "SUP", imports.ISSUES, version=2)
        imports.refresh(page, base)
        imports.of_ours(page, base, "SUP", "In Review 10013 3 Dev complete")
        imports.of_aligns(page, base, "PAY")
        in_step.on_a_data_center(page, base, sandbox.url)
        journey.deactivate(page, site, "premises")


def test_with_a_data_center_and_an_access_token_the_key_is_done(installation: Site, page: Page) -> None:
    """A token names its own user, so that none is asked for."""
    with closing(RunningSandbox(jira="server")) as sandbox:
        sign_in(page, installation.url, journey.PERSON, PASSWORD)
        page.goto(f"{installation.url}/connectors/new/")
        journey.fill(page, journey.typed(sandbox.url, "Token", journey.ACCESS_TOKEN) | journey.SECRETS)
        expect(page.get_by_label("Jira user")).to_be_hidden()
        journey.look_up(page, "Jira Data Center")
        journey.add(page, "token")
        journey.expect_all_read(page)
        journey.rail(page).get_by_role("link", name="Key").click()
        expect(page.locator("#check-jira-key")).to_contain_text("Jira Data Center: personal access token.")
        journey.deactivate(page, installation, "token")


def test_by_keyboard_alone(installation: Site, page: Page) -> None:
    with closing(RunningSandbox()) as sandbox:
        sign_in(page, installation.url, journey.PERSON, PASSWORD)
        page.goto(f"{installation.url}/connectors/new/")
        for name, value in (journey.typed(sandbox.url, "Keys", {"jira-user": "admin@sandbox.test"})).items():
            journey.tab_to(page, page.locator(f"[name='{name}']"))
            page.keyboard.type(value)
        for name, value in journey.SECRETS.items():
            journey.tab_to(page, page.locator(f"[name='{name}']"))
            page.keyboard.type(value)
        journey.press(page, page.get_by_role("button", name="Continue"))
        expect(journey.found(page)).to_contain_text("This is Jira Cloud", timeout=journey.ASKED)
        journey.expect_chosen(page)
        expect(page.locator("#live")).to_contain_text("Both sites answered. Jira Cloud. 1 connector in Align.")
        expect(page.locator("#look")).to_be_focused()
        journey.press(page, page.get_by_role("button", name="Add connector"))
        page.wait_for_url("**/connectors/keys/set-up/**")
        journey.expect_all_read(page)
        journey.press(page, journey.rail(page).get_by_role("link", name="Statuses"))
        for label in journey.CONFIRMED:
            journey.press(page, page.get_by_role("button", name=f"Confirm: {label}"))
            expect(page.get_by_role("button", name=f"Confirm: {label}")).to_have_text("Confirm again")
        journey.press(page, page.get_by_role("link", name="Coverage by project"))
        journey.press(page, page.get_by_role("link", name="PROJ1, Story"))
        page.wait_for_url("**/mappings/?*")
        expect(page.locator("#job")).to_be_hidden(timeout=journey.READ)
        journey.tab_to(page, steps.grid(page).locator("[tabindex='0']"))
        page.keyboard.press("Control+Home")
        parked = cell(page, PARKED)
        for _ in range(40):
            if parked.evaluate("each => each === document.activeElement"):
                break
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Space")
        expect_waiting(page, 1)
        journey.press(page, page.get_by_role("link", name="Review plan"))
        journey.tab_to(page, page.get_by_label("Reason"))
        page.keyboard.type(steps.REASON)
        journey.tab_to(page, page.get_by_label("Ticket"))
        page.keyboard.type("CHG-2291")
        journey.press(page, page.get_by_role("button", name="Plan", exact=True))
        page.wait_for_url("**/plans/*/")
        if (warnings := page.get_by_role("checkbox", name="I have read")).count():
            journey.press(page, warnings, "Space")
        journey.press(page, page.get_by_role("button", name="Approve"))
        expect(page.get_by_role("heading", level=1)).to_contain_text("approved, not applied")
        journey.press(page, page.get_by_role("button", name="Apply"))
        steps.expect_confirmed(page, 1)
        assert align_state(sandbox.url, 10205, ProjectKey="PROJ1") == 0
        expect_applied(page, installation, "keys")
        journey.deactivate(page, installation, "keys")


def test_without_javascript(installation: Site, browser: Browser) -> None:
    """Secrets are typed once more after each answer, and the page is loaded again to see how far the reading is."""
    with closing(RunningSandbox()) as sandbox, steps.without_scripts(browser) as page:
        sign_in(page, installation.url, journey.PERSON, PASSWORD)
        page.goto(f"{installation.url}/connectors/new/")
        first = journey.typed(sandbox.url, "Plain", journey.CLOUD)
        journey.fill(page, first)
        page.get_by_role("button", name="Keep for later").click()
        journey.expect_filled(page, first)
        journey.fill(page, journey.SECRETS)
        journey.look_up(page, "Jira Cloud")
        expect(page.get_by_text("Secrets are never sent back to the browser: enter them again.")).to_be_visible()
        journey.expect_filled(page, first | dict.fromkeys(journey.SECRETS, ""))
        journey.expect_chosen(page)
        journey.fill(page, journey.SECRETS)
        journey.add(page, "plain")
        own = Own(site=installation, slug="plain", sandbox=sandbox)

        def is_read() -> bool:
            page.goto(f"{own.page}set-up/")
            return "4 of 5 steps done" in journey.rail(page).inner_text() and not page.locator("#job").count()

        eventually(is_read, within=60, what="the first reading")
        page.goto(f"{own.page}set-up/statuses/")
        for label in journey.CONFIRMED:
            journey.confirm(page, label)
        page.goto(f"{own.matrix}?scope=PROJ1&view=list")
        page.get_by_label("Parked 10205 shows").select_option("0 Pending approval")
        page.get_by_role("button", name="Save to the draft").click()
        page.goto(own.new_plan)
        steps.fill_plan(page)
        steps.approve(page)
        steps.apply(page, "plain")

        def is_confirmed() -> bool:
            page.reload()
            return bool(page.get_by_text("Confirmed 1 of 1.").count())

        eventually(is_confirmed, within=60, what="the end of the apply")
        assert align_state(sandbox.url, 10205, ProjectKey="PROJ1") == 0
        expect_applied(page, installation, "plain")
        journey.deactivate(page, installation, "plain")


def test_broken_off_and_resumed_at_every_step(installation: Site, browser: Browser) -> None:
    """The browser is closed, and in another one the first step with something undone opens, with what was typed."""
    site = installation
    with closing(RunningSandbox()) as sandbox:
        first = journey.typed(sandbox.url, "Resumed", journey.CLOUD)
        with journey.coming_in(browser, site) as page:
            page.goto(f"{site.url}/connectors/new/")
            journey.fill(page, first | journey.SECRETS)
            with page.expect_response("**/connectors/new/draft/"):
                page.locator("[name='jira-secret']").blur()
        with journey.coming_in(browser, site) as page:
            page.goto(f"{site.url}/connectors/new/set-up/")
            page.get_by_role("link", name="go on with it").click()
            journey.expect_filled(page, first | dict.fromkeys(journey.SECRETS, ""))
            look(page)
            journey.fill(page, journey.SECRETS)
            journey.look_up(page, "Jira Cloud")
        with journey.coming_in(browser, site) as page:
            page.goto(f"{site.url}/connectors/new/")
            expect(journey.found(page)).to_contain_text("This is Jira Cloud")
            journey.expect_filled(page, first | dict.fromkeys(journey.SECRETS, ""))
            journey.expect_chosen(page)
            journey.fill(page, journey.SECRETS)
            journey.add(page, "resumed")
        with journey.coming_in(browser, site) as page:
            page.goto(f"{site.url}/connectors/resumed/set-up/")
            journey.expect_all_read(page)
            page.goto(f"{site.url}/connectors/new/")
            expect(page.get_by_label("Name")).to_have_value("")
        for step in ("need", "terms", "key", "connect", "projects", "types", "statuses"):
            with journey.coming_in(browser, site) as page:
                page.goto(f"{site.url}/connectors/resumed/set-up/{step}/")
                if step == "statuses":
                    journey.confirm(page, journey.CONFIRMED[0])
        with journey.coming_in(browser, site) as page:
            page.get_by_role("link", name="Finish set-up: 4 of 5 steps done, next 8 Statuses").first.click()
            expect(page.get_by_role("heading", level=1)).to_have_text("8 Statuses")
            expect(page.get_by_role("button", name=f"Confirm: {journey.CONFIRMED[0]}")).to_have_text("Confirm again")
            journey.deactivate(page, site, "resumed")

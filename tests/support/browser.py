"""Chromium for tests: a page that fails its test on any console error or broken content security policy."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, ViewportSize, sync_playwright

from tests.support import chromium

# The two windows of the address bar, which Chromium loads for each new profile at 0.7 s of processor; the others are
# Playwright's own, since of two such flags Chromium takes the last.
DISABLED = [
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    "PreconnectToSearch",
]
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(DISABLED)}",
]
WIDE = ViewportSize(width=1440, height=900)
NARROW = ViewportSize(width=390, height=844)
ZOOMED = ViewportSize(width=720, height=450)  # a wide window at 200 %
LONGEST_SHOWN = 4_000  # characters


@contextmanager
def running_browser() -> Iterator[Browser]:
    # Playwright's synchronous API keeps an event loop in this thread, where Django then refuses its database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    assert chromium.found(), f"Chromium is not installed: {chromium.HOW}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.found(), args=FLAGS)
        yield browser
        browser.close()


class Complaints:
    """What a browser complains about on a page. `expect` names a part of a message that belongs to the test."""

    def __init__(self, page: Page) -> None:
        self.messages: list[str] = []
        self._expected: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", self._page_error)

    def expect(self, part: str) -> None:
        self._expected.append(part)

    def check(self) -> None:
        unexpected = [text for text in self._said() if not any(part in text for part in self._expected)]
        assert not unexpected, "the browser complained:\n" + "\n".join(unexpected)

    def _said(self) -> list[str]:
        """Without the two lines that htmx logs for a poll which the browser gave up because it left the page."""
        given_up = {text for text in self.messages if text.startswith("htmx:sendAbort,")}
        given_up |= {text.replace("htmx:sendAbort,", "htmx:afterRequest,", 1) for text in given_up}
        return [text for text in self.messages if text not in given_up]

    def _console(self, message: ConsoleMessage) -> None:
        # A broken content security policy is reported as a console error too.
        if message.type in ("error", "warning"):
            self.messages.append(f"{message.text} ({message.location.get('url', '')})")

    def _page_error(self, error: Error) -> None:
        self.messages.append(str(error))


@contextmanager
def watched_page(
    browser: Browser, *, viewport: ViewportSize = WIDE, dark: bool = False
) -> Iterator[tuple[Page, Complaints]]:
    """A page in a profile of its own."""
    context = browser.new_context(viewport=viewport, color_scheme="dark" if dark else "light", locale="en-GB")
    context.set_default_timeout(10_000)
    page = context.new_page()
    complaints = Complaints(page)
    try:
        yield page, complaints
    except BaseException as error:
        error.add_note(shown(page))
        raise
    finally:
        context.close()


def shown(page: Page) -> str:
    """What a person would see of it now: a test that fails once in a hundred runs tells what it met."""
    try:
        return f"shown at {page.url}:\n{page.locator('body').inner_text(timeout=1000)[:LONGEST_SHOWN]}"
    except Error as error:
        return f"shown at {page.url}: {error}"


# What passed is not asked for: to hand it over takes as long as to find it.
VIOLATIONS = "axe.run({resultTypes: ['violations']}).then(({violations}) => ({violations}))"


def axe(page: Page) -> None:
    """Fail on any finding of axe on the page as it stands."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    results = AxeResults(page.evaluate(VIOLATIONS))
    assert results.violations_count == 0, results.generate_report()


def fits(page: Page) -> bool:
    """Whether the page needs no horizontal scrolling (wide content may scroll inside its own box)."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def look(page: Page) -> None:
    """By axe and for its width, in both themes, wide and on a phone."""
    for theme, size in (("light", WIDE), ("dark", NARROW)):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page.set_viewport_size(size)
        axe(page)
        assert fits(page), "a phone has to scroll sideways"
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(WIDE)


def sign_in(page: Page, url: str, email: str, password: str) -> None:
    page.goto(f"{url}/accounts/login/")
    page.locator("input[name=login]").fill(email)
    page.locator("input[name=password]").fill(password)
    page.locator("input[name=password]").press("Enter")
    page.wait_for_url(lambda address: "/accounts/login/" not in address)


def picture(page: Page, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path, full_page=True)

"""Secrets that can be recognised go through every form, command and address; afterwards they are looked for everywhere.

Everywhere: answers with their headers, logs, e-mails, command output, the database with its files,
and what a browser keeps. The sandbox's own store is left out: a remote system knows its tokens.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import psycopg
import pytest
import requests
from playwright.sync_api import Browser, Locator, Page

from tests.support.browser import watched_page
from tests.support.commands import run
from tests.support.processes import MANAGE, Site, csrf, eventually, running_site
from tests.support.signin_helpers import let_the_sign_in_age

pytestmark = pytest.mark.usefixtures("processes")

SLUG = "canary"
ADMIN = "canary.admin@example.test"
WAITING = "/accounts/confirm/"
JIRA_USER = "canary-service@example.test"


@dataclass
class Canaries:
    """Every secret that was used, by what it was used for."""

    values: dict[str, str] = field(default_factory=dict)

    def new(self, use: str) -> str:
        return self.values.setdefault(use, f"canary-{secrets.token_hex(12)}")

    def forms(self) -> Iterator[tuple[str, bytes]]:
        """As it is, in an address, in JSON, and as HTTP Basic sends it."""
        for use, value in self.values.items():
            basic = base64.b64encode(f"{JIRA_USER}:{value}".encode()).decode()
            for form in {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1], basic}:
                yield use, form.encode()


@dataclass
class Spy:
    """One installation, what was sent to it, and everything that came back."""

    site: Site
    canaries: Canaries
    heard: list[tuple[str, bytes]] = field(default_factory=list)
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.hooks["response"].append(self._hear)

    def _hear(self, answer: requests.Response, *args: object, **kwargs: object) -> None:
        head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
        where = f"{answer.request.method} {answer.url} -> {answer.status_code}"
        self.heard.append((where, f"{answer.url}\n{head}\n".encode() + answer.content))

    def get(self, path: str) -> requests.Response:
        return self.session.get(self.site.url + path, timeout=30)

    def post(self, path: str, **form: Any) -> requests.Response:
        address = self.site.url + path
        data = {"csrfmiddlewaretoken": csrf(self.session), **form}
        return self.session.post(address, data=data, headers={"Referer": address}, timeout=60)

    def command(self, *arguments: str, stdin: str = "", **environment: str) -> None:
        """Whatever its exit code: what it prints is what counts. With another environment, by a start of its own."""
        if not environment:
            quick = run(self.site.loaded, *arguments, stdin=stdin)
            self.heard.append((f"manage.py {arguments[0]}", (quick.output + quick.errors).encode()))
            return
        done = subprocess.run(
            [sys.executable, MANAGE, *arguments],
            env=self.site.environment | environment,
            input=stdin.encode(),
            capture_output=True,
            check=False,
            timeout=120,
        )
        self.heard.append((f"manage.py {arguments[0]}", done.stdout + done.stderr))

    def sandbox(self, name: str, payload: object) -> Any:
        answer = requests.post(f"{self.site.sandbox_url}/_sandbox/{name}", json=payload, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def job_ends(self, kind: str) -> None:
        def ended() -> bool:
            jobs = self.rows(f"SELECT state FROM connectors_job WHERE kind = '{kind}'")
            return bool(jobs) and all(state in ("done", "failed") for (state,) in jobs)

        eventually(ended, within=60, what=f"the end of {kind}")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.site.rows(query)

    def change(self, statement: str) -> None:
        if self.site.database_url:
            with psycopg.connect(self.site.database_url, autocommit=True) as connection:
                connection.execute(statement)
            return
        with closing(sqlite3.connect(self.site.data_dir / "alignadmin.sqlite3", timeout=20)) as database:
            database.execute(statement)
            database.commit()

    def pending(self, system: str) -> str:
        """The uuid of the pending credential, as the page's forms name it."""
        page = self.get(f"/connectors/{SLUG}/credential/{system}/").text
        switch = page[page.index("/switch/") :]
        found = re.search(r'name="credential" value="([0-9a-f-]{36})"', switch)
        assert found, "the page offers no switch"
        return found[1]


@pytest.fixture(scope="module")
def spy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spy]:
    data_dir, canaries = tmp_path_factory.mktemp("canary"), Canaries()
    extra = {
        "EMAIL_URL": f"filemail:///{data_dir / 'mail'}",
        "EMAIL_HOST_PASSWORD": canaries.new("mail password"),
        "LOG_LEVEL": "DEBUG",  # the worst an operator can choose
        "SECRET_KEY": canaries.new("SECRET_KEY"),
    }
    with running_site(data_dir, **extra) as site:
        yield Spy(site, canaries)


# --- using them -------------------------------------------------------------------------------------------------------


def use_everything(spy: Spy) -> None:
    people(spy)
    first_set_up(spy)
    rotations(spy)
    failures(spy)
    commands(spy)
    every_page(spy)


def people(spy: Spy) -> None:
    new = spy.canaries.new
    spy.command("createadmin", ADMIN, "--password-stdin", stdin=new("too common a password")[:9] + "\n")
    spy.command("createadmin", ADMIN, "--name", "Canary", "--password-stdin", stdin=new("password") + "\n")
    spy.get("/accounts/login/")
    spy.post("/accounts/login/", login=ADMIN, password=new("wrong password"))
    spy.post("/accounts/login/", login=new("password as name"), password="x")
    spy.post("/accounts/login/", login=ADMIN, password=new("password"))
    assert spy.get("/").url == f"{spy.site.url}/", "not signed in"
    invite_and_join(spy)
    second = new("second password")
    spy.post("/accounts/password/change/", oldpassword=new("not the old one"), password1=second, password2=second)
    spy.post("/accounts/password/change/", oldpassword=new("password"), password1=second, password2=new("typing slip"))
    spy.post("/accounts/password/change/", oldpassword=new("password"), password1=second, password2=second)
    spy.post("/accounts/reauthenticate/", password=new("wrong again"))
    spy.post("/accounts/reauthenticate/", password=second)
    wait_for_a_proof(spy, second)


def wait_for_a_proof(spy: Spy, password: str) -> None:
    """A form with secrets that is sent with an old sign-in waits without them; so does one that goes astray."""
    for form in (
        set_up_form(spy, spy.canaries.new("align, waiting"), spy.canaries.new("jira, waiting")),
        {"name": "Canary", "jira_site": f"https://me:{spy.canaries.new('in an address')}@acme.atlassian.net"},
        {"name": "Canary", "no_field_of_ours": spy.canaries.new("no field of ours")},
    ):
        let_the_sign_in_age(spy.site, str(spy.session.cookies["session"]))
        assert "/accounts/reauthenticate/" in spy.post("/connectors/new/", **form).url
        assert "/accounts/confirm/" in spy.post("/accounts/reauthenticate/", password=password, next=WAITING).url
        spy.get("/connectors/new/?again=1")


def invite_and_join(spy: Spy) -> None:
    spy.post("/settings/people/new/", email="joins@example.test", name="Joins", role="viewer")
    folder = spy.site.data_dir / "mail"

    def link_in_mail() -> str | None:
        """Once the worker has sent it."""
        mails = [path.read_text() for path in folder.iterdir()] if folder.is_dir() else []
        return next((found[0] for mail in mails if (found := re.search(r"/accounts/join/\S+", mail))), None)

    link = eventually(link_in_mail, what="the invitation")
    joining = Spy(spy.site, spy.canaries, spy.heard)
    address = joining.get(link).url.removeprefix(spy.site.url)
    joining.post(address, password=spy.canaries.new("joined"), again=spy.canaries.new("joined wrong"))
    joining.post(address, password=spy.canaries.new("joined"), again=spy.canaries.new("joined"))
    joining.get("/accounts/login/")
    joining.post("/accounts/login/", login="joins@example.test", password=spy.canaries.new("joined"))
    assert joining.get("/").url == f"{spy.site.url}/", "nobody joined"


def set_up_form(spy: Spy, align: str, jira: str) -> dict[str, Any]:
    return {
        "name": "Canary",
        "slug": SLUG,
        "align_site": spy.site.sandbox_url,
        "align_connector_id": 123,
        "jira_site": spy.site.sandbox_url,
        "jira_kind": "cloud",
        "time_zone": "UTC",
        "align-kind": "align-bearer",
        "align-secret": align,
        "jira-kind": "jira-cloud",
        "jira-user": JIRA_USER,
        "jira-secret": jira,
        "act": "save",
    }


def first_set_up(spy: Spy) -> None:
    new, path = spy.canaries.new, "/connectors/new/"
    good = set_up_form(spy, token(spy, "align"), token(spy, "jira"))
    spy.get(path)
    spy.post(path, **good | {"name": ""})
    spy.post(path, **good | {"align-secret": new("refused by Align"), "act": "test"})
    spy.post(path, **good | {"align-secret": f"{new('two lines')}\nX-Injected: yes"})
    spy.post(path, **good | {"align-secret": new("enormous") * 30_000})
    spy.post(path, **good | {"align_site": f"https://someone:{new('in the address')}@acme.example"})
    spy.post(path, **good | {"act": "test"})
    spy.post(path, **good | {"act": "look"})
    spy.post(path, **good | {"act": "look", "jira-secret": new("refused by Jira")})
    spy.post(f"{path}draft/", **good | {"align-secret": new("sent to the draft"), "jira-user": f"me:{new('as user')}"})
    assert "Canary" in spy.get(path).text
    stays = {"name": "Another", "align_connector_id": 7, "jira_site": f"https://x:{new('in a draft')}@jira.example"}
    assert spy.post(path, **good).url.endswith(f"/connectors/{SLUG}/set-up/connect/")
    spy.post(f"{path}draft/", **good | stays | {"jira-secret": new("beside a draft")})
    spy.job_ends("refresh")
    spy.post(f"/connectors/{SLUG}/test/")
    spy.post(f"/connectors/{SLUG}/edit/", **good | {"jira_site": f"https://x:{new('in the edit')}@jira.example"})


def token(spy: Spy, site: str, use: str = "first") -> str:
    """A new token that the sandbox takes."""
    made = spy.canaries.new(f"{site} {use}")
    spy.sandbox("edit", {"action": "add_token", "site": site, "token": made, "user": JIRA_USER})
    return made


def stage_form(system: str, secret: str, **more: Any) -> dict[str, Any]:
    kind = {"align": "align-bearer", "jira": "jira-cloud"}[system]
    form = {"kind": kind, "user": JIRA_USER, "secret": secret, "expires_on": "2999-01-01", "reason": "canary"}
    return {f"{system}-{name}": value for name, value in (form | {"whose": "another"} | more).items()}


def rotations(spy: Spy) -> None:
    for system in ("align", "jira"):
        path, new = f"/connectors/{SLUG}/credential/{system}/", spy.canaries.new
        spy.post(path, **stage_form(system, new(f"{system} expired"), expires_on="2001-01-01"))
        spy.post(path, **stage_form(system, f"bearer {new(f'{system} with a break')}\r\nHost: x"))
        spy.post(path, **stage_form(system, new(f"{system} of another kind"), kind="jira-pat"))
        spy.post(path, **stage_form(system, f"bearer {token(spy, system, 'second')}"))
        pending = spy.pending(system)
        spy.post(path, **stage_form(system, new(f"{system} of a second person")))
        spy.post(f"{path}probe/", credential=pending)
        spy.job_ends("probe")
        spy.get(path)
        spy.post(f"{path}switch/", credential=pending, confirm_loss="yes")
        spy.job_ends("watch")
        spy.post(f"{path}switch/", credential=pending)
        current = spy.rows("SELECT version FROM connectors_credential WHERE stage = 'current' ORDER BY system")
    assert [version for (version,) in current] == [2, 2], "the rotations did not go through"


def failures(spy: Spy) -> None:
    """Sites that echo what they were sent, and errors of our own in the middle of storing a secret."""
    path = f"/connectors/{SLUG}/credential/align/"
    echoed = " ".join(spy.canaries.values[f"{site} second"] for site in ("align", "jira"))
    for status in (400, 403, 500, 200):
        spy.sandbox("faults", {"path": "/rest/", "status": status, "body": f"<b>{echoed}</b> is no token", "times": 3})
        spy.post(f"/connectors/{SLUG}/test/")
        spy.post(f"/connectors/{SLUG}/refresh/")
        spy.job_ends("refresh")
    requests.delete(f"{spy.site.sandbox_url}/_sandbox/faults", timeout=10)
    spy.change("ALTER TABLE audit_chainhead RENAME TO connectors_chainhead_away")
    try:
        failed = spy.post(path, **stage_form("align", spy.canaries.new("while failing")))
        failed_too = spy.post("/accounts/password/change/", oldpassword=spy.canaries.new("second password"))
        spy.command("createadmin", "late@example.test", "--password-stdin", stdin=spy.canaries.new("late") + "\n")
    finally:
        spy.change("ALTER TABLE connectors_chainhead_away RENAME TO audit_chainhead")
    assert failed.status_code == 500
    assert failed_too.status_code in (200, 500)


def commands(spy: Spy) -> None:
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    spy.canaries.values["new seal key"] = key
    old = spy.site.environment["SEAL_KEYS"]
    spy.canaries.values["seal key"] = old.partition(":")[2]
    spy.command("seal_rotate", SEAL_KEYS=f"next:{key},{old}")
    spy.command("seal_rotate", SEAL_KEYS=f"{key}")  # the operator forgot the id
    spy.command("seal_rotate", SEAL_KEYS=f"{old},next:{key}")
    spy.command("verify_history")
    spy.command("check", "--deploy")
    spy.command("mappings", "show", SLUG)
    spy.command("worker", SEAL_KEYS=f"other:{key}")


def every_page(spy: Spy) -> None:
    system_pages = [f"/connectors/{SLUG}/credential/{system}/" for system in ("align", "jira")]
    pages = ["/", "/connectors/", f"/connectors/{SLUG}/", "/connectors/credentials/", "/plans/", "/settings/"]
    pages += [f"/connectors/{SLUG}/{tab}/" for tab in ("projects", "types", "credentials", "checks", "settings")]
    pages += ["/settings/people/", "/accounts/", "/accounts/sessions/", "/accounts/2fa/", *system_pages]
    for path in pages:
        assert spy.get(path).status_code == 200, path
    for number in range(1, 4):
        spy.get(f"/history/?page={number}")
    numbers = "SELECT coalesce(CAST(entry_seq AS TEXT), 'line-' || line_id) FROM connectors_historyrow"
    for row in spy.rows(f"{numbers} ORDER BY id DESC LIMIT 60"):
        spy.get(f"/history/{row[0]}/")
    for name in ("connectors", "mappings", "plans", "history"):
        spy.get(f"/api/v1/{name}/?limit=500")
        for body in (json.dumps({"secret": spy.canaries.new(f"sent to {name}")}), "{" + spy.canaries.new("cut JSON")):
            spy.session.post(
                f"{spy.site.url}/api/v1/{name}/",
                data=body,
                headers={"Content-Type": "application/json", "X-CSRFToken": csrf(spy.session)},
                timeout=30,
            )


def in_a_browser(spy: Spy, browser: Browser) -> None:
    """A secret typed, refused, typed again and stored; then whatever the profile keeps, after going back, too."""
    with watched_page(browser) as (page, _):
        cookies = spy.session.cookies
        page.context.add_cookies([{"name": c.name, "value": c.value or "", "url": spy.site.url} for c in cookies])
        address = f"{spy.site.url}/connectors/{SLUG}/credential/align/"
        page.goto(address)
        fill(page, spy.canaries.new("typed with a mistake"), expires="2001-01-01")
        fill(page, token(spy, "align", "typed"), expires="2999-01-01")
        spy.heard.append(("the page", page.content().encode()))
        leave_and_return(page, address, spy.canaries.new("typed and left"))
        spy.heard.append(("the page before", page.content().encode()))
        values = page.evaluate("[...document.querySelectorAll('input')].map(each => each.value).join(' ')")
        kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, history.state])")
        databases = page.evaluate("indexedDB.databases().then(found => JSON.stringify(found))")
        caches = page.evaluate("'caches' in window ? caches.keys().then(keys => keys.join(' ')) : ''")
        for where, text in (("fields", values), ("storage", kept), ("databases", databases), ("caches", caches)):
            spy.heard.append((f"browser {where}", text.encode()))
        state = page.context.storage_state(indexed_db=True)
        state["cookies"] = [each for each in state.get("cookies", []) if each.get("name") != "session"]
        spy.heard.append(("browser profile", json.dumps(state).encode()))
    assert databases == "[]"
    local, session, *_ = json.loads(kept)
    assert not local
    assert set(session) <= {"htmx-current-path-for-history"}


def fill(page: Page, secret: str, *, expires: str) -> None:
    secret_field = opened_field(page)
    secret_field.fill(secret)
    page.locator("[name=align-expires_on]").fill(expires)
    page.locator("[name=align-reason]").fill("canary")
    page.locator("[name=align-whose][value=another]").check()
    secret_field.press("Enter")
    page.wait_for_load_state()


def leave_and_return(page: Page, address: str, secret: str) -> None:
    """What was typed and not sent: a browser may bring a form back as it was left."""
    page.goto(address)
    opened_field(page).fill(secret)
    page.goto(address.replace("/credential/align", ""))
    page.go_back()


def opened_field(page: Page) -> Locator:
    field = page.locator("[name=align-secret]")
    if not field.is_visible():
        page.locator("details", has=field).locator("summary").click()
    return field


# --- looking for them -------------------------------------------------------------------------------------------------


def stored(spy: Spy) -> Iterator[tuple[str, bytes]]:
    """Every file of the data directory but the sandbox's, and every row of a database on a server."""
    for path in sorted(spy.site.data_dir.rglob("*")):
        if path.is_file() and not path.name.startswith("sandbox."):
            yield f"file {path.name}", path.read_bytes()
    if spy.site.database_url:
        with psycopg.connect(spy.site.database_url) as connection:
            for (table,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
                rows = connection.execute(f'SELECT t::text FROM "{table}" AS t')
                yield f"table {table}", "\n".join(row[0] for row in rows).encode()


def found_in(places: list[tuple[str, bytes]], canaries: Canaries) -> list[str]:
    forms = list(canaries.forms())
    return sorted({f"{use} in {where}" for where, content in places for use, form in forms if form in content})


@pytest.fixture(scope="module")
def used(spy: Spy, browser: Browser) -> Spy:
    use_everything(spy)
    in_a_browser(spy, browser)
    return spy


def test_no_secret_is_in_an_answer_a_command_s_output_or_a_browser(used: Spy) -> None:
    assert len(used.heard) > 100
    found = found_in(used.heard, used.canaries)
    # What is typed as a name is drawn again for its own author, on the page where it was typed.
    assert [
        each for each in found if not re.fullmatch(r"password as name in POST .*/accounts/login/ -> 200", each)
    ] == []


def test_no_secret_is_in_the_database_a_log_or_an_e_mail(used: Spy) -> None:
    places = dict(stored(used))
    assert {"file web.log", "file worker.log"} & set(places)
    assert any(len(content) > 1000 for where, content in places.items() if where == "file web.log")
    assert found_in(list(places.items()), used.canaries) == []


def test_the_search_finds_what_is_there(used: Spy, tmp_path: Path) -> None:
    """The sandbox knows its tokens, so a search that finds nothing there would find nothing anywhere."""
    files = [path for path in used.site.data_dir.iterdir() if path.name.startswith("sandbox.")]
    places = [(path.name, path.read_bytes()) for path in files]
    assert any("align second" in line for line in found_in(places, used.canaries))

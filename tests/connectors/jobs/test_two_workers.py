"""Two workers on one database while cells are edited, lines are pasted and Align's log is read."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from tests.support.processes import MANAGE, Site, csrf, eventually, migrated_site

LINE = "CONFIG 123\tJira Align System\t2026-11-20 12:{}:{}\tConnector saved by hand, {}"
LINES = [LINE.format(f"{number // 60:02}", f"{number % 60:02}", number) for number in range(600)]


# --- real processes ---------------------------------------------------------------------------------------------------


@pytest.fixture
def house(processes: None, tmp_path: Path) -> Iterator[Site]:
    """An installation of its own, that no other test uses."""
    with migrated_site(tmp_path / "var", AUDIT_INTERVAL="1", JOB_LEASE="10", JOB_HEARTBEAT="2") as site:
        site.start_sandbox()
        site.start_web()
        site.prepare()
        site.start_worker()
        session = site.signed_in()
        eventually(lambda: cells(site, session) or None, within=60, what="the first observation")
        yield site


def cells(site: Site, session: requests.Session) -> list[dict[str, Any]]:
    """Of the states of stories of company-managed projects."""
    only = {"connector": "acme", "family": "j2a-state", "work_item_type": "story"}
    found: list[dict[str, Any]] = session.get(f"{site.url}/api/v1/mappings/", params=only, timeout=10).json()["results"]
    return [each for each in found if not each["project"]]


def asked(site: Site, statement: str) -> list[tuple[Any, ...]]:
    """Of its database, past the product."""
    if site.database_url:
        with psycopg.connect(site.database_url) as server:
            return server.execute(statement.encode()).fetchall()
    with closing(sqlite3.connect(site.data_dir / "alignadmin.sqlite3", timeout=20)) as file:
        return file.execute(statement).fetchall()


def in_log(site: Site, text: str) -> int:
    return sum(path.read_text(errors="replace").count(text) for path in (site.data_dir / "log").glob("*"))


def traces(site: Site) -> list[str]:
    """The ends of what was logged with an error's trace."""
    texts = [path.read_text(errors="replace") for path in (site.data_dir / "log").glob("*")]
    return [part[-2000:] for text in texts for part in text.split("Traceback")[1:]]


def edit_all(site: Site, session: requests.Session, ours: Sequence[dict[str, Any]]) -> dict[int, int]:
    """Each cell set to one state after the other; what each was told to be at last."""
    return {each["id"]: edit_until_it_is(site, session, each, target) for target in (2, 3, 2) for each in ours}


def edit_until_it_is(site: Site, session: requests.Session, cell: dict[str, Any], target: int) -> int:
    def is_set() -> bool:
        try:
            now = next(each for each in cells(site, session) if each["id"] == cell["id"])["wanted"]
            if now == target:
                return True
            data = {"status": cell["source_id"], "target": target, "seen": "" if now is None else now, "to": "j2a"}
            sent = {**data, "csrfmiddlewaretoken": csrf(session)}
            headers = {"HX-Request": "true", "Referer": site.url}
            session.post(f"{site.url}/connectors/acme/mappings/cell/", data=sent, headers=headers, timeout=30)
        except requests.RequestException:
            pass
        return False

    eventually(is_set, within=60, what=f"the edit of {cell['source_id']}")
    return target


def paste_all(site: Site, session: requests.Session) -> None:
    """In overlapping parts, each until it is told as read."""
    for start in range(0, len(LINES), 100):
        text = "\n".join(LINES[start : start + 150])
        eventually(lambda text=text: is_pasted(site, session, text), within=60, what="a paste")  # type: ignore[misc]


def is_pasted(site: Site, session: requests.Session, text: str) -> bool:
    data = {"connector": "acme", "text": text, "zone": "UTC", "csrfmiddlewaretoken": csrf(session)}
    try:
        headers = {"Referer": site.url}
        sent = session.post(f"{site.url}/history/intake/", data=data, headers=headers, timeout=30)
        confirmed = {"csrfmiddlewaretoken": csrf(session)}
        answer = session.post(sent.url, data=confirmed, headers=headers, timeout=30)
    except requests.RequestException:
        return False
    return answer.status_code == 200 and "lines read" in answer.text


def write_outside(site: Site, number: int) -> None:
    """Straight in the sandbox, so that the worker has lines to read."""
    for source in range(31_000, 31_000 + number):
        changed = {"action": "create_mapping", "family": "j2a_state", "type": 4, "source": source, "target": 2}
        assert requests.post(f"{site.sandbox_url}/_sandbox/edit", json=changed, timeout=30).ok
        time.sleep(0.2)


# --- two workers on one database --------------------------------------------------------------------------------------


def test_two_workers_do_nothing_twice_and_nobody_meets_a_locked_database(house: Site) -> None:
    house.children.start("another-worker", [MANAGE, "worker"])
    session = house.signed_in()
    ours = cells(house, session)
    with ThreadPoolExecutor(3) as pool:
        acts: list[Future[Any]] = [
            pool.submit(edit_all, house, house.signed_in(), ours[:6]),
            pool.submit(paste_all, house, house.signed_in()),
            pool.submit(write_outside, house, 25),
        ]
        for act in acts:
            act.result(120)
    wrote = "SELECT COUNT(*), COUNT(DISTINCT description) FROM connectors_mirrorline WHERE description LIKE '%(310%'"
    eventually(lambda: asked(house, wrote) == [(25, 25)], within=60, what="the last reading of the log")
    owners = "SELECT COUNT(DISTINCT owner) FROM connectors_job WHERE kind = 'intake'"
    eventually(lambda: asked(house, owners)[0][0] >= 2, within=60, what="a reading of the log by each of them")
    assert asked(house, "SELECT COUNT(*) FROM connectors_job WHERE state = 'failed'") == [(0,)]
    assert in_log(house, "database is locked") == 0
    assert traces(house) == []
    house.command("verify_history")

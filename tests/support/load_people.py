"""Simulated people at real web processes: they look at pages, edit rows of their own, plan, apply and refresh.

Whatever a person gets is noted with the time it took; a failed page, or a word of the database, is a problem.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.support.processes import csrf

INTERNALS = re.compile(r"database is locked|OperationalError|deadlock|Traceback", re.IGNORECASE)
TARGETS = 6  # states of Align
THINKING = 0.5  # seconds between two acts, on average


@dataclass(frozen=True, kw_only=True)
class Answered:
    """`problem` is empty for a page, a fragment, or a refusal with its sentence."""

    act: str
    seconds: float
    problem: str


@dataclass
class Notes:
    answered: list[Answered] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, act: str, seconds: float, problem: str) -> None:
        with self.lock:
            self.answered.append(Answered(act=act, seconds=seconds, problem=problem))

    @property
    def problems(self) -> list[str]:
        return [f"{each.act}: {each.problem}" for each in self.answered if each.problem]

    def seconds(self, *, writes: bool) -> list[float]:
        return [each.seconds for each in self.answered if each.act.startswith("GET") is not writes]


@dataclass(frozen=True, kw_only=True)
class OwnRow:
    """A mapping from Jira to Align that only one simulated person edits."""

    id: int
    work_item_type: str
    status: int


@dataclass
class Somebody:
    """One person at one web process, with cookies of their own."""

    web: str
    slug: str
    cookies: Any
    notes: Notes
    own_row: OwnRow | None = None
    wanted: int | None = None  # what the last edit that was stored says
    plans: bool = False
    session: requests.Session = field(default_factory=requests.Session)
    chance: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        self.session.cookies.update(self.cookies)

    def spend(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.chance.choice(self._acts())()
            time.sleep(self.chance.uniform(0, 2 * THINKING))

    def _acts(self) -> Sequence[Callable[[], object]]:
        looks = [self.look] * 4
        edits = [self.edit] * 4 + [self.refresh] if self.own_row else []
        return [*looks, *edits, *([self.plan] * 2 if self.plans else [])]

    # --- acts --------------------------------------------------------------------------------------------------

    def look(self) -> None:
        own = f"/connectors/{self.slug}/"
        pages = ("/", "/plans/", own, f"{own}mappings/?scope=PROJ", f"{own}mappings/?view=list", f"{own}budget/")
        self.get(self.chance.choice(pages))

    def edit(self) -> None:
        assert self.own_row is not None
        target = self.chance.choice([each for each in range(TARGETS) if each != self.wanted])
        seen = "" if self.wanted is None else self.wanted
        form = {"scope": "PROJ", "type": self.own_row.work_item_type, "status": self.own_row.status, "to": "j2a"}
        answer = self.post(f"/connectors/{self.slug}/mappings/cell/", {**form, "target": target, "seen": seen})
        if answer is not None and answer.ok:
            self.wanted = target

    def refresh(self) -> None:
        self.post(f"/connectors/{self.slug}/mappings/refresh/", {"scope": "PROJ"})

    def plan(self) -> None:
        """Plan what waits, approve it and apply it, as far as the others let it."""
        waiting = self.get(f"/api/v1/mappings/?connector={self.slug}&situation=edited")
        rows = [str(each["id"]) for each in waiting.json()["results"]] if waiting is not None and waiting.ok else []
        made = self.post(f"/connectors/{self.slug}/plan/", {"row": rows, "reason": "under load"}) if rows else None
        number = re.search(r"/plans/(\d+)/$", made.url) if made is not None else None
        if number is None:
            return
        shown = self.get(f"/api/v1/plans/{number[1]}/")
        if shown is None or not shown.ok:
            return
        form = {"fingerprint": shown.json()["fingerprint"], "warnings": "on"}
        self.post(f"/plans/{number[1]}/approve/", form)
        self.post(f"/plans/{number[1]}/apply/", {"confirm": self.slug})
        self.get(f"/plans/{number[1]}/")

    # --- speaking ----------------------------------------------------------------------------------------------

    def get(self, path: str) -> requests.Response | None:
        return self._ask("GET", path, lambda: self.session.get(self.web + path, timeout=60))

    def post(self, path: str, data: dict[str, Any]) -> requests.Response | None:
        form = {"csrfmiddlewaretoken": csrf(self.session), **data}
        headers = {"Referer": self.web + path}
        return self._ask("POST", path, lambda: self.session.post(self.web + path, form, headers=headers, timeout=60))

    def _ask(self, method: str, path: str, send: Callable[[], requests.Response]) -> requests.Response | None:
        began = time.monotonic()
        try:
            answer = send()
        except requests.RequestException as error:
            self.notes.add(f"{method} {path}", time.monotonic() - began, f"no answer: {type(error).__name__}")
            return None
        self.notes.add(f"{method} {path}", time.monotonic() - began, problem_of(answer))
        return answer


def problem_of(answer: requests.Response) -> str:
    if found := INTERNALS.search(answer.text):
        return f"says {found[0]!r}"
    if answer.status_code not in (200, 204, 409):
        return f"{answer.status_code}: {answer.text[:200]}"
    if "/accounts/login/" in answer.url:
        return "was signed out"
    is_page = answer.text.rstrip().endswith("</html>") or "json" in answer.headers.get("Content-Type", "")
    return "" if is_page else f"is cut off: {answer.text[-100:]}"


def spend_together(people: Sequence[Somebody], *, seconds: float) -> None:
    with ThreadPoolExecutor(len(people)) as threads:
        for done in [threads.submit(each.spend, seconds) for each in people]:
            done.result()

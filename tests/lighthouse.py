"""`python -m tests.lighthouse`: eight pages of a furnished installation by Lighthouse, as an admin sees them.

With `--write` the table goes into docs/performance.md; single pages can be named instead. A page below the aim is
visited again, three times at most, and its best visit counts: other work on the machine only costs points. One audit is
left out: `is-crawlable` asks that search engines may read the page, and /robots.txt forbids just that.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import django

from tests import environment
from tests.bench import performance
from tests.support import chromium, npm

VERSION = "12.8.2"
AIM = 95
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
PAGES = (
    "sign in",
    "overview",
    "matrix of a project",
    "draft plan",
    "drift",
    "history",
    "quarter of reviews",
    "connector",
)
LEFT_OUT = "is-crawlable"
FLAGS = "--headless=new --no-sandbox --disable-gpu"
LONGEST_VISIT = 300  # seconds
MOST_VISITS = 3
WRITE = "--write"


def main() -> int:
    environment.prepare()
    django.setup()
    from tests.support.furnished_site import SIGNED_OUT, furnished_site

    lighthouse = npm.program("lighthouse", VERSION)
    rows: list[tuple[str, ...]] = [("page", *CATEGORIES, "visits")]
    found: list[str] = []
    is_met = True
    with (
        tempfile.TemporaryDirectory(prefix="alignadmin-lighthouse-") as directory,
        furnished_site(Path(directory)) as made,
    ):
        admin = made.own.site.signed_in()
        cookies = "; ".join(f"{each.name}={each.value}" for each in admin.cookies)
        headers = Path(directory) / "headers.json"
        headers.write_text(json.dumps({"Cookie": cookies}))
        for name in [each for each in sys.argv[1:] if each in PAGES] or PAGES:
            signed_in = [] if name in SIGNED_OUT else [f"--extra-headers={headers}"]
            report, visits = best_visit([*lighthouse, made.address(name), *signed_in], Path(directory))
            is_met = is_met and lowest(report) >= AIM
            rows.append((name, *map(str, scores(report).values()), str(visits)))
            found.extend(f"{name}: {line}" for line in failed_audits(report))
            print("  ".join(rows[-1]), flush=True)
    print(*found, sep="\n")
    title = f"Lighthouse {VERSION}, desktop, without {LEFT_OUT}, the best of the visits; aim: {AIM} in each"
    table = performance.as_table(title, rows)
    print(table)
    if WRITE in sys.argv:
        performance.write("make lighthouse", table)
    return int(not is_met)


def best_visit(command: list[str], directory: Path) -> tuple[dict[str, Any], int]:
    """The report of the visit whose lowest score is the highest, and how many visits were made.

    On a busy machine Lighthouse loses the trace of a visit now and then (NO_NAVSTART): that one has no report.
    """
    reports: list[dict[str, Any]] = []
    for visits in range(1, MOST_VISITS + 1):
        if report := visit(command, directory):
            reports.append(report)
        if reports and (lowest(reports[-1]) >= AIM or visits == MOST_VISITS):
            return max(reports, key=lowest), visits
    sys.exit(f"Lighthouse came to no report in {MOST_VISITS} visits: {' '.join(command)}")


def lowest(report: Mapping[str, Any]) -> int:
    return min(scores(report).values())


def visit(command: list[str], directory: Path) -> dict[str, Any] | None:
    """One page with an empty cache; the whole report, or none."""
    file = directory / "report.json"
    options = ["--quiet", "--preset=desktop", f"--only-categories={','.join(CATEGORIES)}", f"--skip-audits={LEFT_OUT}"]
    output = ["--output=json", f"--output-path={file}", f"--chrome-flags={FLAGS}"]
    browser = {**os.environ, "CHROME_PATH": chromium.found()}
    done = subprocess.run([*command, *options, *output], check=False, timeout=LONGEST_VISIT, env=browser)
    if done.returncode:
        return None
    report: dict[str, Any] = json.loads(file.read_text())
    return report


def scores(report: Mapping[str, Any]) -> dict[str, int]:
    """Per category, of 100; 0 where Lighthouse came to none."""
    return {name: round(100 * (report["categories"][name]["score"] or 0)) for name in CATEGORIES}


def failed_audits(report: Mapping[str, Any]) -> list[str]:
    """What costs points, each with what Lighthouse shows of it."""
    counting = {each["id"] for one in report["categories"].values() for each in one["auditRefs"] if each["weight"]}
    failed = [audit for name, audit in report["audits"].items() if name in counting and (audit["score"] or 0) < 1]
    return [
        f"{audit['id']} {audit['score']} {audit.get('displayValue', '')} {shown(audit)}".rstrip()
        for audit in failed
        if audit["scoreDisplayMode"] not in ("notApplicable", "manual", "informative")
    ]


def shown(audit: Mapping[str, Any]) -> str:
    items = audit.get("details", {}).get("items", [])
    nodes = [each["node"].get("snippet", "") for each in items if isinstance(each.get("node"), dict)]
    return " | ".join(nodes[:5]) if nodes else ""


if __name__ == "__main__":
    sys.exit(main())

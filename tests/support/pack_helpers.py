"""What tests of evidence packs do: changes in the history, a pack asked for over HTTP and written, its files read."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from django.test import Client

from alignadmin import csv_safe
from alignadmin.accounts.models import Person
from alignadmin.audit import checkpoints, standalone_checker, trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.audit.models import Entry
from alignadmin.due_work import run_due
from connectors.align.audit_sentences import MappingEvent
from connectors.history.intake import gaps, runs
from connectors.models import Connector, HistoryRow, Intake, Pack, PackState
from connectors.ports.audited import context_of, event_fields
from tests.support.intake_helpers import take_in

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
NEW = "/history/packs/new/"


def connector(slug: str = "acme", number: int = 123) -> Connector:
    return Connector.objects.create(
        slug=slug,
        name=f"{slug.capitalize()} production",
        align_site="https://acme.example.test",
        align_connector_id=number,
        jira_site="https://jira.example.test",
    )


def act(
    action: str, owner: Connector | None, actor: Person | None, event: MappingEvent | None = None, **values: Any
) -> AuditRecord:
    usual = {"subject": "plan 7", "sentence": "Something happened.", "plan": 7, "reason": "QA column added"}
    return AuditRecord(
        action=action,
        actor=actor,
        context=context_of(owner),
        event=event_fields(event),
        **{**usual, "ticket": "CHG-2291", **values},
    )


def append(*acts: AuditRecord) -> list[Entry]:
    with transaction.atomic():
        return trail.record_all(acts)


def changed(owner: Connector, actor: Person, *events: MappingEvent, at: datetime = NOON, **values: Any) -> list[Entry]:
    """Applied changes of plan 7, an hour apart."""
    data = {
        "method": "PUT",
        "path": "/mappings/1",
        "query": [],
        "body": {"to": 5},
        "detail": "OK",
        "expected": "a line",
    }
    return append(
        *(
            act(
                "change.done",
                owner,
                actor,
                **{
                    "sentence": f"{event.source_name} now leads to {event.after_name}.",
                    "data": data,
                    "event": event,
                    "project_key": event.project_key or "",
                    "approver": actor,
                    "happened_at": at + timedelta(hours=number),
                    **values,
                },
            )
            for number, event in enumerate(events)
        )
    )


def logged(owner: Connector, actor: Person, *lines: str, at: datetime = NOON) -> None:
    """Pasted lines of Align's log, an hour apart."""
    stamps = [at + timedelta(hours=number) for number in range(len(lines))]
    columns = "CONFIG 123\tJira Align System\t{:%Y-%m-%d %H:%M:%S}\t{}"
    rows = [columns.format(stamp, line) for stamp, line in zip(stamps, lines, strict=True)]
    take_in(owner, "\n".join(rows), intake=Intake.PASTE, actor=actor)


def covered(owner: Connector, since: datetime, until: datetime) -> None:
    """A reading of the endpoint that brought nothing."""
    with transaction.atomic():
        begun = runs.begin(owner, Intake.ENDPOINT, at=until)
        gaps.cover(owner, since, until, Intake.ENDPOINT)
        runs.keep_reading(begun, runs.Brought(), (since, until), None, until)


# -- asking ------------------------------------------------------------------------------------------------------------


def ask(client: Client, query: str = "") -> Pack:
    page = client.get(NEW, {"q": query})
    assert page.status_code == 200, page.content.decode()
    form = page.context["form"].initial
    answer = client.post(NEW, form)
    assert answer.status_code == 303, answer.content.decode()
    return Pack.objects.get(uuid=form["uuid"])


def made(client: Client, query: str = "") -> Pack:
    pack = ask(client, query)
    run_due()
    return ready(pack)


def ready(pack: Pack) -> Pack:
    pack.refresh_from_db()
    assert pack.state == PackState.DONE, pack.error
    return pack


# -- reading -----------------------------------------------------------------------------------------------------------


def text(pack: Pack, name: str) -> str:
    with zipfile.ZipFile(pack.path) as opened:
        return opened.read(name).decode()


def objects(pack: Pack, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text(pack, name).splitlines()]


def table(pack: Pack) -> list[dict[str, str]]:
    """As the csv module reads it, the guard taken away."""
    with zipfile.ZipFile(pack.path) as opened:
        whole = opened.read("rows.csv").decode("utf-8-sig")
    rows = csv.DictReader(io.StringIO(whole, newline=""), strict=True)
    return [{name: csv_safe.unguarded(value) for name, value in row.items()} for row in rows]


def checked(path: Path, *arguments: str) -> tuple[int, list[str]]:
    """By the pack's own checker, in a process that knows nothing of the product; exit code and lines."""
    done = subprocess.run(
        [sys.executable, "-I", "checker.py", ".", *arguments], cwd=path, capture_output=True, text=True, check=False
    )
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout.splitlines()


def unpacked(pack: Pack, folder: Path) -> Path:
    with zipfile.ZipFile(pack.path) as opened:
        opened.extractall(folder)
    return folder


def acts(action: str) -> list[str]:
    return list(HistoryRow.objects.filter(action=action).order_by("id").values_list("sentence", flat=True))


def resigned(folder: Path) -> Path:
    """As somebody would who holds the installation's own key: the manifest says what the files are now."""
    manifest = json.loads((folder / standalone_checker.MANIFEST).read_text())
    for name in manifest["files"]:
        raw = (folder / name).read_bytes()
        manifest["files"][name] = {"sha256": hashlib.sha256(raw).hexdigest(), "size": len(raw)}
    try:
        rows = [json.loads(line) for line in (folder / standalone_checker.ROWS).read_text().splitlines()]
        manifest["rows"] = {
            "count": len(rows),
            "by_source": dict(Counter(row["source"] for row in rows)),
            "first_at": rows[0]["at"] if rows else None,
            "last_at": rows[-1]["at"] if rows else None,
            "without_entry": sum(row["seq"] is None for row in rows),
        }
    except (ValueError, KeyError, TypeError):  # a forger who breaks a line counts nothing any more
        pass
    raw = json.dumps(manifest, indent=1, sort_keys=True).encode()
    (folder / standalone_checker.MANIFEST).write_bytes(raw)
    (folder / standalone_checker.SIGNATURE).write_text(json.dumps(asdict(checkpoints.sign(raw))))
    return folder

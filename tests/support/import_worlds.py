"""Worlds by chance for imports: issues made in Jira, what is configured for them, and what Align holds in the end."""

from __future__ import annotations

import html
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests

from connectors.models import Connector, FieldRow, Project, System, WorkItemType
from mappings.engine.configuration import line_key
from mappings.fields.subject import value_of
from mappings.models import AgreedLine, RehearsedIssue
from tests.support.sandbox_fixture import ADMIN, JIRA_TOKEN, RunningSandbox

WORDS = (
    *("Pay by invoice", "Überweisung prüfen", "测试完成", "支払いを確認する", "ตรวจสอบการชำระเงิน"),
    *("إصلاح الدفع", "Оплата", "חיוב", "e\u0301 and \u00e9", "😀 done", "x" * 200),
    *("a < b & c > d", "<b>bold</b>", 'O\'Brien "quoted"', "=1+1", "  spaced  out  "),
)
LEVELS = tuple(WorkItemType.values)


@dataclass(kw_only=True)
class ImportWorld:
    """`label`: what its issues are marked with. `keys`: of the issues made, in the order in which they were."""

    connector: Connector
    project: Project
    sandbox: RunningSandbox
    chance: random.Random
    label: str
    types: Mapping[str, int]  # name -> Jira's id, of the project
    accounts: Sequence[str]  # ids of Jira's users
    team: int
    keys: list[str] = field(default_factory=list)

    def make(self, issues: int) -> None:
        self._configure()
        made: list[tuple[str, str]] = []
        for _ in range(issues):
            type_ = self.chance.choice(sorted(self.types))
            answer = self._create(type_, [key for key, above in made if self._may_hang(type_, above)])
            if answer is not None:
                made.append((answer, type_))
        self.keys = [key for key, _ in made]

    # --- what is configured -------------------------------------------------------------------------------------------

    def _configure(self) -> None:
        AgreedLine.objects.filter(connector=self.connector, subject__in=["scope", "hierarchy", "fields"]).delete()
        self._agree("scope", "shared:jql", f"labels = {self.label}")
        self._agree("scope", "shared:closed", value=True)
        landing = {"program": {"id": 11, "name": "Payments"}}
        if self.chance.random() < 0.5:
            landing["team"] = {"id": self.team, "name": "Team"}
        self._agree("scope", "shared:landing", landing)
        names = sorted(self.types)
        self.chance.shuffle(names)
        for level in LEVELS:
            count = self.chance.choice((0, 1, 1, 2))
            taken, names = names[:count], names[count:]
            if taken:
                self._agree("hierarchy", line_key("shared", level), sorted(taken))
        for level in LEVELS:
            self._pair(level)

    def _agree(self, subject: str, key: str, value: Any) -> None:
        AgreedLine.objects.create(connector=self.connector, subject=subject, key=key, value=value)

    def _pair(self, level: str) -> None:
        """Custom fields of Align with any of Jira's: some fit, some do not and are stopped by the checks."""
        rows = FieldRow.objects.filter(connector=self.connector, work_item_type=level)
        jira = list(rows.filter(system=System.JIRA).order_by("key"))
        for align in rows.filter(system=System.ALIGN, is_custom=True).order_by("key"):
            fitting = [each for each in jira if each.type == align.type and each.is_custom]
            if not jira or self.chance.random() < 0.25:
                continue
            partner = self.chance.choice(fitting if fitting and self.chance.random() < 0.9 else jira)
            direction = self.chance.choice(("to-align", "both", "once"))
            self._agree(
                "fields",
                line_key(level, align.key),
                value_of(partner.key, direction, self._options(align, partner)),
            )

    def _options(self, align: FieldRow, jira: FieldRow) -> list[tuple[str, str]]:
        ours, theirs = [each["id"] for each in align.options], [each["id"] for each in jira.options]
        self.chance.shuffle(theirs)
        pairs = list(zip(ours, theirs, strict=False))
        return sorted(self.chance.sample(pairs, self.chance.randint(0, len(pairs))))

    # --- issues -------------------------------------------------------------------------------------------------------

    @staticmethod
    def _may_hang(lower: str, upper: str) -> bool:
        if lower in ("Sub-task", "Subtask"):
            return upper not in ("Sub-task", "Subtask", "Epic")
        return upper == "Epic" and lower != "Epic"

    def _create(self, type_: str, above: Sequence[str]) -> str | None:
        """Its key, or None where Jira makes none: a sub-task without a parent."""
        parent = self.chance.choice(above) if above and self.chance.random() < 0.8 else None
        if type_ in ("Sub-task", "Subtask"):
            if not above:
                return None
            parent = parent or above[0]
        fields: dict[str, Any] = {
            "project": {"key": self.project.key},
            "issuetype": {"id": str(self.types[type_])},
            "summary": self.chance.choice(WORDS).strip(),
            "labels": [self.label],
            **{key: value for key, value in self._values() if self.chance.random() < 0.6},
        }
        if parent:
            fields["parent"] = {"key": parent}
        answer = requests.post(
            f"{self.sandbox.url}/rest/api/3/issue", json={"fields": fields}, auth=(ADMIN, JIRA_TOKEN), timeout=10
        )
        assert answer.status_code == 201, answer.text
        key: str = answer.json()["key"]
        return key

    def _values(self) -> Iterator[tuple[str, Any]]:
        chance = self.chance
        yield "description", _document(chance.choice(WORDS), chance.choice(WORDS))
        yield "assignee", {"accountId": chance.choice(self.accounts)}
        yield "priority", {"id": chance.choice("12345")}
        yield "duedate", f"2026-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
        yield "customfield_10030", {"id": chance.choice(("10100", "10101", "10102"))}
        yield "customfield_10031", [{"id": each} for each in chance.sample(("10110", "10111", "10112"), 2)]
        yield "customfield_10032", chance.choice((0, 1, 2.5, -3, 1_000_000, 0.1))
        yield "customfield_10033", f"2027-01-{chance.randint(1, 28):02}"
        yield "customfield_10034", "2026-12-01T09:30:00.000+0545"
        yield "customfield_10035", {"accountId": chance.choice(self.accounts)}
        yield "customfield_10036", chance.choice(WORDS)
        yield "customfield_10037", _document(chance.choice(WORDS))
        yield "customfield_10039", ["one", "two"]


def _document(*paragraphs: str) -> dict[str, Any]:
    content = [{"type": "paragraph", "content": [{"type": "text", "text": each}]} for each in paragraphs]
    return {"type": "doc", "version": 1, "content": content}


# --- what Align holds -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class HeldItem:
    """An item as Align's API answers it, and its values in the words that a person would read. `people`: by id."""

    record: Mapping[str, Any]
    people: Mapping[int, str]

    def words(self, key: str) -> str:
        value = self.record.get(key, (self.record.get("customFields") or {}).get(key))
        if isinstance(value, dict) and "value" in value:
            value = value["value"]
        if value is None or value == []:
            return ""
        if isinstance(value, list):
            return ", ".join(str(each["value"]) if isinstance(each, dict) else str(each) for each in value)
        if key.endswith("Id") and value in self.people and "owner" in key.lower():
            return self.people[value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return f"{value:,}"
        return str(value)


def alike(promised: str, held: str) -> bool:
    """Words without marks and white space; a day is a day whatever clock stands behind it, a number may be named,
    and several options have no order."""
    if held and promised.startswith(f"{held} ("):
        return True
    if sorted(promised.split(", ")) == sorted(held.split(", ")):
        return True
    one = _bare(promised)
    other, of_html = _bare(held), _bare(html.unescape(re.sub(r"<[^<>]*>", "", held)))
    return one in (other, of_html) or (len(one) == 10 and _DAY.match(other) is not None and other.startswith(one))


_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def _bare(text: str) -> str:
    number = re.fullmatch(r"-?[\d,]+(\.\d+)?", text)
    return str(float(text.replace(",", ""))) if number else re.sub(r"\s+", "", text)


def promised_fields(line: RehearsedIssue) -> list[tuple[str, str]]:
    return [(each["key"], each["shown"]) for each in line.fields if each["shown"]]

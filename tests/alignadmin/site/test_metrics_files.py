"""The alert rules, the dashboard and the table of docs/operations.md name figures and labels that `/metrics` has."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from alignadmin.site import metrics
from tests import ROOT

pytestmark = pytest.mark.usefixtures("sources")


def expressions() -> dict[str, tuple[str, str]]:
    """By rule or panel: what it asks, and the text that shows the answer."""
    rules = [rule for group in rules_file()["groups"] for rule in group["rules"]]
    found = {rule["alert"]: (rule["expr"], rule["annotations"]["summary"]) for rule in rules}
    for panel in board_file()["panels"]:
        for target in panel["targets"]:
            found[f"{panel['title']} {target['refId']}"] = (target["expr"], target["legendFormat"])
    return found


def rules_file() -> Any:
    return yaml.safe_load((ROOT / "docs/prometheus/alerts.yml").read_text())


def board_file() -> Any:
    return json.loads((ROOT / "docs/grafana/alignadmin.json").read_text())


def test_documents_rules_and_dashboard_name_what_there_is() -> None:
    known = {each.name: each for each in metrics.figures()}
    asked = expressions()
    assert len(asked) > 35
    named: set[str] = set()
    for title, (expression, text) in asked.items():
        figures = [known[name] for name in re.findall(r"alignadmin_\w+", expression)]
        assert figures, title
        named |= {each.name for each in figures}
        labels = {label for each in figures for label in each.labels}
        assert labels_in(expression, text) <= labels, title
    assert known.keys() - named == {"alignadmin_signing_key_age_seconds", "alignadmin_credential_age_seconds"}
    operations = (ROOT / "docs/operations.md").read_text()
    rows = re.findall(r"^\| `(alignadmin_\w+)` \| (.+) \| (.+) \|$", operations, re.MULTILINE)
    assert rows == [(each.name, ", ".join(each.labels) or "none", each.help) for each in known.values()]
    alerts = {rule["alert"] for group in rules_file()["groups"] for rule in group["rules"]}
    assert set(re.findall(r"^\| (AlignAdmin\w+) \|", operations, re.MULTILINE)) == alerts


def labels_in(expression: str, text: str) -> set[str]:
    """Of a legend or a summary ("{{ $labels.site }}", "{{site}}"), of a selector, and of what is summed by."""
    shown = re.findall(r"{{ ?(?:\$labels\.)?(\w+) ?}}", text)
    chosen = re.findall(r"(\w+)=\"", expression)
    summed = [name for names in re.findall(r"by \(([^)]*)\)", expression) for name in names.split(", ")]
    return {*shown, *chosen, *summed}


def test_labels_are_found_wherever_they_may_stand() -> None:
    found = labels_in('sum by (kind, a) (alignadmin_x{b="1"})', "{{ $labels.c }} {{d}} {{ $value }}")
    assert found == {"kind", "a", "b", "c", "d"}

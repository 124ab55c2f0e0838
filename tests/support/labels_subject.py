"""A subject of configuration with the least that one needs, kept in the agreed lines: what some colours are called."""

from __future__ import annotations

from collections.abc import Sequence

from alignadmin.errors import Refused
from connectors.models import Connector
from mappings.configuration.agreed import agreed_lines, store_agreed
from mappings.configuration.subjects import LineWords
from mappings.engine.configuration import (
    ConfigurationProblem,
    LineChange,
    LineValue,
    LineValues,
    differences,
)
from mappings.engine.values import Severity

COLOURS = ("red", "green", "blue")


class ColourLabels:
    """A label is some text; two colours of one label are an error, a label in capitals is a warning."""

    code, label, page = "colours", "Colours", "matrix"

    def agreed(self, connector: Connector) -> LineValues:
        return agreed_lines(connector, self.code)

    def put_in_force(self, connector: Connector, changes: Sequence[LineChange]) -> None:
        store_agreed(connector, self.code, changes)

    def cleaned(self, connector: Connector, key: str, value: LineValue) -> LineValue:
        if key not in COLOURS:
            raise Refused(f"There is no colour {key[:40]}.")
        return value or None

    def lines(self, connector: Connector, before: LineValues, after: LineValues) -> Sequence[LineWords]:
        return [
            LineWords(key=each.key, label=each.key, before=str(each.before or "none"), after=str(each.after or "none"))
            for each in sorted(differences(before, after), key=lambda each: COLOURS.index(each.key))
        ]

    def checks(self, connector: Connector, values: LineValues) -> Sequence[ConfigurationProblem]:
        found = []
        for colour, label in values.items():
            if any(other < colour and values[other] == label for other in values):
                found.append(_problem("label-twice", Severity.ERROR, f"{label} is the label of two colours.", colour))
            if str(label).isupper():
                found.append(_problem("label-loud", Severity.WARNING, f"{label} is written in capitals.", colour))
        return found


def _problem(code: str, severity: Severity, sentence: str, key: str) -> ConfigurationProblem:
    return ConfigurationProblem(code=code, severity=severity, sentence=sentence, key=key)

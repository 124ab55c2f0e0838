"""What can be decided line by line: a subject says what is agreed, what its lines are called, and what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from django.http import Http404

from connectors.models import Connector
from mappings.engine.configuration import ConfigurationProblem, LineChange, LineValue, LineValues


@dataclass(frozen=True, kw_only=True)
class LineWords:
    """One line that differs, as people read it. `project_key`: whose it is alone, where it is a project's."""

    key: str
    label: str
    before: str
    after: str
    project_key: str = ""


class ConfigurationSubject(Protocol):
    """Values are of JSON, by the key of their line; a line that nobody decided on is absent, and means None."""

    @property
    def code(self) -> str:
        """In addresses and in rows: "hierarchy". At most 20 letters; it never changes."""

    @property
    def label(self) -> str:
        """At the beginning of a sentence: "Hierarchy"."""

    @property
    def page(self) -> str:
        """The name of the address where it is edited, which takes the connector's slug alone."""

    def agreed(self, connector: Connector) -> LineValues:
        """What is in force. Of a subject that keeps its lines nowhere else: mappings.configuration.agreed."""

    def put_in_force(self, connector: Connector, changes: Sequence[LineChange]) -> None:
        """In the transaction of the approval, which holds the connector's row and writes the entries."""

    def cleaned(self, connector: Connector, key: str, value: LineValue) -> LineValue:
        """As it is stored; None: nothing is decided. Raises Refused for no line of it, or no value of this line."""

    def lines(self, connector: Connector, before: LineValues, after: LineValues) -> Sequence[LineWords]:
        """Those that differ, in the order in which people read them."""

    def checks(self, connector: Connector, values: LineValues) -> Sequence[ConfigurationProblem]:
        """Of the whole, by what Jira and Align have now."""


_SUBJECTS: dict[str, ConfigurationSubject] = {}


def register(subject: ConfigurationSubject) -> None:
    """Once, when the apps are ready; another one of the same code takes its place."""
    _SUBJECTS[subject.code] = subject


def subject_of(code: str) -> ConfigurationSubject:
    """Raises Http404."""
    if code not in _SUBJECTS:
        raise Http404
    return _SUBJECTS[code]


def registered() -> list[ConfigurationSubject]:
    """By their codes."""
    return [_SUBJECTS[code] for code in sorted(_SUBJECTS)]

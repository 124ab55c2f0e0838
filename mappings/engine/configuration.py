"""Lines of configuration as plain values: what two states of a subject differ by, and the fingerprint of that.

A value is one of JSON; a key that is absent has the value None, which means that nobody decided on it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from mappings.engine.values import Severity

LineValue: TypeAlias = Any  # of JSON
LineValues: TypeAlias = Mapping[str, LineValue]


@dataclass(frozen=True, kw_only=True)
class LineChange:
    key: str
    before: LineValue
    after: LineValue


@dataclass(frozen=True, kw_only=True)
class ConfigurationProblem:
    """An error blocks, a warning is ticked, an info is only said. `key` is the line that it is about, where it is one.

    `about` tells problems of one code and line apart, whatever their sentences say.
    """

    code: str
    severity: Severity
    sentence: str
    key: str = ""
    about: str = ""

    @property
    def identity(self) -> tuple[str, str, str]:
        return self.code, self.key, self.about


def line_key(whole: str, part: str) -> str:
    """Of a line of two parts, of which the first has no colon in it: a place and a level, a type and a field."""
    return f"{whole}:{part}"


def split_line_key(key: str) -> tuple[str, str]:
    """Its two parts; both are empty where it is no such key."""
    whole, mark, part = key.partition(":")
    return (whole, part) if mark and part else ("", "")


def canonical(value: LineValue) -> str:
    """The same text for the same value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def is_same(one: LineValue, other: LineValue) -> bool:
    """As JSON tells values apart: 1 is not true, and 0 is not false."""
    return canonical(one) == canonical(other)


def changed(values: LineValues, changes: Iterable[LineChange]) -> dict[str, LineValue]:
    """The values after these changes; a line whose value becomes None is absent."""
    after = dict(values)
    for change in changes:
        after[change.key] = change.after
    return {key: value for key, value in after.items() if value is not None}


def differences(before: LineValues, after: LineValues) -> list[LineChange]:
    """In the order of their keys."""
    keys = sorted({*before, *after})
    found = (LineChange(key=key, before=before.get(key), after=after.get(key)) for key in keys)
    return [each for each in found if not is_same(each.before, each.after)]


def fingerprint_of_lines(connector_id: int, subject: str, lines: Iterable[LineChange]) -> str:
    """SHA-256 over whose they are, the keys, and the values before and after: what an approval is about."""
    facts = sorted(canonical([line.key, line.before, line.after]) for line in lines)
    whole = "\n".join([canonical([connector_id, subject]), *facts])
    return hashlib.sha256(whole.encode()).hexdigest()


def new_errors(
    before: Iterable[ConfigurationProblem], after: Iterable[ConfigurationProblem]
) -> list[ConfigurationProblem]:
    """The errors that a change brings. Those that are there without it do not keep anybody from mending others."""
    known = {each.identity for each in before}
    return [each for each in after if each.severity is Severity.ERROR and each.identity not in known]


def warnings_of(problems: Sequence[ConfigurationProblem]) -> list[str]:
    """Their sentences, each once."""
    return list(dict.fromkeys(each.sentence for each in problems if each.severity is Severity.WARNING))

"""Faults on demand: rules that are matched against each request, first one first."""

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, fields

from .messages import Json


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One rule. Everything that is left out matches anything, or changes nothing.

    method, path: which requests; `path` is part of the address with its query, or a regular expression.
    times: how many requests it hits; None until the rules are cleared.
    status, body, headers: answer this instead; the request has no effect unless `after_effect`.
    latency_ms: wait before anything else.
    cut: "before" or "after" the effect the connection is closed without an answer.
    delayed_effect_ms: close at once, and let the request take effect that much later.
    after_effect: the request takes effect, then `status` (500 if none is given) is answered.
    edit: somebody's change (see edits) that is made right before the request takes effect. One that cannot be made
    is left out.
    """

    method: str = ""
    path: str = ""
    times: int | None = None
    status: int | None = None
    body: str | None = None
    headers: dict[str, str] | None = None
    latency_ms: int = 0
    cut: str = ""
    delayed_effect_ms: int | None = None
    after_effect: bool = False
    edit: Json | None = None

    def matches(self, method: str, address: str) -> bool:
        if self.method and self.method.upper() != method:
            return False
        if not self.path or self.path.lower() in address.lower():
            return True
        return re.search(self.path, address, re.IGNORECASE) is not None

    @property
    def answers(self) -> bool:
        return self.status is not None or self.body is not None or self.after_effect


NO_FAULT = Fault()


def parse(payload: object) -> list[Fault]:
    """A rule or a list of rules. ValueError says what is wrong."""
    rules = payload if isinstance(payload, list) else [payload]
    return [_rule(rule) for rule in rules]


def _rule(rule: object) -> Fault:
    if not isinstance(rule, dict):
        raise ValueError("a fault is a JSON object")
    known = {field.name for field in fields(Fault)}
    unknown = sorted(set(rule) - known)
    if unknown:
        raise ValueError(f"unknown in a fault: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    if rule.get("cut", "") not in ("", "before", "after"):
        raise ValueError('cut is "before" or "after"')
    for name in ("times", "status", "latency_ms", "delayed_effect_ms"):
        value = rule.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise ValueError(f"{name} is a whole number")
    if not isinstance(rule.get("edit", {}), dict):
        raise ValueError("edit is a JSON object, see POST /_sandbox/edit")
    _check_pattern(str(rule.get("path", "")))
    return Fault(**rule)


def _check_pattern(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"path is not a regular expression: {error}") from error


class Faults:
    """The active rules and how often each may still hit."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[tuple[Fault, list[int | None]]] = []

    def add(self, rules: Iterable[Fault]) -> None:
        with self._lock:
            self._rules.extend((rule, [rule.times]) for rule in rules)

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def take(self, method: str, address: str) -> Fault:
        """The first rule that matches and has hits left; NO_FAULT if there is none."""
        with self._lock:
            for rule, left in self._rules:
                if left[0] == 0 or not rule.matches(method, address):
                    continue
                if left[0] is not None:
                    left[0] -= 1
                return rule
        return NO_FAULT

    def shown(self) -> list[Json]:
        with self._lock:
            return [_shown(rule, left[0]) for rule, left in self._rules]


def _shown(rule: Fault, left: int | None) -> Json:
    given = {field.name: getattr(rule, field.name) for field in fields(Fault)}
    changed = {name: value for name, value in given.items() if value != getattr(NO_FAULT, name)}
    return {**changed, "left": left}

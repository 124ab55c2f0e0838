"""Values of a request as they are kept in JSON: dates are marked, so that the client gets back what it was given."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

DATE, MOMENT = "date", "moment"


def stored(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _stored(value) for key, value in values.items()}


def restored(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _restored(value) for key, value in values.items()}


def _stored(value: Any) -> Any:
    if isinstance(value, datetime):
        return {MOMENT: value.isoformat()}
    return {DATE: value.isoformat()} if isinstance(value, date) else value


def _restored(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {MOMENT}:
        return datetime.fromisoformat(value[MOMENT])
    return date.fromisoformat(value[DATE]) if isinstance(value, dict) and set(value) == {DATE} else value

"""Settings that are the customer's, declared as data by the room that reads them, and where a value comes from.

What an admin chose comes first, then what the operator has set in the environment, then the default of the product.
For a limit it is the other way round: the operator's value is the most, and an admin may only choose less.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar, cast

from django.conf import settings
from django.utils.functional import Promise

from alignadmin.preferences.kinds import SettingKind
from alignadmin.preferences.models import InstallationChoice
from alignadmin.preferences.reading import chosen

T = TypeVar("T")


class Origin(StrEnum):
    CHOSEN = "chosen"
    ENVIRONMENT = "environment"
    DEFAULT = "default"


@dataclass(frozen=True, kw_only=True)
class ValueSource:
    """`by` and `at` are of a choice. `is_cut`: the operator's limit is lower by now than what was chosen."""

    origin: Origin
    environment: str = ""
    by: str = ""
    at: datetime | None = None
    is_cut: bool = False


@dataclass(frozen=True, kw_only=True)
class Preference(Generic[T]):
    """`start` is the value where nobody chose one: that of the environment, else the default.

    `environment` is the name of the variable behind it, empty where there is none.
    """

    key: str
    label: str
    help: str | Promise
    kind: SettingKind[T]
    start: Callable[[], T]
    environment: str = ""
    is_limit: bool = False

    def value(self) -> T:
        return self.among(chosen())

    def among(self, choices: Mapping[str, InstallationChoice]) -> T:
        found, start = choices.get(self.key), self.start()
        if found is None:
            return start
        return cast("T", min(found.value, start)) if self.is_limit else cast("T", found.value)

    def source(self, choices: Mapping[str, InstallationChoice]) -> ValueSource:
        found = choices.get(self.key)
        if found is not None:
            is_cut = self.is_limit and found.value > self.start()
            return ValueSource(
                origin=Origin.CHOSEN, environment=self.environment, by=found.by_name, at=found.at, is_cut=is_cut
            )
        if self.environment in settings.IN_ENVIRONMENT:
            return ValueSource(origin=Origin.ENVIRONMENT, environment=self.environment)
        return ValueSource(origin=Origin.DEFAULT)

    def read(self, text: str) -> T:
        """What was typed. Raises Refused, also for more than the operator allows."""
        kind = self.kind.at_most(self.start()) if self.is_limit else self.kind
        return kind.read(text)


AnyPreference = Preference[Any]

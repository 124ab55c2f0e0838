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

from alignadmin.audit.entries import Actor
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
    """`by` and `at` are of a choice. `cut_to`: what holds, where the operator's limit is lower by now than the choice.

    `is_unfit`: somebody chose what is no value of this setting any more, so it is as if nobody had chosen.
    """

    origin: Origin
    environment: str = ""
    by: str = ""
    at: datetime | None = None
    cut_to: str = ""
    is_unfit: bool = False
    follows: str = ""


@dataclass(frozen=True, kw_only=True)
class Preference(Generic[T]):
    """`start` is the value where nobody chose one: that of the environment, else the default.

    `environment` is the name of the variable behind it, empty where there is none. `follows` is the label of another
    setting whose value holds where neither is set. `on_change` is told, in the transaction of a change, what held
    before and what holds from now on, and who changed it.
    """

    key: str
    label: str
    help: str | Promise
    kind: SettingKind[T]
    start: Callable[[], T]
    environment: str = ""
    is_limit: bool = False
    follows: str = ""
    on_change: Callable[[T, T, Actor], None] | None = None

    def value(self) -> T:
        return self.among(chosen())

    def among(self, choices: Mapping[str, InstallationChoice]) -> T:
        """What holds. A stored value that is none of this setting any more counts for nothing."""
        asked: Any = self.asked_for(choices)
        return cast("T", min(asked, self.start())) if self.is_limit else cast("T", asked)

    def asked_for(self, choices: Mapping[str, InstallationChoice]) -> T:
        """What stands in the field: the choice also where the operator's limit cuts it, so that it can be lowered."""
        found = choices.get(self.key)
        return cast("T", found.value) if found is not None and self._fits(found.value) else self.start()

    def _fits(self, value: Any) -> bool:
        """A choice below the least of its kind was made while the operator allowed no more."""
        is_lowered = self.is_limit and type(value) is int and value > 0
        return (self.kind.at_most(cast("T", value)) if is_lowered else self.kind).fits(value)

    def source(self, choices: Mapping[str, InstallationChoice]) -> ValueSource:
        found = choices.get(self.key)
        if found is not None and self._fits(found.value):
            is_cut = self.among(choices) != found.value
            return ValueSource(
                origin=Origin.CHOSEN,
                environment=self.environment,
                by=found.by_name,
                at=found.at,
                cut_to=self.kind.words(self.among(choices)) if is_cut else "",
            )
        is_set = self.environment in settings.IN_ENVIRONMENT
        return ValueSource(
            origin=Origin.ENVIRONMENT if is_set else Origin.DEFAULT,
            environment=self.environment,
            by=found.by_name if found else "",
            at=found.at if found else None,
            is_unfit=found is not None,
            follows=self.follows,
        )

    def read(self, text: str) -> T:
        """What was typed. Raises Refused, also for more than the operator allows."""
        kind = self.kind.at_most(self.start()) if self.is_limit else self.kind
        return kind.read(text)


AnyPreference = Preference[Any]

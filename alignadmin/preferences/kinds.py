"""Kinds of values: how each is typed into a field, checked, and said to people."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar, cast

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from alignadmin.errors import Refused
from alignadmin.parsing import whole
from alignadmin.text import counted

T = TypeVar("T")
LINE = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}
LONGEST_TEXT = 8_000  # of any field: 20 addresses of 254 characters are 5,100


def without_blanks(items: Iterable[str]) -> list[str]:
    """Of the environment, as a field would read it: else what stands in the field is never what is sent back."""
    return [stripped for each in items if (stripped := each.strip())]


class SettingKind(ABC, Generic[T]):
    """`T` is the value as code reads it, which JSON holds as it is."""

    @abstractmethod
    def read(self, text: str) -> T:
        """What a person typed. Raises Refused with a sentence that says what to enter."""

    @abstractmethod
    def text(self, value: T) -> str:
        """As it stands in the field."""

    @abstractmethod
    def words(self, value: T) -> str:
        """ "30 minutes", for pages and the history."""

    def fits(self, value: object) -> bool:
        """Whether it could have been typed: a row may be of another version, or written by hand."""
        try:
            return bool(self.read(self.text(cast("T", value))) == value)
        except (Refused, TypeError, ValueError, AttributeError, OverflowError):
            return False

    @property
    def unit(self) -> str:
        """What the field is counted in; empty where its explanation says all."""
        return ""

    def widget(self) -> forms.Widget:
        return forms.TextInput(attrs=LINE)

    def at_most(self, value: T) -> SettingKind[T]:
        """The same with a limit that the operator has set; only numbers have one."""
        raise TypeError(f"{type(self).__name__} has no largest value")


@dataclass(frozen=True, kw_only=True)
class WholeNumber(SettingKind[int]):
    """Typed in units of `size`: a span in minutes is kept in seconds, with a size of 60."""

    least: int
    most: int
    one: str  # "minute"
    size: int = 1
    many: str = ""
    limit: str = ""  # why there is no more: "the operator allows no more"

    @property
    def unit(self) -> str:
        return self.many or f"{self.one}s"

    def read(self, text: str) -> int:
        number = whole(text, most=self.most)
        if number is None or number < self.least:
            raise Refused(self._range())
        return number * self.size

    def _range(self) -> str:
        why = f"; {self.limit}" if self.limit else ""
        if self.least == self.most:
            return f"Enter {self.most}{why}."
        return f"Enter a whole number from {self.least} to {self.most}{why}."

    def text(self, value: int) -> str:
        return f"{value / self.size:.12g}"

    def words(self, value: int) -> str:
        whole_units, rest = divmod(value, self.size)
        return f"{value / self.size:g} {self.unit}" if rest else counted(int(whole_units), self.one, self.unit)

    def at_most(self, value: int) -> WholeNumber:
        """An operator's limit below one unit leaves nothing to choose but one unit, which the limit cuts anyway."""
        most = min(self.most, max(1, int(value) // self.size))
        return replace(self, least=min(self.least, most), most=most, limit="the operator allows no more")

    def widget(self) -> forms.Widget:
        return forms.TextInput(attrs={**LINE, "inputmode": "numeric"})


@dataclass(frozen=True, kw_only=True)
class DistinctNumbers(SettingKind[list[int]]):
    """Typed with commas or blanks between them; may be empty. Kept from the largest to the smallest."""

    least: int
    most: int
    longest: int  # how many
    one: str  # "day"
    none: str  # how none of them reads

    @property
    def unit(self) -> str:
        return f"{self.one}s"

    def read(self, text: str) -> list[int]:
        parts = [each for each in re.split(r"[,;\s]+", text) if each]
        numbers = [whole(each, most=self.most) for each in parts]
        found = [each for each in numbers if each is not None and each >= self.least]
        if len(found) < len(parts):
            raise Refused(f"Enter whole numbers from {self.least} to {self.most}, with commas between them.")
        if len(set(found)) < len(found):
            twice = next(each for each in found if found.count(each) > 1)
            raise Refused(f"{twice} is there twice. Enter each number once.")
        if len(found) > self.longest:
            raise Refused(f"Enter at most {self.longest} numbers; these are {len(found)}.")
        return sorted(found, reverse=True)

    def text(self, value: list[int]) -> str:
        return ", ".join(map(str, sorted(value, reverse=True)))

    def words(self, value: list[int]) -> str:
        return f"{self.text(value)} {self.one if value == [1] else self.unit}" if value else self.none


@dataclass(frozen=True, kw_only=True)
class MailAddresses(SettingKind[list[str]]):
    """One a line; commas do as well. May be empty."""

    longest: int = 20

    def read(self, text: str) -> list[str]:
        found = [each for each in re.split(r"[,;\s]+", text) if each]
        for each in found:
            try:
                validate_email(each)
            except ValidationError as error:
                raise Refused(f"{each} is no e-mail address. Correct it, or take it out.") from error
        lower = [each.lower() for each in found]
        if len(set(lower)) < len(found):
            twice = next(each for each in found if lower.count(each.lower()) > 1)
            raise Refused(f"{twice} is there twice. Enter each address once.")
        if len(found) > self.longest:
            raise Refused(
                f"Enter at most {self.longest} addresses; these are {len(found)}. Use a list of your mail server."
            )
        return found

    def text(self, value: list[str]) -> str:
        return "\n".join(value)

    def words(self, value: list[str]) -> str:
        return ", ".join(value) or "nobody"

    def widget(self) -> forms.Widget:
        return forms.Textarea(attrs={**LINE, "rows": 3})


@dataclass(frozen=True, kw_only=True)
class OneOf(SettingKind[T]):
    """A choice of a few values, each with its words; what is sent for it is the value in small letters."""

    choices: Sequence[tuple[T, str]]

    @property
    def options(self) -> list[tuple[str, str]]:
        """What is sent for each, with its words."""
        return [(self.text(value), words) for value, words in self.choices]

    def read(self, text: str) -> T:
        for value, _ in self.choices:
            if self.text(value) == text:
                return value
        raise Refused("Choose one of the list.")

    def text(self, value: T) -> str:
        return str(value).lower()

    def words(self, value: T) -> str:
        return dict(self.choices).get(value, str(value))

    def widget(self) -> forms.Widget:
        return forms.Select(choices=self.options)


YES_OR_NO: OneOf[bool] = OneOf(choices=[(True, "Yes"), (False, "No")])


@dataclass(frozen=True, kw_only=True)
class ShortText(SettingKind[str]):
    """`trouble` says why a text cannot be used; empty: it can."""

    trouble: Callable[[str], str]
    none: str  # how an empty one reads

    def read(self, text: str) -> str:
        if trouble := self.trouble(text):
            raise Refused(trouble)
        return text

    def text(self, value: str) -> str:
        return value

    def words(self, value: str) -> str:
        return value or self.none

    def widget(self) -> forms.Widget:
        return forms.TextInput(attrs={**LINE, "class": "mono"})

"""The form of one's choices: for each kind whether the product shows it, and whether an e-mail tells it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django import forms
from django.forms.boundfield import BoundField
from django.http import QueryDict

from alignadmin.accounts.models import Person
from alignadmin.notifications.choices import Choice, choices_of
from alignadmin.notifications.kinds import NotificationKind, kinds_of
from alignadmin.notifications.models import ByMail


@dataclass(frozen=True, kw_only=True)
class ChoiceRow:
    kind: NotificationKind
    shown: BoundField
    by_mail: BoundField


class ChoicesForm(forms.Form):
    """Two fields for each kind that the person may be told of."""

    def __init__(self, person: Person, data: QueryDict | None = None) -> None:
        super().__init__(data)
        self.kinds = kinds_of(person)
        now = choices_of([person], self.kinds)
        for kind in self.kinds:
            choice = now[person.pk, kind.key]
            self.fields[f"shown-{kind.key}"] = forms.BooleanField(required=False, initial=choice.is_shown)
            self.fields[f"mail-{kind.key}"] = forms.ChoiceField(
                label=f"{kind.label}: by e-mail", choices=ByMail.choices, initial=choice.by_mail
            )

    @property
    def rows(self) -> Iterator[ChoiceRow]:
        for kind in self.kinds:
            yield ChoiceRow(kind=kind, shown=self[f"shown-{kind.key}"], by_mail=self[f"mail-{kind.key}"])

    @property
    def wanted(self) -> dict[str, Choice]:
        """Of a valid form, by kind."""
        typed = self.cleaned_data
        return {
            each.key: Choice(is_shown=typed[f"shown-{each.key}"], by_mail=ByMail(typed[f"mail-{each.key}"]))
            for each in self.kinds
        }

"""Fields of the forms by which a whole connector is changed: why, and its URL name typed to confirm it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from alignadmin.web.forms import text_field
from connectors.models import Connector
from connectors.ports.reasons import LACKS_REASON, LONGEST_REASON, TOO_LONG


def reason_field(help_text: str, *, lacks: str = LACKS_REASON) -> forms.CharField:
    return forms.CharField(
        label="Why",
        help_text=help_text,
        max_length=LONGEST_REASON,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": lacks, "max_length": TOO_LONG},
    )


class TypedNameForm(forms.Form):
    """`what` is confirmed, as in "the hand-over"."""

    what = ""
    confirm = text_field("Confirm")

    def __init__(self, *args: Any, connector: Connector, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.connector = connector
        self.fields["confirm"].label = f"Type {connector.slug} to confirm"

    def clean_confirm(self) -> str:
        typed: str = self.cleaned_data["confirm"]
        if typed.strip() != self.connector.slug:
            raise ValidationError(f'Type "{self.connector.slug}" to confirm {self.what}.')
        return typed

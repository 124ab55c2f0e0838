"""The forms of a disconnection, and of a connection made again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime

from alignadmin.accounts.acts import shown_in
from alignadmin.web.forms import problems_of, text_field
from connectors.credentials.rotation.forms import CredentialForm, of_form
from connectors.credentials.values import SecretData
from connectors.models import Connector, System
from connectors.setup.forms import SECRETS_OF_BOTH, words_of_credential
from connectors.setup.hand_over import LACKS_REASON, LONGEST_REASON


class DisconnectForm(forms.Form):
    reason = forms.CharField(
        label="Why",
        help_text="It stands in the history, and on the pages of this connector while it is disconnected.",
        max_length=LONGEST_REASON,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={
            "required": LACKS_REASON,
            "max_length": f"The reason is longer than {LONGEST_REASON} characters: shorten it.",
        },
    )
    confirm = text_field("Type the name of the connector to confirm")

    def __init__(self, *args: Any, connector: Connector, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.connector = connector
        self.fields["confirm"].label = f"Type {connector.slug} to confirm"

    def clean_confirm(self) -> str:
        typed: str = self.cleaned_data["confirm"]
        if typed.strip() != self.connector.slug:
            raise ValidationError(f'Type "{self.connector.slug}" to confirm that it is to be disconnected.')
        return typed


class SeenForm(forms.Form):
    """Which disconnection the page was drawn for."""

    seen = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def clean_seen(self) -> datetime:
        try:
            found = parse_datetime(self.cleaned_data["seen"])
        except ValueError:
            found = None
        if found is None or found.tzinfo is None:
            raise ValidationError("The request does not say which disconnection it ends: reload this page.")
        return found


class AgainForms:
    """New credentials for both systems; which connector, and at which sites, is known."""

    shown = {
        **shown_in(CredentialForm, System.ALIGN.value, **words_of_credential(System.ALIGN)),
        **shown_in(CredentialForm, System.JIRA.value, **words_of_credential(System.JIRA)),
    }
    secrets = SECRETS_OF_BOTH

    def __init__(self, connector: Connector, data: Any = None, *, typed: Mapping[str, Any] | None = None) -> None:
        typed = typed or {}
        self.connector = connector
        since = connector.disconnected_at
        self.seen = SeenForm(data, initial={"seen": since.isoformat() if since else ""})
        self.align = CredentialForm(data, system=System.ALIGN, initial=of_form(typed, System.ALIGN.value))
        self.jira = CredentialForm(data, system=System.JIRA, initial=of_form(typed, System.JIRA.value))
        self.forms: tuple[forms.Form, ...] = (self.seen, self.align, self.jira)

    def is_valid(self) -> bool:
        for form in self.forms:
            form.full_clean()
        self.jira.refuse_kind_of(self.connector.jira_kind)
        return not any(form.errors for form in self.forms)

    @property
    def notes(self) -> list[str]:
        return [*self.align.notes, *self.jira.notes]

    @property
    def problems(self) -> list[str]:
        return [problem for form in self.forms for problem in problems_of(form)]

    @property
    def secrets_typed(self) -> list[SecretData]:
        return [self.align.secret_typed, self.jira.secret_typed]

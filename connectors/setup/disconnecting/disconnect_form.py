"""The forms of a disconnection, and of a connection made again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime

from connectors.models import Connector
from connectors.setup.confirming import TypedNameForm, reason_field
from connectors.setup.credentials_of_both import CredentialsOfBoth


class DisconnectForm(TypedNameForm):
    what = "the disconnection"
    reason = reason_field("It stands in the history, and on the pages of this connector while it is disconnected.")

    field_order = ["reason", "confirm"]


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


class AgainForms(CredentialsOfBoth):
    """New credentials for both systems; which connector, and at which sites, is known."""

    def __init__(self, connector: Connector, data: Any = None, *, typed: Mapping[str, Any] | None = None) -> None:
        self.connector = connector
        since = connector.disconnected_at
        self.seen = SeenForm(data, initial={"seen": since.isoformat() if since else ""})
        super().__init__(self.seen, data=data, typed=typed or {})

    def is_valid(self) -> bool:
        self.clean_all()
        return self.is_right_for(self.connector.jira_kind)

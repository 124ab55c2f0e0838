"""The form of a hand-over: the new number and why; on the second page, what was looked at and a typed confirmation."""

from __future__ import annotations

from typing import Any

from django import forms

from alignadmin.web.forms import text_field
from connectors.models import Connector
from connectors.setup.forms import MOST_ID
from connectors.setup.hand_over import LACKS_REASON, LONGEST_REASON

WHOLE_NUMBER = dict.fromkeys(
    ("required", "invalid", "min_value", "max_value"), "The connector id is a whole number above 0, such as 124."
)


class HandOverForm(forms.Form):
    """`former` is the number that the connector had on the page: somebody may have handed it over meanwhile."""

    number = forms.IntegerField(
        label="New Align connector id",
        help_text="The number that the connector has in Jira Align now.",
        min_value=1,
        max_value=MOST_ID,
        error_messages=WHOLE_NUMBER,
    )
    reason = forms.CharField(
        label="Why",
        help_text="Such as the ticket of the change in Jira Align; it stands in the history for good.",
        max_length=LONGEST_REASON,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={
            "required": LACKS_REASON,
            "max_length": f"The reason is longer than {LONGEST_REASON} characters: shorten it.",
        },
    )
    former = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=MOST_ID, error_messages=WHOLE_NUMBER)


class ConfirmForm(HandOverForm):
    """The same once more, hidden, with the connector's URL name to be typed."""

    confirm = text_field("Confirm")

    def __init__(self, *args: Any, connector: Connector, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.connector = connector
        for name in ("number", "reason"):
            self.fields[name].widget = forms.HiddenInput()
        self.fields["confirm"].label = f"Type {connector.slug} to confirm"

    def clean_confirm(self) -> str:
        typed: str = self.cleaned_data["confirm"]
        if typed.strip() != self.connector.slug:
            raise forms.ValidationError(f'Type "{self.connector.slug}" to confirm the hand-over.')
        return typed

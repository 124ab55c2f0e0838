"""The form of a hand-over: the new number and why; on the second page, what was looked at and a typed confirmation."""

from __future__ import annotations

from typing import Any

from django import forms

from connectors.models import Connector
from connectors.setup.confirming import TypedNameForm, reason_field
from connectors.setup.forms import MOST_ID

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
    reason = reason_field("Such as the ticket of the change in Jira Align; it stands in the history for good.")
    former = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=MOST_ID, error_messages=WHOLE_NUMBER)


class ConfirmForm(TypedNameForm, HandOverForm):
    """The same once more, hidden, with the connector's URL name to be typed."""

    what = "the hand-over"

    def __init__(self, *args: Any, connector: Connector, **kwargs: Any) -> None:
        super().__init__(*args, connector=connector, **kwargs)
        for name in ("number", "reason"):
            self.fields[name].widget = forms.HiddenInput()

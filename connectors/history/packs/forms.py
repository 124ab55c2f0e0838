"""The forms of evidence packs: asking for one, and scheduling them."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from alignadmin.text import plain_name
from connectors.history.packs.schedules import MOST_RECIPIENTS
from connectors.history.packs.selection import LONGEST
from connectors.models import Every

LONGEST_NAME = 80


class PackForm(forms.Form):
    """What the page showed: the filter, and a number of its own so that it counts once."""

    q = forms.CharField(required=False, max_length=LONGEST, widget=forms.HiddenInput)
    uuid = forms.UUIDField(widget=forms.HiddenInput)


class ScheduleForm(forms.Form):
    name = forms.CharField(max_length=LONGEST_NAME, help_text="Shown in the history and in the subject of e-mails.")
    q = forms.CharField(
        label="Filter",
        required=False,
        max_length=LONGEST,
        help_text="As in the search of the history, without since: and until:. Empty: everything.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}),
    )
    every = forms.ChoiceField(
        label="When",
        choices=Every.choices,
        help_text="At 01:00 UTC, for the previous week or month, in UTC.",
    )
    recipients = forms.CharField(
        required=False,
        max_length=MOST_RECIPIENTS * 256,
        help_text="E-mail addresses, one per line. None: packs are only stored in the folder of packs.",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocapitalize": "off"}),
    )

    def clean_name(self) -> str:
        return plain_name(self.cleaned_data["name"])

    def clean_recipients(self) -> list[str]:
        """One address a line and nothing else, so that nothing can begin another header."""
        typed = [line.strip() for line in self.cleaned_data["recipients"].splitlines() if line.strip()]
        for number, address in enumerate(typed, start=1):
            try:
                validate_email(address)
            except ValidationError as error:
                raise ValidationError(f"Line {number} is not an e-mail address: {address[:100]}") from error
        found = list({address.lower(): address for address in typed}.values())
        if len(found) > MOST_RECIPIENTS:
            raise ValidationError(f"A pack is sent to at most {MOST_RECIPIENTS} people; use a mailing list for more.")
        return found

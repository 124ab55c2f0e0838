"""The form of a connector's rules: as a person types them, with the stamp of those it was drawn from."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import lazy

from mappings.planning.preferences import MOST_CHANGES
from mappings.planning.rules import LONGEST_PAUSE, Rules
from mappings.planning.tickets import LONGEST_PATTERN, format_help, pattern_trouble


def _number(label: str, help_text: str, most: int) -> forms.IntegerField:
    sentence = f"Enter a whole number from 0 to {most}."
    return forms.IntegerField(
        label=label,
        help_text=help_text,
        min_value=0,
        max_value=most,
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), sentence),
    )


class RulesForm(forms.Form):
    """`observe_every` is typed in minutes."""

    four_eyes = forms.BooleanField(
        label="Require a second approver",
        help_text=(
            "Whoever made a plan, or an edit in it, cannot approve it: another admin does, and then any admin "
            "may apply it. In an emergency an admin with a part in it can approve it alone, with a reason that is "
            "sent to all other admins. They are also notified when this is turned off."
        ),
        required=False,
    )
    ticket_pattern = forms.CharField(
        label="Ticket format",
        help_text=lazy(format_help, str)(),  # of the installation as it is when the page is drawn
        required=False,
        max_length=LONGEST_PATTERN,
        widget=forms.TextInput(
            attrs={"class": "mono", "autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}
        ),
    )
    typed_above = _number(
        "Require typed confirmation above this many changes",
        "Whoever applies such a plan types the connector's name. 0: always. Deletions always need it.",
        MOST_CHANGES,
    )
    typed_share = _number(
        "Require typed confirmation above this share of one list, in percent",
        "Of lists with at least 20 mappings. 0: always; 100: never because of the share.",
        100,
    )
    observe_every = _number(
        "Refresh every list after this many minutes",
        "0: never automatically. Then a change made elsewhere is seen only in Align's audit log, where this Align "
        "provides it, or when someone refreshes.",
        LONGEST_PAUSE // 60,
    )
    seen = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)

    @classmethod
    def of(cls, rules: Rules, data: Any = None) -> RulesForm:
        initial = {**vars(rules), "observe_every": -(-rules.observe_every // 60), "seen": rules.stamp}
        return cls(data, initial=initial)

    def clean_ticket_pattern(self) -> str:
        pattern: str = self.cleaned_data["ticket_pattern"]
        if trouble := pattern_trouble(pattern):
            raise ValidationError(trouble)
        return pattern

    @property
    def rules_typed(self) -> Rules:
        """The cleaned values; the form has to be valid."""
        values = {
            name: self.cleaned_data[name] for name in ("four_eyes", "ticket_pattern", "typed_above", "typed_share")
        }
        return Rules(**values, observe_every=self.cleaned_data["observe_every"] * 60)

"""The forms about people: who is invited, a new name, and the password of somebody who joins."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.password_validation import get_default_password_validators, validate_password

from alignadmin.accounts.models import Person, Role
from alignadmin.accounts.signin.password_validators import LONGEST
from alignadmin.text import plain_name

LONGEST_EMAIL, LONGEST_NAME = 254, 200
WHAT_ROLES_DO = {
    Role.VIEWER: "reads matrices, plans and connectors",
    Role.EDITOR: "edits mappings and makes plans",
    Role.ADMIN: "approves, applies, and looks after connectors, credentials, settings and people",
    Role.REVIEWER: "reads and exports everything, with the history, asks about changes, signs weeks; changes nothing",
}
ROLES = [(role.value, f"{role.label}: {what}") for role, what in WHAT_ROLES_DO.items()]

HELP = (
    "At least {} characters; spaces are welcome. Four or more words that have nothing to do with you, your company or "
    "this product are good."
)


def _name(help_text: str = "") -> forms.CharField:
    return forms.CharField(
        label="Name",
        help_text=help_text,
        max_length=LONGEST_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class InviteForm(forms.Form):
    email = forms.EmailField(
        label="E-mail",
        help_text="They sign in with it. It stays the same, so ask for the one they will keep.",
        max_length=LONGEST_EMAIL,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}),
    )
    name = _name("As the history shows it.")
    role = forms.ChoiceField(label="Role", choices=ROLES, initial=Role.VIEWER, widget=forms.RadioSelect)

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()

    def clean_name(self) -> str:
        return plain_name(self.cleaned_data["name"])


class NameForm(forms.Form):
    """`seen` is the name that stood here when the page was made."""

    name = _name()
    seen = forms.CharField(widget=forms.HiddenInput, required=False, strip=False)

    def clean_name(self) -> str:
        return plain_name(self.cleaned_data["name"])


def _shortest() -> int:
    return max(getattr(each, "min_length", 0) for each in get_default_password_validators())


class JoinForm(forms.Form):
    password = forms.CharField(
        label="Password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "maxlength": LONGEST}),
    )
    again = forms.CharField(
        label="The same again",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "maxlength": LONGEST}),
    )

    def __init__(self, *args: Any, person: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person
        self.fields["password"].help_text = HELP.format(_shortest())

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password, self.person)
        return password

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "password" in cleaned and cleaned["password"] != cleaned.get("again"):
            self.add_error("again", "The two passwords differ. Type the same in both.")
        return cleaned

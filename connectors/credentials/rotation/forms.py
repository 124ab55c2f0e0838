"""The forms about a credential: the secret, its rotation, who answers for it. A secret is never drawn again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils import timezone

from alignadmin.accounts.acts import ActField
from alignadmin.accounts.models import Person, Role
from alignadmin.http.auth import BadToken, clean_token
from alignadmin.web.forms import text_field
from connectors.credentials.clients import BEARERS
from connectors.credentials.rotation import Staging, fitting_kinds
from connectors.credentials.rotation.checks import KINDS, LONGEST_SECRET
from connectors.credentials.values import SecretData
from connectors.models import Connector, Credential, CredentialKind, JiraKind, System

LONGEST_REASON = 500
KINDS_OF = {System.ALIGN: KINDS[System.ALIGN], System.JIRA: KINDS[JiraKind.CLOUD] + KINDS[JiraKind.DATA_CENTER]}
# Tokens that Atlassian makes; each ends after a year at most, so "it does not expire" is never true of them.
OF_ATLASSIAN = (CredentialKind.ALIGN_BASIC, CredentialKind.JIRA_CLOUD)
LONGEST_LIFE = timedelta(days=366)
ANOTHER_USER, SAME_USER = "another", "same"
WHOSE = (
    (ANOTHER_USER, "Of another Align user than the current one: no gap"),
    (SAME_USER, "Of the same user: the current token has stopped working"),
)


def _day(label: str = "", help_text: str = "") -> forms.DateField:
    return forms.DateField(
        label=label,
        help_text=help_text,
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "Enter the day as year-month-day, like 2027-03-31."},
    )


class CredentialForm(forms.Form):
    """One secret for one system. It is never drawn again, whatever happens to the form."""

    kind = forms.ChoiceField(
        error_messages={"invalid_choice": "Select a valid choice: this one is not available here."}
    )
    user = text_field("", longest=320)
    secret = forms.CharField(
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": "Enter the token or password."},
    )
    expires_on = _day()

    def __init__(self, *args: Any, system: System, **kwargs: Any) -> None:
        kwargs.setdefault("prefix", system.value)
        super().__init__(*args, **kwargs)
        self.system = system
        self.notes: list[str] = []
        self._name_fields()
        kinds = [(kind.value, kind.label) for kind in KINDS_OF[system]]
        self.fields["kind"].choices = kinds  # type: ignore[attr-defined]
        kind = self["kind"].value() or kinds[0][0]
        self.fields["user"].required = kind not in BEARERS
        needed = "This kind of sign-in needs the user: an e-mail address or a user name."
        self.fields["user"].error_messages["required"] = needed

    def _name_fields(self) -> None:
        """Every label names its system: both forms stand on one page."""
        name = "Align" if self.system is System.ALIGN else "Jira"
        labels = {"kind": "sign-in", "user": "user", "secret": "token", "expires_on": "token expires on"}
        for field, words in labels.items():
            self.fields[field].label = f"{name} {words}"
        self.fields["secret"].label = "Align API token" if self.system is System.ALIGN else "Jira token or password"
        self.fields["user"].help_text = (
            "Only with an Atlassian API token."
            if self.system is System.ALIGN
            else "E-mail or user name; not for a personal access token."
        )

    def clean_user(self) -> str:
        user: str = self.cleaned_data["user"]
        if ":" in user or re.search(r"[\x00-\x1f\x7f]", user):
            raise ValidationError("A user name has no colon and no line break. Enter it again.")
        return user

    def clean_secret(self) -> str:
        """Tokens lose what people paste around them; a password of Data Center may hold any letter."""
        secret: str = self.cleaned_data["secret"]
        if len(secret) > LONGEST_SECRET:
            raise ValidationError("This is longer than 10,000 characters, so it is no token. Paste the token alone.")
        if self.cleaned_data.get("kind") == CredentialKind.JIRA_PASSWORD:
            return _clean_password(secret)
        try:
            token, note = clean_token(secret)
        except BadToken as bad:
            raise ValidationError(str(bad)) from None
        if note:
            self.notes.append(f"{self.system.label}: {note}")
        return token

    def clean_expires_on(self) -> date | None:
        expires_on: date | None = self.cleaned_data["expires_on"]
        _refuse_past(expires_on)
        return expires_on

    def refuse_kind_of(self, jira_kind: str) -> None:
        """Add the error when a Jira credential is of the other kind of Jira; the form has been validated."""
        kind = self.cleaned_data.get("kind")
        if self.system is not System.JIRA or not kind or not jira_kind:
            return
        fitting = KINDS[jira_kind]
        if kind not in fitting:
            choices = " or ".join(f'"{each.label}"' for each in fitting)
            self.add_error("kind", f"{JiraKind(jira_kind).label} does not take this sign-in. Choose {choices}.")

    @property
    def secret_typed(self) -> SecretData:
        """The cleaned values; the form has to be valid."""
        cleaned = self.cleaned_data
        return SecretData(
            system=self.system,
            kind=cleaned["kind"],
            user=cleaned["user"],
            secret=cleaned["secret"],
            expires_on=cleaned["expires_on"],
        )


def _refuse_past(day: date | None) -> None:
    if day is not None and day < timezone.localdate():
        raise ValidationError("This day has passed: the token would no longer work. Create a new one.")


def _clean_password(password: str) -> str:
    if not password.strip():
        raise ValidationError("Enter the password.")
    if re.search(r"[\x00-\x1f\x7f]", password):
        raise ValidationError("The password contains a line break or a control character. Enter it again.")
    return password


def user_shown(label: str) -> ActField:
    """Of an act that may wait: "user:token" pasted as one is a secret; no user name has a colon."""
    return ActField(label=label, is_secret=lambda value: ":" in value)


# --- rotation ---------------------------------------------------------------------------------------------------------


class AdminField(forms.ModelChoiceField):
    """One of the active admins, or whoever has the task already."""

    def label_from_instance(self, person: Person) -> str:
        return f"{person} ({person.email})" if person.is_active else f"{person} (deactivated)"


def admins(*kept: Person | None) -> QuerySet[Person]:
    active = Q(is_active=True, role=Role.ADMIN)
    return Person.objects.filter(active | Q(pk__in=[each.pk for each in kept if each])).order_by("name", "email")


class StageForm(CredentialForm):
    """The next credential of a connector, with everything a rotation asks for besides the secret."""

    never_expires = forms.BooleanField(label="It does not expire", required=False)
    whose = forms.ChoiceField(label="Token belongs to", choices=WHOSE, required=False, widget=forms.RadioSelect)
    backup_owner = AdminField(
        label="Back-up owner", queryset=Person.objects.none(), required=False, empty_label="nobody"
    )
    reason = forms.CharField(
        label="Why", max_length=LONGEST_REASON, help_text="Recorded in the history with your name.", required=True
    )
    replacing = forms.UUIDField(required=False, error_messages={"invalid": "Reload this page and try again."})

    def __init__(
        self,
        data: Any = None,
        *,
        connector: Connector,
        system: System,
        current: Credential | None,
        typed: Mapping[str, Any] | None = None,
    ) -> None:
        """`typed` by the names that the fields are sent under, for a page that begins with what was entered before."""
        super().__init__(data, system=system, initial=_initial(current) | of_form(typed or {}, system.value))
        self.connector, self.current, self.is_refilled = connector, current, bool(typed)
        # The others stay valid choices, so that a wrong one is refused in words of its own.
        fitting = fitting_kinds(connector, system)
        self.fields["kind"].widget.choices = [(kind.value, kind.label) for kind in fitting]
        self.fields["backup_owner"].queryset = admins(current.backup_owner if current else None)  # type: ignore[attr-defined]
        self.fields["reason"].required = current is not None
        self.fields["reason"].error_messages["required"] = "Say why it is replaced, like: expires next week."
        self.fields["expires_on"].required = not self["never_expires"].value()
        needed = "Enter the date it expires, or select that it does not."
        self.fields["expires_on"].error_messages["required"] = needed
        if not self.asks_whose:
            del self.fields["whose"]

    def _name_fields(self) -> None:
        self.fields["kind"].label = "Sign-in"
        self.fields["user"].label = "User"
        self.fields["secret"].label = "Token" if self.system is System.ALIGN else "Token or password"
        self.fields["secret"].help_text = "Stored encrypted and never shown again."
        self.fields["expires_on"].label = "Expires on"
        self.fields["user"].help_text = (
            "The e-mail address; only with an Atlassian API token."
            if self.system is System.ALIGN
            else "The e-mail address or user name; not with a personal access token."
        )
        day = self.fields["expires_on"]
        day.help_text = (
            "Atlassian's API tokens expire after a year at most: enter the date that was shown when it was created."
        )

    @property
    def asks_whose(self) -> bool:
        """Only a token of Align's own making can be killed by the next one of the same user."""
        return self.current is not None and self.current.kind == CredentialKind.ALIGN_BEARER

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        self.refuse_kind_of(self.connector.jira_kind)
        self._check_end(cleaned)
        if self.asks_whose and cleaned.get("kind") == CredentialKind.ALIGN_BEARER and not cleaned.get("whose"):
            self.add_error("whose", "Say who the token belongs to: this decides whether there is a gap.")
        return cleaned

    def _check_end(self, cleaned: dict[str, Any]) -> None:
        if "expires_on" in self.errors:
            return
        day, never = cleaned.get("expires_on"), cleaned.get("never_expires")
        if day and never:
            self.add_error("expires_on", "Enter a date or select that it does not expire, not both.")
        elif never and cleaned.get("kind") in OF_ATLASSIAN:
            self.add_error(
                "expires_on", "Every Atlassian API token expires. Enter the date that Atlassian shows for it."
            )
        elif day and cleaned.get("kind") in OF_ATLASSIAN and day > timezone.localdate() + LONGEST_LIFE:
            self.notes.append(f"{day:%-d %B %Y} is more than a year away, longer than an Atlassian API token lives.")

    @property
    def staging(self) -> Staging:
        """The cleaned values; the form has to be valid."""
        cleaned = self.cleaned_data
        is_bearer = cleaned["kind"] == CredentialKind.ALIGN_BEARER
        return Staging(
            reason=cleaned["reason"],
            backup_owner=cleaned["backup_owner"],
            replaces_same_user=is_bearer and cleaned.get("whose") == SAME_USER,
            replacing=cleaned["replacing"],
        )


def of_form(typed: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Of what was entered, the fields of the form with this prefix."""
    start = f"{prefix}-" if prefix else ""
    return {name.removeprefix(start): typed[name] for name in typed if name.startswith(start)}


def _initial(current: Credential | None) -> dict[str, Any]:
    """What mostly stays; never the secret, nor the day of the one before."""
    if current is None:
        return {}
    return {"kind": current.kind, "user": current.user, "backup_owner": current.backup_owner}


class OwnersForm(forms.Form):
    """Who answers for the current credential, and until when it is good; the secret stays."""

    credential = forms.UUIDField(widget=forms.HiddenInput)
    owner = AdminField(label="Owner", queryset=Person.objects.none(), required=False, empty_label="nobody")
    backup_owner = AdminField(
        label="Back-up owner", queryset=Person.objects.none(), required=False, empty_label="nobody"
    )
    expires_on = _day("Expires on", "Empty: it does not expire, and its age is watched instead.")

    def __init__(self, data: Any = None, *, stored: Credential) -> None:
        names = ("owner", "backup_owner", "expires_on")
        initial = {"credential": stored.uuid, **{name: getattr(stored, name) for name in names}}
        super().__init__(data, initial=initial, prefix="owners")
        self.stored = stored
        for name in ("owner", "backup_owner"):
            self.fields[name].queryset = admins(stored.owner, stored.backup_owner)  # type: ignore[attr-defined]

    def clean_expires_on(self) -> date | None:
        expires_on: date | None = self.cleaned_data["expires_on"]
        if expires_on != self.stored.expires_on:
            _refuse_past(expires_on)
        return expires_on

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        owner = cleaned.get("owner")
        if owner is not None and owner == cleaned.get("backup_owner"):
            self.add_error("backup_owner", "The back-up owner has to be someone other than the owner.")
        return cleaned

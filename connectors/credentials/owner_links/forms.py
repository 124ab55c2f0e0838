"""What an admin says of whom they ask, and what the owner of a token enters."""

from __future__ import annotations

from typing import Any

from django import forms

from alignadmin.text import plain_name
from alignadmin.web.forms import text_field
from connectors.credentials.clients import BEARERS
from connectors.credentials.owner_links.asking import LONGEST_NAME, AskedOwner
from connectors.credentials.rotation import fitting_kinds
from connectors.credentials.rotation.forms import SAME_USER, CredentialForm, StageForm
from connectors.models import Connector, Credential, CredentialKind, OwnerLink, System


class AskForm(forms.Form):
    """Who is asked, and for which kind of secret of which user."""

    asked = text_field(
        "Who owns the token", "A name for the history, such as Ines of Jira operations.", longest=LONGEST_NAME
    )
    kind = forms.ChoiceField(label="Sign-in")
    user = text_field("User", "If you know it. Else the owner enters it.", required=False, longest=320)

    def __init__(self, data: Any = None, *, connector: Connector, system: System) -> None:
        super().__init__(data)
        self.fields["kind"].choices = [(each.value, each.label) for each in fitting_kinds(connector, system)]  # type: ignore[attr-defined]

    clean_user = CredentialForm.clean_user

    def clean_asked(self) -> str:
        return plain_name(self.cleaned_data["asked"])

    @property
    def wanted(self) -> AskedOwner:
        """The cleaned values; the form has to be valid. A bearer token has no user."""
        cleaned = self.cleaned_data
        user = "" if cleaned["kind"] in BEARERS else cleaned["user"]
        return AskedOwner(asked=cleaned["asked"], kind=cleaned["kind"], user=user)


class OwnerForm(StageForm):
    """The secret alone with what only its owner knows; the kind, and the user where one was named, stay as asked."""

    def __init__(self, data: Any = None, *, link: OwnerLink, current: Credential | None) -> None:
        self.link = link
        system = System(link.system)
        typed = {f"{system.value}-kind": link.kind, f"{system.value}-user": link.user}
        super().__init__(data, connector=link.connector, system=system, current=current, typed=typed)
        for name in ("backup_owner", "reason", "replacing"):
            del self.fields[name]
        self.fields["kind"].disabled = True
        self.fields["user"].required = self.asks_user
        self.fields["user"].disabled = bool(link.user) or not self.asks_user
        if link.kind == CredentialKind.JIRA_PASSWORD:
            self.fields["secret"].label = "Password"

    @property
    def asks_user(self) -> bool:
        """By the link: browsers do not send the field of the kind, which nobody can change."""
        return self.link.kind not in BEARERS

    @property
    def asks_whose(self) -> bool:
        return self.link.kind == CredentialKind.ALIGN_BEARER and super().asks_whose

    @property
    def is_of_same_user(self) -> bool:
        """The form has to be valid."""
        return self.asks_whose and self.cleaned_data["whose"] == SAME_USER

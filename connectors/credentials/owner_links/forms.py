"""What an admin says of whom they ask, and what the owner of a token enters."""

from __future__ import annotations

from typing import Any

from django import forms

from alignadmin.web.forms import text_field
from connectors.credentials.owner_links.links import LONGEST_NAME, Request
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

    @property
    def wanted(self) -> Request:
        """The cleaned values; the form has to be valid."""
        return Request(**self.cleaned_data)


class OwnerForm(StageForm):
    """The secret alone with what only its owner knows; the kind, and the user where one was named, stay as asked."""

    def __init__(self, data: Any = None, *, link: OwnerLink, current: Credential | None) -> None:
        system = System(link.system)
        typed = {f"{system.value}-kind": link.kind, f"{system.value}-user": link.user}
        super().__init__(data, connector=link.connector, system=system, current=current, typed=typed)
        for name in ("backup_owner", "reason", "replacing"):
            del self.fields[name]
        self.fields["kind"].disabled = True
        self.fields["kind"].widget = forms.HiddenInput()
        self.fields["user"].disabled = bool(link.user)
        if not self.fields["user"].required:
            self.fields["user"].widget = forms.HiddenInput()
        if link.kind == CredentialKind.JIRA_PASSWORD:
            self.fields["secret"].label = "Password"

    @property
    def is_of_same_user(self) -> bool:
        """The form has to be valid."""
        return self.cleaned_data.get("whose") == SAME_USER

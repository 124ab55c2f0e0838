"""A page that asks for the credentials of both systems at once: its forms, and a test of what is typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse

from alignadmin.accounts.acts import ActField, one_of, shown_in
from alignadmin.web.forms import problems_of
from alignadmin.web.responses import page
from connectors.credentials.rotation.forms import CredentialForm, of_form, user_shown
from connectors.credentials.values import SecretData
from connectors.models import CredentialKind, System
from connectors.setup.connection_test import try_connection
from connectors.setup.services import ConnectorData

CHECKS = "connectors/setup/_checks.html"
SECRETS_GONE = "Secrets are never sent back to the browser: enter them again."


def _words(system: System) -> dict[str, ActField]:
    labels = {"kind": "sign-in", "user": "user", "expires_on": "token expires on"}
    name = "Align" if system is System.ALIGN else "Jira"
    words = {each: ActField(label=f"{name} {label}") for each, label in labels.items()}
    return {
        **words,
        "kind": one_of(words["kind"].label, CredentialKind.choices),
        "user": user_shown(words["user"].label),
    }


# For an act that may wait (alignadmin.accounts.acts).
CREDENTIALS_SHOWN: Mapping[str, str | ActField] = {
    name: words for system in System for name, words in shown_in(CredentialForm, system.value, **_words(system)).items()
}
SECRETS = {
    f"{System.ALIGN.value}-secret": "Align API token",
    f"{System.JIRA.value}-secret": "Jira token or password",
}


class CredentialsOfBoth:
    """Two forms of credentials, after those of what else is asked on the page."""

    shown: Mapping[str, str | ActField] = CREDENTIALS_SHOWN
    secrets = SECRETS

    def __init__(self, *others: forms.Form, data: Any, typed: Mapping[str, Any]) -> None:
        """`typed` by the names of the fields, for a page that begins with what somebody had entered before."""
        self.align = CredentialForm(data, system=System.ALIGN, initial=of_form(typed, System.ALIGN.value))
        self.jira = CredentialForm(data, system=System.JIRA, initial=of_form(typed, System.JIRA.value))
        self.forms: tuple[forms.Form, ...] = (*others, self.align, self.jira)

    def clean_all(self) -> None:
        for form in self.forms:
            form.full_clean()

    def is_right_for(self, jira_kind: str) -> bool:
        """After `clean_all`: whether nothing is wrong, and this kind of Jira takes the sign-in."""
        self.jira.refuse_kind_of(jira_kind)
        return not any(form.errors for form in self.forms)

    @property
    def notes(self) -> list[str]:
        return [note for form in self.forms for note in getattr(form, "notes", ())]

    @property
    def problems(self) -> list[str]:
        return [problem for form in self.forms for problem in problems_of(form)]

    @property
    def secrets_typed(self) -> list[SecretData]:
        return [self.align.secret_typed, self.jira.secret_typed]


def show_test(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any],
    asked: CredentialsOfBoth,
    data: ConnectorData | None,
) -> HttpResponse:
    """`data`: of what is tried; None where what is typed is wrong. Nothing is stored.

    htmx gets the lines alone, so that what is typed stays; a plain form comes back without its secrets.
    """
    checks = try_connection(data, asked.secrets_typed) if data else []
    shown = {**context, "checks": checks, "notes": asked.notes, "problems": asked.problems, "tested": True}
    if not request.htmx:  # type: ignore[attr-defined]
        shown["trouble"] = f"Nothing is saved yet. {SECRETS_GONE}"
    return page(request, template, shown, fragment=CHECKS)

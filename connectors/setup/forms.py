"""The forms of a connector: what is pasted is trimmed or refused here."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from alignadmin.accounts.acts import ActField
from alignadmin.egress import is_allowed_private
from alignadmin.folding import fold
from alignadmin.http.errors import AddressRefused
from alignadmin.web.forms import text_field
from connectors.align.client import trim_site as trim_align_site
from connectors.align.terminology import LEVELS, LONGEST_NAME, Terminology, own_name
from connectors.credentials import clients
from connectors.jira.client import trim_site as trim_jira_site
from connectors.models import Connector, JiraKind, System
from connectors.setup.align_numbers import why_taken_linked
from connectors.setup.level_names import name_trouble
from connectors.setup.services import ConnectorData

MOST_ID = 2**31 - 1  # what the column holds on both databases

SIGN_IN_PASTED = re.compile(r"^([a-z]+://)?[^/]*@", re.IGNORECASE)  # user and password before the host


class SiteInput(forms.TextInput):
    """Draws a refused address without the user and password that were pasted with it."""

    def format_value(self, value: Any) -> str | None:
        drawn = super().format_value(value)
        return drawn and SIGN_IN_PASTED.sub(r"\1", drawn)


class ConnectorForm(forms.Form):
    """What a connector is, without its secrets. `notes` says what was trimmed from what was typed."""

    name = text_field("Name", longest=200)
    align_site = text_field(
        "Jira Align site",
        "The address of the site, like https://acme.jiraalign.com. A pasted API address is shortened.",
    )
    align_connector_id = forms.IntegerField(
        label="Align connector id",
        help_text="The number in the connector's address in Jira Align, and in its audit log after CONFIG.",
        min_value=1,
        max_value=MOST_ID,
        error_messages=dict.fromkeys(
            ("invalid", "min_value", "max_value"), "The connector id is a whole number above 0, such as 123."
        ),
    )
    jira_site = text_field("Jira site", "Like https://acme.atlassian.net, or the address of your Data Center.")
    jira_kind = forms.ChoiceField(label="Kind of Jira", choices=JiraKind.choices)
    time_zone = text_field(
        "Time zone of pasted log lines", "As Align shows times to the person who copies them, like Europe/Warsaw."
    )
    log_by_hand = forms.BooleanField(
        label="Align's audit log is pasted and uploaded only",
        help_text="It is not read from Align, even where Align would answer; time between two parts counts as a gap.",
        required=False,
    )

    def __init__(self, *args: Any, stored: Connector | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored = stored
        self.notes: list[str] = []
        for name in ("align_site", "jira_site"):
            self.fields[name].widget = SiteInput(attrs=self.fields[name].widget.attrs)

    def clean_align_site(self) -> str:
        return self._site(System.ALIGN, self.cleaned_data["align_site"], trim_align_site)

    def clean_jira_site(self) -> str:
        return self._site(System.JIRA, self.cleaned_data["jira_site"], trim_jira_site)

    def _site(self, system: System, typed: str, trim: Callable[[str], tuple[str, str | None]]) -> str:
        try:
            site, note = trim(typed)
            clients.site_of(system, site)
        except AddressRefused as refused:
            raise ValidationError(refused.sentence) from refused
        refuse_private(site)
        if len(site) > 500:
            raise ValidationError("The address is longer than 500 characters: enter only the site.")
        if note:
            self.notes.append(f"{system.label} site: {note}")
        return site

    def clean_time_zone(self) -> str:
        name: str = self.cleaned_data["time_zone"]
        if name not in available_timezones():
            raise ValidationError("This is not a time zone. Enter a name like Europe/Warsaw, America/New_York or UTC.")
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "align_site" in cleaned and cleaned.get("align_connector_id"):
            self._refuse_twin(cleaned["align_site"], cleaned["align_connector_id"])
        return cleaned

    def _refuse_twin(self, site: str, number: int) -> None:
        if taken := why_taken_linked(site, number, by_other_than=self.stored.pk if self.stored else None):
            self.add_error("align_connector_id", taken)

    @property
    def data_typed(self) -> ConnectorData:
        """The cleaned values; the form has to be valid."""
        names = ("name", "align_site", "align_connector_id", "jira_site", "jira_kind", "time_zone", "log_by_hand")
        return ConnectorData(**{name: self.cleaned_data[name] for name in names})


def refuse_private(site: str) -> None:
    """A host that is a private or local address is told while typing; a name that leads to one, when connecting."""
    host = urlsplit(site).hostname or ""
    try:
        is_public = ipaddress.ip_address(host).is_global
    except ValueError:
        is_public = host != "localhost" and not host.endswith(".localhost")
    if not is_public and not is_allowed_private(site):
        raise ValidationError(
            f"{host} is a private or local network address, which is not allowed. "
            "If the site really is inside your network, the operator has to allow it in the settings."
        )


def _site(label: str) -> ActField:
    """No site needs one of these, and each is where a sign-in is pasted: user@, ?token=, #access_token=."""
    return ActField(label=label, is_secret=lambda value: any(mark in value for mark in "@?#"))


# Of the two sites, for an act that may wait (alignadmin.accounts.acts).
SITES = {"align_site": _site("Jira Align site"), "jira_site": _site("Jira site")}


class LevelNamesForm(forms.Form):
    """What each level is called here; an empty field, or Align's own name, is Align's own name."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, names: Mapping[str, str], seen: str) -> None:
        """`names` and `seen`: what is stored, and its version (connectors.setup.level_names)."""
        super().__init__(data, initial={**names, "seen": seen})
        for level in LEVELS:
            self.fields[level] = text_field(own_name(level), required=False)
            own = {"maxlength": LONGEST_NAME, "placeholder": own_name(level), "dir": "auto"}
            self.fields[level].widget.attrs |= own

    @property
    def by_level(self) -> dict[str, forms.BoundField]:
        return {level: self[level] for level in LEVELS}

    @property
    def names_typed(self) -> dict[str, str]:
        """By level, those that are not Align's own."""
        typed = {level: " ".join(self.cleaned_data.get(level, "").split()) for level in LEVELS}
        return {level: name for level, name in typed.items() if name and name != own_name(level)}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        called, taken = Terminology(names=self.names_typed), dict[str, str]()
        for level in LEVELS:
            name = called.name(level)
            if trouble := name_trouble(name):
                self.add_error(level, trouble)
            elif (other := taken.setdefault(fold(name), level)) != level:
                at = level if level in called.names else other
                another = own_name(other if at == level else level)
                self.add_error(at, f"{another} is called so already: two levels of one name cannot be told apart.")
        return cleaned


class TermsForm(forms.Form):
    """Rows of a term and what it means, as two lists of equal length; one that stays undecided is left out."""

    UNDECIDED = "undecided"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        data = cast("QueryDict", self.data)
        labels, types = data.getlist("label"), data.getlist("type")
        if len(labels) != len(types):
            raise forms.ValidationError("Each term needs one meaning: load the page again.")
        meanings: dict[str, str] = {}
        for label, type_ in zip((each.strip() for each in labels), types, strict=True):
            if label and type_ != self.UNDECIDED and meanings.setdefault(label, type_) != type_:
                raise forms.ValidationError(f"{label} is listed twice, with two meanings.")
        return {**cleaned, "meanings": meanings}

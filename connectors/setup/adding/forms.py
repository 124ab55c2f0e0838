"""The form of a new connector: little is asked first, and the rest once both sites told what they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.text import slugify

from alignadmin.accounts.acts import Act, ActField, Params, Typed, shown_in
from alignadmin.parsing import plain
from connectors.credentials.rotation.checks import KINDS
from connectors.credentials.rotation.forms import of_form
from connectors.models import Connector, JiraKind
from connectors.setup.adding.discovery import Discovery, FoundConnector
from connectors.setup.credentials_of_both import CREDENTIALS_SHOWN, CredentialsOfBoth
from connectors.setup.forms import SITES, ConnectorForm

RESERVED_SLUGS = frozenset({"new", "credentials"})  # addresses of our own below /connectors/
LATER = ("align_connector_id", "jira_kind", "time_zone", "slug")  # not asked before the sites were
TYPED_NUMBER = "align_connector_number"  # in the place of a choice among those that Align lists
DOES = {"test": "Test", "look": "Look up"}


class SlugField(forms.SlugField):
    """Refused in our own words."""

    default_error_messages = {"invalid": "Use letters, digits, hyphens and underscores only, like acme-production."}


class NewConnectorForm(ConnectorForm):
    slug = SlugField(
        label="URL name (slug)",
        help_text="It stays when the name changes. Leave empty to make it from the name.",
        required=False,
        max_length=50,
    )

    field_order = ["name", "slug"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if "slug" not in self.errors and "name" in cleaned:
            cleaned["slug"] = cleaned["slug"] or slugify(cleaned["name"])[:50].strip("-")
            self._check_slug(cleaned["slug"])
        return cleaned

    def _check_slug(self, slug: str) -> None:
        if not slug:
            self.add_error("slug", "The name has no letter that can be used in a URL: enter one here, like acme.")
        elif slug.lower() in RESERVED_SLUGS:
            self.add_error("slug", f'"{slug}" is an address of AlignAdmin itself. Choose another, like acme.')
        elif other := Connector.objects.filter(slug__iexact=slug).first():
            self.add_error("slug", f'There is already a connector with the address "{slug}": {other.name}.')


@dataclass(frozen=True, kw_only=True)
class ConnectorChoice:
    """One of Align's connectors; `here` is the one that was made of it already."""

    found: FoundConnector
    here: Connector | None
    is_chosen: bool


class SetUp(CredentialsOfBoth):
    """The one page on which a connector is added: what it is, and how to sign in at its two systems."""

    shown: Mapping[str, str | ActField] = {
        **shown_in(NewConnectorForm, **SITES),
        TYPED_NUMBER: "Another connector id",
        **CREDENTIALS_SHOWN,
    }

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        typed: Mapping[str, Any] | None = None,
        discovery: Discovery | None = None,
    ) -> None:
        """`discovery`: what the sites with the typed addresses have told."""
        self.data = _with_one_number(data or QueryDict())
        bound = None if data is None else self.data
        self.discovery = discovery
        typed = _with_one_number(_query(typed or {})).dict()
        self.is_whole = discovery is not None or is_whole(typed if data is None else data)
        initial = {"time_zone": "UTC", **of_form(typed, "")}
        self.details = NewConnectorForm(bound, initial=initial)
        super().__init__(self.details, data=bound, typed=typed)

    def is_valid(self) -> bool:
        self.clean_all()
        return self.is_right_for(self.details.cleaned_data.get("jira_kind", ""))

    def may_be_looked_up(self) -> bool:
        """Whether what is asked first is right. What is asked later need not be there yet."""
        self.clean_all()
        for name in LATER:
            if self.details.fields[name].required and not self.data.get(name, "").strip():
                self.details.errors.pop(name, None)
        return all(name in LATER for form in self.forms for name in form.errors)

    # -- what the sites told -------------------------------------------------------------------------------------------

    def take(self, discovery: Discovery) -> None:
        """What was found out is chosen, and what failed is said at its field. The form may be looked up."""
        self.discovery, self.is_whole = discovery, True
        self.data["align_site"], self.data["jira_site"] = discovery.align_site, discovery.jira_site
        self.data["time_zone"] = self.data.get("time_zone") or "UTC"
        for name, sentence in discovery.errors.items():
            system, _, own = name.rpartition("-")
            form = {"": self.details, "align": self.align, "jira": self.jira}[system]
            form.add_error(own, sentence)
        if discovery.jira_kind:
            self._take_kind(discovery)
        fitting = [each for each in self.choices if each.found.fits and each.here is None]
        if len(fitting) == 1 and not self.data.get("align_connector_id"):
            self.data["align_connector_id"] = str(fitting[0].found.id)

    def _take_kind(self, discovery: Discovery) -> None:
        chosen = self.data.get("jira_kind", "")
        if chosen and chosen != discovery.jira_kind and chosen in JiraKind.values:
            self.details.add_error(
                "jira_kind",
                f"{JiraKind(chosen).label} was chosen, but the site says that it is {discovery.kind_words}: that is "
                "chosen now.",
            )
        self.data["jira_kind"] = discovery.jira_kind
        self.jira.refuse_kind_of(discovery.jira_kind)

    @property
    def fitting_kinds(self) -> list[str]:
        """The kinds of Jira that take the sign-in which is typed."""
        kind = self.jira["kind"].value()
        return [each for each in JiraKind.values if kind in KINDS[each]]

    @property
    def choices(self) -> list[ConnectorChoice]:
        """Align's connectors."""
        if self.discovery is None:
            return []
        return [
            ConnectorChoice(found=each, here=self._here.get(each.id), is_chosen=self.number == str(each.id))
            for each in self.discovery.connectors
        ]

    @cached_property
    def _here(self) -> Mapping[int, Connector]:
        """Those of the Align site that was asked which are here already, by their numbers there."""
        site = self.discovery.align_site if self.discovery else ""
        return {each.align_connector_id: each for each in Connector.objects.filter(align_site=site)}

    @property
    def number(self) -> str:
        return str(self.details["align_connector_id"].value() or "")

    @property
    def other_number(self) -> str:
        """One that is chosen and not in Align's list."""
        listed = {str(each.id) for each in self.discovery.connectors} if self.discovery else set()
        return "" if self.number in listed else self.number

    # -- what is sent --------------------------------------------------------------------------------------------------

    @property
    def wrong_fields(self) -> list[forms.BoundField]:
        return [form[name] for form in self.forms for name in form.errors if name in form.fields]

    @property
    def more_is_open(self) -> bool:
        """Where something of what is folded is wrong."""
        folded = (self.details["slug"], self.details["time_zone"], self.align["expires_on"], self.jira["expires_on"])
        return any(field.errors for field in folded)


def _query(typed: Mapping[str, Any]) -> QueryDict:
    made = QueryDict(mutable=True)
    for name, value in typed.items():
        made[name] = value
    return made


def _with_one_number(data: QueryDict) -> QueryDict:
    """A number that is typed counts instead of one that is chosen; from here on there is one field."""
    copied = data.copy()
    if number := copied.get(TYPED_NUMBER, "").strip():
        copied["align_connector_id"] = number
    copied.pop(TYPED_NUMBER, None)
    return copied


def _add_words(typed: Typed, _params: Params) -> str:
    return f"{DOES.get(typed.get('act', ''), 'Add')} the connector {typed.get('name', '')}".strip()


ADD = Act(does=_add_words, shown=SetUp.shown, carried=("act",), secrets=SetUp.secrets, refills=True)


def is_whole(typed: Mapping[str, Any]) -> bool:
    """Whether the form that was sent asked for everything: else it was drawn before the sites were looked up."""
    return "time_zone" in typed


def keepable(sent: QueryDict) -> dict[str, str]:
    """What of a form that was sent may be kept: only what the act names, and nothing that is a secret after all."""
    pairs = [(name, plain(str(value))) for name, value in _with_one_number(sent).items()]
    return {name: value for name, value in pairs if name in ADD.shown and not ADD.secret_label(name, value)}

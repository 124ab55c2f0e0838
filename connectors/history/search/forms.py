"""The fields of the history's search, and what an address of it asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping

from django import forms

from alignadmin.parsing import text_in
from connectors.history.search import query_language
from connectors.history.search.query_language import Search, Term
from connectors.models import CaseState, Source
from connectors.models.catalogue import WorkItemType
from connectors.models.connector import Connector

ANY = {"": "All"}


class SearchFields(forms.Form):
    """The qualifiers as fields, beside the box that takes them as text. Their names are those of older addresses."""

    since = forms.CharField(label="From", widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.CharField(label="To", widget=forms.DateInput(attrs={"type": "date"}))
    connector = forms.ChoiceField(label="Connector")
    action = forms.CharField(label="Action", widget=forms.TextInput(attrs={"list": "actions"}))
    kind = forms.ChoiceField(label="Mapping type", choices=ANY | query_language.KINDS)
    direction = forms.ChoiceField(label="Direction", choices=ANY | query_language.DIRECTIONS)
    type = forms.ChoiceField(label="Work item type", choices=[("", "All"), *WorkItemType.choices])
    project = forms.CharField(label="Project")
    actor = forms.CharField(label="Anybody")
    author = forms.CharField(label="Author")
    planner = forms.CharField(label="Planned by")
    approver = forms.CharField(label="Approved by")
    applier = forms.CharField(label="Applied by")
    was = forms.CharField(label="Before")
    became = forms.CharField(label="After")
    plan = forms.CharField(label="Plan", widget=forms.TextInput(attrs={"inputmode": "numeric"}))
    ticket = forms.CharField(label="Ticket")
    source = forms.ChoiceField(label="Source", choices=[("", "All"), *Source.choices])
    case = forms.ChoiceField(label="Outside change", choices=[("", "All"), *CaseState.choices])
    raw = forms.CharField(label="Only unparsed lines", widget=forms.CheckboxInput(attrs={"value": "yes"}))
    q = forms.CharField(label="Words", widget=forms.TextInput(attrs={"type": "search"}))

    def __init__(self, shown: Search) -> None:
        super().__init__(auto_id="field_%s")
        connectors = Connector.objects.order_by("name").values_list("slug", "name")
        self.fields["connector"].choices = [("", "All"), *connectors]  # type: ignore[attr-defined]
        left = list(shown.terms)
        for name, field in self.fields.items():
            field.required = False
            term = self._term(shown, name) if name != "q" else None
            if term:
                field.initial = True if name == "raw" else term.value
                left.remove(term)
        # What no field can show, for instance two values of one qualifier, is kept as text.
        self.fields["q"].initial = query_language.write(query_language.build(left, shown.words))

    def _term(self, shown: Search, name: str) -> Term | None:
        qualifier = QUALIFIER_OF.get(name, name)
        values = shown.values(qualifier)
        if len(values) != 1 or not self._can_show(name, values[0]):
            return None
        return Term(name=qualifier, value=values[0])

    def _can_show(self, name: str, value: str) -> bool:
        if name in query_language.NARROWING:
            return bool(re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value))
        if name == "raw":
            return value == "yes"
        choices = getattr(self.fields[name], "choices", None)
        return choices is None or value in dict(choices)


# `before` and `after` in an address are a place between two pages of the table.
QUALIFIER_OF = {"was": "before", "became": "after", "person": "actor"}
FIELDS = (*SearchFields.base_fields, "person")


def asked(given: Mapping[str, str]) -> Search:
    """The search of an address: the text of `q`, and each field as the qualifier that it stands for."""
    written = query_language.parse(text_in(given, "q"))
    terms = [
        Term(name=QUALIFIER_OF.get(name, name), value=value)
        for name in FIELDS
        if name != "q" and (value := text_in(given, name).strip()) and not (name == "raw" and value in NOT_TICKED)
    ]
    return query_language.build([*written.terms, *terms], written.words) if terms else written


NOT_TICKED = ("false", "no")

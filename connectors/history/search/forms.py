"""The fields of the history's search, and the form that takes log lines in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from alignadmin.parsing import text_in
from connectors.history.intake.paste_times import PLACES, ZONES
from connectors.history.intake.pasted_log import DayOrder, Hour
from connectors.history.search import query_language
from connectors.history.search.query_language import Search, Term
from connectors.models import CaseState, Intake, Source
from connectors.models.catalogue import WorkItemType
from connectors.models.connector import Connector

ANY = {"": "All"}
LARGEST = 10 * 1024 * 1024


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


class IntakeForm(forms.Form):
    """Pasted text or a file, never both: the four columns of Align's audit log."""

    connector = forms.ModelChoiceField(Connector.objects.all(), to_field_name="slug", empty_label=None)
    text = forms.CharField(
        required=False,
        strip=False,
        label="Pasted lines",
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
    )
    file = forms.FileField(required=False, label="Or a file", help_text="Text, tab- or comma-separated, at most 10 MB.")
    order = forms.ChoiceField(
        required=False,
        label="Dates such as 03/04/2026",
        choices=[
            ("", "Detect from the lines"),
            (DayOrder.DAY_FIRST.value, "Day first: 3 April"),
            (DayOrder.MONTH_FIRST.value, "Month first: March 4"),
        ],
    )

    zone = forms.CharField(
        required=False,
        label="Time zone of times without one",
        widget=forms.Select,
        help_text="For these lines only. To change it permanently, edit the connector.",
    )
    hour = forms.ChoiceField(
        required=False,
        label="Hour that occurs twice when the clocks go back",
        choices=[
            ("", "Detect from the order of the lines"),
            (Hour.FIRST.value, "First: before the clocks went back"),
            (Hour.SECOND.value, "Second: after the clocks went back"),
        ],
    )

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.offer_zones([self.data.get("zone", "")])

    def offer_zones(self, first: Iterable[str]) -> None:
        """These, then UTC and the zones of the connectors, then all others by name."""
        known = ["UTC", *Connector.objects.order_by("time_zone").values_list("time_zone", flat=True).distinct()]
        names = [name for name in dict.fromkeys([*first, *known, *PLACES]) if name in ZONES]
        choices = [("", "Time zone of the connector"), *((name, name) for name in names)]
        self.fields["zone"].widget.choices = choices

    def clean_zone(self) -> str:
        name: str = self.cleaned_data["zone"]
        if name and name not in ZONES:
            raise forms.ValidationError("There is no such time zone. Choose one from the list.")
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        text, file = cleaned.get("text", ""), cleaned.get("file")
        if file and text.strip():
            raise forms.ValidationError("Paste lines or choose a file, one of the two.")
        if not file and not text.strip() and "file" not in self.errors:
            raise forms.ValidationError("Paste some lines, or choose a file.")
        if file:
            cleaned["text"] = self._text_of(file)
        cleaned["intake"] = Intake.UPLOAD if file else Intake.PASTE
        return cleaned

    def _text_of(self, file: UploadedFile) -> str:
        if (file.size or 0) > LARGEST:
            raise forms.ValidationError({"file": TOO_LARGE})
        return decoded(file.read())


TOO_LARGE = "That is more than 10 MB, so it was not read: split the log and submit it in parts; they may overlap."


def decoded(data: bytes) -> str:
    """Text of a file from a browser or a spreadsheet: UTF-8, UTF-16 by its mark, else Windows' Latin."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")

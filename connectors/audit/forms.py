"""The filters of the history page, and the form that takes log lines in."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

import django_filters
from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Q, QuerySet
from django.utils import timezone

from connectors.audit.columns import DayOrder
from connectors.audit.models import HistoryRow, Intake, Source
from connectors.models.catalogue import WorkItemType
from connectors.models.connector import Connector

LARGEST = 10 * 1024 * 1024
KINDS = (("state", "State"), ("step", "Process step"))
DIRECTIONS = (("j2a", "Jira to Align"), ("a2j", "Align to Jira"))
CHANGES = (("created", "Created"), ("updated", "Updated"), ("deleted", "Deleted"))
Rows = QuerySet[HistoryRow]


def day_start(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def day_end(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.max))


class HistoryFilter(django_filters.FilterSet):
    """Every filter of the page and of the REST list; unknown values are named, not ignored."""

    since = django_filters.DateFilter(label="From", method="from_day", widget=forms.DateInput(attrs={"type": "date"}))
    until = django_filters.DateFilter(label="To", method="to_day", widget=forms.DateInput(attrs={"type": "date"}))
    connector = django_filters.ModelChoiceFilter(
        label="Connector", queryset=Connector.objects.all(), to_field_name="slug", empty_label="All"
    )
    action = django_filters.CharFilter(label="Action", method="one_action")
    kind = django_filters.ChoiceFilter(label="Mapping type", choices=KINDS, empty_label="All")
    direction = django_filters.ChoiceFilter(label="Direction", choices=DIRECTIONS, empty_label="All")
    type = django_filters.ChoiceFilter(
        label="Work item type", field_name="work_item_type", choices=WorkItemType.choices, empty_label="All"
    )
    project = django_filters.CharFilter(label="Project", method="of_project")
    person = django_filters.CharFilter(label="Person", method="by_person")
    source = django_filters.ChoiceFilter(label="Source", choices=Source.choices, empty_label="All")
    plan = django_filters.NumberFilter(label="Plan", min_value=1, max_value=2**62)
    raw = django_filters.BooleanFilter(
        label="Only lines kept raw", method="kept_raw", widget=forms.CheckboxInput(attrs={"value": "true"})
    )
    q = django_filters.CharFilter(label="Text", method="with_words", widget=forms.TextInput(attrs={"type": "search"}))

    class Meta:
        model = HistoryRow
        fields: tuple[str, ...] = ()

    def from_day(self, rows: Rows, name: str, day: date) -> Rows:
        return rows.filter(at__gte=day_start(day))

    def to_day(self, rows: Rows, name: str, day: date) -> Rows:
        return rows.filter(at__lte=day_end(day))

    def one_action(self, rows: Rows, name: str, action: str) -> Rows:
        """`plan` finds plan.made, plan.approved and the rest; `created` finds just that."""
        action = action.strip().lower()
        return rows.filter(Q(action=action) | Q(action__startswith=f"{action.rstrip('.')}."))

    def of_project(self, rows: Rows, name: str, key: str) -> Rows:
        """A line that names no project may be of this one, so it stays, marked."""
        return rows.filter(Q(project_key__iexact=key.strip()) | Q(project_stated=False))

    def by_person(self, rows: Rows, name: str, who: str) -> Rows:
        who = who.strip()
        return rows.filter(
            Q(person_name__icontains=who) | Q(person_email__icontains=who) | Q(approver_name__icontains=who)
        )

    def kept_raw(self, rows: Rows, name: str, only: bool) -> Rows:
        return rows.filter(parsed=False) if only else rows

    def with_words(self, rows: Rows, name: str, text: str) -> Rows:
        for word in text.lower().split()[:20]:
            rows = rows.filter(text__contains=word)
        return rows


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
            ("", "there are none, or the lines show it"),
            (DayOrder.DAY_FIRST.value, "the day comes first: 3 April"),
            (DayOrder.MONTH_FIRST.value, "the month comes first: March 4"),
        ],
    )

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


TOO_LARGE = "That is more than 10 MB, so it was not read: split the log and send it in parts; overlaps do no harm."


def decoded(data: bytes) -> str:
    """Text of a file from a browser or a spreadsheet: UTF-8, UTF-16 by its mark, else Windows' Latin."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")

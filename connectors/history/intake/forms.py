"""The form that takes log lines in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from alignadmin.errors import Refused
from connectors.align.audit_times import DayOrder
from connectors.history.intake import log_files
from connectors.history.intake.log_files import LARGEST, FileText
from connectors.history.intake.paste_times import PLACES
from connectors.history.intake.pasted_log import ZONES, Hour
from connectors.models import Intake
from connectors.models.connector import Connector

TOO_LARGE = "That is more than 10 MB, so it was not read: split the log and submit it in parts; they may overlap."


class IntakeForm(forms.Form):
    """Pasted text or a file, never both: the four columns of Align's audit log."""

    connector = forms.ModelChoiceField(Connector.objects.all(), to_field_name="slug", empty_label=None)
    text = forms.CharField(
        required=False,
        strip=False,
        label="Pasted lines",
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
    )
    file = forms.FileField(
        required=False, label="Or a file", help_text="CSV, any text, or Excel (.xlsx), at most 10 MB."
    )
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

    @property
    def time_fields(self) -> list[forms.BoundField]:
        """How its times are to be read."""
        return [self[name] for name in ("order", "zone", "hour")]

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
        cleaned["intake"] = Intake.UPLOAD if file else Intake.PASTE
        cleaned["file_kind"], cleaned["file_sha256"] = "", ""
        if file:
            data = self._data_of(file)
            found = self._text_of(data)
            cleaned["text"], cleaned["file_kind"] = found.text, found.kind
            cleaned["file_sha256"] = hashlib.sha256(data).hexdigest()
        return cleaned

    def _data_of(self, file: UploadedFile) -> bytes:
        if (file.size or 0) > LARGEST:
            raise forms.ValidationError({"file": TOO_LARGE})
        data: bytes = file.read()
        return data

    def _text_of(self, data: bytes) -> FileText:
        try:
            return log_files.text_of(data)
        except Refused as refused:
            raise forms.ValidationError({"file": str(refused)}) from refused

"""The form that begins a maintenance. Its times are of the viewer's zone, as every time on the pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone

from connectors.setup.confirming import reason_field
from connectors.setup.maintenance import LACKS_MAINTENANCE_REASON

INPUT = "%Y-%m-%dT%H:%M"  # as browsers send and take it


class MaintenanceForm(forms.Form):
    reason = reason_field(
        "Such as the change in Jira and its ticket; it is shown on every page of this connector.",
        lacks=LACKS_MAINTENANCE_REASON,
    )
    until = forms.DateTimeField(
        label="Expected end",
        required=False,
        input_formats=[INPUT, "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=INPUT),
        error_messages={"invalid": "Enter day and time like 2027-03-31 22:00, or leave it empty."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = timezone.get_current_timezone_name()
        self.fields["until"].help_text = f"In {zone}. Only told: the maintenance lasts until somebody ends it."

    @property
    def until_typed(self) -> datetime | None:
        until: datetime | None = self.cleaned_data["until"]
        return until

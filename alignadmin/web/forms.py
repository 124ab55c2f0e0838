"""What forms share: our renderer, a field of one line, and their problems as lines."""

from __future__ import annotations

from django import forms
from django.forms.renderers import TemplatesSetting


class Renderer(TemplatesSetting):
    """Label, help and error beside each field, from our templates; widgets are those of `django.forms`."""

    form_template_name = "_form.html"
    field_template_name = "fields/field.html"


def text_field(
    label: str, help_text: str = "", *, required: bool = True, longest: int | None = None
) -> forms.CharField:
    """A one-line field where the browser neither corrects nor completes."""
    widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"})
    return forms.CharField(label=label, help_text=help_text, required=required, max_length=longest, widget=widget)


def problems_of(form: forms.BaseForm) -> list[str]:
    """Every error with the label of its field, for a place away from the fields."""
    labels = {name: f"{form[name].label}: " for name in form.fields}
    return [f"{labels.get(name, '')}{error}" for name, errors in form.errors.items() for error in errors]

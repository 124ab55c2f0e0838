"""What a form's page needs beside the form: its problems as lines, and our renderer."""

from __future__ import annotations

from django import forms
from django.forms.renderers import TemplatesSetting


class Renderer(TemplatesSetting):
    """Label, help and error beside each field, from our templates; widgets are those of `django.forms`."""

    form_template_name = "_form.html"
    field_template_name = "fields/field.html"


def problems_of(form: forms.BaseForm) -> list[str]:
    """Every error with the label of its field, for a place away from the fields."""
    labels = {name: f"{form[name].label}: " for name in form.fields}
    return [f"{labels.get(name, '')}{error}" for name, errors in form.errors.items() for error in errors]

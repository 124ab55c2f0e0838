"""A group of settings as a form: what stands in each field, where it comes from, and what was typed instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.formats import date_format

from alignadmin.preferences.declaring import AnyPreference, Origin, ValueSource
from alignadmin.preferences.kinds import LONGEST_TEXT
from alignadmin.preferences.models import InstallationChoice
from alignadmin.preferences.services import NOTHING_SAVED, NotChosen, TypedSetting
from alignadmin.site.settings_groups import GROUPS, SEEN, TO_DEFAULT, SettingsGroup


@dataclass(frozen=True, kw_only=True)
class SettingLine:
    """`seen` stands in the form, so that it is known what was changed and from what. `default` is what would hold."""

    preference: AnyPreference
    field: forms.BoundField
    seen: str
    source: str
    default: str
    is_chosen: bool
    wants_default: bool

    @property
    def seen_name(self) -> str:
        return SEEN + self.preference.key

    @property
    def default_name(self) -> str:
        return TO_DEFAULT + self.preference.key


@dataclass(frozen=True, kw_only=True)
class GroupForm:
    group: SettingsGroup
    lines: Sequence[SettingLine]
    trouble: str = ""


def forms_of_page(choices: Mapping[str, InstallationChoice], instead: GroupForm | None = None) -> list[GroupForm]:
    """Every group; `instead` is one that was sent and refused."""
    return [
        instead if instead and instead.group is group else _form(group, choices, typed=(), refused=None)
        for group in GROUPS
    ]


def typed_in(group: SettingsGroup, sent: QueryDict) -> list[TypedSetting]:
    """Of the fields that were sent. Raises NotChosen for text that no field takes."""
    fields: dict[str, forms.Field] = {each.key: _field(each) for each in group.preferences if each.key in sent}
    checked = forms.Form(sent)
    checked.fields = fields
    if not checked.is_valid():
        raise NotChosen(NOTHING_SAVED, {key: str(errors[0]) for key, errors in checked.errors.items()})
    return _typed(group, checked.cleaned_data, sent)


def _lines(text: object) -> str:
    """A browser ends lines in its own way."""
    return str(text).replace("\r\n", "\n").strip()


def refused_form(
    group: SettingsGroup, choices: Mapping[str, InstallationChoice], sent: QueryDict, refused: NotChosen
) -> GroupForm:
    """With everything that was typed. What was not changed shows its value of now, so that saving again keeps that."""
    return _form(group, choices, typed=_typed(group, sent, sent), refused=refused)


def _typed(group: SettingsGroup, texts: Mapping[str, object], sent: QueryDict) -> list[TypedSetting]:
    return [
        TypedSetting(
            preference=each,
            text=_lines(texts[each.key]),
            seen=_lines(sent.get(SEEN + each.key, "")),
            to_default=sent.get(TO_DEFAULT + each.key) == "on",
        )
        for each in group.preferences
        if each.key in texts
    ]


def _form(
    group: SettingsGroup,
    choices: Mapping[str, InstallationChoice],
    *,
    typed: Sequence[TypedSetting],
    refused: NotChosen | None,
) -> GroupForm:
    changed = {each.preference.key: each for each in typed if each.is_changed}
    now = {each.key: each.kind.text(each.asked_for(choices)) for each in group.preferences}
    data = now | {each.preference.key: each.text for each in typed if each.is_typed}
    form = forms.Form(data) if refused else forms.Form(initial=data)
    form.fields = {each.key: _field(each) for each in group.preferences}
    for key, sentence in (refused.problems if refused else {}).items():
        form.errors[key] = form.error_class([sentence])
    keeps_seen = refused is not None and not refused.is_stale
    lines = []
    for each in group.preferences:
        mine = changed.get(each.key)
        lines.append(
            SettingLine(
                preference=each,
                field=form[each.key],
                seen=mine.seen if mine and keeps_seen else now[each.key],
                source=words_of(each.source(choices)),
                default=each.kind.words(each.start()),
                is_chosen=each.key in choices,
                wants_default=bool(mine and mine.to_default),
            )
        )
    return GroupForm(group=group, lines=lines, trouble=str(refused) if refused else "")


def _field(preference: AnyPreference) -> forms.CharField:
    return forms.CharField(
        label=preference.label,
        help_text=str(preference.help),
        required=False,
        max_length=LONGEST_TEXT,
        widget=preference.kind.widget(),
    )


def words_of(source: ValueSource) -> str:
    """ "Set by Dana on 20 Nov 2026"; for the page."""
    day = date_format(timezone.localtime(source.at), "j M Y") if source.at else "an unknown day"
    unfit = f"; what {source.by} set on {day} is no value of this setting any more" if source.is_unfit else ""
    if source.origin is Origin.ENVIRONMENT:
        return f"From the environment: {source.environment}{unfit}"
    if source.origin is Origin.DEFAULT:
        return f"{f'The same as: {source.follows}' if source.follows else 'Default'}{unfit}"
    cut = f"; the operator allows less by now, so it is {source.cut_to}: {source.environment}" if source.cut_to else ""
    return f"Set by {source.by} on {day}{cut}"

"""What an act that asks for a recent sign-in says of itself: its words, and which fields may wait for the proof.

Nothing is kept that is not named here: a form with any other field in it has to be filled in again
(alignadmin.accounts.kept_form).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from django import forms

from alignadmin.accounts.models import Person
from alignadmin.parsing import whole
from alignadmin.text import counted

Params = Mapping[str, Any]  # of the address, and who does it: {"pk": 12, ACTOR: 3}
Typed = Mapping[str, str]  # field -> value, the last one where a name was sent twice
Pair = tuple[str, str]  # name and value, as the form sent them
SECRET_NAMES = re.compile(r"password(?!less)|secret|token")
LONGEST_TITLE = 200
ACTOR = "actor"  # in the parameters: the primary key of the person, so that only what is theirs is named
EMPTY = "(empty)"
NOT_KEPT_BY_NATURE = ("csrfmiddlewaretoken",)


@dataclass(frozen=True, kw_only=True)
class ActField:
    """A field that may be kept and is shown. `words` makes what a person reads of a value; `absent` stands for none.

    A value that is a secret after all, by `is_secret`, is left out like one.
    """

    label: str
    words: Callable[[str, Params], str] = lambda value, _params: value
    absent: str = ""
    is_secret: Callable[[str], bool] = lambda _value: False


@dataclass(frozen=True, kw_only=True)
class Act:
    """`does` completes "Confirm:", with the names of the address's parameters in braces, or is a function of the form.

    Each field of the form stands in exactly one of the three: `shown` by name, its label or an ActField; `carried` is
    kept and sent, but means nothing to people, as the version of the page that they saw; `secrets` are never kept.
    `refills`: its page begins with what was kept (alignadmin.accounts.kept_form.typed_before) where a secret is
    missing; without it a form that misses one is filled in again as a whole.
    """

    does: str | Callable[[Typed, Params], str]
    shown: Mapping[str, str | ActField] = field(default_factory=dict)
    carried: Sequence[str] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)
    refills: bool = False

    def __post_init__(self) -> None:
        if open_ := [name for name in (*self.shown, *self.carried) if SECRET_NAMES.search(name.lower())]:
            raise ValueError(f"{', '.join(open_)} would be kept, and is named like a secret")

    def title(self, typed: Typed, params: Params) -> str:
        return self.does(typed, params) if callable(self.does) else self.does.format_map(params)

    def may_keep(self, name: str) -> bool:
        return name in self.shown or name in self.carried

    def secret_label(self, name: str, value: str) -> str:
        """What a secret that was sent is called; empty for what is none, or was left empty."""
        declared = self.shown.get(name)
        if isinstance(declared, ActField) and declared.is_secret(value):
            return declared.label
        return self.secrets.get(name, "") if value else ""

    def knows(self, name: str) -> bool:
        return self.may_keep(name) or name in self.secrets or name in NOT_KEPT_BY_NATURE

    def lines(self, pairs: Sequence[Pair], params: Params) -> Iterator[Pair]:
        """Label and whole value of what will be sent, in the order of the declaration; what is not sent is no line."""
        for name, declared in self.shown.items():
            each = declared if isinstance(declared, ActField) else ActField(label=declared)
            sent = [value for key, value in pairs if key == name]
            if sent or each.absent:
                words = ", ".join(each.words(value, params) for value in sent if value)
                yield each.label, words or each.absent or EMPTY


def shortened(title: str) -> str:
    """For titles and names alone: what a button sends is shown whole."""
    if len(title) <= LONGEST_TITLE:
        return title
    return f"{title[:LONGEST_TITLE].rstrip()}… ({counted(len(title), 'character')} in all)"


# --- words of values --------------------------------------------------------------------------------------------------


def one_of(label: str, choices: Sequence[tuple[Any, Any]] | Mapping[str, str]) -> ActField:
    """A choice; a value that is none of them is shown as it was sent, and refused by its own form."""
    words = {str(value): str(said) for value, said in dict(choices).items()}
    return ActField(label=label, words=lambda value, _params: words.get(value, value))


def tick(label: str, sent: str = "on") -> ActField:
    """A box: not ticked it is not sent, and means no. `sent` is what its page sends for it; else the value is shown."""
    return ActField(label=label, words=lambda value, _params: _yes_if(value == sent, value), absent="No")


def consent(label: str, sent: str = "on", *, fits: Callable[[str], bool] | None = None) -> ActField:
    """A box that its page does not always have: only that it was ticked says something. `fits` in place of `sent`."""
    return ActField(label=label, words=lambda value, _params: _yes_if(fits(value) if fits else value == sent, value))


def _yes_if(is_accepted: bool, value: str) -> str:
    return "Yes" if is_accepted else value


def somebody(label: str) -> ActField:
    return ActField(label=label, words=lambda value, _params: name_of(value))


def name_of(pk: object) -> str:
    """One query. The form's own view refuses who is not there."""
    number = whole(pk)
    found = Person.objects.filter(pk=number).first() if number is not None else None
    return str(found) if found else "a person who is not here"


def about_person(words: str) -> Callable[[Typed, Params], str]:
    """ "Set the role of {}", of the person of the address."""
    return lambda _typed, params: words.format(name_of(params["pk"]))


# --- fields of forms --------------------------------------------------------------------------------------------------


def shown_in(form: type[forms.Form], prefix: str = "", /, **instead: ActField) -> dict[str, ActField]:
    """The visible fields of a form that are no secrets, under their labels; `instead` says one in other words."""
    found = {}
    for name, each in form.base_fields.items():
        if not (is_secret(each) or isinstance(each.widget, forms.HiddenInput)):
            found[_sent_as(name, prefix)] = instead.get(name) or _field_of(name, each)
    return found


def carried_in(form: type[forms.Form], prefix: str = "") -> tuple[str, ...]:
    hidden = (name for name, each in form.base_fields.items() if isinstance(each.widget, forms.HiddenInput))
    return tuple(_sent_as(name, prefix) for name in hidden)


def is_secret(each: forms.Field) -> bool:
    return isinstance(each.widget, forms.PasswordInput)


def _sent_as(name: str, prefix: str) -> str:
    return f"{prefix}-{name}" if prefix else name


def _field_of(name: str, each: forms.Field) -> ActField:
    label = str(each.label or name.replace("_", " ").capitalize())
    if isinstance(each, forms.BooleanField):
        return tick(label)
    if isinstance(each, forms.ModelChoiceField):
        raise ValueError(f"{name} is a row of the database: its words are the caller's")
    if isinstance(each, forms.ChoiceField):
        return one_of(label, list(cast("Iterable[tuple[str, str]]", each.choices)))
    return ActField(label=label)

"""Finding names by parts of them. What a person has no right to see is not in the query's answer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.db.models.functions import Length

from alignadmin.folding import fold
from alignadmin.parsing import typed
from alignadmin.search.kinds import KINDS, FoundPlace, SearchKind
from alignadmin.search.models import SearchName

MOST_SHOWN = 5  # of each kind, together
PAGE = 50  # of one kind alone
LONGEST = 200  # characters that are looked at
MOST_WORDS = 8


@dataclass(frozen=True, kw_only=True)
class FoundGroup:
    """What was found of one kind. `more`: there are others that are not shown."""

    key: str
    plural: str
    places: Sequence[FoundPlace]
    more: bool = False


def words_of(text: str) -> list[str]:
    """What is looked for: each has to be a part of the name. Nothing for what folds to nothing."""
    return list(dict.fromkeys(fold(typed(text)[:LONGEST]).split()))[:MOST_WORDS]


def find(text: str, rights: Collection[str]) -> list[FoundGroup]:
    """A few of each kind, the best first; kinds of which nothing is found are left out."""
    words = words_of(text)
    if not words:
        return []
    groups = [_group(kind, words, rights, 0, MOST_SHOWN) for kind in KINDS.values() if kind.right in rights]
    return [group for group in groups if group.places]


def find_of_kind(key: str, text: str, rights: Collection[str], *, page: int = 1) -> FoundGroup | None:
    """A page of one kind; None for a kind that is not there for this person."""
    kind = KINDS.get(key)
    if kind is None or kind.right not in rights:
        return None
    if not (words := words_of(text)):
        return FoundGroup(key=key, plural=kind.plural, places=[])
    return _group(kind, words, rights, PAGE * (page - 1), PAGE)


def _group(kind: SearchKind, words: Sequence[str], rights: Collection[str], first: int, most: int) -> FoundGroup:
    found = list(_names(kind, words, rights)[first : first + most + 1].values_list("target", flat=True))
    places = kind.places(found[:most]) if found else {}
    shown = [places[target] for target in found[:most] if target in places]
    return FoundGroup(key=kind.key, plural=kind.plural, places=shown, more=len(found) > most)


def _names(kind: SearchKind, words: Sequence[str], rights: Collection[str]) -> QuerySet[SearchName]:
    """What is called just so first, by its name, key or id; then what begins so, what has a word that begins so, the
    rest; short ones first.
    """
    whole = " ".join(words)
    condition = Q(kind=kind.key, right__in=rights)
    for word in words:
        condition &= Q(folded__contains=word)
    rank = Case(
        When(_has_as_words(whole), then=Value(0)),
        When(folded__startswith=whole, then=Value(1)),
        When(folded__contains=f" {words[0]}", then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    return SearchName.objects.filter(condition).order_by(rank, Length("label"), "label", "target")


def _has_as_words(text: str) -> Q:
    """It stands there by itself: the key, the id or the whole name among what a thing is found by."""
    begins, ends, within = Q(folded__startswith=f"{text} "), Q(folded__endswith=f" {text}"), f" {text} "
    return Q(folded=text) | begins | ends | Q(folded__contains=within)

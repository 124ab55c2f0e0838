"""Which passwords are taken: long ones that nobody would guess first, without rules of composition or age."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from django.core.exceptions import ValidationError

from alignadmin.accounts.extensions import EXTENSIONS

LONGEST = 1000
TOO_LONG = f"This password is longer than {LONGEST:,} characters. Choose a shorter one."
OWN_WORDS = ("alignadmin", "align", "jira", "atlassian", "admin", "password", "welcome", "letmein", "login")
# Parts of addresses that are in everybody's.
NO_WORDS = frozenset({"example", "test", "localhost", "company", "cloud", "site", "http", "https"})
SHORTEST_WORD = 4
LEAST_LEFT = 8  # letters and digits besides the words
SUBSTITUTES = str.maketrans("013457@$!", "oieastasi")


class MaximumLength:
    """Stands first: a megabyte is refused before anything is computed from it."""

    def validate(self, password: str, user: Any = None) -> None:
        if len(password) > LONGEST:
            raise ValidationError(TOO_LONG, code="password_too_long")

    def get_help_text(self) -> str:
        return f"Spaces and every other character are welcome, up to {LONGEST:,}."


class Guessable:
    """Refuses what is made of the words that are tried first (product, connectors, person), or repeats one part."""

    def validate(self, password: str, user: Any = None) -> None:
        if len(password) > LONGEST:
            return
        plain = _plain(password)
        if repeated := re.fullmatch(r"(.{1,7}?)\1+", plain):
            part = repeated.group(1)
            raise ValidationError(f'This password only repeats "{part}". Choose several words.', code="repeated")
        found = []
        rest = plain
        for word in sorted(
            {*OWN_WORDS, *_words(EXTENSIONS.guessable_words()), *_words_of(user)}, key=len, reverse=True
        ):
            if word in rest:
                found.append(word)
                rest = rest.replace(word, " ")
        if found and sum(letter.isalnum() for letter in rest) < LEAST_LEFT:
            guessed = ", ".join(found)
            raise ValidationError(
                f"This password is made of words that would be guessed first ({guessed}). Add others.", code="guessable"
            )

    def get_help_text(self) -> str:
        return "Four or more words that have nothing to do with you, your company or this product are good."


def _plain(text: str) -> str:
    """Lower case, with the usual digits for letters undone."""
    return unicodedata.normalize("NFKC", text).casefold().translate(SUBSTITUTES)


def _words_of(person: Any) -> Iterator[str]:
    return _words((getattr(person, "name", ""), getattr(person, "email", "")))


def _words(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        for word in re.split(r"[^\w]+|_", text):
            if len(word) >= SHORTEST_WORD and word.casefold() not in NO_WORDS:
                yield _plain(word)

"""What the two tables of projects read out of an address alike: words of the key or the name, and the kind."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db.models import Q

from alignadmin.parsing import REPLACEMENT, text_in
from connectors.models import Connector

PER_PAGE = 50
KINDS = {"company": Q(team_managed=False), "team": Q(team_managed=True)}


@dataclass
class ProjectFilters:
    """`asked`: the query of the address, or a form that was filtered by it. What is unknown in it asks for nothing."""

    connector: Connector
    asked: Mapping[str, str]

    @property
    def words(self) -> str:
        return self._text("q").strip()

    @property
    def kind(self) -> str:
        return self._one_of("kind", KINDS)

    @property
    def by_words(self) -> Q:
        return Q(key__icontains=self.words) | Q(name__icontains=self.words) if self.words else Q()

    def _text(self, name: str) -> str:
        return text_in(self.asked, name).replace(REPLACEMENT, "")[:255]

    def _one_of(self, name: str, known: Collection[str]) -> str:
        value = text_in(self.asked, name)
        return value if value in known else ""

"""What is configured of imports into Align as plain values: all that an issue's item is worked out of. Pure.

Two parts: what was decided here (levels, pairs, statuses, priorities, where items land), which has a fingerprint, and
partners, which are who and what Align has by name today.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property

from alignadmin.folding import fold
from connectors.align.terminology import ALIGNS_OWN, Terminology
from connectors.field_types.value_types import ValueType
from mappings.engine.field_pairs import FieldDirection
from mappings.engine.import_scope import Landing

StatusKey = tuple[str, int]  # a level with mappings, and Jira's id of a status


@dataclass(frozen=True, kw_only=True)
class CarriedPair:
    """A pair whose value goes to Align. `target`: the key of Align's object whose id the field holds, where it does.

    `options`: of a select, from the id of Jira's option to Align's id and name of it. `is_required`: in Align.
    `longest`: characters of a text; 0: no limit is known. `stopped`: why it carries nothing until it is mended.
    """

    align: str
    align_name: str
    jira: str
    jira_name: str
    type: ValueType
    direction: FieldDirection = FieldDirection.TO_ALIGN
    target: str = ""
    is_custom: bool = False
    is_whole: bool = False  # a number of Align that takes no fractions
    options: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    longest: int = 0
    stopped: str = ""


@dataclass(frozen=True, kw_only=True)
class RequiredField:
    """What Align must be given of a new item. `key`: Align's."""

    key: str
    name: str


@dataclass(frozen=True, kw_only=True)
class AlignPerson:
    id: int
    name: str
    email: str = ""


class AlignUsers:
    """Users of Align by e-mail, and by name where Jira hides e-mails; a name that two go by is nobody's."""

    def __init__(self, users: Iterable[AlignPerson] = ()) -> None:
        self._by_email: dict[str, AlignPerson] = {}
        by_name: dict[str, set[AlignPerson]] = {}
        for each in users:
            if each.email:
                self._by_email.setdefault(fold(each.email), each)
            if each.name:
                by_name.setdefault(fold(each.name), set()).add(each)
        self._by_name = {name: next(iter(found)) for name, found in by_name.items() if len(found) == 1}

    def of(self, *, email: str, name: str) -> AlignPerson | None:
        """Where Jira tells an e-mail, it alone counts: two people can have one name."""
        return self._by_email.get(fold(email)) if email else self._by_name.get(fold(name))


@dataclass(frozen=True, kw_only=True)
class AlignPartners:
    """Who and what Align has. `named`: an object's key ("iteration") -> folded name -> ids of all called so."""

    users: AlignUsers = field(default_factory=AlignUsers)
    named: Mapping[str, Mapping[str, Sequence[int]]] = field(default_factory=dict)

    def ids_of(self, target: str, name: str) -> Sequence[int]:
        return self.named.get(target, {}).get(fold(name), ())


@dataclass(frozen=True, kw_only=True)
class ItemRules:
    """Of one project.

    `levels`: folded name of an issue type -> level. `pairs`: of each level, the core ones first; that of priorities has
    what Align's connector makes of each as its options. `states` and `steps`: Jira to Align, as they are in force.
    """

    levels: Mapping[str, str] = field(default_factory=dict)
    pairs: Mapping[str, Sequence[CarriedPair]] = field(default_factory=dict)
    states: Mapping[StatusKey, int] = field(default_factory=dict)
    steps: Mapping[StatusKey, int] = field(default_factory=dict)
    landing: Landing = field(default_factory=Landing)
    required: Mapping[str, Sequence[RequiredField]] = field(default_factory=dict)
    called: Terminology = ALIGNS_OWN
    partners: AlignPartners = field(default_factory=AlignPartners, repr=False, compare=False)

    def level_of(self, type_name: str) -> str:
        """Empty where a type stands for nothing."""
        return self.levels.get(fold(type_name), "")

    def with_partners(self, partners: AlignPartners) -> ItemRules:
        return replace(self, partners=partners)

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """Ids of Jira's fields that the pairs of any level need, in a fixed order."""
        return tuple(sorted({each.jira for pairs in self.pairs.values() for each in pairs}))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of what was decided here; who and what Align has by name is no part of it."""
        facts = [
            sorted(self.levels.items()),
            [[level, [_plain(each) for each in pairs]] for level, pairs in sorted(self.pairs.items())],
            sorted([*key, value] for key, value in self.states.items()),
            sorted([*key, value] for key, value in self.steps.items()),
            asdict(self.landing),
            [[level, [each.key for each in fields]] for level, fields in sorted(self.required.items())],
        ]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _plain(pair: CarriedPair) -> Mapping[str, object]:
    return {**asdict(pair), "options": sorted((key, *value) for key, value in pair.options.items())}

"""How people of a site call the levels of Jira Align's hierarchy: by a connector's own names, else by Align's.

Whatever shows the name of a work item type of a connector asks its `Terminology`; codes ("story") stay what is stored
and what addresses, the API and exports hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

LEVELS = ("theme", "epic", "capability", "feature", "story", "task", "defect")  # from the top down, as Align has them
LONGEST_NAME = 40  # of a level, so that a heading of the matrix holds it
_ES = ("s", "x", "z", "ch", "sh")
_VOWELS = "aeiou"
_LIKE_YOU = ("use", "usa", "uni", "uti", "eu")  # begin with a vowel and sound like none: a user, a unit


def own_name(level: str) -> str:
    """What Jira Align calls it."""
    return level.capitalize()


@dataclass(frozen=True, kw_only=True, slots=True)
class Terminology:
    """`names`: by level, what it is called here; a level that is not in it goes by Align's own name."""

    names: Mapping[str, str] = field(default_factory=dict)

    def name(self, level: str) -> str:
        """ "User Story", "Story" """
        return self.names.get(level) or own_name(level)

    def one(self, level: str) -> str:
        """ "a User Story", "an Item" """
        name = self.name(level)
        begins = name.lower()
        is_vowel = begins[:1] in _VOWELS and not begins.startswith(_LIKE_YOU)
        return f"{'an' if is_vowel else 'a'} {name}"

    def many(self, level: str) -> str:
        """ "User Stories", at the beginning of a sentence."""
        return _plural(self.name(level))

    def items(self, level: str) -> str:
        """ "User Stories", "stories": within a sentence, where Align's own names are plain words."""
        return self.many(level) if self.names.get(level) else self.many(level).lower()

    def counted(self, number: int, level: str) -> str:
        """ "1 story", "2,000 User Stories" """
        name = self.name(level)
        one = name if self.names.get(level) else name.lower()
        return f"{number:,} {one if number == 1 else self.items(level)}"


ALIGNS_OWN = Terminology()


def _plural(name: str) -> str:
    """As English makes it; a name that ends in another script than Latin stays as it is."""
    last = name[-1:]
    if not ("a" <= last.lower() <= "z"):
        return name
    if last.isupper() and len(name) > 1 and name[-2:].isupper():
        return f"{name}s"  # PBIs
    if last.lower() == "y" and name[-2:-1].lower() not in _VOWELS:
        return f"{name[:-1]}ies"
    return f"{name}es" if name.lower().endswith(_ES) else f"{name}s"

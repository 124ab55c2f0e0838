"""What people can be told of: the kinds, which each room declares and registers in the `apps.py` of its floor.

Also the e-mails that are no choice of a person's: those to a list of addresses, and those that always go out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may


@dataclass(frozen=True, kw_only=True)
class NotificationKind:
    """`right`: whoever lacks it is not told, and sees nothing of what they were told before."""

    key: str
    label: str
    explanation: str
    right: Right


@dataclass(frozen=True, kw_only=True)
class FixedMail:
    """E-mails that nobody turns off for themselves: `why`. `addresses` are where they go, where that is a list."""

    label: str
    why: str
    right: Right
    addresses: Callable[[], list[str]] | None = None

    def whether(self, person: Person) -> str:
        """Whether it goes to this person, in words that name nobody else's address; empty where there is no list."""
        if self.addresses is None:
            return ""
        found = {each.lower() for each in self.addresses()}
        if not found:
            return "Nobody is on it."
        return "Your address is on it." if person.email.lower() in found else "Your address is not on it."


_kinds: dict[str, NotificationKind] = {}
_fixed: list[FixedMail] = []


def register(*kinds: NotificationKind, fixed: Iterable[FixedMail] = ()) -> None:
    for each in kinds:
        if each.key in _kinds:
            raise ValueError(f"Two kinds of notification are called {each.key}")
        _kinds[each.key] = each
    _fixed.extend(fixed)


def kinds_of(person: Person) -> list[NotificationKind]:
    """Those that this person may be told of; none for who is deactivated."""
    return [each for each in _kinds.values() if may(person, each.right)]


def fixed_of(person: Person) -> list[FixedMail]:
    return [each for each in _fixed if may(person, each.right)]

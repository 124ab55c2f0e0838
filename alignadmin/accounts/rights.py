"""Who may do what: four roles, the rights each has, and the one decorator that every view carries.

A test walks the URL configuration and fails for a view without a rule.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from alignadmin.accounts.models import Person, Role


class Right(StrEnum):
    """What a person may do. SIGNED_IN is everybody's; PUBLIC needs no sign-in."""

    PUBLIC = "public"
    SIGNED_IN = "signed-in"
    SEE = "see"  # matrices, plans, connectors
    EDIT = "edit"  # mappings, plans
    APPROVE = "approve"  # approve and apply plans
    CONFIGURE = "configure"  # connectors, credentials, settings, people
    MAPPING_HISTORY = "mapping-history"  # read and export what was done to mappings, by whom
    HISTORY = "history"  # the whole history, sign-ins, people and credentials included; take in log lines, make packs
    REVIEW = "review"  # sign weeks off, ask about rows: reviewers, and admins who are made reviewers, too
    # Issues of Jira and items of Align one by one: what rehearsals and imports hold of them, and what the webhook
    # delivered with verdicts and counts; the bodies need EDIT.
    ITEMS = "items"
    EXPLAIN = "explain"  # say why somebody changed something outside, or that it was taken back


READERS = frozenset({Right.SEE, Right.MAPPING_HISTORY})  # every role

ROLE_RIGHTS: dict[str, frozenset[Right]] = {
    Role.VIEWER: READERS,
    Role.EDITOR: READERS | {Right.EDIT, Right.EXPLAIN, Right.ITEMS},
    Role.ADMIN: READERS | {Right.EDIT, Right.APPROVE, Right.CONFIGURE, Right.HISTORY, Right.EXPLAIN, Right.ITEMS},
    Role.REVIEWER: READERS | {Right.HISTORY, Right.EXPLAIN, Right.REVIEW, Right.ITEMS},
}

WHO_MAY = {
    Right.EDIT: "an editor or an admin",
    Right.APPROVE: "an admin",
    Right.CONFIGURE: "an admin",
    Right.HISTORY: "a reviewer or an admin",
    Right.REVIEW: "a reviewer, or an admin who may review,",
    Right.ITEMS: "an editor, a reviewer or an admin",
    Right.EXPLAIN: "an editor, a reviewer or an admin",
    Right.SEE: "a viewer",
    Right.MAPPING_HISTORY: "a viewer",
}

WITH_SECOND_FACTOR = (Right.APPROVE, Right.CONFIGURE)


def may(person: Any, right: Right) -> bool:
    if right is Right.PUBLIC:
        return True
    if not isinstance(person, Person) or not person.is_active:
        return False
    if right is Right.REVIEW and person.reviews and person.role == Role.ADMIN:
        return True
    return right is Right.SIGNED_IN or right in ROLE_RIGHTS.get(person.role, frozenset())

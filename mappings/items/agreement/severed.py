"""Why a link of ours is severed, where one side is not shown: deleted, or out of our account's sight for a while.

The two look alike to us, so such a link is whole again once both sides are shown. One whose item was recycled, or whose
issue has become another type, waits for a person.
"""

from __future__ import annotations

from mappings.models import ItemLink

_NOT_IN_ALIGN = "Align has no item {item} any more. The issue stays."
_NOT_IN_JIRA = (
    "Jira does not show the issue any more: it was deleted or archived, or our account may not see it. "
    "Item {item} stays."
)


def not_in_align(item: int | None) -> str:
    return _NOT_IN_ALIGN.format(item=item)


def not_in_jira(item: int | None) -> str:
    return _NOT_IN_JIRA.format(item=item)


def waits_for_a_person(link: ItemLink) -> bool:
    unseen = (not_in_align(link.align_id), not_in_jira(link.align_id))
    return link.severed_at is not None and link.severed_why not in unseen

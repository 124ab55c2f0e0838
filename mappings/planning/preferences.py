"""The rules of plans that a new connector begins with; those of a connector are changed on its own page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.functional import lazy

from alignadmin.audit.entries import Actor
from alignadmin.preferences.declaring import Preference
from alignadmin.preferences.kinds import YES_OR_NO, ShortText, WholeNumber
from connectors.models import Connector
from mappings.planning.notifications import queue_new_four_eyes_off_mail
from mappings.planning.tickets import format_help, pattern_trouble

MOST_CHANGES = 100_000


def _tell_that_it_is_off(before: bool, after: bool, actor: Actor) -> None:
    if before and not after:
        queue_new_four_eyes_off_mail(actor=actor)


FOUR_EYES: Preference[bool] = Preference(
    key="new_four_eyes",
    label="New connectors require a second approver",
    help="Whoever made a plan, or an edit in it, cannot approve it.",
    kind=YES_OR_NO,
    start=lambda: Connector().four_eyes,
    on_change=_tell_that_it_is_off,
)
TICKET_FORMAT: Preference[str] = Preference(
    key="new_ticket_format",
    label="Ticket format of new connectors",
    help=lazy(format_help, str)(),  # of the installation as it is when the page is drawn
    kind=ShortText(trouble=pattern_trouble, none="any"),
    start=lambda: Connector().ticket_pattern,
)
TYPED_ABOVE: Preference[int] = Preference(
    key="new_typed_above",
    label="New connectors require typed confirmation above",
    help="Whoever applies such a plan types the connector's name. 0: always. Deletions always need it.",
    kind=WholeNumber(least=0, most=MOST_CHANGES, one="change"),
    start=lambda: Connector().typed_above,
)
TYPED_SHARE: Preference[int] = Preference(
    key="new_typed_share",
    label="New connectors require typed confirmation above this share of one list",
    help="Of lists with at least 20 mappings. 0: always; 100: never because of the share.",
    kind=WholeNumber(least=0, most=100, one="percent", many="percent"),
    start=lambda: Connector().typed_share,
)


def rules_of_new() -> Mapping[str, Any]:
    """By the columns of a connector."""
    return {
        "four_eyes": FOUR_EYES.value(),
        "ticket_pattern": TICKET_FORMAT.value(),
        "typed_above": TYPED_ABOVE.value(),
        "typed_share": TYPED_SHARE.value(),
    }

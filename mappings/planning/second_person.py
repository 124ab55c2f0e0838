"""Who may decide on what others prepared: an admin as of now, and a second person where the connector asks for one."""

from __future__ import annotations

from collections.abc import Callable, Collection

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from alignadmin.errors import Refused
from connectors.models import Connector

NO_ADMIN = "You are no longer an admin: nothing was done."


def needs_another(connector: Connector, actor: Person, people: Callable[[], Collection[int]]) -> bool:
    """Where two people have to look: whoever has a part in it is not the second. `people`: their numbers, if asked."""
    return connector.four_eyes and actor.pk in people()


def refuse_no_admin(actor: Person) -> None:
    """Somebody may have taken the role away since the request came in."""
    if not may(Person.objects.filter(pk=actor.pk).first(), Right.APPROVE):
        raise Refused(NO_ADMIN)


def refuse_deactivated(connector: Connector) -> None:
    """Of an approval that takes effect at once: a plan of Align's lists is approved then, and applied later."""
    if not connector.is_active:
        raise Refused("This connector is deactivated. Activate it before approving what is kept here.")

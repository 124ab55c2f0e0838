"""Who may decide on what others prepared: an admin as of now, and a second person where the connector asks for one."""

from __future__ import annotations

from collections.abc import Collection

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from alignadmin.errors import Refused
from connectors.models import Connector

NO_ADMIN = "You are no longer an admin: nothing was done."


def needs_another(connector: Connector, people: Collection[int], actor: Person) -> bool:
    """Where two people have to look, by their numbers: who has a part in it (`people`) is not the second."""
    return connector.four_eyes and actor.pk in people


def refuse_no_admin(actor: Person) -> None:
    """Somebody may have taken the role away since the request came in."""
    if not may(Person.objects.filter(pk=actor.pk).first(), Right.APPROVE):
        raise Refused(NO_ADMIN)

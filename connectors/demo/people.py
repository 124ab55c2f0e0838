"""Who can sign in to the demo."""

from __future__ import annotations

from dataclasses import dataclass

from alignadmin.accounts.models import Role


@dataclass(frozen=True, kw_only=True)
class DemoPerson:
    email: str
    name: str
    role: Role


PEOPLE = (
    DemoPerson(email="admin@demo.test", name="Dana Admin", role=Role.ADMIN),
    DemoPerson(email="second.admin@demo.test", name="Sam Second", role=Role.ADMIN),
    DemoPerson(email="editor@demo.test", name="Eli Editor", role=Role.EDITOR),
    DemoPerson(email="planner@demo.test", name="Pia Planner", role=Role.EDITOR),
    DemoPerson(email="reviewer@demo.test", name="Robin Reviewer", role=Role.REVIEWER),
    DemoPerson(email="viewer@demo.test", name="Vic Viewer", role=Role.VIEWER),
)

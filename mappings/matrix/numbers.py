"""What the page of a matrix counts by itself, by one statement."""

from __future__ import annotations

from typing import NamedTuple

from alignadmin.accounts.models import Person
from alignadmin.counting import count_all
from connectors.models import Connector
from mappings.edits.catalogue_facts import projects_in_scope
from mappings.findings.lines import open_findings
from mappings.in_use.lines import counts_in_use
from mappings.models import Edit


class MatrixNumbers(NamedTuple):
    """`sharing`: company-managed projects. The others are 1 where there is any, else 0."""

    sharing: int
    done: int  # edits of the person that can be taken back
    undone: int  # and those that can be made again
    news: int
    in_use: int


def count_numbers(connector: Connector, person: Person) -> MatrixNumbers:
    mine = Edit.objects.filter(connector=connector, person=person).order_by()
    return MatrixNumbers(
        *count_all(
            [
                projects_in_scope(connector).filter(team_managed=False),
                mine.filter(undone=False)[:1],
                mine.filter(undone=True)[:1],
                open_findings(connector).order_by()[:1],
                counts_in_use(connector).order_by()[:1],
            ]
        )
    )

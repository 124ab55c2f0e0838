"""The questions about a row, and the form to ask one, wherever a row is shown in full."""

from __future__ import annotations

from typing import Any

from django import template

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from connectors.history.reviews import questions
from connectors.models import HistoryRow

register = template.Library()


@register.inclusion_tag("connectors/history/reviews/question_panel.html", takes_context=True)
def row_questions(context: template.Context, row: HistoryRow) -> dict[str, Any]:
    person = context.get("user")
    may_ask = isinstance(person, Person) and may(person, Right.REVIEW)
    return {
        "row": row,
        "questions": questions.of_row(row),
        "people": questions.people_for(row, person) if isinstance(person, Person) and may_ask else [],
        "may_ask": may_ask,
        "longest": questions.LONGEST,
        "user": person,
    }

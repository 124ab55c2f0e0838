"""HTML that is filled in Python is what Django makes of the same text and values."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st

from alignadmin.web.filled_html import fill_html
from connectors.models import WorkItemType


class Text(str):
    """A text that says nothing of being HTML."""

    __slots__ = ()


ODD = [
    None,
    True,
    -7,
    1.5,
    Decimal("1.50"),
    datetime(2026, 11, 30, tzinfo=UTC),
    WorkItemType.STORY,
    gettext_lazy("A & B"),
    Text("<b>"),
    mark_safe("<b>&amp;</b>"),
    ["<i>", 1],
]


@given(st.lists(st.one_of(st.text(), st.text("<>&\"'{}"), st.integers(), st.sampled_from(ODD)), min_size=3, max_size=3))
def test_it_is_what_django_makes(values: list[Any]) -> None:
    first, second, third = values
    for html, named in (("<p title='{}'>{}</p>{third}", {"third": third}), ("{1}{0}{1}{third}", {"third": first})):
        filled = fill_html(html, first, second, **named)
        assert filled == format_html(html, first, second, **named)
        assert type(filled) is SafeString


def test_a_value_that_lacks_is_refused() -> None:
    with pytest.raises((IndexError, KeyError)):
        fill_html("<p>{name}</p>", "x")

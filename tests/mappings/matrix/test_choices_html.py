"""What the selects of the list view offer, drawn once: as if each were drawn by a template of its own."""

from __future__ import annotations

import pytest
from django.template import Context, Template

from mappings.matrix.choices_html import Choices

OFFERED = [(0, "0 Pending approval"), (1, "Ready & <b>waiting</b>"), (10, 'In "review" {x} {}'), (101, "Fertig · 完成")]
PLAIN = Template(
    '<option value="">not mapped</option>{% for id, words in offered %}<option value="{{ id }}"'
    "{% if id == chosen %} selected{% endif %}>{{ words }}</option>{% endfor %}"
)


@pytest.mark.parametrize("chosen", [None, 0, 1, 10, 101, 100])
def test_a_select_is_the_one_that_a_template_would_draw(chosen: int | None) -> None:
    choices = Choices(OFFERED)
    assert choices.with_chosen(chosen) == PLAIN.render(Context({"offered": OFFERED, "chosen": chosen}))


def test_nothing_offered_is_not_mapped() -> None:
    assert Choices([]).with_chosen(3) == '<option value="">not mapped</option>'

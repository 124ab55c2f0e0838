"""The icons of pages are the library's, also where one is drawn from what an earlier page has drawn."""

from __future__ import annotations

from django.template import Context, Template
from heroicons.templatetags import heroicons

ICONS = '{% heroicon_outline icon size=20 aria_hidden="true" %}{% heroicon_mini icon size=16 aria_hidden="true" %}'


def test_each_icon_is_the_library_s_each_time() -> None:
    for name in ("bell", "inbox", "bell"):
        hidden = {"aria_hidden": "true"}
        outline = heroicons.heroicon_outline(name, size=20, **hidden)
        mini = heroicons.heroicon_mini(name, size=16, **hidden)
        assert outline != mini
        assert Template(ICONS).render(Context({"icon": name})) == outline + mini


def test_what_an_icon_is_given_makes_it_another_one() -> None:
    drawn = [Template(f'{{% heroicon_mini "bell" {given} %}}').render(Context()) for given in ("", "size=16", "id=1")]
    assert len(set(drawn)) == 3
    assert all(each.startswith("<svg") for each in drawn)

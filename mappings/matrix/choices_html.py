"""The selects of the list view: hundreds of them offer the same, so what they offer is drawn once."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.safestring import SafeString

from alignadmin.web.filled_html import fill_html

NONE = '<option value="">not mapped</option>'
VALUE = '<option value="{}"'


class Choices:
    """What each select of a column of selects offers: "not mapped", and every (id, words)."""

    def __init__(self, offered: Iterable[tuple[int, str]]) -> None:
        self._selects: dict[int, int] = {}  # id -> where in the text `selected` has to stand
        parts = [NONE]
        length = len(NONE)
        for id_, words in offered:
            self._selects[id_] = length + len(VALUE.format(id_))
            parts.append(fill_html(VALUE + ">{}</option>", id_, words))
            length += len(parts[-1])
        self._text = "".join(parts)

    def with_chosen(self, id_: int | None) -> SafeString:
        """The options of one select. What is chosen and not offered leaves "not mapped"."""
        at = self._selects.get(id_) if id_ is not None else None
        text = self._text if at is None else f"{self._text[:at]} selected{self._text[at:]}"
        return SafeString(text)  # nosec B703  # each part is escaped

"""Rich text of Jira as Align has it, HTML: Cloud tells a document in JSON, Data Center its own marks in a text. Pure.

What a document holds beside text (pictures, files, panels of apps) stays in Jira: its text is taken over, and `lost`
says that there was more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

MOST_DEEP = 40  # lists within tables within panels; what is deeper is not read
_BLOCKS: Mapping[str, str] = {
    **dict.fromkeys(("bulletList", "taskList", "decisionList"), "ul"),
    **dict.fromkeys(("listItem", "taskItem", "decisionItem"), "li"),
    **dict.fromkeys(("blockquote", "panel"), "blockquote"),
    "paragraph": "p",
    "orderedList": "ol",
    "codeBlock": "pre",
    "table": "table",
    "tableRow": "tr",
    "tableHeader": "th",
    "tableCell": "td",
}
_THROUGH = frozenset({"doc", "expand", "nestedExpand", "layoutSection", "layoutColumn", "bodiedExtension"})
_MARKS: Mapping[str, str] = {"strong": "strong", "em": "em", "code": "code", "strike": "s", "underline": "u"}
_NAMED = {"mention": "text", "emoji": "text", "status": "text", "placeholder": "text"}
_CARDS = frozenset({"inlineCard", "blockCard", "embedCard"})
_SAFE = ("https://", "http://", "mailto:")


@dataclass(frozen=True, kw_only=True)
class RichText:
    """`plain`: the same without marks, for people. `lost`: something in it is no text and did not come along."""

    html: str
    plain: str
    lost: bool = False


def rich_text(value: Any) -> RichText | None:
    """None for what is no rich text of either kind."""
    if isinstance(value, str):
        return _of_wiki(value)
    if isinstance(value, dict) and value.get("type") == "doc":
        found = _Document()
        html = found.html(value, 0)
        return RichText(html=html, plain=_squeezed("".join(found.words)), lost=found.lost)
    return None


def _of_wiki(text: str) -> RichText:
    """Its marks stay as they were typed: people of Data Center read them, and none is taken for what it is not."""
    lines = escape(text, quote=False).splitlines()
    html = f"<p>{'<br>'.join(lines)}</p>" if text.strip() else ""
    return RichText(html=html, plain=_squeezed(text))


def _squeezed(text: str) -> str:
    lines = [line.rstrip() for line in text.strip().splitlines()]
    return "\n".join(line for place, line in enumerate(lines) if line or (place and lines[place - 1]))


@dataclass(kw_only=True)
class _Document:
    words: list[str] = field(default_factory=list)
    lost: bool = False

    def html(self, node: Any, depth: int) -> str:
        if not isinstance(node, dict) or depth > MOST_DEEP:
            self.lost = True
            return ""
        kind = node.get("type")
        if not isinstance(kind, str):
            self.lost = True
            return ""
        if kind == "text":
            return self._text(node)
        if kind in _NAMED:
            return self._said(_attribute(node, _NAMED[kind]) or _attribute(node, "shortName"))
        if kind in _CARDS:
            return self._link(_attribute(node, "url"), _attribute(node, "url"))
        if kind == "hardBreak":
            self.words.append("\n")
            return "<br>"
        if kind == "rule":
            self.words.append("\n")
            return "<hr>"
        inside = self._inside(node, depth)
        if kind == "heading":
            self.words.append("\n")
            return f"<h{_level(node)}>{inside}</h{_level(node)}>"
        if tag := _BLOCKS.get(kind):
            self.words.append("\n")
            return f"<{tag}>{inside}</{tag}>"
        if kind not in _THROUGH:
            self.lost = True
        return inside

    def _inside(self, node: Mapping[str, Any], depth: int) -> str:
        content = node.get("content")
        return "".join(self.html(each, depth + 1) for each in content) if isinstance(content, list) else ""

    def _text(self, node: Mapping[str, Any]) -> str:
        text = node.get("text")
        if not isinstance(text, str):
            self.lost = True
            return ""
        html, marks = self._said(text), node.get("marks")
        for mark in marks if isinstance(marks, list) else ():
            kind = mark.get("type") if isinstance(mark, dict) else None
            if kind == "link":
                html = _linked(_attribute(mark, "href"), html)
            elif isinstance(kind, str) and kind in _MARKS:
                html = f"<{_MARKS[kind]}>{html}</{_MARKS[kind]}>"
        return html

    def _said(self, text: str) -> str:
        self.words.append(text)
        return escape(text, quote=False)

    def _link(self, address: str, text: str) -> str:
        return _linked(address, self._said(text))


def _linked(address: str, html: str) -> str:
    return f'<a href="{escape(address)}">{html}</a>' if address.lower().startswith(_SAFE) else html


def _attribute(node: Mapping[str, Any], name: str) -> str:
    attributes = node.get("attrs")
    value = attributes.get(name) if isinstance(attributes, dict) else None
    return value if isinstance(value, str) else ""


def _level(node: Mapping[str, Any]) -> int:
    attributes = node.get("attrs")
    level = attributes.get("level") if isinstance(attributes, dict) else None
    return level if isinstance(level, int) and not isinstance(level, bool) and 1 <= level <= 6 else 1

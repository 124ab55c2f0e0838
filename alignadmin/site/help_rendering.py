"""A document of docs/ as HTML: its links lead to other topics, its pictures to ours, its headings can be led to.

HTML in a document is shown as text. Wide tables and blocks scroll in a box of their own, which the keyboard reaches.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

from alignadmin.site.help_topics import BY_FILE, Topic

PICTURE = re.compile(r"(?:[a-z-]{1,60}/)?[a-z-]{1,60}\.png")


@dataclass(frozen=True, kw_only=True)
class Heading:
    anchor: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Document:
    """`title` is its first heading, which is left out of `html`; `contents` are those of the second level."""

    title: str
    html: SafeString
    contents: tuple[Heading, ...]


@cache
def document(topic: Topic) -> Document:
    """Read once in a process: documents change with the version of the product."""
    parser = MarkdownIt("commonmark", {"html": False, "xhtmlOut": False}).enable("table")
    tokens = parser.parse((settings.DOCS / topic.file).read_text(encoding="utf-8"))
    title = topic.title
    if len(tokens) > 2 and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        title, tokens = tokens[1].content, tokens[3:]
    contents = tuple(_anchored(tokens))
    _without_empty_headings(tokens)
    for token in _every(tokens):
        _lead_on(token)
    html = parser.renderer.render(_scrollable(tokens), parser.options, {})
    return Document(title=title, html=mark_safe(html), contents=contents)  # noqa: S308  # nosec B308 B703  # of our own documents, HTML off


def anchor_of(heading: str) -> str:
    """As GitHub makes it of a heading."""
    return re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-")


def _anchored(tokens: Sequence[Token]) -> list[Heading]:
    """Give each heading an id, and return those of the second level."""
    found = []
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", anchor_of(inline.content))
            if opening.tag == "h2":
                found.append(Heading(anchor=anchor_of(inline.content), text=inline.content.replace("`", "")))
    return found


def _every(tokens: Sequence[Token]) -> list[Token]:
    return [each for token in tokens for each in (token, *(token.children or []))]


def _lead_on(token: Token) -> None:
    if token.type == "link_open":
        token.attrSet("href", _address(str(token.attrGet("href"))))
    elif token.type == "image" and PICTURE.fullmatch(name := str(token.attrGet("src"))):
        token.attrSet("src", reverse("help-picture", args=[name]))


def _address(link: str) -> str:
    """Of another document: its topic. What is neither that nor a place nor on the web leads to the list of topics."""
    file, _, place = link.partition("#")
    if not file or re.match(r"https?:|mailto:", link):
        return link
    address = reverse("help-topic", args=[BY_FILE[file]]) if file in BY_FILE else reverse("help")
    return f"{address}#{place}" if place else address


def _scrollable(tokens: Sequence[Token]) -> list[Token]:
    """With a box around each table, and blocks that take the focus; each has a number, to be told from the others."""
    found: list[Token] = []
    number = 0
    for token in tokens:
        is_block = token.type in ("fence", "code_block")
        if is_block or token.type == "table_open":
            number += 1
            name, style = (f"Lines {number}", "scroller block") if is_block else (f"Table {number}", "scroller")
            found.append(_box(f'<div class="{style}" tabindex="0" role="region" aria-label="{name}">'))
        found.append(token)
        if is_block or token.type == "table_close":
            found.append(_box("</div>"))
    return found


def _without_empty_headings(tokens: Sequence[Token]) -> None:
    """A cell that heads no column is a plain one; the others say that they head one."""
    for opening, inline, closing in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if opening.type == "th_open" and not inline.content:
            opening.tag = closing.tag = "td"
        elif opening.type == "th_open":
            opening.attrSet("scope", "col")


def _box(html: str) -> Token:
    """Of ours: what a document holds as HTML is parsed as text."""
    return Token("html_block", "", 0, content=html)

"""Descriptions of Align's log that come as HTML, as the one public sight of such a log does in its `details`.

Names in sentences may hold signs of markup themselves, so a text is stripped only where it is known to be markup, or
where it reads as a sentence without its tags and does not with them.
"""

from __future__ import annotations

import re
from html import unescape

from connectors.align.audit_grammar import EXACT, LOOSE, read_head

LONGEST = 64 * 1024  # characters that are looked at
TAGS = (
    "a|b|blockquote|body|br|code|dd|div|dl|dt|em|field|font|h[1-6]|head|hr|html|i|ins|del|label|li|new|newvalue|old|"
    "oldvalue|ol|p|pre|s|small|span|strong|sub|sup|table|tbody|td|tfoot|th|thead|tr|u|ul|value"
)
TAG = re.compile(rf"</?(?:{TAGS})(?:\s[^<>]*)?/?>", re.IGNORECASE)
BREAK = re.compile(r"</?(?:br|dd|div|dt|h[1-6]|hr|li|p|table|td|th|tr)(?:\s[^<>]*)?/?>", re.IGNORECASE)
# Bounded, so that no text of openings without an end makes it slow.
HIDDEN = re.compile(
    r"<!--.{0,500}?-->|<(script|style)\b[^<>]{0,200}>[^<]{0,2000}</\1\s{0,9}>", re.IGNORECASE | re.DOTALL
)
ENTITY = re.compile(r"&(?:[a-z]{2,8}|#[0-9]{1,7}|#x[0-9a-f]{1,6});", re.IGNORECASE)
BEFORE_SIGN = re.compile(r"\s+([,;])")


def plain_description(text: str, *, is_markup: bool) -> str:
    """`text` without tags, with its entities as characters; untouched where it is no markup."""
    if len(text) > LONGEST or not (TAG.search(text) or ENTITY.search(text)):
        return text
    if not is_markup and (_is_sentence(text) or not _is_sentence(stripped(text))):
        return text
    return stripped(text)


def stripped(text: str) -> str:
    spaced = BREAK.sub(" ", HIDDEN.sub(" ", text))
    return BEFORE_SIGN.sub(r"\1", " ".join(unescape(TAG.sub("", spaced)).split()))


def _is_sentence(text: str) -> bool:
    return (read_head(text, EXACT) or read_head(text, LOOSE)) is not None

"""The form under which two names count as the same name, for names that Jira and Align each tell in their own way.

Folded is what neither a person nor a system that passes a name on can be held to: capitals, spaces and their kinds,
letters that show nothing (a zero-width space, a direction mark, a soft hyphen), and whether an accent is a letter of
its own (NFD) or part of one (NFC). What a reader sees stays: by the compatibility forms (NFKC) "Stage ²" would be
"Stage 2", and a deletion of the one by somebody else would pass as ours of the other.
"""

from __future__ import annotations

import re
import unicodedata

# Unicode's Default_Ignorable_Code_Point, but for the formats (category Cf), which are asked for by their category.
IGNORED = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)


def fold(name: str) -> str:
    """Names that fold to one text are one name. Folding again changes nothing."""
    if name.isascii():
        return " ".join(name.split()).lower()
    shown = "".join(letter for letter in IGNORED.sub("", name) if unicodedata.category(letter) != "Cf")
    # Unicode's canonical caseless match (D145), composed in the end as names mostly are.
    folded = unicodedata.normalize("NFD", unicodedata.normalize("NFD", shown).casefold())
    return unicodedata.normalize("NFC", " ".join(folded.split()))

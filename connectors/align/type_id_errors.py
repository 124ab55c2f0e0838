"""Whether Align's reason for a refusal is the work item type id: then another choice of type ids mends it."""

from __future__ import annotations

import re

# ASP.NET names the field as the body does, or in words.
TYPE_ID = re.compile(r"work\s*item\s*type", re.IGNORECASE)


def names_type_id(text: str) -> bool:
    return bool(TYPE_ID.search(text))

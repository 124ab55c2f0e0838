"""The processes' log: one event, one line, whatever stands in its message or its traceback; never a link's secret."""

from __future__ import annotations

import logging
import re

# Addresses whose last part lets in whoever has it; what stands there once it is in the session is no secret.
_SECRET_ADDRESSES = re.compile(
    r"(/token/(?!enter/)"
    r"|/hooks/"
    r"|/accounts/join/[^/\s]+/(?!set/)"
    r"|/accounts/password/reset/key/[0-9A-Za-z]+-(?!set-password/))"
    r"[^/\s\"'?#]+"
)


class OneLine(logging.Formatter):
    """Over the whole line and not the record alone: a traceback tells an address, too."""

    def format(self, record: logging.LogRecord) -> str:
        line = " | ".join(line.rstrip() for line in super().format(record).splitlines() if line.strip())
        # "/token/…/" for the address of a link, which Django names where it refuses a request.
        return _SECRET_ADDRESSES.sub(r"\1…", line)

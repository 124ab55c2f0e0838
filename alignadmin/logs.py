"""The processes' log: one event, one line, whatever stands in its message or its traceback."""

from __future__ import annotations

import logging


class OneLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return " | ".join(line.rstrip() for line in super().format(record).splitlines() if line.strip())

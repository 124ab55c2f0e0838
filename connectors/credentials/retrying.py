"""How often a request is sent again, and how long a site is left alone that asks for it, by its system."""

from __future__ import annotations

from django.conf import settings

from alignadmin.http.retry import Retry
from connectors.models import System

JIRA_BLOCK = 5.0  # seconds after a 429 of Jira without a header, as Atlassian advises to begin with


def retry(system: System, *, tries: int = 5, patience: float | None = None) -> Retry:
    """Jira Align's block lasts 60 s whatever a header says. Jira tells how long it wants to be left alone, mostly."""
    block = settings.BUDGET_BLOCK
    longest = Retry.patience if patience is None else patience
    usual, least = (block, block) if system is System.ALIGN else (min(JIRA_BLOCK, block), min(1.0, block))
    return Retry(tries=tries, patience=longest, usual_block=usual, least_block=least, block_jitter=min(5.0, usual / 12))

"""The one place a socket is opened: session, deadline, retry, address guard and redaction. No Django."""

from connectors.http.answers import Answer, Wording
from connectors.http.auth import Auth, BadToken, Basic, Bearer, clean_token
from connectors.http.budget import Budget, NoBudget, Ticket
from connectors.http.remote import Query, Remote, Site
from connectors.http.retry import Retry

__all__ = [
    "Answer",
    "Auth",
    "BadToken",
    "Basic",
    "Bearer",
    "Budget",
    "NoBudget",
    "Query",
    "Remote",
    "Retry",
    "Site",
    "Ticket",
    "Wording",
    "clean_token",
]

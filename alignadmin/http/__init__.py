"""The one place a socket is opened: session, deadline, retry, address guard and redaction. No Django."""

from alignadmin.http.auth import Auth, BadToken, Basic, Bearer, clean_token
from alignadmin.http.budget import Budget, NoBudget, Ticket
from alignadmin.http.remote import Query, Remote, Site
from alignadmin.http.responses import Answer, Wording
from alignadmin.http.retry import Retry

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

"""Client of Jira Cloud and Jira Data Center. No Django."""

from connectors.jira.client import IssueRef, JiraClient, trim_site
from connectors.jira.connection import JIRA_WORDING
from connectors.jira.dialect import READING_POSTS, Deployment, WebhookWish
from connectors.jira.errors import JqlRefused, NotReached
from connectors.jira.reaching import ReachedStatus, reach
from connectors.jira.writing import JiraWriter

__all__ = [
    "JIRA_WORDING",
    "READING_POSTS",
    "Deployment",
    "IssueRef",
    "JiraClient",
    "JiraWriter",
    "JqlRefused",
    "NotReached",
    "ReachedStatus",
    "WebhookWish",
    "reach",
    "trim_site",
]

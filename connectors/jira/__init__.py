"""Client of Jira Cloud and Jira Data Center. No Django."""

from connectors.jira.client import JIRA_WORDING, JiraClient, trim_site
from connectors.jira.errors import JqlRefused
from connectors.jira.search import READING_POSTS

__all__ = ["JIRA_WORDING", "READING_POSTS", "JiraClient", "JqlRefused", "trim_site"]

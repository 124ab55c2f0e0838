"""Client of Jira Cloud and Jira Data Center. No Django."""

from connectors.jira.client import JIRA_WORDING, JiraClient, trim_site

__all__ = ["JIRA_WORDING", "JiraClient", "trim_site"]

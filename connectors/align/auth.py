"""The two ways to sign in to Jira Align: its own token (bearer), or user name and Atlassian API token (basic)."""

from alignadmin.http.auth import BadToken, Basic, Bearer, clean_token

__all__ = ["BadToken", "Basic", "Bearer", "clean_token"]

"""Clients of the stand-in for Jira, or of a server that answers as a test says."""

from __future__ import annotations

from alignadmin.http import Basic, NoBudget, Remote, Retry, Site
from connectors.jira import JIRA_WORDING, READING_POSTS, Deployment, JiraWriter
from tests.support.sandbox_fixture import ADMIN, JIRA_TOKEN

QUICK = Retry(tries=2, first_pause=0.001, usual_block=0.05, least_block=0.05, block_jitter=0.0)
# Of the stand-in: what each is called there, and what the product calls it.
SITES: list[tuple[str, Deployment]] = [("cloud", "cloud"), ("server", "datacenter"), ("server-9", "datacenter")]


def remote_of(address: str, *, read_only: bool) -> Remote:
    site = Site(address=address, allow_private=True, wording=JIRA_WORDING, reading_posts=READING_POSTS)
    return Remote(site, budget=NoBudget(), auth=Basic(ADMIN, JIRA_TOKEN), retry=QUICK, read_only=read_only)


def writer_of(address: str, deployment: Deployment = "cloud") -> JiraWriter:
    return JiraWriter(remote_of(address, read_only=False), deployment)

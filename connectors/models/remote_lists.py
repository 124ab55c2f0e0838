"""The lists that the two systems answer: whether each could be read, and how many records a page of it holds."""

from __future__ import annotations

from django.db import models

from connectors.models.connector import Connector


class RemoteList(models.TextChoices):
    JIRA_PROJECTS = "jira-projects", "Projects in Jira"
    JIRA_STATUSES = "jira-statuses", "Statuses"
    JIRA_TYPES = "jira-types", "Issue types"
    ALIGN_PROJECTS = "align-projects", "Projects in Align"
    ALIGN_FLOWS = "align-flows", "Process flows"


class ListState(models.Model):
    """Of one list of a connector: what of its last answer could not be used, or why there was none."""

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="list_states")
    name = models.CharField(max_length=14, choices=RemoteList.choices)
    read_at = models.DateTimeField(null=True, blank=True)  # when the last reading that was stored began
    error = models.TextField(blank=True)  # why it could not be read since
    set_aside = models.PositiveIntegerField(default=0)  # records of the last answer that cannot be used
    aside_words = models.TextField(blank=True)  # which, and why

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["connector", "name"], name="one_state_per_list")]

    @property
    def trouble(self) -> str:
        return " ".join(filter(None, (self.error, self.aside_words)))


class PageCap(models.Model):
    """The largest page that a site of Align ever answered of one kind of list; a shorter one ends a list."""

    site = models.CharField(max_length=500)
    family = models.CharField(max_length=60)
    largest = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "family"], name="one_cap_per_site_and_family")]

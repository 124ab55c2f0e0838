"""What the two remote systems contain: projects, issue types, statuses, process flows and steps.

Nothing is ever deleted by a refresh: what is no longer answered is marked with `vanished_at` and kept.
"""

from __future__ import annotations

from django.db import models

from connectors.models.connector import Connector


class StatusCategory(models.TextChoices):
    TODO = "todo", "To do"
    DOING = "doing", "In progress"
    DONE = "done", "Done"


class WorkItemType(models.TextChoices):
    FEATURE = "feature", "Feature"
    STORY = "story", "Story"
    TASK = "task", "Task"
    DEFECT = "defect", "Defect"


class Project(models.Model):
    """A Jira project, identified by Jira's project id: keys can be renamed."""

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="projects")
    jira_id = models.BigIntegerField()
    key = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    team_managed = models.BooleanField(default=False)
    in_scope = models.BooleanField(default=False)  # Align's connector has it
    programme_id = models.BigIntegerField(null=True, blank=True)
    align_key = models.CharField(max_length=255, blank=True)  # the key Align knows, when it differs: a renamed key
    align_id = models.BigIntegerField(null=True, blank=True)  # of its record in Align's connector, where it has one
    align_error = models.TextField(blank=True)  # what Align says is wrong with it
    # The statuses that its issue types reach: when they were read, when that was tried last (null: to be read first),
    # and why it failed then, or what of the answer could not be used.
    read_at = models.DateTimeField(null=True, blank=True)
    tried_at = models.DateTimeField(null=True, blank=True)
    read_error = models.TextField(blank=True)
    vanished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["key"]
        constraints = [models.UniqueConstraint(fields=["connector", "jira_id"], name="one_row_per_jira_project")]
        indexes = [models.Index(fields=["connector", "key"])]

    def __str__(self) -> str:
        return self.key

    @property
    def wire_key(self) -> str:
        """The key to use towards Align."""
        return self.align_key or self.key


class FormerKey(models.Model):
    """A key that a project had before: old addresses lead on by it, and the history is found by it."""

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="former_keys")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="former_keys")
    key = models.CharField(max_length=255)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "key"], name="one_row_per_former_key")]
        indexes = [models.Index(fields=["connector", "key"])]

    def __str__(self) -> str:
        return self.key


class Status(models.Model):
    """A Jira status, identified by its id; `project` is set for the statuses of one team-managed project."""

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="statuses")
    jira_id = models.BigIntegerField()
    name = models.CharField(max_length=255)
    category = models.CharField(max_length=5, choices=StatusCategory.choices)
    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.CASCADE, related_name="own_statuses")
    listed = models.BooleanField(default=True)  # in the site-wide list, which can miss what a project shows
    vanished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "statuses"
        constraints = [models.UniqueConstraint(fields=["connector", "jira_id"], name="one_row_per_jira_status")]

    def __str__(self) -> str:
        return self.name


class IssueType(models.Model):
    """A Jira issue type; team-managed projects have their own with the same names."""

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="issue_types")
    jira_id = models.BigIntegerField()
    name = models.CharField(max_length=255)
    subtask = models.BooleanField(default=False)
    hierarchy_level = models.SmallIntegerField(null=True, blank=True)  # 1: epics, 0: the base, -1: sub-tasks
    avatar = models.BigIntegerField(null=True, blank=True)  # its picture, which Jira's own types come with
    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.CASCADE, related_name="own_types")
    listed = models.BooleanField(default=True)  # in the site-wide list, which can miss what a project shows
    vanished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connector", "jira_id"], name="one_row_per_issue_type")]

    def __str__(self) -> str:
        return self.name


class ReachableStatus(models.Model):
    """A status that issues of one type can have in one project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="reachable")
    issue_type = models.ForeignKey(IssueType, on_delete=models.CASCADE, related_name="+")
    status = models.ForeignKey(Status, on_delete=models.CASCADE, related_name="reached")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "issue_type", "status"], name="one_row_per_reachable_status")
        ]


class TypeMatch(models.Model):
    """An Align work item type stands for these Jira issue types, chosen by name (of the connector, or of a project)."""

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="type_matches")
    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.CASCADE, related_name="type_matches")
    work_item_type = models.CharField(max_length=7, choices=WorkItemType.choices)
    issue_type_name = models.CharField(max_length=255)  # as Jira called it when it was chosen
    issue_type_ids = models.JSONField(default=list, blank=True)  # Jira's ids of all that had this name then

    class Meta:
        ordering = ["work_item_type", "issue_type_name"]
        constraints = [
            models.UniqueConstraint(
                fields=["connector", "work_item_type", "issue_type_name"],
                condition=models.Q(project=None),
                name="one_match_per_connector",
            ),
            models.UniqueConstraint(
                fields=["connector", "project", "work_item_type", "issue_type_name"],
                condition=models.Q(project__isnull=False),
                name="one_match_per_project",
            ),
        ]


class ProcessFlow(models.Model):
    """Align's value stream: an ordered set of steps for the items of one level, used by some programmes."""

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="flows")
    align_id = models.BigIntegerField()
    name = models.CharField(max_length=255)
    level = models.CharField(max_length=20, blank=True)  # lower case: feature, story, ...
    is_active = models.BooleanField(default=True)
    programme_ids = models.JSONField(default=list)
    vanished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-is_active", "name"]
        constraints = [models.UniqueConstraint(fields=["connector", "align_id"], name="one_row_per_flow")]

    def __str__(self) -> str:
        return self.name


class ProcessStep(models.Model):
    flow = models.ForeignKey(ProcessFlow, on_delete=models.CASCADE, related_name="steps")
    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="steps")
    align_id = models.BigIntegerField()
    name = models.CharField(max_length=255)
    position = models.PositiveIntegerField(default=0)
    map_to_state = models.PositiveSmallIntegerField(null=True, blank=True)
    vanished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["flow", "position", "align_id"]
        constraints = [models.UniqueConstraint(fields=["connector", "align_id"], name="one_row_per_step")]

    def __str__(self) -> str:
        return self.name


class Confirmation(models.Model):
    """A prerequisite that the API cannot check, confirmed by a person with a date."""

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="confirmations")
    code = models.CharField(max_length=40)
    person_name = models.CharField(max_length=200)
    confirmed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connector", "code"], name="one_confirmation_per_code")]

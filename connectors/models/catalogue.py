"""What the two remote systems contain: projects, issue types, statuses, process flows and steps.

Nothing is ever deleted by a refresh: what is no longer answered is marked with `vanished_at` and kept.
"""

from __future__ import annotations

from django.conf import settings
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


class Carried(models.TextChoices):
    """Whether Align's connector has a project, by its list as it was last read to its end; unknown counts as yes."""

    UNKNOWN = "unknown", "not known yet"
    YES = "yes", "yes"
    NO = "no", "no"


class ScopeChoice(models.TextChoices):
    """What was decided here of a project."""

    ALIGN = "align", "as Align carries"
    IN = "in", "in scope"
    OUT = "out", "out of scope"


def scope_of(choice: str, carried: str) -> bool:
    """Whether a project is in scope here: what nobody chose is what Align is known to carry."""
    return carried == Carried.YES if choice == ScopeChoice.ALIGN else choice == ScopeChoice.IN


def in_scope_here(project: str = "") -> models.Q:
    """Of projects, or of what leads to them by `project` ("project__"): those in scope here that Jira has."""
    return models.Q(**{f"{project}in_scope": True, f"{project}vanished_at": None})


def has_lists(project: str = "") -> models.Q:
    """Likewise of these, those that Align carries, which therefore have lists of mappings in Align."""
    return in_scope_here(project) & ~models.Q(**{f"{project}carried": Carried.NO})


def ours(project: str = "") -> models.Q:
    """Likewise those of ours: an admin took them over here, so their mappings are in lists of ours and not in Align."""
    return in_scope_here(project) & models.Q(**{f"{project}ours_at__isnull": False})


class Project(models.Model):
    """A Jira project, identified by Jira's project id: keys can be renamed.

    Four facts are kept apart. Align's connector *carries* it: read from Align. It is *in scope* here: decided here, by
    default as Align carries it. It is *ours*: an admin took it over here, which only one that Align does not carry can
    be. And who moves its items is worked out: Align does, wherever it carries the project.
    """

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="projects")
    jira_id = models.BigIntegerField()
    key = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    team_managed = models.BooleanField(default=False)
    category = models.CharField(max_length=255, blank=True)  # as Jira calls it
    carried = models.CharField(max_length=7, choices=Carried.choices, default=Carried.UNKNOWN)
    left_align_at = models.DateTimeField(null=True, blank=True)  # since when Align's list has it no more
    scope_choice = models.CharField(max_length=5, choices=ScopeChoice.choices, default=ScopeChoice.ALIGN)
    in_scope = models.BooleanField(default=False)  # by `scope_of`, kept since all rooms filter by it
    # Since when it is ours, who took it over, and why; null: it is not ours.
    ours_at = models.DateTimeField(null=True, blank=True)
    ours_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    ours_reason = models.TextField(blank=True)
    programme_id = models.BigIntegerField(null=True, blank=True)
    align_key = models.CharField(max_length=255, blank=True)  # the key Align knows, when it differs: a renamed key
    align_id = models.BigIntegerField(null=True, blank=True)  # of its record in Align's connector, where it has one
    align_error = models.TextField(blank=True)  # what Align says is wrong with it
    # The statuses that its issue types reach: when they were read, when that was tried last (null: to be read first),
    # and why it failed then, or what of the answer could not be used.
    read_at = models.DateTimeField(null=True, blank=True)
    tried_at = models.DateTimeField(null=True, blank=True)
    read_error = models.TextField(blank=True)
    # The account's permissions in it as Jira told them, by their keys; when that was asked, and why Jira did not tell.
    rights = models.JSONField(default=dict, blank=True)
    rights_at = models.DateTimeField(null=True, blank=True)
    rights_error = models.TextField(blank=True)
    vanished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["key"]
        constraints = [
            models.UniqueConstraint(fields=["connector", "jira_id"], name="one_row_per_jira_project"),
            models.CheckConstraint(  # while nobody knows whether Align carries it, what was known before counts
                condition=models.Q(scope_choice=ScopeChoice.IN, in_scope=True)
                | models.Q(scope_choice=ScopeChoice.OUT, in_scope=False)
                | models.Q(scope_choice=ScopeChoice.ALIGN, carried=Carried.YES, in_scope=True)
                | models.Q(scope_choice=ScopeChoice.ALIGN, carried=Carried.NO, in_scope=False)
                | models.Q(scope_choice=ScopeChoice.ALIGN, carried=Carried.UNKNOWN),
                name="scope_as_chosen_or_carried",
            ),
            models.CheckConstraint(
                condition=models.Q(ours_at=None) | models.Q(carried=Carried.NO, scope_choice=ScopeChoice.IN),
                name="ours_is_not_carried",
            ),
        ]
        indexes = [models.Index(fields=["connector", "key"])]

    def __str__(self) -> str:
        return self.key

    @property
    def wire_key(self) -> str:
        """The key to use towards Align."""
        return self.align_key or self.key

    @property
    def has_lists(self) -> bool:
        """As the query of the same name."""
        return self.in_scope and self.vanished_at is None and self.carried != Carried.NO

    @property
    def is_ours(self) -> bool:
        """Also while Jira does not show it."""
        return self.ours_at is not None

    @property
    def has_matrix(self) -> bool:
        """Mappings of it can be set: in Align's lists, or in those of ours."""
        return self.has_lists or (self.is_ours and self.vanished_at is None)


class AlignOnlyProject(models.Model):
    """A project in the list of Align's connector that this Jira does not show; each reading of that list makes them."""

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="align_only_projects")
    align_id = models.BigIntegerField()
    key = models.CharField(max_length=255)
    name = models.CharField(max_length=255, blank=True)
    programme_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["key"]
        constraints = [models.UniqueConstraint(fields=["connector", "align_id"], name="one_row_per_align_only_project")]

    def __str__(self) -> str:
        return self.key


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
    """An Align work item type stands for these Jira issue types, chosen by name (of the connector, or of a project).

    One without a name says that it stands for none.
    """

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

    @property
    def is_none(self) -> bool:
        return not self.issue_type_name


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

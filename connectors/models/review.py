"""What reviewers keep: views of the history, weeks they have looked through, and questions to people."""

from __future__ import annotations

from django.conf import settings
from django.db import models

PERSON = settings.AUTH_USER_MODEL


class SavedView(models.Model):
    """A search of the history under a name."""

    person = models.ForeignKey(PERSON, on_delete=models.CASCADE, related_name="views")
    name = models.CharField(max_length=80)
    query = models.TextField()  # as it stands in the address
    shared = models.BooleanField(default=False)
    # Made or shared by somebody who saw all of the history: for those alone who do, whatever its owner may see later.
    restricted = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "name"], name="one_view_per_name")]


class Review(models.Model):
    """One week that somebody has reviewed; the entry of it is the truth."""

    week = models.DateField(unique=True)  # its Monday, UTC
    person = models.ForeignKey(PERSON, null=True, on_delete=models.SET_NULL, related_name="+")
    person_name = models.CharField(max_length=320)
    at = models.DateTimeField()
    note = models.TextField(blank=True)
    until_seq = models.BigIntegerField()  # of the last entry there was
    rows = models.PositiveIntegerField()  # of the history in that week, then
    entry_seq = models.BigIntegerField(unique=True)


class ReviewDraft(models.Model):
    """A note that a reviewer prepares for a week; theirs alone, until it is signed with or forgotten."""

    week = models.DateField()  # its Monday, UTC
    person = models.ForeignKey(PERSON, on_delete=models.CASCADE, related_name="review_drafts", db_index=False)
    note = models.TextField()
    kept_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "week"], name="one_draft_per_week")]


class Question(models.Model):
    """A reviewer's question about one row of the history, to whoever made the change."""

    line = models.ForeignKey(
        "connectors.MirrorLine", null=True, blank=True, on_delete=models.PROTECT, related_name="questions"
    )
    entry_seq = models.BigIntegerField(null=True, blank=True, db_index=True)  # one of the two names the row
    asked_by = models.ForeignKey(PERSON, null=True, on_delete=models.SET_NULL, related_name="+")
    asked_at = models.DateTimeField()
    to = models.ForeignKey(PERSON, null=True, on_delete=models.SET_NULL, related_name="questions")
    text = models.TextField()
    answer = models.TextField(blank=True)
    answered_by = models.ForeignKey(PERSON, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["to"], condition=models.Q(answered_at=None), name="questions_to_answer")]

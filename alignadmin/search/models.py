"""The names that the search finds, copied from the tables that have them; all of it can be made again."""

from __future__ import annotations

from django.db import models

from alignadmin.locking import LockableQuerySet


class SearchName(models.Model):
    """One thing that can be found. This room stands below those that have the things, so it has no foreign keys."""

    kind = models.CharField(max_length=20)
    target = models.BigIntegerField()  # the thing's id in its own table
    connector = models.BigIntegerField(null=True, blank=True)  # whose it is, if it is a connector's
    label = models.TextField()
    folded = models.TextField()  # the label and what else it is found by (alignadmin/folding.py)
    right = models.CharField(max_length=20)  # that a person needs to find it

    objects = LockableQuerySet["SearchName"].as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "target"], name="one_name_per_thing")]
        indexes = [models.Index(fields=["kind", "connector"], name="search_names_of_connector")]

    def __str__(self) -> str:
        return self.label

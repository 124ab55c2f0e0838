"""What somebody has typed of a connector that is not here yet."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from alignadmin.locking import LockableQuerySet


class SetUpDraft(models.Model):
    """Theirs alone, until the connector is added or they start over. It has no secret in it, ever.

    `typed`: field to value, both texts. `discovery`: what the two sites told of themselves, when asked for it, with the
    addresses that it is about; empty where they were not asked, or other addresses were typed since.
    """

    person = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="set_up_draft")
    typed = models.JSONField()
    discovery = models.JSONField(default=dict)
    kept_at = models.DateTimeField(db_index=True)

    objects = LockableQuerySet.as_manager()

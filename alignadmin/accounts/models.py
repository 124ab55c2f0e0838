"""The people who sign in, each with one role."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import QuerySet

from alignadmin.locking import LockableQuerySet


class Role(models.TextChoices):
    VIEWER = "viewer", "Viewer"
    EDITOR = "editor", "Editor"
    ADMIN = "admin", "Admin"
    REVIEWER = "reviewer", "Reviewer"


class PersonManager(BaseUserManager["Person"]):
    def locked(self) -> QuerySet[Person]:
        return LockableQuerySet(self.model, using=self._db).locked()

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> Person:
        person = self.model(email=self.normalize_email(email).lower(), **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person


class Person(AbstractBaseUser):
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200)
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)
    reviews = models.BooleanField(default=False)  # an admin who is a reviewer, too
    time_zone = models.CharField(max_length=64, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    invited_at = models.DateTimeField(null=True, blank=True)  # until a password is set: an invitation is open
    last_seen_at = models.DateTimeField(null=True, blank=True)  # to the minute
    # That they had a page of: the navigation leads there again.
    last_connector = models.SlugField(blank=True, db_index=False)

    objects = PersonManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        verbose_name_plural = "people"

    def __str__(self) -> str:
        return self.name or self.email

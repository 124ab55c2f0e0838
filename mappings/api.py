"""REST, read side: mappings, plans, and issues beside their items."""

from __future__ import annotations

import django_filters
from django.db.models import QuerySet
from rest_framework import serializers, viewsets

from alignadmin.accounts.rights import Right
from mappings.models import PLANNED_FIELDS, Change, ComparedItem, Mapping, Plan


class MappingSerializer(serializers.ModelSerializer[Mapping]):
    connector = serializers.CharField(source="scope.connector.slug", read_only=True)
    family = serializers.CharField(source="scope.family", read_only=True)
    project = serializers.CharField(source="scope.project.key", default=None, read_only=True, allow_null=True)
    is_ours = serializers.BooleanField(source="scope.is_ours", read_only=True)
    known = serializers.BooleanField(source="scope.known", read_only=True)
    observed_at = serializers.DateTimeField(source="scope.observed_at", read_only=True, allow_null=True)
    wanted_by = serializers.CharField(source="wanted_by.email", default=None, read_only=True, allow_null=True)

    class Meta:
        model = Mapping
        fields = [
            "id",
            "connector",
            "family",
            "project",
            "is_ours",
            "work_item_type",
            "source_id",
            "wanted",
            "applied",
            "observed",
            "known",
            "situation",
            "remote_id",
            "duplicates",
            "wanted_by",
            "wanted_at",
            "observed_at",
            "version",
        ]


class MappingFilter(django_filters.FilterSet):
    connector = django_filters.CharFilter(field_name="scope__connector__slug")
    family = django_filters.CharFilter(field_name="scope__family")
    project = django_filters.CharFilter(field_name="scope__project__key")
    is_ours = django_filters.BooleanFilter(field_name="scope__is_ours")

    class Meta:
        model = Mapping
        fields = ["connector", "family", "project", "work_item_type", "situation", "source_id"]


class MappingViewSet(viewsets.ReadOnlyModelViewSet[Mapping]):
    """Every mapping with its three values. `null` means "no record"; `known` is false while its list was not read.

    `is_ours`: of a list of ours, kept here alone: `observed` is what was approved here, and Align has no record.
    """

    right = Right.SEE
    serializer_class = MappingSerializer
    filterset_class = MappingFilter

    def get_queryset(self) -> QuerySet[Mapping]:
        return Mapping.objects.select_related("scope__connector", "scope__project", "wanted_by").order_by("id")


NOT_PUBLISHED = {"author_id", "author_role", "earlier", "remote_id", "is_spare", "event"}


class ChangeSerializer(serializers.ModelSerializer[Change]):
    class Meta:
        model = Change
        fields = [
            *(name for name in PLANNED_FIELDS if name not in NOT_PUBLISHED),
            "state",
            "detail",
            "confirmed",
            "sent_at",
            "answered_at",
        ]


class PlanSerializer(serializers.ModelSerializer[Plan]):
    connector = serializers.CharField(source="connector.slug", read_only=True)
    author = serializers.CharField(source="author.email", read_only=True)
    approver = serializers.CharField(source="approver.email", default=None, read_only=True, allow_null=True)
    applier = serializers.CharField(source="applier.email", default=None, read_only=True, allow_null=True)

    class Meta:
        model = Plan
        fields = [
            "id",
            "connector",
            "state",
            "is_ours",
            "author",
            "reason",
            "ticket",
            "fingerprint",
            "created_at",
            "seen_at",
            "unchanged",
            "refused",
            "warnings",
            "api_calls",
            "seconds",
            "approver",
            "approved_at",
            "emergency_reason",
            "applier",
            "started_at",
            "finished_at",
        ]


class PlanWithChangesSerializer(PlanSerializer):
    changes = ChangeSerializer(many=True, read_only=True)

    class Meta(PlanSerializer.Meta):
        fields = [*PlanSerializer.Meta.fields, "changes"]


class PlanFilter(django_filters.FilterSet):
    connector = django_filters.CharFilter(field_name="connector__slug")

    class Meta:
        model = Plan
        fields = ["connector", "state", "ticket"]


class PlanViewSet(viewsets.ReadOnlyModelViewSet[Plan]):
    """Plans; one plan comes with its changes."""

    right = Right.SEE
    filterset_class = PlanFilter

    def get_serializer_class(self) -> type[PlanSerializer]:
        return PlanWithChangesSerializer if self.action == "retrieve" else PlanSerializer

    def get_queryset(self) -> QuerySet[Plan]:
        plans = Plan.objects.select_related("connector", "author", "approver", "applier").order_by("-id")
        return plans.prefetch_related("changes") if self.action == "retrieve" else plans


class ComparedItemSerializer(serializers.ModelSerializer[ComparedItem]):
    connector = serializers.CharField(source="connector.slug", read_only=True)
    project = serializers.CharField(source="project.key", read_only=True)

    class Meta:
        model = ComparedItem
        fields = [
            "id",
            "connector",
            "project",
            "jira_id",
            "issue_key",
            "level",
            "align_id",
            "outcome",
            "reason",
            "sentence",
            "differences",
            "compared_at",
            "since",
        ]


class ComparedItemFilter(django_filters.FilterSet):
    connector = django_filters.CharFilter(field_name="connector__slug")
    project = django_filters.CharFilter(field_name="project__key")

    class Meta:
        model = ComparedItem
        fields = ["connector", "project", "outcome", "reason", "level", "issue_key"]


class ComparedItemViewSet(viewsets.ReadOnlyModelViewSet[ComparedItem]):
    """Each issue beside its item of Jira Align, as they were compared last; see docs/agreement.md for the words."""

    right = Right.ITEMS
    serializer_class = ComparedItemSerializer
    filterset_class = ComparedItemFilter

    def get_queryset(self) -> QuerySet[ComparedItem]:
        return ComparedItem.objects.select_related("connector", "project").order_by("id")

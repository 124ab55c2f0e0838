"""REST, read side: the projects of connectors, with what Align carries and what is in scope here."""

from __future__ import annotations

import django_filters
from rest_framework import mixins, serializers, viewsets

from alignadmin.accounts.rights import Right
from connectors.models import Project


class ProjectSerializer(serializers.ModelSerializer[Project]):
    connector = serializers.CharField(source="connector.slug", read_only=True)
    ours_by = serializers.CharField(source="ours_by.email", default=None, read_only=True, allow_null=True)

    class Meta:
        model = Project
        fields = [
            "id",
            "connector",
            "jira_id",
            "key",
            "name",
            "team_managed",
            "category",
            "programme_id",
            "carried",
            "left_align_at",
            "scope_choice",
            "in_scope",
            "ours_at",
            "ours_by",
            "ours_reason",
            "vanished_at",
            "read_at",
        ]


class ProjectFilter(django_filters.FilterSet):
    connector = django_filters.CharFilter(field_name="connector__slug")
    is_ours = django_filters.BooleanFilter(field_name="ours_at", lookup_expr="isnull", exclude=True)

    class Meta:
        model = Project
        fields = ["connector", "key", "team_managed", "carried", "scope_choice", "in_scope"]


class ProjectViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Project]):
    """Every project that Jira shows or has shown. Four facts of each are kept apart.

    `carried`: whether Align's connector has it, as its list said when it was last read to its end; `unknown` counts as
    carried, and `left_align_at` says since when that list has it no more. `in_scope`: whether it is in scope here, by
    `scope_choice`: `align` (what Align carries), `in` or `out`. Align moves the items of what it carries. `ours_at`:
    since when it is ours (else null), taken over by `ours_by`; then its mappings are kept here, none is sent to Align.
    """

    right = Right.SEE
    queryset = Project.objects.select_related("connector", "ours_by").order_by("connector_id", "key", "pk")
    serializer_class = ProjectSerializer
    filterset_class = ProjectFilter

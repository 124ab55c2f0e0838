"""The pages of the guided set-up, one for each step, and before there is a connector those that say what it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect as plain_redirect
from django.urls import reverse

from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right, may
from alignadmin.egress import outgoing_addresses
from alignadmin.web.responses import page
from connectors.models import Connector, System
from connectors.ports.requests import SET_UP, with_credentials_or_404
from connectors.setup.adding import drafts
from connectors.setup.forms import LevelNamesForm
from connectors.setup.level_names import version_of
from connectors.setup.queries import active_job
from connectors.setup.readiness import matches_in_words
from connectors.setup.scope.table import ScopeTable
from connectors.setup.steps.guide import BEFORE, NEED, Guide, guide_before, guide_of
from connectors.setup.steps.terms_facts import align_levels, jira_levels
from connectors.setup.steps.terms_rules import TermsFacts

TEMPLATE, NEED_TEMPLATE = "connectors/setup/steps/step.html", "connectors/setup/steps/need.html"


@requires(Right.SEE)
def begin(request: HttpRequest, slug: str) -> HttpResponse:
    """Leads to the first step with something undone."""
    guide = guide_of(with_credentials_or_404(slug), for_states=True)
    return plain_redirect(guide.address(guide.opens))


@requires(Right.SEE)
def step_page(request: HttpRequest, slug: str, step: str) -> HttpResponse:
    connector = with_credentials_or_404(slug)
    return show(request, guide_of(connector), step, connector)


@requires(Right.CONFIGURE)
def need(request: HttpRequest) -> HttpResponse:
    """What one needs, before there is a connector; where somebody began to add one, it leads on there."""
    return show(request, guide_before(), NEED, draft=drafts.of(person_of(request)))


@requires(Right.CONFIGURE)
def before(request: HttpRequest, step: str) -> HttpResponse:
    """A step that is read before there is a connector."""
    if step not in BEFORE:
        raise Http404
    return show(request, guide_before(), step)


def show(
    request: HttpRequest, guide: Guide, key: str, connector: Connector | None = None, *, status: int = 200, **extra: Any
) -> HttpResponse:
    """`extra`: in place of what the step's page begins with, as a form that was refused."""
    shown = guide.step(key)
    if shown is None and key != NEED:
        raise Http404
    previous, following = guide.beside(key)
    is_over = connector is not None and connector.disconnected_at is not None
    context = {
        "connector": connector,
        "guide": guide,
        "step": shown,
        "rail": guide.rail(key),
        "previous": previous,
        "following": following,
        "on": f"{SET_UP}{key}",
        "egress": outgoing_addresses(),
        "job": active_job(connector) if connector else None,
        "can_configure": may(request.user, Right.CONFIGURE) and not is_over,
        "can_edit": may(request.user, Right.EDIT) and not is_over,
    }
    if connector and (more := PARTICULAR.get(key)):
        context |= more(request, connector, guide)
    return page(request, NEED_TEMPLATE if shown is None else TEMPLATE, {**context, **extra}, status=status)


# --- what is particular to a page -------------------------------------------------------------------------------------


def _of_key(request: HttpRequest, connector: Connector, guide: Guide) -> dict[str, Any]:
    return {"systems": list(System)}


def _of_projects(request: HttpRequest, connector: Connector, guide: Guide) -> dict[str, Any]:
    """Its filters stay on this page."""
    address = reverse("setup-step", args=[connector.slug, "projects"])
    return {"table": ScopeTable(connector, request.GET.dict()), "projects_url": address}


def _of_types(request: HttpRequest, connector: Connector, guide: Guide) -> dict[str, Any]:
    return {"types": matches_in_words(connector)}


def _of_terms(request: HttpRequest, connector: Connector, guide: Guide) -> dict[str, Any]:
    """The levels of both sides, the form of the names, and the priorities side by side."""
    known = guide.facts.terms if guide.facts else TermsFacts()
    return {
        "form": LevelNamesForm(names=connector.level_names, seen=version_of(connector)),
        "align_levels": align_levels(connector),
        "jira_levels": jira_levels(connector),
        "priorities": known.priorities,
        "learned": {each.level: each.learned for each in known.log or () if each.learned},
    }


PARTICULAR: Mapping[str, Callable[[HttpRequest, Connector, Guide], dict[str, Any]]] = {
    "terms": _of_terms,
    "key": _of_key,
    "projects": _of_projects,
    "types": _of_types,
}

"""The form of step 1: what an admin calls the levels of Align's hierarchy."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from alignadmin.accounts.acts import Act
from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.parsing import text_in
from alignadmin.web.responses import redirect
from connectors.align.terminology import LEVELS, own_name
from connectors.models import Connector
from connectors.ports.act_words import of_connector
from connectors.ports.requests import with_credentials_or_404
from connectors.setup import level_names
from connectors.setup.forms import LevelNamesForm
from connectors.setup.steps.guide import guide_of
from connectors.setup.steps.views import show

NAMES = Act(
    does=of_connector("Name the levels of {connector}"),
    shown={level: own_name(level) for level in LEVELS},
    carried=("seen", "take"),
)
SAVED = "The names are saved, and used on the pages of this connector from now on."


@requires(Right.SEE, Right.CONFIGURE, ("POST",), fresh=NAMES)
def name_levels(request: HttpRequest, slug: str) -> HttpResponse:
    """All names at once; `take` is a level whose name is to be the one that Align's log has for it."""
    stored = with_credentials_or_404(slug)
    typed = request.POST.copy()
    take = text_in(request.POST, "take")
    if found := next((each.learned for each in level_names.log_terms(stored) if each.level == take), ""):
        typed[take] = found
    form = LevelNamesForm(typed, names=stored.level_names, seen="")
    if not form.is_valid():
        return _again(request, stored, form, 400)
    seen = form.cleaned_data["seen"]
    try:
        is_new = level_names.name_levels(stored, form.names_typed, seen=seen, actor=person_of(request))
    except level_names.NamesChanged as refused:
        # The next save is of what this page shows.
        typed["seen"] = level_names.version_of(stored)
        form = LevelNamesForm(typed, names=stored.level_names, seen="")
        form.add_error(None, str(refused))
        return _again(request, stored, form, 409)
    messages.info(request, SAVED if is_new else "Nothing was changed: that is what the levels are called already.")
    return redirect(request, f"{reverse('setup-step', args=[slug, 'terms'])}#levels")


def _again(request: HttpRequest, stored: Connector, form: LevelNamesForm, status: int) -> HttpResponse:
    trouble = "The names are not saved. What you typed is still in the fields."
    return show(request, guide_of(stored), "terms", stored, status=status, form=form, trouble=trouble)

"""Taking projects over, and giving them back: what it means is shown first, and it is typed to confirm it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse

from alignadmin.accounts.acts import Act, ActField, Params, Typed
from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in, whole
from alignadmin.text import counted
from alignadmin.web.responses import failure, page, redirect
from connectors.models import Connector, Project
from connectors.ports.act_words import connector_name
from connectors.ports.requests import connector_or_404
from connectors.setup.scope import ours
from connectors.setup.scope.views import chosen_ids

OURS_PAGE = "connectors/setup/scope/ours.html"


class OursAct(StrEnum):
    TAKE = "take"
    GIVE = "give"


DOES = {OursAct.TAKE: "Take projects of {} over", OursAct.GIVE: "Give projects of {} back"}
DONE = {
    OursAct.TAKE: "taken over. Their mappings are kept here now: open a project in the table to map its statuses",
    OursAct.GIVE: "given back. Their mappings stay here to be looked at",
}


def _act_of(value: str) -> OursAct:
    return OursAct(value) if value in set(OursAct) else OursAct.TAKE


def _does(sent: Typed, params: Params) -> str:
    return DOES[_act_of(sent.get("do", ""))].format(connector_name(params["slug"]))


def _keys(value: str, _params: Params) -> str:
    """Of one project; what names none is shown as it was sent."""
    number = whole(value)
    found = Project.objects.filter(pk=number).values_list("key", flat=True).first() if number is not None else None
    return found or value


CONFIRM = Act(
    does=_does,
    shown={
        "project": ActField(label="Projects", words=_keys),
        "reason": "Why",
        "confirm": "Typed to confirm",
    },
    carried=("do",),
)


@dataclass(frozen=True, kw_only=True)
class OursPage:
    """What an act means for the projects that were chosen, and what stands against it."""

    connector: Connector
    act: OursAct
    projects: list[Project]

    @property
    def takes(self) -> bool:
        return self.act is OursAct.TAKE

    @property
    def word(self) -> str:
        return ours.word_for(self.projects)

    @cached_property
    def refused(self) -> list[str]:
        """In the order of the projects."""
        if not self.takes:
            return []
        return [sentence for each in self.projects if not each.is_ours and (sentence := ours.why_not_ours(each))]

    @property
    def is_done(self) -> bool:
        return all(each.is_ours is self.takes for each in self.projects)


@requires(Right.CONFIGURE, Right.CONFIGURE, ("POST",))
def choose(request: HttpRequest, slug: str) -> HttpResponse:
    """From the table of step 4 to the page that confirms it, with the projects in its address."""
    connector = connector_or_404(slug)
    try:
        ids = chosen_ids(request, connector)
        ours.chosen_projects(connector, ids)
    except Refused as refused:
        return failure(request, str(refused))
    query = urlencode([("do", _act_of(text_in(request.GET, "do")).value), *(("project", str(pk)) for pk in ids)])
    return redirect(request, f"{reverse('setup-ours', args=[slug])}?{query}")


@requires(Right.CONFIGURE, Right.CONFIGURE, ("GET", "POST"), fresh=CONFIRM)
def confirm(request: HttpRequest, slug: str) -> HttpResponse:
    connector = connector_or_404(slug)
    data = request.POST if request.method == "POST" else request.GET
    act = _act_of(text_in(data, "do"))
    try:
        ids = _ids(data)
        shown = OursPage(connector=connector, act=act, projects=ours.chosen_projects(connector, ids))
    except Refused as refused:
        return failure(request, str(refused))
    if request.method != "POST":
        return page(request, OURS_PAGE, {"connector": connector, "page": shown})
    reason, typed = text_in(data, "reason"), text_in(data, "confirm")
    does = ours.take_over if shown.takes else ours.give_back
    try:
        changed = does(connector, ids, confirm=typed, reason=reason, actor=person_of(request))
    except Refused as refused:
        context = {"connector": connector, "page": shown, "trouble": str(refused), "reason": reason}
        return page(request, OURS_PAGE, context, status=409)
    done = f"{counted(len(changed), 'project')} {DONE[act]}."
    messages.info(request, done if changed else "Nothing was changed: that is how they were already.")
    query = "?scope=ours" if shown.takes else ""
    return redirect(request, f"{reverse('setup-step', args=[slug, 'projects'])}{query}#projects")


def _ids(data: QueryDict) -> list[int]:
    numbers = [whole(each) for each in dict.fromkeys(data.getlist("project")[: ours.MOST_AT_ONCE + 1])]
    if None in numbers:
        raise Refused("The request does not name projects: choose them in the table of step 4.")
    return [number for number in numbers if number is not None]

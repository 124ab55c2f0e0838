"""The page about what a connector's Align answers, and what admins do there: look, take note, take over type ids."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from alignadmin.accounts.acts import Act, ActField, Params, Typed, consent, one_of
from alignadmin.accounts.guard import requires
from alignadmin.accounts.models import Person
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in, whole
from alignadmin.web.responses import failure, page, redirect
from connectors.models import Connector
from connectors.ports.act_words import connector_name, of_connector, write_key
from connectors.ports.requests import back_to, with_credentials_or_404
from mappings.contract import decisions, facts, job
from mappings.contract.choices import ByFamily, TypeIdChoice
from mappings.contract.free_keys import proving_keys
from mappings.contract.page import ContractPage
from mappings.engine.families import FAMILIES
from mappings.models import ContractFact

Action = Callable[[Connector, Person], object]
NOT_NAMED = "The request does not name a change: reload this page and try again."
View = Callable[..., HttpResponse]


def guarded(act: Act) -> Callable[[View], View]:
    return requires(Right.SEE, Right.CONFIGURE, ("POST",), fresh=act)


LOOK = Act(
    does=of_connector("Check the API behaviour of {connector}"),
    shown={
        "write_key": write_key("Try a create at", proving_keys),
        "consent": consent("I agree that one mapping is created there and deleted", "yes"),
    },
    carried=("on",),
)


def _note_words(typed: Typed, params: Params) -> str:
    """Which fact changed and how, as its page shows it. Two queries."""
    name = connector_name(params["slug"])
    pk = whole(typed.get("fact"))
    changed = ContractFact.objects.filter(connector__slug=params["slug"], changed_at__isnull=False)
    found = changed.filter(pk=pk).first() if pk is not None else None
    return f"Acknowledge a change of {name}: {facts.change_of(found) if found else 'one that is gone'}"


NOTE = Act(does=_note_words, carried=("fact", "changed_at"))
TYPE_IDS = Act(
    does=of_connector("Choose the type ids of {connector}"),
    shown={
        "choice": one_of("Where they come from", [(each.value, each.label) for each in TypeIdChoice]),
        "family": one_of("For", {code: facts.title(family) for code, family in FAMILIES.items()}),
        **{
            f"own-{code}-{type_.value}": f"{facts.title(family)}, {type_.label}"
            for code, family in FAMILIES.items()
            for type_ in family.type_ids
        },
        "type_ids": ActField(label="Type ids", words=lambda value, _params: value.replace("=", " ").replace(",", ", ")),
    },
)


@requires(Right.SEE)
def contract(request: HttpRequest, slug: str) -> HttpResponse:
    return _show(request, with_credentials_or_404(slug))


@guarded(LOOK)
def observe(request: HttpRequest, slug: str) -> HttpResponse:
    """Look now; with a key and consent also at how Align answers a create."""
    return _perform(
        request, slug, lambda shown, actor: job.start(shown, write_key=_consented_key(request), actor=actor)
    )


@guarded(NOTE)
def acknowledge(request: HttpRequest, slug: str) -> HttpResponse:
    def act(shown: Connector, actor: Person) -> None:
        pk = whole(text_in(request.POST, "fact"))
        try:
            changed_at = parse_datetime(text_in(request.POST, "changed_at"))
        except ValueError:
            raise Refused(NOT_NAMED) from None
        if pk is None or changed_at is None or not changed_at.tzinfo:
            raise Refused(NOT_NAMED)
        decisions.acknowledge(shown, pk, changed_at=changed_at, actor=actor)

    return _perform(request, slug, act)


@guarded(TYPE_IDS)
def type_ids(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose where all type ids come from, or take over those of one of the proposals that the page shows."""

    def act(shown: Connector, actor: Person) -> None:
        if typed := text_in(request.POST, "choice"):
            decisions.choose(shown, _choice(typed), _own_ids(request), actor=actor)
            return
        family, key = text_in(request.POST, "family"), text_in(request.POST, "type_ids")
        decisions.take_over(shown, family, key, actor=actor)

    return _perform(request, slug, act)


def _choice(typed: str) -> TypeIdChoice:
    try:
        return TypeIdChoice(typed)
    except ValueError:
        raise Refused("Choose where the type ids come from: one of the four choices of this page.") from None


def _own_ids(request: HttpRequest) -> ByFamily:
    """What was picked or typed; what is no number is left out, which is refused where it counts."""
    return {
        code: {
            type_: number
            for type_ in family.type_ids
            if (number := whole(text_in(request.POST, f"own-{code}-{type_.value}"))) is not None
        }
        for code, family in FAMILIES.items()
    }


def _consented_key(request: HttpRequest) -> str:
    key, consents = text_in(request.POST, "write_key"), text_in(request.POST, "consent") == "yes"
    if key and not consents:
        raise Refused("Nothing was tried. To try a create at that key, tick that you agree; else choose reading only.")
    if consents and not key:
        raise Refused("Nothing was tried. Choose the key at which a create may be tried, or take the tick away.")
    return key


def _perform(request: HttpRequest, slug: str, act: Action) -> HttpResponse:
    shown = with_credentials_or_404(slug)
    try:
        act(shown, person_of(request))
    except Refused as refused:
        if request.htmx:  # type: ignore[attr-defined]
            return failure(request, str(refused))
        return _show(request, with_credentials_or_404(slug), status=409, trouble=str(refused))
    return redirect(request, back_to(request, slug, reverse("connector-contract", args=[slug])))


def _show(request: HttpRequest, shown: Connector, *, status: int = 200, trouble: str = "") -> HttpResponse:
    found = ContractPage(shown)
    context = {"connector": shown, "page": found, "job": found.job, "trouble": trouble}
    return page(request, "mappings/contract/contract.html", context, status=status)

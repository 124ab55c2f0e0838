"""The page of one credential: staging, probing, switching and retiring it, each by one form of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from alignadmin.accounts import kept_form
from alignadmin.accounts.acts import Act, ActField, carried_in, consent, one_of, shown_in, somebody
from alignadmin.accounts.guard import requires
from alignadmin.accounts.models import Person
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in
from alignadmin.web.forms import problems_of
from alignadmin.web.responses import failure, page, redirect
from connectors.credentials import rotation
from connectors.credentials.owner_links.asking import open_link
from connectors.credentials.rotation.credential_page import CredentialPage
from connectors.credentials.rotation.forms import OwnersForm, StageForm, user_shown
from connectors.credentials.rotation.locking import GONE
from connectors.models import Credential, CredentialKind, System
from connectors.ports.act_words import of_connector, write_key
from connectors.ports.requests import with_credentials_or_404

TYPED_BEFORE = "What you had entered is here again. A secret is never kept: enter it once more."
CONSENT_AGAIN = "To replace what is pending, tick that again as well."
NOT_KEPT = "A secret is never sent back to the browser: enter it again."
Action = Callable[[CredentialPage, Person], object]
View = Callable[..., HttpResponse]


def guarded(
    words: str, shown: Mapping[str, str | ActField] | None = None, carried: Sequence[str] = ("credential",)
) -> Callable[[View], View]:
    act = Act(does=of_connector(words), shown=shown or {}, carried=carried)
    return requires(Right.SEE, Right.CONFIGURE, ("POST",), fresh=act)


def _is_uuid(value: str) -> bool:
    try:
        UUID(value)
    except ValueError:
        return False
    return True


def _staged(system: System) -> dict[str, ActField]:
    return shown_in(
        StageForm,
        system.value,
        kind=one_of("Sign-in", CredentialKind.choices),
        user=user_shown("User"),
        backup_owner=somebody("Back-up owner"),
        never_expires=consent("It does not expire"),
        replacing=consent("Replace what is pending", fits=_is_uuid),
    )


STAGE = Act(
    does=of_connector("Store a new {system} credential of {connector}"),
    shown={**_staged(System.ALIGN), **_staged(System.JIRA)},
    secrets={f"{System.ALIGN.value}-secret": "the token", f"{System.JIRA.value}-secret": "the token or password"},
    refills=True,
)
OWNERS = shown_in(OwnersForm, "owners", owner=somebody("Owner"), backup_owner=somebody("Back-up owner"))
LOSS = {"confirm_loss": consent("I understand what will be lost", "yes")}
PROBE = {
    "write_key": write_key("Try a write at", rotation.write_keys),
    "consent": consent("I agree that one mapping is created there and deleted", "yes"),
}


def _page_of(slug: str, system: str) -> CredentialPage:
    if system not in System.values:
        raise Http404
    return CredentialPage(with_credentials_or_404(slug), System(system))


def _show(
    request: HttpRequest,
    shown: CredentialPage,
    *,
    status: int = 200,
    forms: Mapping[str, Any] | None = None,
    **more: Any,
) -> HttpResponse:
    context: dict[str, Any] = {
        "connector": shown.connector,
        "page": shown,
        "job": shown.job,
        "others": [each for each in System if each is not shown.system],
        "form": StageForm(connector=shown.connector, system=shown.system, current=shown.current),
        "owners": OwnersForm(stored=shown.current) if shown.current else None,
        "owner_link": open_link(shown.connector, shown.system),
    }
    return page(request, "connectors/credentials/credential.html", {**context, **(forms or {}), **more}, status=status)


def _address(shown: CredentialPage) -> str:
    return reverse("connector-credential", args=[shown.connector.slug, shown.system.value])


# --- staging ----------------------------------------------------------------------------------------------------------


@requires(Right.CONFIGURE, Right.CONFIGURE, ("GET", "POST"), fresh=STAGE)
def credential(request: HttpRequest, slug: str, system: str) -> HttpResponse:
    """Where the rotation stands and what is next; POST stages a secret beside the one in use."""
    shown = _page_of(slug, system)
    if request.method != "POST":
        return _begin(request, shown)
    form = StageForm(request.POST, connector=shown.connector, system=shown.system, current=shown.current)
    if not form.is_valid():
        return _not_staged(request, shown, form, " ".join(problems_of(form)), status=400)
    try:
        rotation.stage(shown.connector, form.secret_typed, form.staging, actor=person_of(request))
    except Refused as refused:
        return _not_staged(request, _page_of(slug, system), form, str(refused), status=409, sentence=str(refused))
    for note in form.notes:
        messages.info(request, note)
    return redirect(request, _address(shown))


def _begin(request: HttpRequest, shown: CredentialPage) -> HttpResponse:
    typed = kept_form.typed_before(request)
    if not typed:
        return _show(request, shown)
    messages.info(request, f"{TYPED_BEFORE} {CONSENT_AGAIN}" if shown.pending else TYPED_BEFORE)
    form = StageForm(connector=shown.connector, system=shown.system, current=shown.current, typed=typed)
    return _show(request, shown, forms={"form": form})


def _not_staged(
    request: HttpRequest, shown: CredentialPage, form: StageForm, said: str, *, status: int, sentence: str = ""
) -> HttpResponse:
    if request.htmx:  # type: ignore[attr-defined]
        return failure(request, f"Nothing is stored. {said}", status=status)
    return _show(
        request,
        shown,
        status=status,
        forms={"form": form},
        refused={"stage": sentence},
        trouble=f"Nothing is stored. {sentence} {NOT_KEPT}".replace("  ", " "),
    )


# --- acts on what is stored -------------------------------------------------------------------------------------------


@guarded("Probe the new {system} credential of {connector}", PROBE)
def probe(request: HttpRequest, slug: str, system: str) -> HttpResponse:
    def act(shown: CredentialPage, actor: Person) -> None:
        rotation.start_probe(_named(request, shown).uuid, write_key=_consented_key(request), actor=actor)

    return _perform(request, slug, system, "probe", act)


@guarded("Switch {connector} to its new {system} credential", LOSS)
def switch(request: HttpRequest, slug: str, system: str) -> HttpResponse:
    def act(shown: CredentialPage, actor: Person) -> None:
        rotation.switch(
            _named(request, shown).uuid, confirm_loss=text_in(request.POST, "confirm_loss") == "yes", actor=actor
        )

    return _perform(request, slug, system, "switch", act)


@guarded("Discard the pending {system} credential of {connector}")
def discard(request: HttpRequest, slug: str, system: str) -> HttpResponse:
    def act(shown: CredentialPage, actor: Person) -> None:
        rotation.discard(_named(request, shown).uuid, actor=actor)

    return _perform(request, slug, system, "discard", act)


@guarded("Go back to the previous {system} credential of {connector}")
def back(request: HttpRequest, slug: str, system: str) -> HttpResponse:
    """Names the previous credential that was seen, since another one may have taken its place."""

    def act(shown: CredentialPage, actor: Person) -> None:
        seen = _named(request, shown)
        if shown.previous is None or shown.previous != seen:
            raise Refused(shown.why_not_back or "Another credential is the previous one by now: look at it first.")
        rotation.go_back(shown.connector, shown.system, actor=actor)

    return _perform(request, slug, system, "back", act)


@guarded("Destroy the previous {system} credential of {connector}")
def retire(request: HttpRequest, slug: str, system: str) -> HttpResponse:
    def act(shown: CredentialPage, actor: Person) -> None:
        rotation.retire(_named(request, shown).uuid, actor=actor)

    return _perform(request, slug, system, "retire", act)


@guarded("Try the {system} credential of {connector} once more")
def again(request: HttpRequest, slug: str, system: str) -> HttpResponse:
    def act(shown: CredentialPage, actor: Person) -> None:
        rotation.try_again(_named(request, shown), actor=actor)

    return _perform(request, slug, system, "again", act)


@guarded("Change the owners of the {system} credential of {connector}", OWNERS, carried_in(OwnersForm, "owners"))
def owners(request: HttpRequest, slug: str, system: str) -> HttpResponse:
    """Who answers for the current one and when it expires, without a rotation."""
    shown = _page_of(slug, system)
    stored = shown.current
    if stored is None or text_in(request.POST, "owners-credential") != str(stored.uuid):
        return _refused(request, shown, "owners", "Another credential is in use by now: look at it first.")
    form = OwnersForm(request.POST, stored=stored)
    if not form.is_valid():
        return _refused(request, shown, "owners", " ".join(problems_of(form)), status=400, forms={"owners": form})
    try:
        rotation.set_owners(
            stored,
            owner=form.cleaned_data["owner"],
            backup_owner=form.cleaned_data["backup_owner"],
            expires_on=form.cleaned_data["expires_on"],
            actor=person_of(request),
        )
    except Refused as refused:
        return _refused(request, _page_of(slug, system), "owners", str(refused), forms={"owners": form})
    return redirect(request, _address(shown))


def _named(request: HttpRequest, shown: CredentialPage) -> Credential:
    """The one that the form was drawn for. Raises Refused unless it is one of this page's."""
    try:
        uuid = UUID(text_in(request.POST, "credential"))
    except ValueError:
        raise Refused("The request names no credential: reload this page and try again.") from None
    found = Credential.objects.filter(uuid=uuid, connector=shown.connector, system=shown.system).first()
    if found is None:
        raise Refused(GONE)
    return found


def _consented_key(request: HttpRequest) -> str:
    """The key to write to; a key without consent, or consent without a key, is a slip."""
    key, consents = text_in(request.POST, "write_key"), text_in(request.POST, "consent") == "yes"
    if key and not consents:
        raise Refused("Nothing was tried. To try a write at that key, tick that you agree; else choose reading only.")
    if consents and not key:
        raise Refused("Nothing was tried. Choose the key at which a write may be tried, or take the tick away.")
    return key


def _perform(request: HttpRequest, slug: str, system: str, name: str, act: Action) -> HttpResponse:
    shown = _page_of(slug, system)
    try:
        act(shown, person_of(request))
    except Refused as refused:
        return _refused(request, _page_of(slug, system), name, str(refused))
    return redirect(request, _address(shown))


def _refused(
    request: HttpRequest,
    shown: CredentialPage,
    name: str,
    sentence: str,
    *,
    status: int = 409,
    forms: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """Beside the form that was sent, if the page still has it, and on top."""
    if request.htmx:  # type: ignore[attr-defined]
        return failure(request, sentence, status=status)
    return _show(request, shown, status=status, forms=forms, refused={name: sentence}, trouble=sentence)


__all__ = ["again", "back", "credential", "discard", "owners", "probe", "retire", "switch"]

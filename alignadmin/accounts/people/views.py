"""The pages about people: the list, inviting, one person and the acts on them, and joining by a link."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from alignadmin.accounts.acts import Act, Params, Typed, about_person, carried_in, name_of, one_of, shown_in, tick
from alignadmin.accounts.guard import requires
from alignadmin.accounts.models import Person, Role
from alignadmin.accounts.people import directory, invitations
from alignadmin.accounts.people import services as people
from alignadmin.accounts.people.forms import InviteForm, JoinForm, NameForm
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.mail.outbox import NO_SERVER, has_mail
from alignadmin.parsing import text_in
from alignadmin.web.responses import page, redirect

FORM = ("GET", "POST")
View = Callable[..., HttpResponse]
JOINING = "joining"  # the token's hash in the session of whoever follows a link, so that no form's address holds it
SET = "set"  # in the place of the token, once it is in the session


def form_page(act: Act) -> Callable[[View], View]:
    return requires(Right.CONFIGURE, Right.CONFIGURE, FORM, fresh=act)


def post_only(act: Act) -> Callable[[View], View]:
    return requires(Right.CONFIGURE, Right.CONFIGURE, ("POST",), fresh=act)


NAME = Act(does=about_person("Give {} another name"), shown=shown_in(NameForm), carried=carried_in(NameForm))
INVITE = Act(does="Invite a person", shown=shown_in(InviteForm))
SEND_LINK = Act(does=about_person("Send {} a link"))
ROLE = Act(does=about_person("Change the role of {}"), shown={"role": one_of("Role", Role.choices)}, carried=("seen",))
REVIEWS = Act(
    does=about_person("Change whether {} reviews"), shown={"reviews": tick("Reviews, too", "yes")}, carried=("seen",)
)
END_SESSIONS = Act(does=about_person("End all sessions of {}"))
REMOVE_FACTORS = Act(does=about_person("Remove the second factor of {}"))


def _active_words(typed: Typed, params: Params) -> str:
    act = {"yes": "Activate", "no": "Deactivate"}.get(typed.get("active", ""), "Activate or deactivate")
    return f"{act} {name_of(params['pk'])}"


ACTIVE = Act(does=_active_words, carried=("active", "seen"))


# --- looking ----------------------------------------------------------------------------------------------------------


@requires(Right.CONFIGURE)
def listed(request: HttpRequest) -> HttpResponse:
    return page(request, "alignadmin/accounts/people/list.html", {"page": directory.PeoplePage(request.GET.dict())})


@form_page(NAME)
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """One person; a POST gives them another name."""
    found = get_object_or_404(Person, pk=pk)
    if request.method != "POST":
        return _show(request, found)
    form = NameForm(request.POST)
    if not form.is_valid():
        return _show(request, found, form=form, status=400)
    name, seen = form.cleaned_data["name"], form.cleaned_data["seen"]
    return _perform(
        request, found, lambda actor: people.edit(found, name, seen=seen, actor=actor), "The name is saved."
    )


def _show(
    request: HttpRequest, shown: Person, *, form: NameForm | None = None, status: int = 200, **extra: Any
) -> HttpResponse:
    form = form or NameForm(initial={"name": shown.name, "seen": shown.name})
    context = {"page": directory.PersonPage(shown, person_of(request)), "person": shown, "form": form, **extra}
    return page(request, "alignadmin/accounts/people/person.html", context, status=status)


# --- inviting ---------------------------------------------------------------------------------------------------------


@form_page(INVITE)
def new(request: HttpRequest) -> HttpResponse:
    form = InviteForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = people.invite(**form.cleaned_data, actor=person_of(request))
        except Refused as refused:
            form.add_error("email", str(refused))
        else:
            return _invited(request, made)
    status = 400 if form.errors else 200
    return page(request, "alignadmin/accounts/people/new.html", {"form": form, "has_mail": has_mail()}, status=status)


@post_only(SEND_LINK)
def invitation(request: HttpRequest, pk: int) -> HttpResponse:
    """A new link, by e-mail; the one before stops working."""
    found = get_object_or_404(Person, pk=pk)
    try:
        renewed = people.invite_again(found, actor=person_of(request))
    except Refused as refused:
        return _refused(request, found, refused)
    return _invited(request, renewed)


def _invited(request: HttpRequest, invited: Person) -> HttpResponse:
    """Without a mail server the link stands in this one answer, and is kept nowhere."""
    if not has_mail():
        return page(
            request,
            "alignadmin/accounts/people/link.html",
            {"person": invited, "link": people.invitation_link(invited)},
        )
    messages.success(request, f"An e-mail with the link is queued for {invited.email}.")
    return redirect(request, _address(invited))


# --- acting -----------------------------------------------------------------------------------------------------------


@post_only(ROLE)
def role(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Person, pk=pk)
    chosen, seen = text_in(request.POST, "role"), text_in(request.POST, "seen")
    return _perform(
        request, found, lambda actor: people.set_role(found, chosen, seen=seen, actor=actor), "The role is set."
    )


@post_only(REVIEWS)
def reviews(request: HttpRequest, pk: int) -> HttpResponse:
    """Whether an admin may review, too."""
    found = get_object_or_404(Person, pk=pk)
    chosen, seen = text_in(request.POST, "reviews") == "yes", text_in(request.POST, "seen") == "yes"
    done = f"{found} may {'review, too' if chosen else 'not review'}."
    return _perform(request, found, lambda actor: people.set_reviews(found, chosen, seen=seen, actor=actor), done)


@form_page(ACTIVE)
def active(request: HttpRequest, pk: int) -> HttpResponse:
    """The page lists what is passed on before anybody confirms; `seen` is the key of that list."""
    found = get_object_or_404(Person, pk=pk)
    if request.method != "POST":
        return page(
            request, "alignadmin/accounts/people/active.html", {"page": directory.PersonPage(found, person_of(request))}
        )
    chosen, seen = text_in(request.POST, "active"), text_in(request.POST, "seen")
    if chosen == "yes":
        return _perform(request, found, lambda actor: people.activate(found, actor=actor), f"{found} is active again.")
    if chosen == "no":
        return _deactivate(request, found, seen)
    sentence = "The request does not say whether to activate or to deactivate."
    return _show(request, found, trouble=sentence, status=400)


def _deactivate(request: HttpRequest, found: Person, seen: str) -> HttpResponse:
    try:
        given = people.deactivate(found, seen=seen, actor=person_of(request))
    except Refused as refused:
        return _refused(request, found, refused)
    messages.success(request, f"{found} is deactivated and signed out everywhere.")
    if not given.lines:
        return redirect(request, _address(found))
    return page(request, "alignadmin/accounts/people/succession.html", {"person": found, "succession": given})


@post_only(END_SESSIONS)
def sessions(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Person, pk=pk)
    return _perform(request, found, lambda actor: people.end_sessions(found, actor=actor), f"{found} is signed out.")


@post_only(REMOVE_FACTORS)
def factors(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove the second factors of somebody who has lost them; they are told by e-mail."""
    found, actor = get_object_or_404(Person, pk=pk), person_of(request)
    try:
        people.remove_factors(found, actor=actor)
    except Refused as refused:
        return _refused(request, found, refused)
    messages.success(request, f"The second factor of {found} is removed, and {found} is signed out.")
    if not has_mail():
        messages.warning(request, f"{found} was not told by e-mail: {NO_SERVER}. Tell them yourself.")
    return redirect(request, _address(found))


def _perform(request: HttpRequest, found: Person, act: Callable[[Person], object], done: str) -> HttpResponse:
    try:
        act(person_of(request))
    except Refused as refused:
        return _refused(request, found, refused)
    messages.success(request, done)
    return redirect(request, _address(found))


def _refused(request: HttpRequest, found: Person, refused: Refused) -> HttpResponse:
    """The page as it stands now, so that a decision can be made again on what holds."""
    found.refresh_from_db()
    return _show(request, found, trouble=str(refused), status=409)


def _address(found: Person) -> str:
    return reverse("person", args=[found.pk])


# --- joining ----------------------------------------------------------------------------------------------------------


@requires(Right.PUBLIC, methods=FORM)
def join(request: HttpRequest, uid: str, token: str) -> HttpResponse:
    """Whoever has the link sets the password. The answer to a dead one does not tell what was wrong with it."""
    if token != SET:
        token_hash = invitations.hash_of(token)
        if invitations.invited(uid, token_hash):  # else nothing is kept: strangers would fill the table of sessions
            request.session[JOINING] = token_hash
        return redirect(request, reverse("person-join", args=[uid, SET]))
    kept = str(request.session.get(JOINING, ""))
    found = invitations.invited(uid, kept)
    if found is None:
        return page(request, "account/join.html", {"dead": people.DEAD_LINK})
    form = JoinForm(request.POST if request.method == "POST" else None, person=found)
    if request.method == "POST" and form.is_valid():
        return _join(request, uid, kept, form.cleaned_data["password"])
    return page(request, "account/join.html", {"form": form, "person": found}, status=400 if form.errors else 200)


def _join(request: HttpRequest, uid: str, kept: str, password: str) -> HttpResponse:
    try:
        people.join(uid, kept, password)
    except Refused as refused:
        return page(request, "account/join.html", {"dead": str(refused)})
    del request.session[JOINING]
    messages.success(request, "Your password is set. Sign in with it.")
    return redirect(request, reverse("account_login"))

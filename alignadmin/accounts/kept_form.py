"""A form that was sent with a sign-in too old for its act: sealed for five minutes, until its person has confirmed.

It is shown again for one click (alignadmin.accounts.signin.confirm_views) and never sent by itself. There is one for a
session: the last. What `Act` does not name is not kept, and a secret never is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, QueryDict
from django.urls import Resolver404, ResolverMatch, resolve, reverse
from django.utils import timezone

from alignadmin import sealing
from alignadmin.accounts.acts import ACTOR, Act, Pair, shortened
from alignadmin.accounts.models import Person
from alignadmin.accounts.recent_sign_in import is_fresh, page_to_return_to
from alignadmin.accounts.rights import may
from alignadmin.parsing import plain, text_in

KEPT = "kept_form"  # in the session
KEPT_FOR = 5 * 60  # seconds
MOST_KEPT = 32 * 1024  # bytes of what is sealed
TOO_LARGE = "It was larger than {} KB, and that much is not kept."
UNKNOWN = "It has fields that this page does not know, and those are not kept."
TWICE = "It has a field twice, and that is not kept."


@dataclass(frozen=True, kw_only=True)
class KeptForm:
    """`pairs` as the form sent them, without secrets. `left_out`: labels of what has to be entered once more;
    `why_not`: why nothing of it was kept. With either it cannot be sent from here."""

    person: int
    address: str
    page: str
    title: str
    pairs: list[Pair]
    left_out: list[str]
    why_not: str
    replaced: str  # the title of another one that was waiting, and is not any more
    until: float  # seconds since 1970

    @property
    def is_whole(self) -> bool:
        return not self.left_out and not self.why_not

    @property
    def match(self) -> ResolverMatch | None:
        """The view it is for; None where that is none which asks for a recent sign-in."""
        try:
            found = resolve(self.address.partition("?")[0])
        except Resolver404:
            return None
        return found if act_of(found) and "POST" in found.func.rule[2] else None  # type: ignore[attr-defined]

    @property
    def form_page(self) -> str:
        """Where it is filled in: its own address if that is a page, else the page it was sent from."""
        is_page = self.match is not None and "GET" in self.match.func.rule[2]  # type: ignore[attr-defined]
        return self.address if is_page else self.page


def act_of(found: ResolverMatch) -> Act | None:
    act = getattr(found.func, "act", None)
    return act if isinstance(act, Act) else None


# --- keeping ----------------------------------------------------------------------------------------------------------


def keep(request: HttpRequest, act: Act, params: Mapping[str, Any], person: Person) -> KeptForm:
    """In place of one that was waiting. Nothing of the form is written down anywhere else."""
    before = waiting(request)
    kept, left_out, why_not = _may_wait(act, _sent(request), request)
    made = KeptForm(
        person=person.pk,
        address=request.get_full_path(),
        page=_page_of(request, before),
        title=title_of(request, act, params, person),
        pairs=kept,
        left_out=left_out,
        why_not=why_not,
        replaced=before.title if before and (before.address, before.pairs) != (request.get_full_path(), kept) else "",
        until=timezone.now().timestamp() + KEPT_FOR,
    )
    if len(json.dumps(asdict(made))) > MOST_KEPT:  # ASCII, so these are bytes
        made = replace(made, pairs=[], why_not=TOO_LARGE.format(MOST_KEPT // 1024))
    sealed = sealing.seal(json.dumps(asdict(made)), bound_to=_bound_to(person.pk, made.until))
    request.session[KEPT] = {"sealed": sealed, "until": made.until}
    return made


def title_of(request: HttpRequest, act: Act, params: Mapping[str, Any], person: Person) -> str:
    """What the act does, also of a form of which nothing is kept."""
    return shortened(act.title(dict(_declared(act, _sent(request))), {**params, ACTOR: person.pk}))


def _sent(request: HttpRequest) -> list[Pair]:
    return [(plain(name), plain(value)) for name, values in request.POST.lists() for value in values]


def _may_wait(act: Act, pairs: list[Pair], request: HttpRequest) -> tuple[list[Pair], list[str], str]:
    """What is kept, what has to be entered again, and why nothing is kept."""
    left_out = [label for name, value in pairs if (label := act.secret_label(name, value))]
    left_out += [f"the file of {shortened(name)}" for name in request.FILES]
    left_out = list(dict.fromkeys(left_out))
    if any(not act.knows(name) for name, _ in pairs):
        return [], left_out, UNKNOWN
    if len(pairs) > len(request.POST):  # a view takes the last one: what is shown of both would be something else
        return [], left_out, TWICE
    if left_out and not act.refills:
        return [], left_out, ""
    return _declared(act, pairs), left_out, ""


def _declared(act: Act, pairs: list[Pair]) -> list[Pair]:
    """Those that may be kept, without what is a secret after all."""
    return [(name, value) for name, value in pairs if act.may_keep(name) and not act.secret_label(name, value)]


def _page_of(request: HttpRequest, before: KeptForm | None) -> str:
    """What was sent from the page that confirms came from another one in the first place."""
    page = page_to_return_to(request)
    if page.partition("?")[0] == reverse("account_confirm"):
        return before.page if before else "/"
    return page


def _bound_to(person: int, until: float) -> str:
    return f"session|kept form|person {person}|until {until}"


# --- what is waiting --------------------------------------------------------------------------------------------------


def waiting(request: HttpRequest) -> KeptForm | None:
    """The form of this person that waits in this session; what is over, or does not open for them, is forgotten.

    Of what is over it stays known that there was one, so that its person is not told that it was sent.
    """
    stored = request.session.get(KEPT)
    if stored is None:
        return None
    found = _opened(stored, request.user)
    if found is None and is_over(stored):
        forget_if_over(request.session)
    elif found is None:
        forget(request.session)
    return found


def _opened(stored: Any, person: Any) -> KeptForm | None:
    if not isinstance(person, Person) or is_over(stored):
        return None
    try:
        text = sealing.unseal(stored["sealed"], bound_to=_bound_to(person.pk, stored["until"]))
    except sealing.DoesNotOpen:  # of somebody else, or with a key that is gone
        return None
    data = json.loads(text)
    try:
        return KeptForm(**{**data, "pairs": [(name, value) for name, value in data["pairs"]]})
    except (KeyError, TypeError):  # of the release before, whose forms had other fields
        return None


def is_over(stored: Mapping[str, Any]) -> bool:
    return timezone.now().timestamp() > float(stored["until"])


def forget(session: SessionBase) -> None:
    session.pop(KEPT, None)


def forget_if_over(session: SessionBase) -> None:
    """With the activity of a session that is noted anyway: of what nobody came back for only the time stays."""
    if "sealed" in session.get(KEPT, {}) and is_over(session[KEPT]):
        session[KEPT] = {"until": session[KEPT]["until"]}


def used(request: HttpRequest) -> None:
    """Its act is being done, from the page that confirms or from its own: either way it waits no longer.

    Another form to the same address leaves it waiting; of one that missed something any is its completion.
    """
    found = waiting(request) if KEPT in request.session else None
    if found is None or found.address.partition("?")[0] != request.path:
        return
    act = found.match and act_of(found.match)
    if not (act and found.is_whole) or sorted(_declared(act, _sent(request))) == sorted(found.pairs):
        forget(request.session)


def is_allowed(found: KeptForm, person: Person) -> bool:
    """Whether its person may still do it; the view itself asks once more."""
    match = found.match
    if match is None:
        return False
    read, write, _ = match.func.rule  # type: ignore[attr-defined]
    return may(person, read) and may(person, write or read)


def typed_before(request: HttpRequest) -> QueryDict:
    """What was kept of the form of this very page, so that only its secrets are typed again; empty without any.

    A page that is read without a proof shows it to nobody but who has just given one.
    """
    typed = QueryDict(mutable=True)
    asked = KEPT in request.session and text_in(request.GET, "again") and is_fresh(request)
    found = waiting(request) if asked else None
    if found and found.address.partition("?")[0] == request.path:
        for name, value in found.pairs:
            typed.appendlist(name, value)
    return typed

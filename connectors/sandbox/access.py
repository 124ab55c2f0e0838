"""Edits of who may sign in and what with: tokens, their rights, and their users."""

from typing import Any
from zoneinfo import available_timezones

from . import languages, seed, users
from .messages import Json
from .permissions import KNOWN
from .world import Token, World

SITES = ("align", "jira")


def add_token(world: World, edit: Json) -> Json:
    token = Token(
        site=_site(edit),
        token=edit["token"],
        user=edit.get("user", seed.ADMIN),
        projects=edit.get("projects"),
    )
    return _put(world, _changed(token, edit))


def set_token(world: World, edit: Json) -> Json:
    return _put(world, _changed(_token(world, edit), edit))


def revoke_token(world: World, edit: Json) -> Json:
    token = _token(world, edit)
    world.store.drop("token", _key(token))
    return _shown(token)


def regenerate_token(world: World, edit: Json) -> Json:
    """As a person does it at the site: the old token is gone at the same moment."""
    old = _token(world, edit)
    new = Token(**{**old, "token": edit["new_token"], "expired": False})
    world.store.drop("token", _key(old))
    return _put(world, new)


def deactivate_user(world: World, edit: Json) -> Json:
    site, user = _site(edit), edit["user"]
    dead = [token for token in world.tokens(site) if token["user"] == user]
    if not dead:
        raise ValueError(f"there is no user {user} with a token")
    for token in dead:
        world.store.drop("token", _key(token))
    return {"site": site, "user": user, "tokens": len(dead)}


def unlock_user(world: World, edit: Json) -> Json:
    if not users.forget_refused(world, edit["user"]):
        raise ValueError(f"no sign-in of {edit['user']} was refused")
    return {"user": edit["user"]}


def _put(world: World, token: Token) -> Json:
    world.store.put("token", _key(token), token)
    return _shown(token)


def _key(token: Token) -> str:
    return f"{token['site']} {token['token']}"


def _shown(token: Token) -> Json:
    return {name: value for name, value in token.items() if name != "token"}


def _site(edit: Json) -> str:
    if edit["site"] not in SITES:
        raise ValueError("site is align or jira")
    return str(edit["site"])


def _token(world: World, edit: Json) -> Token:
    found: Token | None = world.store.get("token", f"{_site(edit)} {edit['token']}")
    if found is None:
        raise ValueError("there is no such token")
    return found


def _changed(token: Token, edit: Json) -> Token:
    """The token with what the edit names set anew. ValueError says what is wrong."""
    checks = {
        "rights": _rights,
        "projects": _projects,
        "portfolio": _portfolio,
        "permissions": _permissions,
        "global_admin": _truth,
        "expired": _truth,
        "language": _language,
        "zone": _zone,
    }
    values = {name: check(name, edit[name]) for name, check in checks.items() if name in edit}
    return Token(**{**token, **values})  # type: ignore[typeddict-item]  # each value was checked by name


def _rights(name: str, value: Any) -> Any:
    if not isinstance(value, list) or not set(value) <= set(users.RIGHTS):
        raise ValueError(f"{name} is a list out of {', '.join(users.RIGHTS)}")
    return value


def _projects(name: str, value: Any) -> Any:
    if value is not None and not isinstance(value, list):
        raise ValueError(f"{name} is a list of project keys, or null for all")
    return value


def _portfolio(name: str, value: Any) -> Any:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise ValueError(f"{name} is the id of a portfolio, or null for all")
    return value


def _permissions(name: str, value: Any) -> Any:
    if not isinstance(value, dict) or not set(value) <= set(KNOWN) - {"ADMINISTER"}:
        raise ValueError(f"{name} maps {', '.join(sorted(set(KNOWN) - {'ADMINISTER'}))}; for ADMINISTER: global_admin")
    if not all(isinstance(granted, bool | list) for granted in value.values()):
        raise ValueError(f"each of {name} is true, false or a list of project keys")
    return value


def _language(name: str, value: Any) -> Any:
    if value not in languages.KNOWN:
        raise ValueError(f"{name} is one of {', '.join(languages.KNOWN)}")
    return value


def _zone(name: str, value: Any) -> Any:
    if value not in available_timezones():
        raise ValueError(f"{name} is a time zone, as Europe/Berlin")
    return value


def _truth(name: str, value: Any) -> Any:
    if not isinstance(value, bool):
        raise ValueError(f"{name} is true or false")
    return value

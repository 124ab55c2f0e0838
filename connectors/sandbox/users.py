"""Who a token belongs to, what it may do, and the lock of Data Center against guessing."""

import hashlib

from . import seed
from .world import Token, World

RIGHTS = ("read", "write")
REFUSALS_UNTIL_LOCKED = 3


def display_name(user: str) -> str:
    """'sync.bot@sandbox.test' as 'Sync Bot'."""
    if user == seed.ADMIN:
        return "Workspace Admin"
    words = user.partition("@")[0].replace("-", ".").replace("_", ".").split(".")
    return " ".join(word.capitalize() for word in words if word) or user


def email(user: str) -> str:
    return user if "@" in user else f"{user}@sandbox.test"


def number(user: str) -> int:
    """Align's id of a user; the same in every run."""
    return 1 if user == seed.ADMIN else 1000 + int(_digest(user)[:6], 16)


def account(user: str) -> str:
    """Cloud's account id of a user; the same in every run."""
    return "5b10ac8d82e05b22cc7d4ef5" if user == seed.ADMIN else _digest(user)[:24]


def _digest(user: str) -> str:
    return hashlib.sha256(user.encode()).hexdigest()


def may(token: Token, right: str) -> bool:
    rights = token.get("rights")
    return rights is None or right in rights


def is_alive(token: Token) -> bool:
    return not token.get("expired", False)


# -- refused Basic sign-ins of Data Center ---------------------------------------------------------


def is_locked(world: World, user: str) -> bool:
    held = world.store.get("refused", user)
    return held is not None and held["times"] >= REFUSALS_UNTIL_LOCKED


def count_refused(world: World, user: str) -> None:
    held = world.store.get("refused", user)
    world.store.put("refused", user, {"user": user, "times": (held["times"] if held else 0) + 1})


def forget_refused(world: World, user: str) -> bool:
    """Whether there was anything to forget."""
    held = world.store.get("refused", user)
    if held is not None:
        world.store.drop("refused", user)
    return held is not None

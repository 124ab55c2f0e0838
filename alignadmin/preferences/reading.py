"""Reading what is chosen: one query, once for each request or turn of a worker, and again after 30 seconds of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import TypeVar

from alignadmin.preferences.models import InstallationChoice

KEPT_FOR = 30.0  # seconds; a turn of a worker may be an apply of many minutes

Answer = TypeVar("Answer")


@dataclass(kw_only=True)
class _Turn:
    """What one request, or one turn of a worker, has read; nothing until it is asked for."""

    choices: Mapping[str, InstallationChoice] | None = None
    read_at: float = 0.0  # of the monotonic clock


_turn: ContextVar[_Turn | None] = ContextVar("choices of this turn", default=None)


@contextmanager
def one_turn() -> Iterator[None]:
    """For one request or one turn, in its thread. Outside of it each question is a query."""
    token = _turn.set(_Turn())
    try:
        yield
    finally:
        _turn.reset(token)


def in_one_turn(work: Callable[[], Answer]) -> Callable[[], Answer]:
    @wraps(work)
    def within() -> Answer:
        with one_turn():
            return work()

    return within


def chosen() -> Mapping[str, InstallationChoice]:
    """By key. What another process has stored is seen by the next turn, and within 30 seconds in this one."""
    turn = _turn.get()
    if turn is None:
        return InstallationChoice.objects.in_bulk()
    if turn.choices is None or time.monotonic() - turn.read_at > KEPT_FOR:
        turn.choices, turn.read_at = InstallationChoice.objects.in_bulk(), time.monotonic()
    return turn.choices


def forget() -> None:
    """After a change, so that the rest of the turn reads it."""
    if (turn := _turn.get()) is not None:
        turn.choices = None

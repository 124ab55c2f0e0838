"""What an authenticator app does, by RFC 6238, and a clock for it that stands still."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth

from alignadmin.accounts.models import Person

PERIOD = 30
SECRET = base64.b32encode(b"twenty bytes of seed").decode()


def code_of(secret: str, counter: int) -> str:
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", counter), hashlib.sha1).digest()
    start = digest[-1] & 15
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFF_FFFF
    return f"{number % 1_000_000:06}"


def code_now(secret: str) -> str:
    """By the real time; not in the last seconds of a period, when it would be old on arrival."""
    left = PERIOD - time.time() % PERIOD
    if left < 5:
        time.sleep(left + 0.1)
    return code_of(secret, int(time.time()) // PERIOD)


@dataclass
class Clock:
    """The product's and the app's time, in periods of 30 seconds."""

    counter: int = 59_000_000

    def code(self, secret: str = SECRET) -> str:
        return code_of(secret, self.counter)

    def next_code(self, secret: str = SECRET) -> str:
        self.counter += 1
        return self.code(secret)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()

    def counters() -> Iterator[int]:
        for step in range(-app_settings.TOTP_TOLERANCE, app_settings.TOTP_TOLERANCE + 1):
            yield clock.counter + step

    monkeypatch.setattr(auth, "yield_hotp_counters_from_time", counters)
    return clock


def app_of(person: Person, secret: str = SECRET) -> Authenticator:
    """As if the person had scanned this secret long ago."""
    return auth.TOTP.activate(person, secret).instance

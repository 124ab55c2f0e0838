"""The secrets that a client under way signs in with, one after the other."""

from __future__ import annotations

import threading

from requests import PreparedRequest

from alignadmin.http.auth import Auth


class Held:
    """How a remote signs in while its secret may be replaced: knows what each thread sent last, strikes out all."""

    def __init__(self, pk: int, auth: Auth) -> None:
        self.pk = pk
        self._auths = {pk: auth}
        self._thread = threading.local()

    def take(self, pk: int, auth: Auth) -> None:
        self._auths[pk] = auth
        self.pk = pk

    @property
    def sent(self) -> int:
        """The credential that this thread's last request was signed in with."""
        return getattr(self._thread, "pk", self.pk)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        self._thread.pk = pk = self.pk
        return self._auths[pk](request)

    def redact(self, text: str) -> str:
        for auth in list(self._auths.values()):
            text = auth.redact(text)
        return text

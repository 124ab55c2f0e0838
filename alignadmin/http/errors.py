"""What can go wrong between us and a remote system, each with a sentence that people can act on.

RemoteError                  status, sentence, detail (the site's own text), permanent
|-- BadRequest               400, 409, 422 and every other 4xx without a class of its own
|-- SignInRefused            401, and a 403 that says that the sign-in itself was denied
|-- Forbidden                403, and a 401 that says that only a scope of the token is missing
|-- NotFound                 404
|-- RateLimited              429, or no slot became free, for longer than our patience
|-- ServerFailed             5xx (reads only: a write that got one is OutcomeUnknown)
|-- Unreachable              no such host, refused, timed out, cut off, certificate not trusted
|-- NotJson                  a web page, a redirect, truncated or oversized content
|   `-- Malformed            JSON, but a field is missing or has the wrong type
|-- AddressRefused           our guard: not https, user info, private or link-local address
|-- ReadOnlyRefused          our guard: a client for reading was asked to write
`-- OutcomeUnknown           a write left, and nobody can say yet whether it took effect
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Self


class RemoteError(Exception):
    """Base of the tree. `sentence` says what happened, what to do and the site's own reason, and is safe to show.

    `detail` is that reason alone, `unnamed` the sentence without what was being read. `retry_after`: for how many
    seconds the site asks to be left alone, if it does.
    """

    lasting: ClassVar[bool] = True

    def __init__(
        self,
        sentence: str,
        *,
        status: int | None = None,
        detail: str = "",
        permanent: bool | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(sentence)
        self.sentence = self.unnamed = sentence
        self.status = status
        self.detail = detail
        self.permanent = self.lasting if permanent is None else permanent
        self.retry_after = retry_after

    def while_reading(self, what: str) -> Self:
        """The same with what was being read in front: "Process flows: ..."."""
        named = copy.copy(self)
        named.sentence, named.unnamed = f"{what}: {self.sentence}", self.unnamed
        named.args = (named.sentence,)
        return named


@contextmanager
def reading(what: str) -> Iterator[None]:
    """What fails inside says that it was this that was being read."""
    try:
        yield
    except RemoteError as error:
        raise error.while_reading(what) from error


class BadRequest(RemoteError):
    """The site understood the request and does not accept it; `detail` is its own reason."""


class SignInRefused(RemoteError):
    """Never repeated automatically: repeated failures lock the account."""


class Forbidden(RemoteError):
    pass


class NotFound(RemoteError):
    pass


class RateLimited(RemoteError):
    lasting = False


class ServerFailed(RemoteError):
    lasting = False


class Unreachable(RemoteError):
    lasting = False


class NotJson(RemoteError):
    pass


class Malformed(NotJson):
    pass


class AddressRefused(RemoteError):
    pass


class ReadOnlyRefused(RemoteError):
    pass


class OutcomeUnknown(RemoteError):
    """Settle it by reading; never by sending again."""

    lasting = False

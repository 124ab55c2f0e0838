"""How a request is signed in. The objects hide their secret from repr and can strike it out of any text."""

import base64
import json
import re
from typing import Protocol
from urllib.parse import quote

from requests import PreparedRequest
from requests.auth import AuthBase

_STRUCK = "[secret]"


class Auth(Protocol):
    def __call__(self, request: PreparedRequest) -> PreparedRequest: ...

    def redact(self, text: str) -> str: ...


class BadToken(ValueError):
    """The text is a sentence for people and never holds the token."""


def clean_token(token: str) -> tuple[str, str | None]:
    """The token without what people paste around it, and a note when a prefix was dropped. Raises BadToken."""
    cleaned = token.strip()
    without = re.sub(r"^(authorization:\s*)?bearer(\s+|$)", "", cleaned, flags=re.IGNORECASE)
    if not without:
        raise BadToken("Enter a token.")
    if re.search(r"[\x00-\x20\x7f]", without):
        raise BadToken("The token contains a space, a line break or a control character. Copy it again in one piece.")
    if not without.isascii():
        raise BadToken("The token contains a character that no token has, such as a typographic quote. Copy it again.")
    note = "The word bearer in front of the token was dropped." if without != cleaned else None
    return without, note


class _Secret(AuthBase):
    """Keeps the header's value; subclasses say how it is made."""

    def __init__(self, header: str, *secrets: str) -> None:
        self._header = header
        self._secrets = sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = self._header
        return request

    def __repr__(self) -> str:
        return f"{type(self).__name__}({_STRUCK})"

    def redact(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _STRUCK)
        return text


class Bearer(_Secret):
    """`Authorization: bearer <token>`: Align's own tokens, and personal access tokens of Jira Data Center."""

    def __init__(self, token: str) -> None:
        token, _ = clean_token(token)
        super().__init__(f"bearer {token}", token)


class Basic(_Secret):
    """User name and token (or password); UTF-8, since Data Center passwords may hold any letter."""

    def __init__(self, user: str, token: str) -> None:
        if ":" in user or re.search(r"[\x00-\x1f\x7f]", user + token):
            raise BadToken("A user name has no colon, and neither it nor the token has line breaks. Enter them again.")
        encoded = base64.b64encode(f"{user}:{token}".encode()).decode()
        super().__init__(f"Basic {encoded}", token, encoded)


def _forms(secret: str) -> set[str]:
    """A site may echo a secret as it is, in an address, or in JSON."""
    forms = {secret, quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1]}
    return forms - {""}

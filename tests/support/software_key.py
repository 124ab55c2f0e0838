"""A security key in software: what a browser's script sends after asking one, by WebAuthn level 2."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2.cose import ES256
from fido2.utils import sha256, websafe_decode, websafe_encode
from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

HOST = "testserver"
SEEN, HOLDS_KEY = AuthenticatorData.FLAG.UP, AuthenticatorData.FLAG.AT
KNOWS_OWNER = AuthenticatorData.FLAG.UV


@dataclass
class SoftwareKey:
    identity: bytes = field(default_factory=lambda: os.urandom(32))
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    has_checked_its_owner: bool = False  # by PIN, fingerprint or face
    person: bytes = b""  # as the site called the owner when the key was added; told where the site asks for nobody

    @property
    def seen(self) -> AuthenticatorData.FLAG:
        return SEEN | KNOWS_OWNER if self.has_checked_its_owner else SEEN

    def added(self, options: dict[str, Any], *, host: str = HOST) -> str:
        """The answer to the question of the page that adds a key."""
        public = ES256.from_cryptography_key(self.private.public_key())  # type: ignore[no-untyped-call]
        data = AttestedCredentialData.create(Aaguid.NONE, self.identity, public)
        self.person = websafe_decode(options["creation_options"]["publicKey"]["user"]["id"])
        authenticator = AuthenticatorData.create(sha256(host.encode()), self.seen | HOLDS_KEY, 0, data)
        client = self._client("webauthn.create", options["creation_options"], host)
        attestation = AttestationObject.create("none", authenticator, {})
        return self._answer(clientDataJSON=client, attestationObject=attestation)

    def signed(self, options: dict[str, Any], *, host: str = HOST, forged: bool = False) -> str:
        """The answer to the question of a page that asks for a key."""
        authenticator = AuthenticatorData.create(sha256(host.encode()), self.seen, 1)
        client = self._client("webauthn.get", options["request_options"], host)
        signer = ec.generate_private_key(ec.SECP256R1()) if forged else self.private
        signature = signer.sign(bytes(authenticator) + sha256(client), ec.ECDSA(SHA256()))
        owner = (
            {"userHandle": self.person} if not options["request_options"]["publicKey"].get("allowCredentials") else {}
        )
        return self._answer(clientDataJSON=client, authenticatorData=authenticator, signature=signature, **owner)

    def _client(self, kind: str, options: dict[str, Any], host: str) -> bytes:
        challenge = options["publicKey"]["challenge"]
        return bytes(CollectedClientData.create(kind, challenge, f"http://{host}"))

    def _answer(self, **response: bytes) -> str:
        identity = websafe_encode(self.identity)
        encoded = {name: websafe_encode(bytes(value)) for name, value in response.items()}
        answer = {"id": identity, "rawId": identity, "type": "public-key", "response": encoded}
        return json.dumps(answer | {"clientExtensionResults": {}})

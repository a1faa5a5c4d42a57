"""Entrances for what an identity provider says: tokens, and the keys that it publishes."""

import base64
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from service.access.issuer import IssuerKeys
from service.access.tokens import Tokens
from service.errors import IssuerUnavailable, Unauthenticated
from tests.fuzz.entrances.base import Entrance, must
from tests.fuzz.mutate import Shake
from tests.service.access.issuing import published, rsa_key

ISSUER = "https://issuer.example"
ROLES = ("analyst", "admin")


@cache
def _signers() -> dict[str, Any]:
    return {
        "ec": (ec.generate_private_key(ec.SECP256R1()), "ES256"),
        "ed": (ed25519.Ed25519PrivateKey.generate(), "EdDSA"),
        "rsa": (rsa_key(), "RS256"),
    }


def _documents() -> dict[str, Any]:
    keys = [{**published(signer), "kid": kid, "use": "sig"} for kid, (signer, _) in _signers().items()]
    return {
        f"{ISSUER}/.well-known/openid-configuration": {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"},
        f"{ISSUER}/keys": {"keys": keys},
    }


def _tokens(documents: dict[str, Any]) -> Tokens:
    def fetch(url: str) -> dict[str, Any]:
        found = documents.get(url)
        if not isinstance(found, dict):
            raise IssuerUnavailable("nothing is there")
        return found

    return Tokens(
        IssuerKeys(ISSUER, fetch=fetch), audience="sightline", claim="realm.roles", roles=ROLES, leeway=30
    )


def _claims() -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "iss": ISSUER,
        "aud": ["sightline", "other"],
        "sub": "ada",
        "exp": int((now + timedelta(hours=1)).timestamp()),
        "iat": int(now.timestamp()),
        "nbf": int(now.timestamp()),
        "realm": {"roles": ["analyst"]},
    }


class BearerTokens(Entrance):
    """Tokens: an identity with no roles but those that are mapped, or Unauthenticated.

    Half of the changed ones are signed anew, as if the provider itself had gone mad: else all would end at
    the signature.
    """

    name = "tokens"
    watched = ("service.access",)
    tokens = (b"none", b"HS256", b"ES256", b"RS256", b"kid", b"alg", b"crit", b"jwk", b"sub", b"exp", b".")
    share = 30
    chunk = 2500
    few = 100

    @classmethod
    def prepare(cls) -> None:
        _signers()

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._checks = _tokens(_documents())

    def seeds(self) -> list[bytes]:
        return [
            jwt.encode(_claims(), signer, algorithm=algorithm, headers={"kid": kid}).encode()
            for kid, (signer, algorithm) in _signers().items()
        ]

    def change(self, shake: Shake, data: bytes, other: bytes) -> bytes:
        chance = shake.random.random()
        kid = shake.random.choice(("ec", "ec", "ec", "ed", "ed", "rsa"))
        signer, algorithm = _signers()[kid]
        if chance < 0.3:
            return shake.havoc(data, other)
        header = {"alg": algorithm, "kid": kid, "typ": "JWT"}
        claims: Any = _claims()
        if chance < 0.6:
            header = shake.document(header)
        if chance > 0.5:
            claims = shake.document(claims)
        parts = [_encoded(shake.dumped(header)), _encoded(shake.dumped(claims))]
        signing = jwt.get_algorithm_by_name(algorithm)
        return b".".join([*parts, _encoded(signing.sign(b".".join(parts), signer))])

    def check(self, data: bytes) -> str:
        try:
            found = self._checks.check(data.decode(errors="replace"))
        except Unauthenticated:
            return "refused"
        must(found.roles <= set(ROLES), "a role that is not mapped")
        must(0 < len(found.subject) <= 255 and found.subject.isprintable(), "a subject that is none")
        must(found.expires_at > datetime.now(UTC) - timedelta(minutes=2), "an end that is over")
        return "taken"


class PublishedKeys(Entrance):
    """Documents of an issuer: keys that can be used, or IssuerUnavailable; never keys of another kind."""

    name = "issuer-keys"
    watched = ("service.access",)
    tokens = (
        b"RSA",
        b"EC",
        b"OKP",
        b"oct",
        b"P-256",
        b"secp256k1",
        b"Ed448",
        b"AQAB",
        b"kty",
        b"crv",
        b"HS256",
    )
    share = 40
    chunk = 5000
    few = 100

    @classmethod
    def prepare(cls) -> None:
        _signers()

    def seeds(self) -> list[bytes]:
        documents = _documents()
        both = [json.dumps(documents).encode()]
        return both + [
            json.dumps({**documents, f"{ISSUER}/keys": {"keys": [key]}}).encode()
            for key in documents[f"{ISSUER}/keys"]["keys"]
        ]

    def change(self, shake: Shake, data: bytes, other: bytes) -> bytes:
        return shake.json(data, other)

    def check(self, data: bytes) -> str:
        try:
            documents = json.loads(data)
        except (ValueError, RecursionError):
            return "no JSON"
        if not isinstance(documents, dict):
            return "no JSON"
        keys = IssuerKeys(ISSUER, fetch=lambda url: _fetched(documents, url))
        token = self.token()
        checks = Tokens(keys, audience="sightline", claim="realm.roles", roles=ROLES, leeway=30)
        try:
            key = keys.key("ec")
            checks.check(token)
        except IssuerUnavailable:
            return "unavailable"
        except Unauthenticated:
            return "refused"
        must(key is not None and key.key_type in {"RSA", "EC", "OKP"}, "a key of another kind")
        return "taken"

    @staticmethod
    @cache
    def token() -> str:
        signer, algorithm = _signers()["ec"]
        return jwt.encode(_claims(), signer, algorithm=algorithm, headers={"kid": "ec"})


def _fetched(documents: dict[str, Any], url: str) -> dict[str, Any]:
    found = documents.get(url)
    if not isinstance(found, dict):
        raise IssuerUnavailable("nothing is there")
    return found


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")

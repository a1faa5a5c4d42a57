"""A tiny OpenID Connect issuer on this machine, with keys of its own."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from tests.waiting import take_time

AUDIENCE = "sightline"
Signer = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass
class Issuer:
    """What the issuer publishes, and what it was asked."""

    url: str
    signers: dict[str, Signer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    instead: bytes | None = None  # answered in place of the keys
    described: dict[str, Any] = field(default_factory=dict)  # changes of the discovery document
    moved: str | None = None  # the path of a document that is answered with a redirect to `/moved`
    pause: float = 0.0  # seconds before each byte of an answer

    def documents(self) -> dict[str, bytes]:
        """What it serves, by path."""
        keys = [{**published(signer), "kid": kid, "use": "sig"} for kid, signer in self.signers.items()]
        discovery = {"issuer": self.url, "jwks_uri": f"{self.url}/keys", **self.described}
        return {
            "/.well-known/openid-configuration": json.dumps(discovery).encode(),
            "/keys": json.dumps({"keys": keys}).encode() if self.instead is None else self.instead,
        }

    def token(self, kid: str = "one", *, algorithm: str = "RS256", **changes: Any) -> str:
        """A token that is good for an hour, with claims changed; those that are None are left out."""
        now = datetime.now(UTC)
        claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "ada",
            "iat": now,
            "exp": now + timedelta(hours=1),
            "roles": ["analyst"],
            **changes,
        }
        present = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(present, self.signers[kid], algorithm=algorithm, headers={"kid": kid})


def published(signer: Signer) -> dict[str, Any]:
    """The public half of a key, as JSON."""
    public = signer.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        return RSAAlgorithm.to_jwk(public, as_dict=True)
    if isinstance(public, ec.EllipticCurvePublicKey):
        return ECAlgorithm.to_jwk(public, as_dict=True)
    return OKPAlgorithm.to_jwk(public, as_dict=True)


def pem(signer: Signer) -> bytes:
    """The public half of a key, as OpenSSL writes it."""
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return signer.public_key().public_bytes(serialization.Encoding.PEM, kind)


def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    """Serve an issuer with one key."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the library's name
            issuer.asked.append(self.path)
            if self.path == issuer.moved:
                self.send_response(302)
                self.send_header("Location", "/moved")
                self.end_headers()
                return
            path = issuer.moved if issuer.moved and self.path == "/moved" else self.path
            content = issuer.documents().get(path)
            self.send_response(404 if content is None else 200)
            self.end_headers()
            with suppress(OSError):  # who asked has gone
                self._write(content or b"")

        def _write(self, content: bytes) -> None:
            if not issuer.pause:
                self.wfile.write(content)
                return
            for byte in content:
                take_time(issuer.pause)
                self.wfile.write(bytes([byte]))

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = Issuer(f"http://127.0.0.1:{server.server_port}")
    issuer.signers["one"] = rsa_key()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

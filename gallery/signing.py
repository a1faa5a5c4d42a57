"""Anchors of the audit trail, signed: with the public key alone anybody can tell who noted them, and when.

Ed25519 (RFC 8032), by the library `cryptography`. The key lies in a file that nobody else can read. Who takes
over the machine can sign anew with it: keep the public key, and what was signed, elsewhere.
"""

import json
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gallery.disk.files import PART, PRIVATE_FILE, make_private, sync_directory, write_durably
from gallery.errors import InvalidInput
from gallery.records.access import Anchor

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_KIND: Final = "sightline audit anchor"
_FORMAT: Final = 1
_LARGEST: Final = 10_000  # bytes of a signed anchor, which has some 400


def public_key(key_file: Path) -> str:
    """The public half, in 64 hexadecimal digits, of the key in a file; makes it where there is none.

    Raises:
        InvalidInput: not an Ed25519 key as PEM, or others can read it.
        OSError: it cannot be read or made.
    """
    return _key(key_file).public_key().public_bytes_raw().hex()


def sign(anchor: Anchor, at: datetime, key_file: Path) -> str:
    """An anchor with time, public key and signature, as one line of JSON. Raises as `public_key`."""
    key = _key(key_file)
    values = {
        "kind": _KIND,
        "format": _FORMAT,
        "event": anchor.event,
        "digest": anchor.digest,
        "at": at.astimezone(UTC).isoformat(timespec="seconds"),
    }
    signed = {
        **values,
        "public_key": key.public_key().public_bytes_raw().hex(),
        "signature": key.sign(_message(values)).hex(),
    }
    return json.dumps(signed) + "\n"


def check(text: str, trusted: str) -> Anchor:
    """The anchor of a signed one.

    Args:
        text: what `sign` returned.
        trusted: the public key, in hexadecimal: the one that the text names proves nothing.

    Raises:
        InvalidInput: not a signed anchor, or not signed with this key.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(trusted.strip()))
    except ValueError as error:
        raise InvalidInput(f"no public key: {trusted!r:.100}; it has 64 hexadecimal digits") from error
    values, signature = _read(text)
    try:
        key.verify(signature, _message(values))
    except InvalidSignature as error:
        raise InvalidInput("the anchor was not signed with this key, or was changed since") from error
    return Anchor(values["event"], values["digest"])


def keep_daily(anchor: Anchor, folder: Path, key_file: Path) -> Path | None:
    """Write the first signed anchor of a day (UTC) into a folder; None where it is there already.

    Raises as `public_key`.
    """
    now = datetime.now(UTC)
    file = folder / f"anchor-{now:%Y-%m-%d}.json"
    if file.exists():
        return None
    make_private(folder)
    write_durably(file, sign(anchor, now, key_file).encode())
    return file


def _message(values: dict[str, Any]) -> bytes:
    return json.dumps(values, sort_keys=True, separators=(",", ":")).encode()


def _read(text: str) -> tuple[dict[str, Any], bytes]:
    try:
        found: Any = json.loads(text) if len(text) <= _LARGEST else None
        signature = bytes.fromhex(found["signature"])
        values = {name: found[name] for name in ("kind", "format", "event", "digest", "at")}
    except (ValueError, TypeError, KeyError, RecursionError):
        raise InvalidInput("no signed anchor; `sightline audit anchor --sign` writes one") from None
    if (values["kind"], values["format"]) != (_KIND, _FORMAT) or type(values["event"]) is not int:
        raise InvalidInput("no signed anchor; `sightline audit anchor --sign` writes one")
    return values, signature


def _key(file: Path) -> "Ed25519PrivateKey":
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if not file.exists():
        _make(file)
    if file.stat().st_mode & 0o077:
        raise InvalidInput(f"others can read the key {file}: chmod 600, or make another one")
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise InvalidInput(f"{file} holds no key as PEM without a password") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidInput(f"the key in {file} is not of the kind Ed25519")
    return key


def _make(file: Path) -> None:
    """Make a key; of two who do it at once one wins, and both use that one's."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    make_private(file.parent)
    part = file.with_name(f"{file.name}.{secrets.token_hex(8)}{PART}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    try:
        with os.fdopen(descriptor, "wb") as writing:
            writing.write(pem)
            writing.flush()
            os.fsync(writing.fileno())
        try:
            os.link(part, file)
        except FileExistsError:
            return
        sync_directory(file.parent)
    finally:
        part.unlink()

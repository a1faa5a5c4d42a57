"""Cursors: where the next page begins, opaque to clients and valid for one list only."""

import base64
import binascii
import hashlib

from service.errors import InvalidRequest

_OFFSET_BYTES = 4
_PROOF_BYTES = 8


def wrong_cursor() -> InvalidRequest:
    """What a cursor of another list is answered with."""
    return InvalidRequest("The cursor does not belong to this list; take it from `next_cursor`.", "cursor")


def encode(list_id: str, offset: int) -> str:
    """A cursor to `offset` of the list `list_id`."""
    raw = offset.to_bytes(_OFFSET_BYTES, "big")
    return base64.urlsafe_b64encode(raw + _proof(list_id, raw)).decode().rstrip("=")


def decode(list_id: str, cursor: str) -> int:
    """The offset that `encode` put into a cursor of the same list.

    Raises:
        InvalidRequest: it is no cursor, or one of another list.
    """
    wrong = wrong_cursor()
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise wrong from error
    offset, proof = raw[:_OFFSET_BYTES], raw[_OFFSET_BYTES:]
    if len(offset) != _OFFSET_BYTES or proof != _proof(list_id, offset):
        raise wrong
    return int.from_bytes(offset, "big")


def _proof(list_id: str, offset: bytes) -> bytes:
    # It keeps cursors apart and guards no secret: a caller with the list may read every page of it.
    return hashlib.blake2b(list_id.encode() + b"\0" + offset, digest_size=_PROOF_BYTES).digest()

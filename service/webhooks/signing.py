"""Signatures of what is sent: who has the secret knows that it is ours, whole and recent."""

import hashlib
import hmac
from typing import Final

SIGNATURE: Final = "Sightline-Signature"
DELIVERY: Final = "Sightline-Delivery"


def signature(secret: str, body: bytes, at: int) -> str:
    """The header's value: `t=SECONDS,v1=HEX`, HMAC-SHA256 of the time, a point and the body.

    Args:
        secret: of the webhook.
        body: as it is sent.
        at: seconds since 1970.
    """
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"

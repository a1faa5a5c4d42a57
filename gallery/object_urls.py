"""URLs of objects in an S3-compatible store."""

import re
from typing import Final

SCHEME: Final = "s3://"
LONGEST_KEY: Final = 1024  # bytes, as in S3
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def is_object(place: str) -> bool:
    """Whether the place of a recording is the URL of an object, and no path."""
    return place.startswith(SCHEME)


def object_name(place: str) -> str:
    """The last part of an object's key."""
    return place.rsplit("/", 1)[-1]


def checked_url(url: str, *, root: bool = False) -> str:
    """The URL of an object, or of a `root` that objects lie below (it then ends in a slash).

    Keys are taken as they are written, not decoded; what libraries or stores read more into is refused.

    Raises:
        ValueError: it is none; the message says why, and does not repeat it.
    """
    if not url.startswith(SCHEME):
        raise ValueError(f"must begin with {SCHEME}")
    bucket, slash, key = url.removeprefix(SCHEME).partition("/")
    if not _BUCKET.fullmatch(bucket):
        raise ValueError(f"must name a bucket: {SCHEME}BUCKET/KEY")
    if root:
        slash, key = "/", key.removesuffix("/")
    if not key and not root:
        raise ValueError("must name an object, not a bucket")
    if len(key.encode(errors="replace")) > LONGEST_KEY or not key.isprintable():
        raise ValueError(f"the key must be printable, and of {LONGEST_KEY} bytes at most")
    if set(key) & set("?#*[]\\") or (key and any(part in {"", ".", ".."} for part in key.split("/"))):
        raise ValueError("the key must not have any of ?#*[]\\, nor parts that are empty, . or ..")
    return f"{SCHEME}{bucket}{slash}{key}" + ("/" if root and key else "")

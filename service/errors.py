"""Errors of the service; `service.problems` maps each to an HTTP status.

ServiceError
├── Unauthenticated      no key and no session, or one that is unknown, expired or revoked
├── Forbidden            the key lacks the scope that the operation needs
├── ForeignRequest       a cookie came with a request that the page did not make
├── ReasonMissing        a look at people that does not say why, where it must
├── InvalidRequest       an invalid value; `pointer` says where it stood
├── BadWebhook           an address that no webhook may have, or that did not take a delivery
├── BadProbe             the photo is damaged or unusable
├── UnsupportedImage     the photo is of a type that is not accepted
├── ContentTooLarge      more bytes or pixels than are accepted
├── OffsetMismatch       a chunk that does not continue its upload; `size` is where to continue
├── StateConflict        not possible in the current state
├── RecordingUnavailable the video file is gone, changed or unreadable
├── NotReady             models are still loading, or could not be loaded
├── IssuerUnavailable    the issuer of tokens cannot be asked for its keys
├── Busy                 too many requests wait already
├── RateLimited          too many requests of this caller; `headers` say when to come back
├── Abandoned            the client went away before its answer was ready
├── StorageFull          the disk is full
├── StorageUnavailable   the disk is read-only, fails, or refuses what the server needs
├── QuotaExceeded        the API key has used up its quota
└── UnsafeSettings       settings that would open the service to strangers (at start, never over HTTP)
"""

from collections.abc import Mapping


class ServiceError(Exception):
    """Base of all errors the service raises on purpose."""


class Unauthenticated(ServiceError):
    """No key and no session, or one that is unknown, expired or revoked."""


class Forbidden(ServiceError):
    """The key lacks the scope that the operation needs."""


class ForeignRequest(ServiceError):
    """A cookie came with a request that the page did not make."""


class ReasonMissing(ServiceError):
    """A look at people that does not say why, where the operator requires it."""


class InvalidRequest(ServiceError):
    """An invalid value.

    Attributes:
        pointer: JSON pointer to the value in the request body, or the name of the parameter.
    """

    def __init__(self, message: str, pointer: str) -> None:
        super().__init__(message)
        self.pointer = pointer


class BadWebhook(ServiceError):
    """An address that no webhook may have, or that did not take a delivery."""


class BadProbe(ServiceError):
    """The photo is damaged or unusable."""


class UnsupportedImage(ServiceError):
    """The photo is of a type that is not accepted."""


class ContentTooLarge(ServiceError):
    """More bytes or pixels than are accepted."""


class OffsetMismatch(ServiceError):
    """A chunk that does not continue its upload.

    Attributes:
        size: bytes received so far: the offset to continue at.
    """

    def __init__(self, message: str, size: int) -> None:
        super().__init__(message)
        self.size = size


class StateConflict(ServiceError):
    """The request is not possible in the current state."""


class ProbeUnavailable(ServiceError):
    """What a search looked for is not kept any more."""


class RecordingUnavailable(ServiceError):
    """The video file behind a tracklet is gone, changed or unreadable."""


class NotReady(ServiceError):
    """Models are still loading, or could not be loaded."""


class IssuerUnavailable(ServiceError):
    """The issuer of tokens cannot be asked for its keys, so no token can be judged."""


class Busy(ServiceError):
    """Too many requests wait already, or for too long.

    Attributes:
        headers: when to come back, where that is known.
    """

    def __init__(self, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.headers = headers or {}


class RateLimited(ServiceError):
    """Too many requests of this caller.

    Attributes:
        headers: what the answer says of the limit.
    """

    def __init__(self, message: str, headers: Mapping[str, str]) -> None:
        super().__init__(message)
        self.headers = headers


class Abandoned(ServiceError):
    """The client went away before its answer was ready."""


class StorageFull(ServiceError):
    """The disk is full."""


class StorageUnavailable(ServiceError):
    """The disk is read-only, fails, or refuses what the server needs."""


class QuotaExceeded(ServiceError):
    """The API key has used up its quota."""


class UnsafeSettings(ServiceError):
    """Settings that would open the service to strangers."""

"""Empties the outbox: takes what is due, sends it, and records how that went."""

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from gallery import DueDelivery, Gallery, GalleryError
from service.errors import BadWebhook
from service.webhooks.addresses import Resolve, resolved, target_of
from service.webhooks.sending import SECONDS, send

log = structlog.get_logger(__name__)

AT_ONCE: Final = 4
_HOLD_SECONDS: Final = 6 * SECONDS  # more than an attempt takes, so that no two processes make the same one
KEPT_DAYS: Final = 30.0


class Deliveries:
    """Tries what is due.

    Args:
        gallery: whose outbox it is.
        allowed: hosts that may be anywhere.
        resolve: host and port to addresses.
        seconds: for one attempt.
    """

    def __init__(
        self,
        gallery: Gallery,
        allowed: Collection[str],
        *,
        resolve: Resolve = resolved,
        seconds: float = SECONDS,
        sending: Callable[..., None] = send,
    ) -> None:
        self._gallery, self._allowed = gallery, allowed
        self._resolve, self._seconds, self._send = resolve, seconds, sending

    def run_once(self) -> int:
        """Try all that is due now; return how many. Failures of the database are left for the next time."""
        tried = 0
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook") as pool:
            while due := self._gallery.webhooks.due(limit=AT_ONCE, hold_seconds=_HOLD_SECONDS):
                tried += len(list(pool.map(self._try, due)))
        return tried

    def prune(self) -> int:
        """Forget old deliveries."""
        return self._gallery.webhooks.prune(datetime.now(UTC) - timedelta(days=KEPT_DAYS))

    def _try(self, delivery: DueDelivery) -> None:
        try:
            self._send(delivery, target_of(delivery.url, self._allowed, self._resolve), seconds=self._seconds)
        except BadWebhook as error:
            reason = str(error)
            self._record(lambda: self._gallery.webhooks.failed(delivery, reason))
            log.warning("webhook not delivered", delivery=delivery.id, attempt=delivery.attempts)
            return
        self._record(lambda: self._gallery.webhooks.delivered(delivery))
        log.info("webhook delivered", delivery=delivery.id, attempt=delivery.attempts)

    def _record(self, write: Callable[[], None]) -> None:
        """Record an outcome; where that fails, the delivery is tried again once its hold is over."""
        try:
            write()
        except GalleryError:
            log.exception("the outcome of a delivery was not recorded")

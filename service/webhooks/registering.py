"""Registers webhooks, for the API and for the command line."""

from collections.abc import Collection

from gallery import Gallery, WebhookInfo
from service.webhooks.addresses import Resolve, resolved, target_of


def register(
    gallery: Gallery,
    url: str,
    allowed: Collection[str],
    key_id: str | None = None,
    resolve: Resolve = resolved,
) -> tuple[WebhookInfo, str]:
    """Check where a URL leads and record it; returned with the secret that signs.

    Raises:
        BadWebhook: not such a URL, or it leads to where it may not.
        InvalidInput: there are too many.
    """
    target_of(url, allowed, resolve)
    return gallery.webhooks.create(url, key_id=key_id)

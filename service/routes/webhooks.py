"""Webhooks: who is told that a job has ended."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from service.auth import CallerDep
from service.problems import declared
from service.state import StateDep
from service.webhook_schemas import DeliveryList, DeliveryOut, NewWebhook, WebhookIn, WebhookList, WebhookOut
from service.webhooks.registering import register

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])
WebhookId = Annotated[str, Path(max_length=64, description="The webhook")]


@router.post(
    "",
    operation_id="createWebhook",
    summary="Be told when jobs end",
    status_code=201,
    responses=declared(413),
)
def create_webhook(state: StateDep, caller: CallerDep, response: Response, wanted: WebhookIn) -> NewWebhook:
    """Registers an address that gets a signed POST for each job that ends from now on.

    The secret that signs is shown this once. The address has to be a public one, unless the operator has
    listed its host.
    """
    webhook, secret = register(state.gallery, wanted.url, state.settings.webhook_hosts, caller.key_id)
    response.headers["Location"] = f"/v1/webhooks/{webhook.id}"
    return NewWebhook(**WebhookOut.model_validate(webhook, from_attributes=True).model_dump(), secret=secret)


@router.get("", operation_id="listWebhooks", summary="Webhooks, the oldest first")
def list_webhooks(state: StateDep) -> WebhookList:
    """All of them, without their secrets."""
    found = state.gallery.webhooks.list()
    return WebhookList(items=[WebhookOut.model_validate(one, from_attributes=True) for one in found])


@router.delete(
    "/{webhook_id}",
    operation_id="deleteWebhook",
    summary="Tell an address nothing more",
    status_code=204,
    responses=declared(404),
)
def delete_webhook(state: StateDep, caller: CallerDep, webhook_id: WebhookId) -> None:
    """Removes it with all that it was still to be told."""
    state.gallery.webhooks.delete(webhook_id, key_id=caller.key_id)


@router.get(
    "/{webhook_id}/deliveries",
    operation_id="listDeliveries",
    summary="What a webhook was told, the newest first",
    responses=declared(404),
)
def list_deliveries(
    state: StateDep,
    webhook_id: WebhookId,
    limit: Annotated[int, Query(ge=1, le=100, description="Deliveries on the page")] = 50,
) -> DeliveryList:
    """How often each was tried, when it is tried next, and why it failed last."""
    found = state.gallery.webhooks.deliveries(webhook_id, limit=limit)
    return DeliveryList(items=[DeliveryOut.model_validate(one, from_attributes=True) for one in found])

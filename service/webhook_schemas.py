"""Requests and answers about webhooks."""

from datetime import datetime

from pydantic import BaseModel, Field

from service.schemas import RequestModel


class WebhookIn(RequestModel):
    """An address to be told."""

    url: str = Field(
        min_length=1,
        max_length=2000,
        description="Where to POST to: http or https",
        examples=["https://example.com/sightline"],
    )


class WebhookOut(BaseModel):
    """A webhook."""

    id: str = Field(description="Its id")
    url: str = Field(description="Where it leads")
    key_id: str | None = Field(description="The key that registered it; null: the command line")
    created_at: datetime = Field(description="When it was registered")
    listening: bool = Field(
        description="False: it is told nothing, as its key was revoked, has expired, may not `administer` "
        "any more or was limited to cameras"
    )


class NewWebhook(WebhookOut):
    """A webhook that was registered just now."""

    secret: str = Field(description="What signs all that is sent to it; shown this once")


class WebhookList(BaseModel):
    """All webhooks."""

    items: list[WebhookOut] = Field(description="The webhooks, the oldest first")


class DeliveryOut(BaseModel):
    """What a webhook is told of one job."""

    id: str = Field(description="Its id, which is in the Sightline-Delivery header and in the body")
    job_id: str = Field(description="The job that has ended")
    attempts: int = Field(description="How often it was tried")
    next_at: datetime | None = Field(description="The next attempt; null: delivered, or given up")
    delivered_at: datetime | None = Field(description="When it arrived; null: not yet")
    reason: str | None = Field(description="Why the last attempt failed")
    created_at: datetime = Field(description="When the job ended")


class DeliveryList(BaseModel):
    """The last deliveries of a webhook."""

    items: list[DeliveryOut] = Field(description="The deliveries, the newest first")

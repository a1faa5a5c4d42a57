"""Requests and responses of models."""

from datetime import datetime

from pydantic import BaseModel, Field

from service.model_cards import ModelCard
from service.schemas import RequestModel


class RegisteredModelOut(BaseModel):
    """A model as the gallery knows it."""

    id: str = Field(description="SHA-256 of its weights")
    name: str = Field(description="Its name, unique in the gallery")
    dimension: int = Field(description="Of its embeddings")
    promoted: bool = Field(description="Whether it was chosen to answer searches")
    in_use: bool = Field(description="Whether this server answers searches with it now")
    kept: bool = Field(description="Whether the gallery has its files, and not only embeddings of it")
    shipped: bool = Field(
        description="Whether it comes with the program: it can be used and adapted even where it is not kept"
    )
    origin: str | None = Field(description="Where it comes from, if its card says so")
    warning: str | None = Field(description="What is known against it")
    card: ModelCard = Field(description="What its card says of it")
    videos: int = Field(description="Embedded with it")
    missing_videos: int = Field(description="Not embedded with it: under it they are not found")
    tracklets: int = Field(description="That can be searched under it")
    created_at: datetime = Field(description="When the gallery got to know it")


class ModelList(BaseModel):
    """All models of the gallery, oldest first."""

    items: list[RegisteredModelOut] = Field(description="The models")
    next_cursor: str | None = Field(default=None, description="Always null: all models come on one page")


class PromotionIn(RequestModel):
    """How a model is to be promoted."""

    allow_missing: bool = Field(default=False, description="Even if videos are not embedded with it")


class ModelInUse(BaseModel):
    """The model that is in use from now on; null for the one that comes with the program."""

    model: RegisteredModelOut | None = Field(
        description="The model; null for the one that comes with the program"
    )

"""Requests and answers about keys, and about who is signed in."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from gallery import Scope
from service.schemas import GivenName, Instant, Name, RequestModel


class CallerOut(BaseModel):
    """Who asks, and what they may do."""

    key_id: str | None = Field(description="The key that everything is recorded with; null without keys")
    name: str | None = Field(description="Who or what the key is for")
    scopes: list[Scope] = Field(description="What it may do")
    all_cameras: bool = Field(description="false: it is limited to camera groups")
    operations: list[str] = Field(
        description="The operations, by `operationId`, that it may ask for: all others are answered 403"
    )
    media_folder: bool = Field(
        description="Whether it may name files of the server's media folder: false, too, if there is none"
    )
    session_expires_at: datetime | None = Field(
        description="When the session ends, however much it is used; null for one that sent the key itself"
    )


class KeyIn(RequestModel):
    """A key to be made."""

    name: Annotated[GivenName, Field(max_length=200)] = Field(description="Who or what will use it")
    scopes: list[Scope] = Field(min_length=1, max_length=20, description="What it may do: of yours")
    camera_groups: list[Name] | None = Field(
        default=None, min_length=1, max_length=100, description="Those that it sees; null: all cameras"
    )
    expires_at: Instant | None = Field(
        default=None, description="From when on it is useless; null: never. Not later than your own key"
    )


class KeyOut(BaseModel):
    """A key; its secret is shown once, when it is made."""

    id: str = Field(description="Of the key; events of the audit trail name it")
    name: str = Field(description="Who or what uses it")
    scopes: list[str] = Field(description="What it may do")
    camera_groups: list[str] | None = Field(description="Those that it sees; null: all cameras")
    subject: str | None = Field(
        description="`issuer#subject` of the tokens that it stands for: nobody has its secret. null for a key"
    )
    created_at: datetime = Field(description="UTC")
    expires_at: datetime | None = Field(description="From when on it is useless, UTC; null: never")
    revoked_at: datetime | None = Field(description="UTC; null: it is not revoked")
    last_used_at: datetime | None = Field(description="UTC, to the minute; null: never")


class NewKey(KeyOut):
    """A key that was just made."""

    secret: str = Field(description="What is sent as X-API-Key; nobody can show it again")


class KeyList(BaseModel):
    """All keys."""

    items: list[KeyOut] = Field(description="The oldest first, revoked and expired ones too")
    next_cursor: None = Field(default=None, description="Always null: all keys come on one page")


class RevokeIn(RequestModel):
    """How a key is to be revoked."""

    even_last: bool = Field(
        default=False,
        description="Even if no other key can make keys: then only the command line can",
    )


class SignedInOut(BaseModel):
    """Somebody is signed in on the page."""

    id: str = Field(description="Of the session")
    key_id: str = Field(description="The key that they signed in with")
    created_at: datetime = Field(description="Since when, UTC")
    used_at: datetime = Field(description="The last request, UTC, to the minute")
    expires_at: datetime = Field(description="When it ends, however much it is used, UTC")


class SignedInList(BaseModel):
    """Who is signed in."""

    items: list[SignedInOut] = Field(description="The oldest first")
    next_cursor: None = Field(default=None, description="Always null: all come on one page")

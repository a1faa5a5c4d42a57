"""What the roles in an issuer's tokens may do here, and which cameras they see."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from gallery import InvalidInput, KeyInfo, Scope, SessionInfo, group_name


class Role(BaseModel):
    """A role as the setting has it; its scopes alone may stand for it.

    Attributes:
        scopes: what it may do.
        groups: the camera groups that it sees; left out: all cameras. An empty list sees none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scopes: tuple[Scope, ...]
    groups: tuple[str, ...] | None = None

    @model_validator(mode="before")
    @classmethod
    def _scopes_alone(cls, value: object) -> object:
        return {"scopes": value} if isinstance(value, list | tuple) else value

    @field_validator("groups")
    @classmethod
    def _named(cls, value: tuple[str, ...] | None) -> tuple[str, ...]:
        if value is None:  # in JSON: a template that found nothing must not open everything
            raise ValueError("groups is a list; leave it out for all cameras")
        try:
            return tuple(group_name(name) for name in value)
        except InvalidInput as error:
            raise ValueError(str(error)) from error


@dataclass(frozen=True, slots=True)
class Grant:
    """What some roles together may do, and the camera groups that they see; None: all cameras."""

    scopes: frozenset[Scope]
    groups: tuple[str, ...] | None


class Roles:
    """The roles of one issuer's tokens; None: there is no issuer, and so nobody has a role."""

    def __init__(self, issuer: str | None, roles: Mapping[str, Role]) -> None:
        self._issuer = issuer
        self._roles = roles if issuer is not None else {}

    def grant(self, names: Collection[str]) -> Grant:
        """Return the union of what roles may do and see; those that are not mapped add nothing.

        All cameras are seen by who has a role with scopes and without groups. A group need not exist: what
        is not there has no cameras.
        """
        held = [self._roles[name] for name in names if name in self._roles]
        scopes = frozenset(scope for role in held for scope in role.scopes)
        if any(role.scopes and role.groups is None for role in held):
            return Grant(scopes, None)
        return Grant(scopes, tuple(sorted({group for role in held for group in role.groups or ()})))

    def grant_session(self, opened: SessionInfo, key: KeyInfo) -> Grant:
        """Return what a session may do that was opened with a token of the subject whose key this is.

        These are the roles of that token, less those that a token of the subject came without since: a
        session never has more than what opened it, not even if an older token is sent once more.
        """
        issuer, _, _ = (key.subject or "").partition("#")  # an issuer has no fragment of its own
        if self._issuer is None or issuer != self._issuer:
            return self.grant(())
        return self.grant(frozenset(opened.roles or ()) & frozenset(key.roles or ()))

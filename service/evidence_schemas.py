"""Answers about evidence packages."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, Field

from gallery import EventInfo
from service.packing import Stage


class LeftOutOut(BaseModel):
    """What a package could not hold."""

    what: str = Field(description="A clip, a photo, ...")
    of: str = Field(description="Of which: an id, or the name of a recording")
    reason: str = Field(description="Why not")


class PackageOut(BaseModel):
    """An evidence package that was made."""

    made_at: datetime = Field(description="When its manifest was written")
    key_id: str | None = Field(description="The key that asked for it; null for the command line")
    manifest_sha256: str = Field(description="SHA-256 of its manifest: `--digest` of the verifier")
    package_id: str | None = Field(
        description="Which of them it is: `Sightline-Package` in the headers of the answer that it came in; "
        "null for those of earlier versions"
    )
    left_out: int = Field(description="How much could not be packed; the manifest says what and why")
    first_left_out: list[LeftOutOut] = Field(
        description="The first of it, at most 20; none for packages of earlier versions"
    )


class PackageList(BaseModel):
    """The packages made of a search or case."""

    items: list[PackageOut] = Field(description="The newest first, at most 1000")


class ProgressOut(BaseModel):
    """How far an evidence package is."""

    stage: Stage = Field(
        description="What is being packed: `photos`, `answers`, `clips`, `journey`, `report`; or how it "
        "ended: `made`, `failed`, `cancelled`"
    )
    tracklets: int | None = Field(
        description="Of how many tracklets it will have clips; null until that is counted"
    )
    done: int = Field(description="Of how many of them the clips are packed, or named as left out")
    sent: int = Field(description="Bytes of the package that have left")


def packages_out(events: Sequence[EventInfo]) -> PackageList:
    """Packages as the audit trail has them."""
    return PackageList(
        items=[
            PackageOut(
                made_at=event.at,
                key_id=event.key_id,
                package_id=event.detail.get("package_id"),
                manifest_sha256=event.detail["manifest_sha256"],
                left_out=event.detail["left_out"],
                first_left_out=event.detail.get("first_left_out", []),
            )
            for event in events
        ]
    )

"""The state of the whole system, for those who look after it on the page."""

import importlib.metadata
import shutil
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from gallery import JobKind, KindFigures
from service.routes.health import Readiness, readiness
from service.state import State, StateDep

router = APIRouter(prefix="/v1/system", tags=["health"])


class WorkOut(BaseModel):
    """How the jobs of one kind stand, in recordings."""

    kind: str = Field(description="index, reindex, adapt and so on")
    queued: int = Field(description="That wait for a worker")
    running: int = Field(description="That are worked on")
    failed: int = Field(description="That failed, in all jobs that are listed still")
    oldest_queued_seconds: float = Field(description="Since the oldest that waits was filed; 0: none waits")
    overdue: int = Field(description="Whose worker is silent for too long: another one takes them")


class SystemOut(BaseModel):
    """The state of the system at one moment."""

    version: str = Field(description="Of the program")
    schema_version: str = Field(description="Of the database that this program needs")
    database: str = Field(description="sqlite or postgresql")
    free_bytes: int = Field(description="Left on the disk of the data folder")
    disk_bytes: int = Field(description="Size of that disk")
    change: int = Field(description="The number of the last change of what can be searched")
    videos: int = Field(description="Recordings that are indexed")
    tracklets: int = Field(description="Of them")
    segments: int = Field(description="Files of vectors; compaction makes few of many")
    workers: int = Field(description="That work on something now")
    erased_on_disk: bool = Field(description="Whether vectors that were erased wait for compaction")
    work: list[WorkOut] = Field(description="By kind of job")
    readiness: Readiness = Field(description="As `GET /readyz` tells it")


@router.get("", operation_id="getSystem", summary="The state of the system")
async def get_system(state: StateDep, ready: Annotated[Readiness, Depends(readiness)]) -> SystemOut:
    """Whether searches are answered, what waits for workers, what lies on the disk."""
    return await run_in_threadpool(_system, state, ready)


def _system(state: State, ready: Readiness) -> SystemOut:
    gallery = state.gallery
    found, room = gallery.figures(), shutil.disk_usage(gallery.data_dir)
    return SystemOut(
        version=importlib.metadata.version("sightline"),
        schema_version=gallery.schema_version,
        database=gallery.database_kind,
        free_bytes=room.free,
        disk_bytes=room.total,
        change=found.change,
        videos=found.videos,
        tracklets=found.tracklets,
        segments=found.segments,
        workers=found.workers,
        erased_on_disk=gallery.erasures.certificates.waiting(),
        work=[_work(kind, figures) for kind, figures in found.jobs.items()],
        readiness=ready,
    )


def _work(kind: JobKind, found: KindFigures) -> WorkOut:
    return WorkOut(
        kind=kind.value,
        queued=found.states["queued"],
        running=found.states["running"],
        failed=found.states["failed"],
        oldest_queued_seconds=found.oldest_queued_seconds,
        overdue=found.overdue,
    )

"""Health: is the process alive, and can it do its work."""

import asyncio
import shutil
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal

import anyio
import anyio.to_thread
from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from gallery import CatalogueUnavailable, GalleryError
from service import problems
from service.errors import NotReady
from service.networks import device_failure
from service.settings import MIB
from service.state import State, StateDep

router = APIRouter(tags=["health"])

_PATIENCE = 3.0  # seconds; a database that takes longer is as good as away


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = Field(default="alive", description="Nothing else is ever answered")


class Check(BaseModel):
    """The state of one requirement of the service."""

    ok: bool = Field(description="Whether it is met")
    detail: str = Field(description="What was found, in words")


class Readiness(BaseModel):
    """Readiness to answer searches."""

    ready: bool = Field(description="Whether searches are answered")
    checks: dict[str, Check] = Field(description="What that depends on, by name")


@router.get("/livez", operation_id="getLiveness", summary="Is the process alive?")
async def livez() -> Alive:
    """Answers as long as the process does; depends on nothing."""
    return Alive()


async def readiness(request: Request, state: StateDep) -> Readiness:
    """Check everything a search needs, once for all who ask meanwhile: anybody may, and it costs writes."""
    running: asyncio.Task[Readiness] | None = getattr(request.app.state, "readiness", None)
    if running is None or running.done():
        running = request.app.state.readiness = asyncio.create_task(_check(state))
    return await asyncio.shield(running)  # one who goes away does not end it for the others


async def _check(state: State) -> Readiness:
    """What hangs counts as failed."""
    checks = {name: _safely(check, state) for name, check in _AT_ONCE.items()}
    checks |= dict.fromkeys(_SLOW, Check(ok=False, detail=f"no answer within {_PATIENCE:g} s"))
    with anyio.move_on_after(_PATIENCE):
        checks |= await anyio.to_thread.run_sync(_ask, state, abandon_on_cancel=True)
    return Readiness(ready=all(check.ok for check in checks.values()), checks=checks)


@router.get(
    "/readyz",
    operation_id="getReadiness",
    summary="Can searches be answered?",
    response_model=Readiness,
    responses={503: {"description": "Not ready", "content": {problems.MEDIA_TYPE: {}}}},
)
async def readyz(request: Request, found: Annotated[Readiness, Depends(readiness)]) -> Any:
    """Database, schema, snapshot, model, detector, device, disk; 503 until all of them work.

    On a full disk no search can be recorded, and an unrecorded answer is never sent.
    """
    if found.ready:
        return found
    failing = ", ".join(name for name, check in found.checks.items() if not check.ok)
    answer = problems.from_error(request.scope, NotReady(f"Not ready: {failing}."))
    return JSONResponse(
        {**problems.content(answer), **found.model_dump()},
        status_code=503,
        media_type=problems.MEDIA_TYPE,
        headers={"Retry-After": "5"},
    )


def _model(state: State) -> Check:
    embedder = state.networks.embedder
    detail = f"{embedder.name} ({embedder.id[:12]}) on {embedder.device}"
    return Check(ok=True, detail=". ".join(filter(None, (detail, state.networks.note))))


def _detector(state: State) -> Check:
    detector = state.networks.detector
    return Check(ok=True, detail=f"{detector.name} on {detector.device}")


def _device(state: State) -> Check:
    """A GPU can be lost while the process lives: then every pass through a network fails."""
    device = state.networks.embedder.device
    failure = device_failure(device)
    return Check(ok=failure is None, detail=failure or device)


def _features(state: State) -> Check:
    """Whether the gallery has anything that this model can find."""
    ok = state.gallery.holds_features_of(state.networks.embedder.id)
    said = "the gallery has its features" if ok else "no recording has its features: `sightline reindex`"
    return Check(ok=ok, detail=said)


def _room(state: State) -> Check:
    """Check that there is disk space: how much is left, and whether a write failed for lack of it."""
    free = shutil.disk_usage(state.gallery.data_dir).free
    if free < state.settings.min_free_bytes:
        return Check(ok=False, detail=f"the disk of the data folder has {free // MIB} MiB left")
    if state.full_disk.was_met():
        return Check(ok=False, detail="a disk was full at the last attempt to write")
    return Check(ok=True, detail=f"{free // MIB} MiB left")


def _writable(state: State) -> Check:
    problem = state.gallery.unwritable()
    return Check(ok=problem is None, detail=problem or "the database and the data folder take writes")


def _schema(state: State) -> Check:
    problem = state.gallery.schema_problem()
    return Check(ok=problem is None, detail=problem or "as this program needs it")


def _database(state: State) -> Check:
    state.gallery.catalogue.models()
    return Check(ok=True, detail=state.gallery.database_kind)


def _snapshot(state: State) -> Check:
    snapshot = state.gallery.snapshot(state.networks.embedder.id)
    detail = f"change {snapshot.change}"
    if lost := len(snapshot.damaged):
        # Searches answer without them and say so: a probe that fails would take the sound ones away too.
        detail += f", without {lost} damaged segment{'s'[: lost > 1]} (`sightline repair` makes them anew)"
    return Check(ok=True, detail=detail)


_AT_ONCE: Final[Mapping[str, Callable[[State], Check]]] = {"model": _model, "detector": _detector}
_SLOW: Final[Mapping[str, Callable[[State], Check]]] = {
    "device": _device,
    "room": _room,
    "database": _database,
    "schema": _schema,
    "writable": _writable,
    "features": _features,
    "snapshot": _snapshot,
}


def _ask(state: State) -> dict[str, Check]:
    return {name: _safely(check, state) for name, check in _SLOW.items()}


def _safely(check: Callable[[State], Check], state: State) -> Check:
    """What a check finds; the reasons of a failure stay in the log, as they name hosts and paths."""
    try:
        return check(state)
    except NotReady as error:
        return Check(ok=False, detail=str(error))
    except CatalogueUnavailable:
        return Check(ok=False, detail="the database does not answer")
    except (GalleryError, OSError) as error:
        return Check(ok=False, detail=type(error).__name__)

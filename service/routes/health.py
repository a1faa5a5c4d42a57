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

_UNWRITABLE: Final = {"database": "the database is read-only", "folder": "the data folder cannot be written"}
_PATIENCE = 3.0  # seconds; a database that takes longer is as good as away


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = Field(default="alive", description="Nothing else is ever answered")


CheckCode = Literal[
    "model",
    "detector",
    "device",
    "device_lost",
    "features",
    "features_missing",
    "room",
    "room_low",
    "disk_was_full",
    "writable",
    "not_writable",
    "schema",
    "schema_differs",
    "database",
    "database_silent",
    "snapshot",
    "slow",
    "not_ready",
    "failed",
]


class Check(BaseModel):
    """The state of one requirement of the service."""

    ok: bool = Field(description="Whether it is met")
    detail: str = Field(description="What was found, in words")
    code: CheckCode = Field(description="The same for programs, and for words in other languages")
    values: dict[str, int | str] = Field(
        default_factory=dict,
        description="What `detail` names: `name`, `id`, `device`, `note`, `kind`, `free_bytes`, `change`, "
        "`damaged` segments, `seconds`, `error`, `what` takes no writes (`database` or `folder`), the "
        "version of the schema that was `found` (absent: none) and the one that is `needed`",
    )


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
    checks |= dict.fromkeys(_SLOW, _late())
    with anyio.move_on_after(_PATIENCE):
        checks |= await anyio.to_thread.run_sync(_ask, state, abandon_on_cancel=True)
    return Readiness(ready=all(check.ok for check in checks.values()), checks=checks)


def _late() -> Check:
    detail = f"no answer within {_PATIENCE:g} s"
    return Check(ok=False, detail=detail, code="slow", values={"seconds": int(_PATIENCE)})


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
    values: dict[str, int | str] = {"name": embedder.name, "id": embedder.id, "device": embedder.device}
    if state.networks.note:
        said = state.networks.note.text
        detail, values["note"] = f"{detail}. {said}", said
    return Check(ok=True, detail=detail, code="model", values=values)


def _detector(state: State) -> Check:
    detector = state.networks.detector
    values: dict[str, int | str] = {"name": detector.name, "device": detector.device}
    return Check(ok=True, detail=f"{detector.name} on {detector.device}", code="detector", values=values)


def _device(state: State) -> Check:
    """A GPU can be lost while the process lives: then every pass through a network fails."""
    device = state.networks.embedder.device
    failure = device_failure(device)
    if failure is not None:
        return Check(ok=False, detail=failure, code="device_lost", values={"device": device})
    return Check(ok=True, detail=device, code="device", values={"device": device})


def _features(state: State) -> Check:
    """Whether the gallery has anything that this model can find."""
    if state.gallery.holds_features_of(state.networks.embedder.id):
        return Check(ok=True, detail="recordings are indexed with it", code="features")
    said = "no recording is indexed with it: `sightline reindex`"
    return Check(ok=False, detail=said, code="features_missing")


def _room(state: State) -> Check:
    """Check that there is disk space: how much is left, and whether a write failed for lack of it."""
    free = shutil.disk_usage(state.gallery.data_dir).free
    if free < state.settings.min_free_bytes:
        said = f"the disk of the data folder has {free // MIB} MiB left"
        return Check(ok=False, detail=said, code="room_low", values={"free_bytes": free})
    if state.full_disk.was_met():
        return Check(ok=False, detail="a disk was full at the last attempt to write", code="disk_was_full")
    return Check(ok=True, detail=f"{free // MIB} MiB left", code="room", values={"free_bytes": free})


def _writable(state: State) -> Check:
    if what := state.gallery.unwritable():
        return Check(ok=False, detail=_UNWRITABLE[what], code="not_writable", values={"what": what})
    return Check(ok=True, detail="the database and the data folder take writes", code="writable")


def _schema(state: State) -> Check:
    found, needed = state.gallery.schema_found(), state.gallery.schema_version
    if found == needed:
        return Check(ok=True, detail="as this program needs it", code="schema")
    values: dict[str, int | str] = {"needed": needed} if found is None else {"found": found, "needed": needed}
    # Versions are numbers of four digits; no migration leads back to an older one.
    is_newer = found is not None and found > needed
    remedy = "the program is older than the database" if is_newer else "`sightline migrate`"
    detail = f"schema {found or 'none'}, this program needs {needed}: {remedy}"
    return Check(ok=False, detail=detail, code="schema_differs", values=values)


def _database(state: State) -> Check:
    state.gallery.catalogue.models()
    kind = state.gallery.database_kind
    return Check(ok=True, detail=kind, code="database", values={"kind": kind})


def _snapshot(state: State) -> Check:
    state.gallery.check_vectors()
    snapshot = state.gallery.snapshot(state.networks.embedder.id)
    detail = f"change {snapshot.change}"
    lost = len(snapshot.damaged)
    if lost:
        # Searches answer without them and say so: a probe that fails would take the sound ones away too.
        detail += f", without {lost} damaged segment{'s'[: lost > 1]} (`sightline repair` makes them anew)"
    values: dict[str, int | str] = {"change": snapshot.change, "damaged": lost}
    return Check(ok=True, detail=detail, code="snapshot", values=values)


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
        return Check(ok=False, detail=str(error), code="not_ready")
    except CatalogueUnavailable:
        return Check(ok=False, detail="the database does not answer", code="database_silent")
    except (GalleryError, OSError) as error:
        name = type(error).__name__
        return Check(ok=False, detail=name, code="failed", values={"error": name})

"""The application: put together from its settings, with everything it shares made when it starts."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Final

import anyio.to_thread
import structlog
from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from gallery import Gallery, GalleryError
from models.detector import Detector
from service import description, problems
from service.access.bodies import Bodies
from service.access.identity import Identity
from service.access.limits import LIMIT_FIELDS, Limits
from service.auth import Authentication, require_caller
from service.errors import UnsafeSettings
from service.metrics.instruments import Instruments
from service.middleware import RequestContext
from service.networks import Networks, ProbeEmbedder
from service.reasons import CASE_NUMBER, PURPOSE, Reasons
from service.roles import Roles
from service.routes import (
    audit,
    calibrations,
    camera_groups,
    cameras,
    cases,
    erasures,
    evidence,
    evidence_packages,
    failures,
    health,
    holds,
    jobs,
    keys,
    marks,
    media,
    metrics,
    model_jobs,
    models,
    onwards,
    page,
    probes,
    retention,
    searches,
    sessions,
    system,
    tracklets,
    trail,
    uploads,
    videos,
    webhooks,
)
from service.settings import MIB, ServiceSettings
from service.state import State, make_state
from service.webhooks.delivering import Deliveries

log = structlog.get_logger(__name__)

_HOUSEKEEPING_SECONDS = 3600.0
_FOLLOW_SECONDS = 1.0
_TELL_SECONDS = 2.0
_FORM_OVERHEAD = MIB  # of a form around its photo

_EXPOSED: Final = ("Location", "Retry-After", "X-Request-ID", "Content-Range", "ETag")

API: Final = (
    sessions,
    keys,
    probes,
    searches,
    marks,
    evidence,
    evidence_packages,
    cases,
    tracklets,
    cameras,
    onwards,
    camera_groups,
    models,
    calibrations,
    videos,
    uploads,
    media,
    jobs,
    failures,
    model_jobs,
    erasures,
    holds,
    retention,
    audit,
    trail,
    system,
    webhooks,
)
"""What is served under /v1."""


def create_app(
    settings: ServiceSettings,
    *,
    gallery: Gallery | None = None,
    embedder: ProbeEmbedder | None = None,
    detector: Detector | None = None,
) -> FastAPI:
    """Make the application.

    Args:
        settings: how it runs.
        gallery: an open gallery, which stays the caller's to close; by default the one of the settings.
        embedder, detector: what to use instead of what the settings name.

    Raises:
        UnsafeSettings: strangers could reach it without a key.
    """
    settings.require_safe()
    instruments = Instruments(_templates(), problems.slugs())
    app = FastAPI(
        title="Sightline",
        lifespan=partial(
            _lifespan,
            settings=settings,
            gallery=gallery,
            networks=Networks(embedder, detector),
            instruments=instruments,
        ),
        docs_url=None,  # the interactive pages load their code from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # it would lead to whatever host a request names
    )
    app.openapi = partial(description.describe, app)  # type: ignore[method-assign]
    problems.install(app)
    _add_middleware(app, settings, instruments)
    _add_routes(app, settings)
    return app


def _open(settings: ServiceSettings) -> Gallery:
    """Open the gallery, unless Milvus is needed and away: nothing could be searched."""
    gallery = Gallery.open(settings)
    try:
        gallery.check_vectors()
    except BaseException:
        gallery.close()
        raise
    return gallery


@asynccontextmanager
async def _lifespan(
    app: FastAPI,
    *,
    settings: ServiceSettings,
    gallery: Gallery | None,
    networks: Networks,
    instruments: Instruments,
) -> AsyncIterator[None]:
    """Make what requests share, and close what was opened here."""
    opened = await run_in_threadpool(_open, settings) if gallery is None else gallery
    state = make_state(settings, opened, networks, instruments)
    app.state.sightline = state
    chores = (_keep_networks, _keep_house, _keep_telling)
    tasks = [asyncio.create_task(chore(state)) for chore in chores]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if gallery is None:
            await run_in_threadpool(opened.close)


def _add_middleware(app: FastAPI, settings: ServiceSettings, instruments: Instruments) -> None:
    """The last one added is the outermost."""
    routes = [route for part in API for route in part.router.routes if isinstance(route, APIRoute)]
    app.add_middleware(
        Reasons,
        purpose=settings.require_purpose,
        case_number=settings.require_case_number,
    )
    app.add_middleware(
        Authentication,
        routes=routes,
        allow_anonymous=settings.allow_anonymous,
        idle=settings.session_idle,
        limits=Limits(settings),
        bodies=Bodies(settings),
        tokens=_tokens(settings),
        roles=Roles(settings.oidc_issuer, settings.oidc_roles),
    )
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            # Without cookies: those are for this server's own page (service.access.cookies).
            allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=[
                "X-API-Key",
                "Authorization",
                "Content-Type",
                "Idempotency-Key",
                "Range",
                PURPOSE,
                CASE_NUMBER,
            ],
            expose_headers=[*_EXPOSED, *LIMIT_FIELDS],
        )
    app.add_middleware(RequestContext, instruments=instruments)
    if settings.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.trusted_proxies))


def _templates() -> set[str]:
    """The templates of all paths that are served."""
    parts = (*API, health, metrics, page)
    served = {
        route.path_format for part in parts for route in part.router.routes if isinstance(route, APIRoute)
    }
    return served | {"/openapi.json", "/web"}


def _tokens(settings: ServiceSettings) -> Callable[[str], Identity] | None:
    """What checks bearer tokens; its package is needed only where an issuer is named."""
    if settings.oidc_issuer is None:
        return None
    try:
        from service.access.tokens import tokens_of
    except ImportError as error:
        raise UnsafeSettings(
            "SIGHTLINE_OIDC_ISSUER needs the extra [oidc]: pip install 'sightline[oidc]'"
        ) from error
    return tokens_of(settings).check


def _add_routes(app: FastAPI, settings: ServiceSettings) -> None:
    app.mount("/web", page.files)  # first: it is asked for most files at once, and no route begins like it
    app.router.routes.extend(_served(settings.max_image_bytes, settings.max_upload_bytes).routes)


@cache
def _served(max_image_bytes: int, max_upload_bytes: int) -> APIRouter:
    """All routes, once a process: to read the signatures of what they call takes a third of a second."""
    served = APIRouter()
    served.include_router(health.router)
    served.include_router(metrics.router)
    photo = max_image_bytes + _FORM_OVERHEAD
    largest = {probes: photo, searches: photo, uploads: max_upload_bytes}
    for part in API:
        served.include_router(
            part.router,
            dependencies=[Depends(require_caller)],
            responses=problems.declared(),
            max_body_size=largest.get(part, MIB),
        )
    served.include_router(page.router)
    return served


async def _keep_networks(state: State) -> None:
    """Load the networks beside the running server, and the vectors with them; then follow promotions."""
    networks, known = state.networks, (state.settings, state.gallery)
    await anyio.to_thread.run_sync(networks.load, *known, abandon_on_cancel=True)
    while True:
        await asyncio.sleep(_FOLLOW_SECONDS)
        await anyio.to_thread.run_sync(networks.follow, *known, abandon_on_cancel=True)


async def _keep_telling(state: State) -> None:
    """Deliver what webhooks are to be told; costs a small query while there is nothing."""
    deliveries = Deliveries(state.gallery, state.settings.webhook_hosts)

    def deliver() -> None:
        try:
            deliveries.run_once()
        except GalleryError as error:  # it is tried again, and /readyz says what is wrong
            log.warning("webhooks not looked at", reason=type(error).__name__)

    while True:
        await anyio.to_thread.run_sync(deliver, abandon_on_cancel=True)
        await asyncio.sleep(_TELL_SECONDS)


async def _keep_house(state: State) -> None:
    """Remove old probes, given-up uploads and surplus clips, now and every hour."""
    chores: dict[str, Callable[[], int]] = {
        "given-up uploads": state.uploads.expire,
        "surplus clips": state.clips.trim,
        "ended sessions": lambda: state.gallery.sessions.expire(idle=state.settings.session_idle),
        "old deliveries": Deliveries(state.gallery, state.settings.webhook_hosts).prune,
    }
    if days := state.settings.probe_retention_days:
        chores["old probes"] = lambda: state.gallery.probes.expire(datetime.now(UTC) - timedelta(days=days))

    def clean() -> None:
        for what, remove in chores.items():
            try:
                removed = remove()
            except (GalleryError, OSError):
                log.exception("housekeeping failed", of=what)
                continue
            if removed:
                log.info("housekeeping", removed=what, count=removed)

    while True:
        await anyio.to_thread.run_sync(clean)
        await asyncio.sleep(_HOUSEKEEPING_SECONDS)

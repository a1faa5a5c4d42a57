"""Metrics for Prometheus, for who has the token that the operator has set."""

import hmac
from typing import Annotated, Final

import anyio
import anyio.to_thread
from fastapi import APIRouter, Header, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from gallery import Figures, GalleryError, NotFound
from service.errors import NotReady, Unauthenticated
from service.metrics.gauges import Gauges, Moment
from service.state import State, StateDep

router = APIRouter(tags=["health"])
_PATIENCE: Final = 3.0  # seconds for the database; what does not come from it is shown without it


@router.get("/metrics", include_in_schema=False)
async def metrics(state: StateDep, authorization: Annotated[str, Header()] = "") -> Response:
    """Counts and times since the start, and how the gallery stands now.

    The token is not a key: keys are looked up in the database, and these numbers matter most without it.
    """
    _require_token(state, authorization)
    found: Figures | None = None
    with anyio.move_on_after(_PATIENCE):
        found = await anyio.to_thread.run_sync(_figures, state, abandon_on_cancel=True)
    gauges = CollectorRegistry(auto_describe=False)
    gauges.register(Gauges(_moment(state, found)))
    text = generate_latest(state.instruments.registry) + generate_latest(gauges)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


def _require_token(state: State, authorization: str) -> None:
    """Raise NotFound unless metrics are on, and Unauthenticated for any token but the one that is set."""
    if state.settings.metrics_token is None:
        raise NotFound("no metrics: SIGHTLINE_METRICS_TOKEN is not set")
    scheme, _, given = authorization.partition(" ")
    wanted = state.settings.metrics_token.get_secret_value()
    same = hmac.compare_digest(given.strip().encode(), wanted.encode())
    if scheme.lower() != "bearer" or not same:
        raise Unauthenticated("Send the token of SIGHTLINE_METRICS_TOKEN as a bearer token.")


def _figures(state: State) -> Figures | None:
    try:
        return state.gallery.figures()
    except GalleryError:
        return None


def _moment(state: State, found: Figures | None) -> Moment:
    try:
        snapshot = state.gallery.loaded_snapshot(state.networks.embedder.id)
    except NotReady:
        snapshot = None
    return Moment(
        figures=found,
        snapshot=snapshot,
        ready=state.networks.ready,
        waiting={
            "photos": state.photos_lane.waiting,
            "networks": state.networks_lane.waiting,
            "clips": state.clips_lane.waiting,
        },
        data_dir=state.gallery.data_dir,
    )

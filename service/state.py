"""The parts that the requests of one running service share, made when it starts."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated, Final

from fastapi import Depends, Request

from gallery import Gallery
from service.clips import ClipCache
from service.disk import FullDisk
from service.metrics.instruments import Instruments
from service.networks import Networks
from service.packing import Packages
from service.recordings import RecordingCheck
from service.settings import ServiceSettings
from service.turns import Turns
from service.uploads import Uploads
from service.work import Lane

_THREADS: Final = 32  # of the 40 that AnyIO has; keys are checked, and files sent, in the others


@dataclass(frozen=True, slots=True)
class State:
    """The parts of a running service.

    Attributes:
        photos_lane: where photos are decoded, which takes milliseconds or, of a costly one, seconds. A key
            never has all of it: a photo of another need not wait for the end of one.
        networks_lane: where photos pass the networks. Nothing here takes long, as one key may have all of it.
        clips_lane: where clips are cut, packages are packed and starts are read: of a long recording, or one
            whose clock cannot be trusted, for minutes. A key never has all of it.
        trail_lane: where the audit trail is checked, one check at a time.
        erasures_lane: where erasures are listed and carried out, one at a time: large ones take a while.
        reports_lane: where models are compared by recorded searches and corrected by marks, one at a time:
            hundreds of photos pass the networks.
        journeys_lane: where journeys are put together, one at a time: those of large cases take seconds.
        turns: what else works in a thread takes turns between keys, too.
        packages: how far evidence packages are.
        instruments: what is counted and timed.
    """

    settings: ServiceSettings
    gallery: Gallery
    networks: Networks
    uploads: Uploads
    clips: ClipCache
    recordings: RecordingCheck
    photos_lane: Lane
    networks_lane: Lane
    clips_lane: Lane
    trail_lane: Lane
    erasures_lane: Lane
    reports_lane: Lane
    journeys_lane: Lane
    turns: Turns
    packages: Packages
    full_disk: FullDisk
    instruments: Instruments


def make_state(
    settings: ServiceSettings, gallery: Gallery, networks: Networks, instruments: Instruments | None = None
) -> State:
    """Put the parts together."""
    data_dir = gallery.data_dir
    return State(
        settings=settings,
        gallery=gallery,
        networks=networks,
        uploads=Uploads(
            data_dir / "uploads",
            max_bytes=settings.max_upload_bytes,
            max_key_bytes=settings.max_key_upload_bytes,
            max_key_count=settings.max_key_uploads,
            least_free=settings.min_free_bytes,
            ttl=timedelta(hours=settings.upload_ttl_hours),
            needed=lambda path: gallery.jobs.needs(str(path)),
        ),
        clips=ClipCache(data_dir / "cache", settings.max_cache_bytes),
        recordings=RecordingCheck(gallery),
        photos_lane=_shared_lane(settings.network_passes, settings),
        networks_lane=_lane(settings.network_passes, settings),
        clips_lane=_shared_lane(settings.clip_cuts, settings),
        trail_lane=_lane(1, settings),
        erasures_lane=_lane(1, settings),
        reports_lane=_lane(1, settings),
        journeys_lane=_lane(1, settings),
        turns=Turns(
            _THREADS,
            settings.max_connections,
            settings.max_wait_seconds,
            share=settings.key_requests_at_once,
        ),
        packages=Packages(),
        full_disk=FullDisk(),
        instruments=instruments or Instruments(),
    )


def _lane(width: int, settings: ServiceSettings, *, share: int | None = None) -> Lane:
    return Lane(width, settings.max_waiting, settings.max_wait_seconds, share=share)


def _shared_lane(width: int, settings: ServiceSettings) -> Lane:
    """A lane of at least two places, of which no key has all, however long its work takes."""
    return _lane(max(2, width), settings, share=max(1, width - 1))


def _state(request: Request) -> State:
    """What a request works with: with a gallery that holds nothing that its caller may not see.

    This is the one place where a route gets it, so none can forget. What comes before a caller is known, such
    as the health of the service, says nothing of cameras.
    """
    state: State = request.app.state.sightline
    caller = getattr(request.state, "caller", None)
    if caller is None or caller.cameras is None:
        return state
    return replace(state, gallery=state.gallery.limited_to(caller.cameras))


StateDep = Annotated[State, Depends(_state)]

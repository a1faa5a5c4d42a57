"""Marks as a second person sees them: enough to confirm them, and no more of somebody else's search."""

import io

from PIL import Image

from gallery import MarkInfo, NotFound, SearchInfo
from service import persons, probing
from service.answer_schemas import MarkOut
from service.auth import Caller
from service.mark_schemas import MarkReview, ReviewedMark
from service.searches.hits import camera_ref
from service.state import State


def review(state: State, caller: Caller, search_id: str) -> MarkReview:
    """The marks of a search with what they are on. That they are read is recorded.

    Raises:
        NotFound: no such search that is seen, or nothing is marked on it.
    """
    search, marks = _marked(state, search_id)
    asked = [probe.tracklet_id for probe in search.query.probes if probe.tracklet_id is not None]
    there = state.gallery.still_there(search, [*(mark.tracklet_id for mark in marks), *asked]).tracklets
    cameras = {camera.id: camera_ref(camera) for camera in state.gallery.catalogue.cameras()}
    items = []
    for mark in marks:
        tracklet = there.get(mark.tracklet_id)
        if tracklet is None or tracklet.camera_id not in cameras:
            continue  # erased this moment, or indexed anew since: the id may be another person's
        url, change = f"/v1/tracklets/{tracklet.id}", f"?change={tracklet.change}"
        items.append(
            ReviewedMark(
                **MarkOut.model_validate(mark, from_attributes=True).model_dump(),
                search_id=mark.search_id,
                tracklet_id=mark.tracklet_id,
                camera=cameras[tracklet.camera_id],
                start=tracklet.start_time,
                end=tracklet.end_time,
                thumbnail_url=f"{url}/thumbnail{change}",
                clip_url=f"{url}/clip{change}",
            )
        )
    looked_for = []
    for number, probe in enumerate(search.query.probes):
        if probe.tracklet_id is not None and (asked_for := there.get(probe.tracklet_id)) is not None:
            looked_for.append(f"/v1/tracklets/{asked_for.id}/thumbnail?change={asked_for.change}")
        elif probe.id is not None and _is_there(state, probe.id):
            looked_for.append(f"/v1/searches/{search.id}/marks/review/photos/{number}")
    state.gallery.audit.record("mark.review", key_id=caller.key_id, subject=search.id)
    return MarkReview(
        search_id=search.id,
        created_at=search.created_at,
        key_id=search.key_id,
        persons=looked_for,
        items=items,
    )


def photo(state: State, caller: Caller, search_id: str, number: int) -> bytes:
    """The person on a photo of a marked search as a JPEG. That it is looked at is recorded.

    Raises:
        NotFound: no such search that is seen, nothing is marked on it, or it has no such photo (any more).
    """
    search, _ = _marked(state, search_id)
    asked = search.query.probes[number] if number < len(search.query.probes) else None
    if asked is None or asked.id is None or asked.box is None:
        raise NotFound(f"search {search_id} has no photo {number}")
    probe = state.gallery.probes.get(asked.id)
    crop = persons.crop(probing.probe_pixels(probe), asked.box, (probe.width, probe.height))
    state.gallery.audit.record(
        "probe.view", key_id=caller.key_id, subject=probe.id, detail={"search_id": search.id}
    )
    file = io.BytesIO()
    Image.fromarray(crop).save(file, "JPEG", quality=92)
    return file.getvalue()


def _marked(state: State, search_id: str) -> tuple[SearchInfo, list[MarkInfo]]:
    """A search of anybody, if something is marked on it: who marks asks for a second person's eyes."""
    search = state.gallery.searches.get(search_id)
    marks = state.gallery.marks.of(search.id)
    if not marks:
        raise NotFound(f"nothing is marked on a search {search_id}")
    return search, marks


def _is_there(state: State, probe_id: str) -> bool:
    try:
        state.gallery.probes.get(probe_id)
    except NotFound:
        return False
    return True

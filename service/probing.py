"""Probes: from an uploaded photo to what can be searched for."""

from dataclasses import asdict
from pathlib import Path

from gallery import FoundPerson, NotFound, PersonQuality, ProbeInfo
from models.detector import Detector
from service import images, persons
from service.auth import Caller
from service.disk import room_needed
from service.errors import InvalidRequest
from service.persons import Box, Person
from service.schemas import ProbeChoice, ProbeOut, SearchedProbe
from service.state import State


def add_probe(state: State, caller: Caller, data: bytes) -> ProbeInfo:
    """Read a photo, find the persons on it, store both.

    Raises:
        UnsupportedImage, BadProbe, ContentTooLarge: the photo was refused.
        NotReady: the detector is not loaded yet.
    """
    detector = state.networks.detector
    photo = images.read(data, max_pixels=state.settings.max_pixels)
    found = _found(detector, photo.pixels)
    height, width = photo.pixels.shape[:2]
    with room_needed():
        probe = state.gallery.probes.add(
            photo.data,
            photo.media_type,
            width,
            height,
            [_stored(person) for person in found],
            caller.key_id,
        )
    state.gallery.audit.record(
        "probe.add",
        key_id=caller.key_id,
        subject=probe.id,
        detail={"image_hash": probe.image_hash, "persons": len(found)},
    )
    return probe


def own_probe(state: State, caller: Caller, probe_id: str) -> ProbeInfo:
    """A probe of the caller. Raises NotFound: there is none, or it is somebody else's."""
    probe = state.gallery.probes.get(probe_id)
    if not caller.owns(probe.key_id):
        raise NotFound(f"no probe {probe_id}")
    return probe


def delete_probe(state: State, caller: Caller, probe_id: str) -> None:
    """Remove a probe of the caller with its photo. Raises NotFound."""
    probe = own_probe(state, caller, probe_id)
    state.gallery.audit.record("probe.delete", key_id=caller.key_id, subject=probe.id)
    state.gallery.probes.delete(probe.id)


def choose(probe: ProbeInfo, choice: ProbeChoice) -> tuple[SearchedProbe, Box, list[str]]:
    """What of a probe is searched for, and what should be known about that choice.

    A box or a person that was named is taken; else the first person found; else the whole photo.

    Raises:
        InvalidRequest: there is no such person.
    """
    if choice.box is not None:
        return _searched(probe, None, persons.clip_box(choice.box, probe.width, probe.height)), choice.box, []
    if choice.person is None and not probe.persons:
        whole = (0.0, 0.0, float(probe.width), float(probe.height))
        return _searched(probe, None, whole), whole, [persons.NOBODY]
    index = choice.person or 0
    if index >= len(probe.persons):
        raise InvalidRequest(
            f"The probe has {len(probe.persons)} persons; there is no person {index}.", "/probes/0/person"
        )
    person = probe.persons[index]
    return _searched(probe, index, person.box), person.box, list(person.quality.warnings)


def probe_pixels(probe: ProbeInfo) -> images.Pixels:
    """The photo of a probe. Raises NotFound: it was deleted meanwhile."""
    try:
        return images.decode_stored(Path(probe.path).read_bytes())
    except FileNotFoundError as error:
        raise NotFound(f"no probe {probe.id}") from error


def probe_out(probe: ProbeInfo) -> ProbeOut:
    """The probe as the API says it."""
    return ProbeOut.model_validate(
        {
            "id": probe.id,
            "width": probe.width,
            "height": probe.height,
            "created_at": probe.created_at,
            "persons": [{"index": index, **asdict(person)} for index, person in enumerate(probe.persons)],
            "image_url": f"/v1/probes/{probe.id}/image",
            "warnings": [] if probe.persons else [persons.NOBODY],
        }
    )


def _found(detector: Detector, pixels: images.Pixels) -> list[Person]:
    return persons.find(detector, pixels)[:100]


def _stored(person: Person) -> FoundPerson:
    quality = PersonQuality(person.height_px, person.sharpness, list(person.warnings))
    return FoundPerson(person.box, person.score, quality)


def _searched(probe: ProbeInfo, person: int | None, box: Box) -> SearchedProbe:
    return SearchedProbe(id=probe.id, person=person, box=box)

"""Probes: from an uploaded photo to what can be searched for."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from gallery import FoundPerson, NotFound, PersonQuality, ProbeInfo
from service import images, persons
from service.answer_schemas import SearchedProbe
from service.auth import Caller
from service.disk import room_needed
from service.errors import InvalidRequest, QuotaExceeded
from service.persons import Person
from service.pixels import Pixels
from service.schemas import ProbeChoice, ProbeOut
from service.state import State

_MOST_PERSONS: Final = 100


def add_probe(state: State, caller: Caller, data: bytes) -> tuple[ProbeInfo, Pixels]:
    """Read a photo, find the persons on it, store both; return the probe and its pixels as stored.

    Raises:
        UnsupportedImage, BadProbe, ContentTooLarge: the photo was refused.
        QuotaExceeded: the key has as many probes as it may have.
        NotReady: the detector is not loaded yet.
    """
    most = state.settings.max_key_probes
    if state.gallery.probes.count(caller.key_id) >= most:
        raise QuotaExceeded(f"This key has {most} probes, the most it may have; delete some.")
    photo = images.read(data, max_pixels=state.settings.max_pixels)
    found = persons.find(state.networks.detector, photo.pixels)[:_MOST_PERSONS]
    scale = photo.width / photo.pixels.shape[1]
    with room_needed():
        probe = state.gallery.probes.add(
            photo.data,
            photo.media_type,
            photo.width,
            photo.height,
            [_stored(person, scale) for person in found],
            caller.key_id,
        )
    state.gallery.audit.record(
        "probe.add",
        key_id=caller.actor,
        subject=probe.id,
        detail={"image_hash": probe.image_hash, "persons": len(found)},
    )
    return probe, photo.pixels


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


@dataclass(frozen=True, slots=True)
class Chosen:
    """The part of a probe to search for: its crop, its description in the answer, and warnings."""

    searched: SearchedProbe
    crop: Pixels
    warnings: Sequence[str]


def choose(probe: ProbeInfo, pixels: Pixels, choice: ProbeChoice, place: int = 0) -> Chosen:
    """Choose what is searched for on a probe, whose stored photo is `pixels`; `place` among several.

    A box or a person that was named is taken; else the first person found; else the whole photo.

    Raises:
        InvalidRequest: there is no such person, or too little of the photo in the box.
    """
    size = probe.width, probe.height
    index, warnings = choice.person, []
    if choice.box is not None:
        box = persons.clip_box(choice.box, *size)
    elif index is None and not probe.persons:
        box, warnings = (0.0, 0.0, float(probe.width), float(probe.height)), [persons.NOBODY]
    else:
        index = index or 0
        if index >= len(probe.persons):
            raise InvalidRequest(
                f"The probe has {len(probe.persons)} persons; there is no person {index}.",
                f"/probes/{place}/person",
            )
        person = probe.persons[index]
        box, warnings = person.box, list(person.quality.warnings)
    searched = SearchedProbe(id=probe.id, person=index, box=box)
    return Chosen(searched, persons.crop(pixels, box, size, f"/probes/{place}/box"), warnings)


def probe_pixels(probe: ProbeInfo) -> Pixels:
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


def _stored(person: Person, scale: float) -> FoundPerson:
    """A person as recorded: in pixels of the photo as it came, `scale` times those of the stored one."""
    x, y, w, h = (round(value * scale, 1) for value in person.box)
    quality = PersonQuality(round(person.height_px * scale, 1), person.sharpness, list(person.warnings))
    return FoundPerson((x, y, w, h), person.score, quality)

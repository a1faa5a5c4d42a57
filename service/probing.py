"""Probes: from an uploaded photo to what can be searched for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gallery import (
    FoundPerson,
    IgnoredFor,
    IgnoredPerson,
    NotFound,
    Notice,
    PersonQuality,
    ProbeInfo,
    QueriedProbe,
    SelectedBy,
    Selection,
)
from service import images, persons
from service.auth import Caller
from service.errors import InvalidRequest, QuotaExceeded
from service.metrics.instruments import Stage
from service.persons import Person
from service.pixels import Box, Pixels
from service.probes import fitness, notices
from service.schemas import NoticeOut, PersonOut, ProbeChoice, ProbeOut
from service.schemas import PersonQuality as QualityOut
from service.state import State


def read_photo(state: State, caller: Caller, data: bytes) -> images.Photo:
    """Decode a photo, which may take seconds of a core.

    Raises:
        UnsupportedImage, BadProbe, ContentTooLarge: the photo was refused.
        QuotaExceeded: the key has as many probes as it may have.
    """
    most = state.settings.max_key_probes
    if state.gallery.probes.count(caller.key_id) >= most:
        raise QuotaExceeded(f"This key has {most} probes, the most it may have; delete some.")
    with state.instruments.stage(Stage.PHOTO):
        return images.read(data, max_pixels=state.settings.max_pixels)


def add_probe(state: State, caller: Caller, photo: images.Photo) -> tuple[ProbeInfo, Pixels]:
    """Find the persons on a photo, store both; return the probe and its pixels as stored.

    Raises:
        NotReady: the detector is not loaded yet.
    """
    with state.instruments.stage(Stage.DETECT):
        found = persons.find(state.networks.detector, photo.pixels)
    probe = state.gallery.probes.add(
        photo.data,
        photo.media_type,
        photo.width,
        photo.height,
        _stored(photo, found.persons),
        caller.key_id,
        notices.of_photo(photo, len(found.persons) + found.unlisted, len(found.persons), found.too_small),
        by_operator=caller.operator,
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
    state.gallery.probes.delete(probe.id, key_id=caller.key_id)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The part of a probe to search for, its crop, and how it was chosen, for the record."""

    searched: QueriedProbe
    crop: Pixels
    selection: Selection


def choose(probe: ProbeInfo, pixels: Pixels, choice: ProbeChoice, place: int = 0) -> Chosen:
    """Choose what is searched for on a probe, whose stored photo is `pixels`; `place` among several.

    A box or a person that was named is taken; else the first person found; else the whole photo.

    Raises:
        InvalidRequest: there is no such person, or too little of the photo in the box.
    """
    size = probe.width, probe.height
    index, by = choice.person, SelectedBy.PERSON
    if choice.box is not None:
        box, by = persons.clip_box(choice.box, *size), SelectedBy.BOX
    elif index is None and not probe.persons:
        box, by = (0.0, 0.0, float(probe.width), float(probe.height)), SelectedBy.WHOLE
    else:
        by = SelectedBy.DEFAULT if index is None else SelectedBy.PERSON
        index = index or 0
        if index >= len(probe.persons):
            raise InvalidRequest(
                f"The probe has {len(probe.persons)} persons; there is no person {index}.",
                f"/probes/{place}/person",
            )
        box = probe.persons[index].box
    searched = QueriedProbe(probe.id, index, box, taken_at=choice.taken_at)
    crop = persons.crop(pixels, box, size, f"/probes/{place}/box")
    return Chosen(searched, crop, _selection(probe, pixels, by, index, box))


def _selection(probe: ProbeInfo, pixels: Pixels, by: SelectedBy, index: int | None, box: Box) -> Selection:
    """What was found on a probe, who was ignored, and what is to be known of the box that was chosen."""
    others = [(number, one.box) for number, one in enumerate(probe.persons) if number != index]
    why = IgnoredFor.RANKED_LOWER if by is SelectedBy.DEFAULT else IgnoredFor.NOT_CHOSEN
    scale = probe.width / pixels.shape[1]
    seen = fitness.assess(pixels, _scaled(box, 1 / scale))
    seen = replace(seen, height_px=box[3])
    hidden = fitness.hidden_share(box, [one for _, one in others])
    score = None if index is None else probe.persons[index].score
    said = [
        *notices.of_choice(by, box, probe.persons),
        *fitness.notices(seen, probe.height, hidden, score),
        *notices.of_the_file(probe.notices),
    ]
    return Selection(by, len(probe.persons), [IgnoredPerson(*one, why) for one in others], said)


def probe_pixels(probe: ProbeInfo) -> Pixels:
    """The photo of a probe. Raises NotFound: it was deleted meanwhile."""
    try:
        return images.decode_stored(Path(probe.path).read_bytes())
    except FileNotFoundError as error:
        raise NotFound(f"no probe {probe.id}") from error


def probe_out(probe: ProbeInfo) -> ProbeOut:
    """The probe as the API says it."""
    return ProbeOut(
        id=probe.id,
        width=probe.width,
        height=probe.height,
        created_at=probe.created_at,
        persons=[
            PersonOut(index=index, box=one.box, score=one.score, quality=_quality_out(one.quality))
            for index, one in enumerate(probe.persons)
        ],
        image_url=f"/v1/probes/{probe.id}/image",
        notices=notices_out(probe.notices),
        warnings=warnings_of(probe.notices),
    )


def notices_out(found: Iterable[Notice]) -> list[NoticeOut]:
    """Notices as the API says them."""
    return [NoticeOut.model_validate(one, from_attributes=True) for one in found]


def warnings_of(found: Iterable[Notice]) -> list[str]:
    """The sentences of the notices that warn."""
    return [one.text for one in found if one.warns]


def _quality_out(quality: PersonQuality) -> QualityOut:
    return QualityOut(
        height_px=quality.height_px,
        sharpness=quality.sharpness,
        colour=quality.colour,
        notices=notices_out(quality.notices),
        warnings=[*quality.warnings, *warnings_of(quality.notices)],
    )


def _stored(photo: images.Photo, found: Sequence[Person]) -> list[FoundPerson]:
    """Persons as recorded: in pixels of the photo as it came, which may be larger than the stored one."""
    scale = photo.width / photo.pixels.shape[1]
    boxes: list[Box] = [_scaled(one.box, scale) for one in found]
    stored = []
    for place, person in enumerate(found):
        others = [*boxes[:place], *boxes[place + 1 :]]
        seen = replace(person.seen, height_px=person.seen.height_px * scale)
        hidden = fitness.hidden_share(boxes[place], others)
        said = fitness.notices(seen, photo.height, hidden, person.score)
        quality = PersonQuality(
            height_px=round(seen.height_px, 1),
            sharpness=round(seen.sharpness, 4),
            colour=round(seen.colour, 1),
            notices=said,
        )
        stored.append(FoundPerson(boxes[place], person.score, quality))
    return stored


def _scaled(box: Box, scale: float) -> Box:
    x, y, w, h = (round(value * scale, 1) for value in box)
    return x, y, w, h

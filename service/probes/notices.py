"""What is to be known of a photo as a whole, and of what was chosen on it."""

from collections.abc import Iterator, Sequence
from typing import Final

from gallery import FoundPerson, Notice, NoticeCode, SelectedBy
from models import quality
from service.images import Photo
from service.pixels import Box
from service.probes.fitness import APART, overlap

DRAWN: Final = 0.45  # models.quality.flat
NOBODY: Final = "No person was found on the photo; by default the whole photo is searched."
_RULE: Final = "who is seen largest and most clearly"


def of_photo(photo: Photo, found: int, kept: int, too_small: int) -> list[Notice]:
    """The notices of a photo.

    Args:
        photo: it, and how it came.
        found: persons on it that can be searched for.
        kept: how many of them are listed.
        too_small: persons on it that are too small to be searched for.
    """
    return [*_of_file(photo), *_of_people(found, kept, too_small)]


def of_the_file(said: Sequence[Notice]) -> list[Notice]:
    """Those notices of a photo that stay true for each person on it."""
    return [one for one in said if one.code not in {NoticeCode.NOBODY, NoticeCode.SEVERAL_PEOPLE}]


def _of_file(photo: Photo) -> Iterator[Notice]:
    if photo.came.turned:
        yield _note(NoticeCode.TURNED, "The photo was turned upright, as its file says.")
    if photo.came.mirrored:
        yield _note(NoticeCode.MIRRORED, "The photo was mirrored, as its file says.")
    if photo.came.transparent:
        yield _note(
            NoticeCode.TRANSPARENT,
            "Parts of the picture are transparent; they are taken as white.",
        )
    if photo.came.animated:
        yield _note(NoticeCode.ANIMATED, "The picture moves; only its first image is searched for.")
    if photo.came.converted:
        yield _note(
            NoticeCode.CONVERTED,
            "The picture was made for print; its colours were converted and may be off.",
        )
    if photo.came.compressed:
        yield Notice(
            NoticeCode.COMPRESSED,
            "The photo was saved in very low quality: details that tell people apart may be lost.",
        )
    if (share := quality.flat(photo.pixels)) >= DRAWN:
        yield _note(
            NoticeCode.DRAWN,
            f"{100 * share:.0f} % of the picture is of exactly even colour, as in screenshots and drawings: "
            "if there is an original photo, search with that.",
        )


def _of_people(found: int, kept: int, too_small: int) -> Iterator[Notice]:
    if not found:
        yield Notice(NoticeCode.NOBODY, NOBODY)
    if found > 1:
        listed = f", of whom {kept} are listed" if kept < found else ""
        yield _note(
            NoticeCode.SEVERAL_PEOPLE,
            f"{found} people were found{listed}. Unless another is named, the one is searched for {_RULE}.",
        )
    if too_small:
        yield _note(NoticeCode.TINY_PEOPLE, f"Ignored, as too small to be searched for: {too_small}.")


def of_choice(by: SelectedBy, box: Box, persons: Sequence[FoundPerson]) -> Iterator[Notice]:
    """What is to be known of a choice, in place of what was said of the persons before it."""
    found = len(persons)
    if by is SelectedBy.WHOLE:
        yield Notice(NoticeCode.NOBODY, NOBODY)
        yield _note(NoticeCode.WHOLE_PHOTO, "The whole photo is searched for.")
    elif by is SelectedBy.BOX:
        yield from _of_box(max((overlap(box, one.box) for one in persons), default=None))
    if found > 1:
        said = {
            SelectedBy.DEFAULT: f"The one was taken {_RULE}.",
            SelectedBy.PERSON: "One of them was chosen by hand.",
            SelectedBy.BOX: "A box drawn by hand was taken instead.",
        }[by]
        # Named by nobody, it may be the wrong one.
        text = f"{found} people were found. {said} Ignored: {found - (by is not SelectedBy.BOX)}."
        yield Notice(NoticeCode.SEVERAL_PEOPLE, text, warns=by is SelectedBy.DEFAULT)


def _of_box(best: float | None) -> Iterator[Notice]:
    if best is None:
        yield Notice(
            NoticeCode.OWN_BOX,
            "Nobody was found on the photo: only a box drawn by hand says that a person is there.",
        )
        return
    yield _note(NoticeCode.OWN_BOX, "A box drawn by hand says what is searched for.")
    if best < APART:
        yield Notice(
            NoticeCode.BOX_APART,
            f"The box drawn by hand has little in common with any person found ({100 * best:.0f} % of both): "
            "it may hold part of a person, several, or much of the background.",
        )


def _note(code: NoticeCode, text: str) -> Notice:
    return Notice(code, text, warns=False)

"""Who is on a photo, and how fit for a search."""

from collections.abc import Sequence

import numpy as np
import pytest

from models.detector import Detections
from models.quality import Quality
from service import persons
from service.errors import InvalidRequest
from service.persons import Found
from service.pixels import Box, Pixels
from service.probes import fitness
from tests.service.fakes import ContrastDetector
from tests.service.videos import BLUE, GREEN, RED, person, scene


class Scripted:
    """A detector that says what it was told to, one answer a call."""

    name = "scripted"
    device = "cpu"

    def __init__(self, *answers: Sequence[tuple[float, float, float, float, float]]) -> None:
        self.answers = list(answers)
        self.seen: list[tuple[int, ...]] = []

    def detect(self, frames: Sequence[Pixels]) -> list[Detections]:
        self.seen += [frame.shape for frame in frames]
        rows = np.array(self.answers.pop(0), dtype=np.float32).reshape(-1, 5)
        return [Detections(boxes=rows[:, :4], scores=rows[:, 4])]


def test_orders_persons_by_score_times_height() -> None:
    photo = scene((RED, 10, 20), (GREEN, 100, 20), (BLUE, 200, 20))
    detector = Scripted([(10, 20, 50, 60, 0.9), (100, 20, 140, 120, 0.8), (200, 20, 240, 110, 0.5)])
    found = persons.find(detector, photo).persons
    assert [p.box for p in found] == [(100, 20, 40, 100), (200, 20, 40, 90), (10, 20, 40, 40)]
    assert [p.score for p in found] == pytest.approx([0.8, 0.5, 0.9])
    assert len(detector.seen) == 1


def test_looks_again_with_a_margin_when_nobody_is_seen() -> None:
    photo = person(RED, 50, 100)
    # On the canvas the photo begins at (25, 50).
    detector = Scripted([], [(20, 45, 80, 155, 0.7)])
    found = persons.find(detector, photo).persons
    assert detector.seen == [(100, 50, 3), (200, 100, 3)]
    assert [p.box for p in found] == [(0, 0, 50, 100)]


def test_finds_nobody() -> None:
    assert persons.find(Scripted([], []), scene()) == Found([], 0)


def test_drops_boxes_outside_the_photo_and_counts_those_too_small_to_be_searched_for() -> None:
    boxes = [(-50, -50, 5, 100, 0.9), (400, 10, 450, 90, 0.9), (10, 10, 15, 20, 0.8)]
    assert persons.find(Scripted(boxes), scene()) == Found([], 2)


@pytest.mark.parametrize(
    ("box", "shape"),
    [((10, 20, 30, 40), (40, 30)), ((10.5, 20.5, 30, 40), (41, 31)), ((-20, -20, 1000, 1000), (240, 320))],
)
def test_crops_whole_pixels(box: Box, shape: tuple[int, int]) -> None:
    assert persons.crop(scene(), box, (320, 240)).shape[:2] == shape


def test_crops_of_a_photo_that_was_scaled_down() -> None:
    shown = scene((RED, 100, 60))
    crop = persons.crop(shown, (400, 240, 160, 400), (1280, 960))
    assert np.array_equal(crop, shown[60:160, 100:140])


@pytest.mark.parametrize("box", [(0, 0, 5, 100), (318, 0, 100, 100), (500, 500, 50, 50), (-100, 0, 104, 50)])
def test_refuses_boxes_with_nothing_in_them(box: Box) -> None:
    with pytest.raises(InvalidRequest):
        persons.crop(scene(), box, (320, 240))


class Shrinking(ContrastDetector):
    """Overlooks what is small in an input of fixed size, as detectors do."""

    INPUT, LEAST = 400, 40  # pixels: long side of the input, height of a figure in it

    def __init__(self) -> None:
        self.looks = 0

    def detect(self, frames: Sequence[Pixels]) -> list[Detections]:
        self.looks += len(frames)
        return [
            self._large(frame, found) for frame, found in zip(frames, super().detect(frames), strict=True)
        ]

    def _large(self, frame: Pixels, found: Detections) -> Detections:
        heights = (found.boxes[:, 3] - found.boxes[:, 1]) * min(1.0, self.INPUT / max(frame.shape))
        return Detections(found.boxes[heights >= self.LEAST], found.scores[heights >= self.LEAST])


def test_looks_at_tiles_when_people_are_small_on_a_large_photo() -> None:
    where = [(60, 300), (700, 40), (1000, 500), (1500, 320), (1750, 900)]
    photo = scene(*((RED, x, y) for x, y in where), width=1920, height=1080)
    detector = Shrinking()
    assert len(detector.detect([photo])[0].boxes) == 0
    found = persons.find(detector, photo).persons
    assert sorted(person.box[0] for person in found) == [x for x, _ in where]
    assert all(abs(person.seen.height_px - 100) < 10 for person in found)
    assert detector.looks < 15


def test_looks_at_no_tiles_when_a_person_stands_out() -> None:
    photo = np.repeat(np.repeat(scene((RED, 100, 60)), 6, axis=0), 6, axis=1)
    detector = Shrinking()
    (found,) = persons.find(detector, photo).persons
    assert found.box[3] == pytest.approx(600, abs=20)
    assert detector.looks == 1


@pytest.mark.long
def test_no_photo_takes_many_looks() -> None:
    for shape in ((1500, 4000, 3), (300, 8000, 3), (2400, 2400, 3)):
        detector = Shrinking()
        assert persons.find(detector, np.full(shape, 90, np.uint8)).persons == []
        assert detector.looks <= 18, shape


@pytest.mark.long
def test_a_crowd_is_measured_as_far_as_it_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of small figures on one photo, each of which every tile reports, cost no more than others."""
    looks: list[Box] = []
    assess = fitness.assess

    def counted(pixels: Pixels, box: Box) -> Quality:
        looks.append(box)
        return assess(pixels, box)

    monkeypatch.setattr(fitness, "assess", counted)
    places = [(x, y) for x in range(0, 630, 10) for y in range(5, 600, 21)]
    figures = [(x, y, x + 9.0, y + 20.0, 0.5 + y / 2000) for x, y in places]
    shape = (1280, 1280, 3)
    detector = Scripted([], *[figures] * 9)

    found = persons.find(detector, np.full(shape, 90, np.uint8))

    assert (len(found.persons), len(looks)) == (persons.MOST_PERSONS, persons.MOST_PERSONS)
    assert found.unlisted > 1000
    assert min(one.score for one in found.persons) > 0.75  # the best of all of them

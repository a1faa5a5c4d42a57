"""What has changed is looked at again, whole, and nothing else is."""

from itertools import pairwise, product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.detectors.base import FloatArray
from models.detectors.changes import CELL, Part, Watched, inside, is_cut, parts_to_look_at

ROWS, COLUMNS = 8, 13
cells = st.sets(st.tuples(st.integers(0, ROWS - 1), st.integers(0, COLUMNS - 1)), max_size=20)
corners = st.tuples(
    st.floats(-5, COLUMNS * CELL - 3, width=32),
    st.floats(-5, ROWS * CELL - 3, width=32),
    st.floats(2, 120, width=32),
    st.floats(2, 200, width=32),
)


def mask(changed: set[tuple[int, int]]) -> NDArray[np.bool_]:
    result = np.zeros((ROWS, COLUMNS), dtype=bool)
    for cell in changed:
        result[cell] = True
    return result


def boxes_of(sides: list[tuple[float, float, float, float]]) -> FloatArray:
    return np.array([[x, y, x + w, y + h] for x, y, w, h in sides], dtype=np.float32).reshape(-1, 4)


@given(cells, st.lists(corners, max_size=8))
def test_parts_are_disjoint_hold_what_changed_and_cut_nobody(
    changed: set[tuple[int, int]], sides: list[tuple[float, float, float, float]]
) -> None:
    boxes = boxes_of(sides)
    parts = parts_to_look_at(mask(changed), boxes)
    assert all(not one.touches(other) for one, other in product(parts, parts) if one is not other)
    for row, column in changed:
        assert any(p.top <= row < p.bottom and p.left <= column < p.right for p in parts)
    for part in parts:
        assert 0 <= part.top < part.bottom <= ROWS
        assert 0 <= part.left < part.right <= COLUMNS
        for box in boxes[inside(boxes, part)]:
            left, top, right, bottom = box.clip(0, [COLUMNS * CELL, ROWS * CELL] * 2)
            assert part.left * CELL <= left
            assert right <= part.right * CELL
            assert part.top * CELL <= top
            assert bottom <= part.bottom * CELL
    assert bool(parts) == bool(changed)
    assert parts == parts_to_look_at(mask(changed), boxes[::-1])


def test_a_change_has_a_margin_and_takes_a_person_along() -> None:
    changed = mask({(4, 5)})
    assert parts_to_look_at(changed, boxes_of([])) == [Part(3, 6, 4, 7)]
    near, far = (150.0, 20.0, 30.0, 100.0), (300.0, 20.0, 30.0, 100.0)
    assert parts_to_look_at(changed, boxes_of([near, far])) == [Part(0, 6, 3, 7)]


def picture(level: int = 100) -> NDArray[np.uint8]:
    return np.full((3, ROWS * CELL, COLUMNS * CELL), level, dtype=np.uint8)


def test_noise_is_no_change_and_a_person_in_it_is() -> None:
    random = np.random.default_rng(0)

    def noisy(planes: NDArray[np.uint8]) -> NDArray[np.uint8]:
        noise = random.normal(0, 12, planes.shape)
        return np.asarray((planes + noise).clip(0, 255), dtype=np.uint8)

    watched = Watched(noisy(picture()))
    assert not any(watched.changed(noisy(picture()))[0].any() for _ in range(10))
    walked_in = picture()
    walked_in[1, 70:94, 200:208] += 60  # one channel, a thin and dark figure
    changed, _ = watched.changed(noisy(walked_in))
    assert set(zip(*np.nonzero(changed), strict=True)) == {(2, 6)}


def test_what_creeps_is_seen_when_it_has_come_far_enough() -> None:
    """Compared is with when a part was last looked at, not with the frame before."""
    watched = Watched(picture())
    seen = []
    for level in range(101, 111):
        planes = picture()
        planes[:, :CELL, :CELL] = level
        changed, blocks = watched.changed(planes)
        seen.append(bool(changed[0, 0]))
        for part in parts_to_look_at(changed, boxes_of([])):
            watched.look(blocks, part)
    assert seen == [False] * 6 + [True] + [False] * 3


def test_looking_at_one_part_leaves_the_others_as_they_were_seen() -> None:
    watched = Watched(picture())
    planes = picture()
    planes[:, :CELL, :CELL] = planes[:, -CELL:, -CELL:] = 200
    changed, blocks = watched.changed(planes)
    first, last = parts_to_look_at(changed, boxes_of([]))
    watched.look(blocks, first)
    assert parts_to_look_at(watched.changed(planes)[0], boxes_of([])) == [last]


def test_a_box_is_cut_only_at_an_inner_edge() -> None:
    whole = Part(0, ROWS, 0, COLUMNS)
    part = Part(2, 5, 0, 4)
    within, left, right, top, bottom = boxes_of(
        [(40, 70, 20, 60), (-3, 70, 20, 60), (110, 70, 18, 60), (40, 60, 20, 60), (40, 100, 20, 61)]
    )
    for box, cut in ((within, False), (left, False), (right, True), (top, True), (bottom, True)):
        assert is_cut(box[None], part, whole) is cut
    assert not is_cut(boxes_of([]), part, whole)
    assert not is_cut(boxes_of([(0, 0, COLUMNS * CELL, ROWS * CELL)]), whole, whole)


def test_order_of_parts_is_from_the_top_left() -> None:
    parts = parts_to_look_at(mask({(7, 12), (0, 0), (0, 8)}), boxes_of([]))
    assert all((one.top, one.left) < (other.top, other.left) for one, other in pairwise(parts))
    assert len(parts) == 3

"""Moving vectors into huge pages changes none of them, and fails nowhere."""

import numpy as np
import pytest

from gallery.vectors import index
from gallery.vectors.index import ListedVectors, in_huge_pages


def test_vectors_stay_what_they_were() -> None:
    generator = np.random.default_rng(0)
    lists = {camera: generator.standard_normal((3000, 512)).astype("<f2") for camera in (1, 2)}

    joined = ListedVectors(lists)

    assert np.array_equal(joined.take(np.arange(6000)), np.concatenate(list(lists.values())))


@pytest.mark.parametrize("has_it", [True, False])
def test_memory_that_is_not_there_and_kernels_without_them_do_no_harm(
    has_it: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_it:
        monkeypatch.setattr(index, "_LIBC", object())
    in_huge_pages(0x1000, 4 << 20)
    in_huge_pages(0, 10)

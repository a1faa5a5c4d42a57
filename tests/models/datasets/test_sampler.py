"""Properties that samplers have for every data set."""

from collections import Counter
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.datasets.records import Tracklet
from models.datasets.sampler import (
    SAMPLERS,
    balanced_batches,
    by_identity,
    chunk_batches,
    spread,
    stream,
)
from models.errors import BadDataset

# The cameras of each identity's tracklets.
worlds = st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=9), min_size=2, max_size=12)


def tracklets_of(world: list[list[int]]) -> list[Tracklet]:
    return [Tracklet(n * 10, camera, (Path("f"),)) for n, cameras in enumerate(world) for camera in cameras]


@given(world=worlds, identities=st.integers(2, 4), clips=st.integers(1, 5), seed=st.integers(0, 99))
def test_chunks_are_of_one_identity_and_visit_nearly_all_once(
    world: list[list[int]], identities: int, clips: int, seed: int
) -> None:
    tracklets = tracklets_of(world)
    batches = chunk_batches(tracklets, identities, clips, np.random.default_rng(seed))
    seen = Counter(i for batch in batches for i in batch)
    for batch in batches:
        chunks = [batch[start : start + clips] for start in range(0, len(batch), clips)]
        assert len(chunks) == identities
        assert all(len({tracklets[i].identity for i in chunk}) == 1 for chunk in chunks)
        assert len({tracklets[i].identity for i in batch}) > 1
    for own in by_identity(tracklets).values():
        if len(own) >= clips:
            assert max((seen[i] for i in own), default=0) <= 1


def test_an_epoch_of_chunks_drops_the_rest_of_each_identity() -> None:
    """Seven, four and two tracklets in chunks of three: two, one, and one drawn again and again."""
    tracklets = tracklets_of([[1] * 7, [1] * 4, [1] * 2])
    (batch,) = chunk_batches(tracklets, 4, 3, np.random.default_rng(0))
    assert Counter(tracklets[i].identity for i in batch) == {0: 6, 10: 3, 20: 3}
    assert max(Counter(i for i in batch if tracklets[i].identity == 0).values()) == 1


@given(world=worlds, identities=st.integers(2, 4), clips=st.integers(1, 5), seed=st.integers(0, 99))
def test_balanced_batches_are_strictly_p_by_k(
    world: list[list[int]], identities: int, clips: int, seed: int
) -> None:
    tracklets = tracklets_of(world)
    batches = balanced_batches(tracklets, identities, clips, np.random.default_rng(seed))
    assert len(batches) == len(world) // identities
    for batch in batches:
        assert list(Counter(tracklets[i].identity for i in batch).values()) == [clips] * identities
    shown = [identity for batch in batches for identity in {tracklets[i].identity for i in batch}]
    assert len(shown) == len(set(shown))


@given(cameras=st.lists(st.integers(1, 4), min_size=1, max_size=9), clips=st.integers(1, 9))
def test_an_identity_is_spread_over_all_its_cameras_first(cameras: list[int], clips: int) -> None:
    tracklets = tracklets_of([cameras])
    chosen = spread(tracklets, range(len(tracklets)), clips, np.random.default_rng(1))
    assert len(chosen) == clips
    assert len({tracklets[i].camera for i in chosen}) == min(clips, len(set(cameras)))
    assert len(set(chosen)) == min(clips, len(cameras))


@pytest.mark.parametrize("name", sorted(SAMPLERS))
def test_a_stream_can_begin_anywhere_and_be_shared(name: str) -> None:
    tracklets = tracklets_of([[1, 2, 3]] * 7)
    whole = list(islice(stream(SAMPLERS[name], tracklets, 2, 2, seed=5), 20))
    later = list(islice(stream(SAMPLERS[name], tracklets, 2, 2, seed=5, start=8), 12))
    second = list(islice(stream(SAMPLERS[name], tracklets, 2, 2, seed=5, start=1, every=2), 10))
    other = list(islice(stream(SAMPLERS[name], tracklets, 2, 2, seed=6), 20))
    assert later == whole[8:]
    assert second == whole[1::2]
    assert other != whole
    assert all(a != b for a, b in pairwise(whole))


@pytest.mark.parametrize("name", sorted(SAMPLERS))
@pytest.mark.parametrize("world", [[], [[1, 2, 3]], [[1], [1]]])
def test_too_few_people_are_an_error_not_an_endless_search(name: str, world: list[list[int]]) -> None:
    with pytest.raises(BadDataset, match=f"{len(world)} people give no batch of 3 people x 1"):
        next(stream(SAMPLERS[name], tracklets_of(world), 3, 1, seed=0))

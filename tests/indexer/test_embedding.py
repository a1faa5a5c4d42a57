"""Batches across tracklets: full, in order, and without influence on what belongs to whom."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gallery import BOX_DTYPE
from indexer.clips import Clip
from indexer.embedding import Settled, embed
from indexer.settle import Candidate
from models.embedder import normalise, tracklet_feature
from tests.indexer.fakes import TinyEmbedder


def candidate(lengths: list[int], seed: int) -> Candidate:
    rng = np.random.default_rng(seed)
    clips = [
        Clip(10 * number, 10 * number + 9, list(rng.integers(0, 256, (length, 12, 6, 3), dtype=np.uint8)))
        for number, length in enumerate(lengths)
    ]
    boxes = np.array([(seed, 0, 0, 0, 6, 12, 1)], dtype=BOX_DTYPE)
    return Candidate(boxes, clips, {"height_px": float(seed)}, b"jpeg")


LENGTHS = st.lists(st.integers(1, 8), min_size=1, max_size=4)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(LENGTHS, min_size=1, max_size=3), max_size=8), st.integers(8, 20))
def test_each_tracklet_gets_the_features_of_its_own_clips(
    messages: list[list[list[int]]], batch_frames: int
) -> None:
    embedder = TinyEmbedder()
    sent = [
        Settled([candidate(lengths, 10 * number + n) for n, lengths in enumerate(tracklets)], number)
        for number, tracklets in enumerate(messages)
    ]
    received = list(embed(iter(sent), embedder, batch_frames))
    assert [message.horizon_us for message in received] == list(range(len(sent)))
    for before, after in zip(sent, received, strict=True):
        for asked, made in zip(before.tracklets, after.tracklets, strict=True):
            raw = embedder.embed_clips([clip.crops for clip in asked.clips])
            counts = [len(clip.crops) for clip in asked.clips]
            assert np.array_equal(np.stack([clip.feature for clip in made.clips]), normalise(raw))
            assert np.array_equal(made.feature, tracklet_feature(raw, counts))
            assert [clip.frame_count for clip in made.clips] == counts
            assert made.quality == asked.quality


def test_batches_are_filled_across_tracklets() -> None:
    embedder = TinyEmbedder()
    messages = [Settled([candidate([8, 3], n)], n) for n in range(12)]
    assert len(list(embed(messages, embedder, 16))) == 12
    assert sum(embedder.batches) == 12 * 11
    assert max(embedder.batches) <= 16
    assert len(embedder.batches) <= 12

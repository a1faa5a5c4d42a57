"""Batches across tracklets: full, in order, and without influence on what belongs to whom."""

from collections.abc import Iterator, Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gallery import BOX_DTYPE, NewTracklet
from indexer.clips import Sample, Stretch, cut
from indexer.embedding import Settled, embed, new_tracklet
from indexer.settle import quality
from models.embedder import normalise, tracklet_feature
from tests.indexer.fakes import TinyEmbedder

CLIP_FRAMES = 8


def tracklet(length: int, seed: int) -> Stretch:
    rng = np.random.default_rng(seed)
    crops = rng.integers(0, 256, (length, 12, 6, 3), dtype=np.uint8)
    samples = [
        Sample(10 * number, number, crop, 0.5, 0.2, at_border=False) for number, crop in enumerate(crops)
    ]
    boxes = np.array([(10 * n, n, 0, 0, 6, 12 + seed, 1) for n in range(length)], dtype=BOX_DTYPE)
    return Stretch(boxes, samples, 10.0)


def in_clips(
    messages: Sequence[Settled[Stretch]], embedder: TinyEmbedder, batch_frames: int
) -> Iterator[Settled[NewTracklet]]:
    return embed(
        iter(messages),
        embedder,
        clips_of=lambda stretch: cut(stretch.samples, CLIP_FRAMES),
        made_of=new_tracklet,
        batch_frames=batch_frames,
    )


LENGTHS = st.lists(st.integers(1, 30), min_size=1, max_size=3)


@settings(deadline=None, max_examples=40)
@given(st.lists(LENGTHS, max_size=8), st.integers(8, 20))
def test_each_tracklet_gets_the_features_of_its_own_clips(
    messages: list[list[int]], batch_frames: int
) -> None:
    embedder = TinyEmbedder()
    sent = [
        Settled([tracklet(length, 10 * number + n) for n, length in enumerate(lengths)], number)
        for number, lengths in enumerate(messages)
    ]
    received = list(in_clips(sent, embedder, batch_frames))
    assert [message.horizon_us for message in received] == list(range(len(sent)))
    for before, after in zip(sent, received, strict=True):
        for asked, made in zip(before.tracklets, after.tracklets, strict=True):
            clips = cut(asked.samples, CLIP_FRAMES)
            raw = embedder.embed_clips([clip.crops for clip in clips])
            counts = [len(clip.crops) for clip in clips]
            assert np.array_equal(np.stack([clip.feature for clip in made.clips]), normalise(raw))
            assert np.array_equal(made.feature, tracklet_feature(raw, counts))
            assert [clip.frame_count for clip in made.clips] == counts
            assert made.quality == quality(asked)
            assert made.boxes is asked.boxes


def test_batches_are_filled_across_tracklets() -> None:
    embedder = TinyEmbedder()
    messages = [Settled([tracklet(11, n)], n) for n in range(12)]
    assert len(list(in_clips(messages, embedder, 16))) == 12
    assert sum(embedder.batches) == 12 * 11
    assert max(embedder.batches) <= 16
    assert len(embedder.batches) <= 12

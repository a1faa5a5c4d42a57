"""What other processes do to a gallery while one is watching: functions for a process pool."""

import random
import time

from gallery.errors import AlreadyIndexed, NotFound
from gallery.gallery import Gallery
from gallery.settings import GallerySettings
from tests.gallery.making import make_tracklets, store
from tests.waiting import PATIENCE, take_time


def write(settings: GallerySettings, who: int, names: list[str]) -> int:
    """Index recordings, some of which others index too; returns how often this one was first."""
    first = 0
    with Gallery.open(settings) as gallery:
        for name in random.Random(who).sample(names, len(names)):
            try:
                store(gallery, name, make_tracklets(len(name) * 100 + ord(name[-1]), 4))
                first += 1
            except AlreadyIndexed:
                continue
    return first


def maintain(settings: GallerySettings, seconds: float) -> int:
    """Compact and sweep again and again, until something was merged; returns how many merges there were."""
    merges = 0
    with Gallery.open(settings) as gallery:
        began = time.monotonic()
        while time.monotonic() < began + (seconds if merges else PATIENCE):
            merges += gallery.compact(max_tracklets=40).segments_before > 0
            gallery.sweep()
    return merges


def erase_all(settings: GallerySettings, video_ids: list[str], seconds: float) -> int:
    """Erase videos as they appear; returns how many."""
    left = set(video_ids)
    with Gallery.open(settings) as gallery:
        end = time.monotonic() + seconds
        while left and time.monotonic() < end:
            for video_id in sorted(left):
                try:
                    gallery.erase_video(video_id)
                    left.discard(video_id)
                except NotFound:
                    take_time(0.005)
    return len(video_ids) - len(left)

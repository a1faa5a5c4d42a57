"""Tracklets of one camera: a stretch of somebody's walk, cut out frame by frame as a detector would."""

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simulation.camera import Window
from simulation.captions import caption
from simulation.identity import Identity
from simulation.presets import TrackletPreset
from simulation.scene import SUPERSAMPLE, Picture
from simulation.studio import Actor, Sighting, Studio
from simulation.walking import HALF_STRIP, Moment, Pass, Standing, cycle_length, moment

CROP = (128, 256)
LEAST_VISIBLE = 0.35
LEAST_HEIGHT = 48.0  # pixels of a person on the frame
GRID = 16  # windows come in multiples of this, so that framebuffers are used again
TRIES = 5

Cast = Sequence[tuple[int, Actor, Standing]]  # number in the picture, who, and how it stands
Frame = tuple[Image.Image, Image.Image | None, Sighting]  # crop, truth on request, the subject


class TrackletMaker:
    """Makes the tracklets of one camera of a scene."""

    def __init__(
        self, out: Path, preset: TrackletPreset, studio: Studio, camera: int, rng: np.random.Generator
    ) -> None:
        self.out, self.preset, self.studio, self.camera, self.rng = out, preset, studio, camera, rng
        self.jpeg_quality = int(rng.integers(45, 93))

    def make(self, number: int, actor: Actor, others: Sequence[Actor]) -> str | None:
        """One tracklet of a person; None when it is nowhere long enough visible enough."""
        for _ in range(TRIES):
            frames = self.try_window(actor, others)
            if len(frames) >= self.preset.frames[0]:
                return self.save(number, actor.identity, frames)
        return None

    def try_window(self, actor: Actor, company: Sequence[Actor]) -> list[Frame]:
        """Pictures of one stretch of a walk, those in which enough of the person shows.

        It is given up as soon as too few of them are left.
        """
        rng, preset = self.rng, self.preset
        walk = self.random_pass()
        speed, length = walk.speed(actor.identity), int(rng.integers(preset.frames[0], preset.frames[1] + 1))
        middle = HALF_STRIP + rng.uniform(-5.5, 5.5)
        start = walk.start + max(0.0, middle / speed - length / preset.fps / 2)
        beside = [(each, self.random_pass(), rng.uniform(-1.6, 1.6)) for each in company]
        box_error = rng.normal(0, 0.02, 4)
        cut_off = rng.uniform(0.1, 0.35) if rng.random() < 0.06 else 0.0
        times = [start + k / preset.fps for k in range(length)]
        way = [(t, at) for t in times if (at := moment(walk, actor.identity, t)) is not None]
        if not way:
            return []
        frames: list[Frame] = []
        for k, cast in enumerate(self.placed(actor, beside, way)):
            box_error = 0.85 * box_error + rng.normal(0, 0.012, 4)
            crop = self.crop(cast, box_error, cut_off)
            if crop is not None:
                frames.append(crop)
            elif len(frames) + len(way) - k - 1 < preset.frames[0]:
                break
        return frames

    def placed(
        self,
        actor: Actor,
        beside: Sequence[tuple[Actor, Pass, float]],
        way: Sequence[tuple[float, Moment]],
    ) -> Iterator[Cast]:
        """Who stands how at each time of a way; the subject is number 0."""
        body, camera = self.studio.body, self.studio.station.camera
        standing = [actor.puppet.stand(body, [at for _, at in way], camera)]
        for each, walk, gap in beside:
            moments = [follow(walk, each.identity, at, time, gap) for time, at in way]
            standing.append(each.puppet.stand(body, moments, camera))
        actors = [actor, *(each for each, _, _ in beside)]
        for at_once in zip(*standing, strict=True):
            yield [(n, each, at) for n, (each, at) in enumerate(zip(actors, at_once, strict=True))]

    def random_pass(self) -> Pass:
        """A way along the strip."""
        rng, room = self.rng, self.studio.station.place.walk_width / 2 - 0.4
        return Pass(
            0,
            0,
            0.0,
            int(rng.choice([-1, 1])),
            float(rng.uniform(-room, room)),
            float(rng.uniform(-room, room)),
            2 * HALF_STRIP,
            0.0,
            float(rng.random()),
            float(rng.uniform(0.92, 1.08)),
        )

    def crop(self, cast: Cast, box_error: NDArray[np.float64], cut_off: float) -> Frame | None:
        """The subject (first of the cast) as a detector would cut it out."""
        camera, seen = self.studio.station.camera, cast[0][2].points
        if seen[:, 2].min() < 1.0:
            return None
        left, top, right, bottom = seen[:, 0].min(), seen[:, 1].min(), seen[:, 0].max(), seen[:, 1].max()
        width, height = right - left, (bottom - top) * (1 - cut_off)
        box = np.array([left, top, right, top + height]) + box_error * (width, height, width, height)
        box = np.clip(box, 0, (camera.width, camera.height, camera.width, camera.height))
        if box[3] - box[1] < LEAST_HEIGHT or box[2] - box[0] < LEAST_HEIGHT / 5:
            return None
        window = window_around(box, camera.width, camera.height)
        taken = self.studio.shoot_placed(
            cast,
            shot=int(self.rng.integers(1 << 20)),
            window=window,
            truth=self.preset.truth,
            least=(0, LEAST_VISIBLE),
        )
        if taken is None:
            return None
        picture, sightings = taken
        shifted = box - np.array([window.x0, window.y0] * 2)
        inner = (float(shifted[0]), float(shifted[1]), float(shifted[2]), float(shifted[3]))
        image = Image.fromarray(picture.pixels).resize(CROP, Image.Resampling.BICUBIC, box=inner)
        truth = truth_picture(picture, inner) if self.preset.truth else None
        return image, truth, sightings[0]

    def save(
        self,
        number: int,
        identity: Identity,
        frames: Sequence[Frame],
    ) -> str:
        """Write the pictures; returns the tracklet's line."""
        preset = self.preset
        split = "bbox_test" if number > preset.identities - preset.test_identities else "bbox_train"
        stem = f"{number:04d}C{self.camera}T0001"
        for folder in (split, *(["truth"] if preset.truth else [])):
            (self.out / folder / f"{number:04d}").mkdir(parents=True, exist_ok=True)
        for index, (image, truth, _) in enumerate(frames, 1):
            name = f"{number:04d}/{stem}F{index:03d}"
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=self.jpeg_quality)
            (self.out / split / f"{name}.jpg").write_bytes(buffer.getvalue())
            if truth is not None:
                truth.save(self.out / "truth" / f"{name}.png")
        return json.dumps(
            {
                "tracklet": stem,
                "identity": number,
                "camera": self.camera,
                "split": split,
                "frames": len(frames),
                "boxes": [s.box for _, _, s in frames],
                "visible": [s.visible for _, _, s in frames],
                "caption": caption(identity.attributes),
                "attributes": asdict(identity.attributes),
            }
        )


def follow(walk: Pass, identity: Identity, leader: Moment, time: float, gap: float) -> Moment:
    """Somebody who walks near the subject: ahead, behind or beside, at times between it and the camera."""
    cycle = cycle_length(identity)
    turn = 0.0 if gap > 0 else np.pi
    drift = gap * 1.2 + (time % 3.0 - 1.5) * (0.25 if gap > 0 else 1.6)
    return Moment(
        leader.x + drift,
        leader.y + (walk.y_start - leader.y) * 0.6,
        leader.heading + turn,
        (walk.phase + time * walk.speed(identity) / cycle) % 1.0,
        1.0,
    )


def window_around(box: NDArray[np.float64], width: int, height: int) -> Window:
    """The smallest window of grid size that holds a box, inside the frame."""
    wide = min(width, int(-(-(box[2] - box[0] + 2) // GRID) * GRID))
    high = min(height, int(-(-(box[3] - box[1] + 2) // (2 * GRID)) * 2 * GRID))
    x0 = int(np.clip(np.floor(box[0]), 0, width - wide))
    y0 = int(np.clip(np.floor(box[1]), 0, height - high))
    return Window(x0, y0, wide, high)


def truth_picture(picture: Picture, box: tuple[float, float, float, float]) -> Image.Image:
    """Part, u, v of the subject (person 1) at crop size, nearest neighbour."""
    assert picture.truth is not None
    codes = np.where(picture.truth[..., :1] == 1, picture.truth[..., 1:], 0).astype(np.uint8)
    left, top, right, bottom = (side * SUPERSAMPLE for side in box)
    return Image.fromarray(codes).resize(CROP, Image.Resampling.NEAREST, box=(left, top, right, bottom))

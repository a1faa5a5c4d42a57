"""Tracklets of one camera: a stretch of somebody's walk, cut out frame by frame as a detector would."""

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simulation.camera import Window
from simulation.captions import caption, record
from simulation.company import Cast, Companion, Crosser, Follower, Stretch, random_pass
from simulation.detector import Aim, Box
from simulation.electronics import FIELD, process
from simulation.identity import Identity
from simulation.presets import TrackletPreset
from simulation.recorder import Recorder
from simulation.scene import SUPERSAMPLE, Picture, Sensor
from simulation.studio import Actor, Sighting, Studio
from simulation.walking import HALF_STRIP, Moment, Standing, moment

CROP = (128, 256)
GRID = 16  # windows come in multiples of this, so that framebuffers are used again
TRIES = 5
CROSSING = 0.4  # seconds that a crosser is before the subject

Frame = tuple[Image.Image, Image.Image | None, Sighting]  # crop, truth on request, the subject


class TrackletMaker:
    """Makes the tracklets of one camera of a world."""

    def __init__(
        self,
        out: Path,
        preset: TrackletPreset,
        rng: np.random.Generator,
        *,
        studio: Studio,
        camera: int,
        recorder: Recorder,
    ) -> None:
        self.out, self.preset, self.studio, self.camera, self.rng = out, preset, studio, camera, rng
        self.recorder = recorder

    def make(
        self, number: int, actor: Actor, others: Sequence[Actor], *, crossed: bool = False
    ) -> str | None:
        """One tracklet of a person; None when it is nowhere long enough visible enough.

        With `crossed` the first of the others passes between it and the camera.
        """
        for _ in range(TRIES):
            frames = self.try_window(number, actor, others, crossed=crossed)
            if len(frames) >= self.preset.frames[0]:
                return self.save(number, actor.identity, frames)
        return None

    def try_window(
        self, number: int, actor: Actor, others: Sequence[Actor], *, crossed: bool = False
    ) -> list[Frame]:
        """Pictures of one stretch of a walk, those in which enough of the person shows.

        It is given up as soon as too few of them are left.
        """
        rng, preset = self.rng, self.preset
        walk = random_pass(rng, self.studio.station.place.walk_width)
        speed, length = walk.speed(actor.identity), int(rng.integers(preset.frames[0], preset.frames[1] + 1))
        middle = HALF_STRIP + rng.uniform(-5.5, 5.5)
        start = walk.start + max(0.0, middle / speed - length / preset.fps / 2)
        company = self.company(others, start, length / preset.fps, number, crossed=crossed)
        aim = self.recorder.detector.aim(rng)
        sensor = self.sensor()
        times = [start + k / preset.fps for k in range(length)]
        way = [(t, at) for t in times if (at := moment(walk, actor.identity, t)) is not None]
        if not way:
            return []
        camera = self.studio.station.camera
        beside = [
            (each, [companion.at(each.identity, at, time, camera) for time, at in way])
            for each, companion in company
        ]
        stretch = Stretch(actor, beside, [at for _, at in way], self.poses)
        frames: list[Frame] = []
        for k in range(len(way)):
            aim.wander(rng)
            box = self.box(stretch.subject[k], aim)
            drift = stretch.speed(k) * preset.fps * FIELD
            crop = None if box is None else self.cut_out(stretch.cast(k), box, sensor, drift=drift)
            if crop is not None:
                frames.append(crop)
            elif len(frames) + len(way) - k - 1 < preset.frames[0]:
                break
        return frames

    def company(
        self, others: Sequence[Actor], start: float, seconds: float, number: int, *, crossed: bool
    ) -> list[tuple[Actor, Companion]]:
        """Motion of the others."""
        rng, width = self.rng, self.studio.station.place.walk_width
        moving: list[tuple[Actor, Companion]] = []
        if crossed:
            first = self.preset.crossed_first and self.preset.is_test(number)
            share = rng.uniform(-0.15, 0.25) if first else rng.uniform(0.0, 1.0)
            time = start + (share * CROSSING if first else share * seconds)
            speed = float(rng.choice([-1, 1]) * rng.uniform(0.6, 1.8))
            crosser = Crosser(random_pass(rng, width), time, float(rng.uniform(0.6, 2.2)), speed)
            moving.append((others[0], crosser))
        moving += [
            (each, Follower(random_pass(rng, width), rng.uniform(-1.6, 1.6)))
            for each in others[len(moving) :]
        ]
        return moving

    def sensor(self) -> Sensor:
        """The camera's response at one time of the day."""
        own, restless = self.studio.sensor, self.recorder.restless
        if restless == 0.0:
            return own
        tint = np.exp(self.rng.normal(0, 0.1 * restless, 3)).astype(np.float32)
        return replace(
            own,
            exposure=own.exposure * float(2.0 ** self.rng.normal(0.0, restless)),
            crosstalk=own.crosstalk * tint[:, None],
        )

    def poses(self, actor: Actor, moments: Sequence[Moment]) -> list[Standing]:
        """Poses of somebody at some moments."""
        camera = self.studio.station.camera
        if self.preset.unlike:
            return actor.puppet.walk(moments, camera)
        return actor.puppet.stand(self.studio.body, moments, camera)

    def crop(self, cast: Cast, aim: Aim) -> Frame | None:
        """The subject (first of the cast) as a detector would cut it out."""
        box = self.box(cast[0][2], aim)
        return None if box is None else self.cut_out(cast, box)

    def box(self, subject: Standing, aim: Aim) -> Box | None:
        """Box of the subject as a detector sees it; None where it is too near, too small or outside."""
        camera, seen = self.studio.station.camera, subject.points
        if seen[:, 2].min() < 1.0:
            return None
        box = aim.box(seen[:, 0].min(), seen[:, 1].min(), seen[:, 0].max(), seen[:, 1].max())
        box = np.clip(box, 0, (camera.width, camera.height, camera.width, camera.height))
        wide, high, least = box[2] - box[0], box[3] - box[1], self.recorder.least_height
        return None if high * self.recorder.electronics.softness < least or wide < least / 5 else box

    def cut_out(
        self, cast: Cast, box: Box, sensor: Sensor | None = None, *, drift: float = 0.0
    ) -> Frame | None:
        """The picture in a box; None where too little of the subject shows."""
        camera = self.studio.station.camera
        window = window_around(box, camera.width, camera.height)
        taken = self.studio.shoot_placed(
            cast,
            shot=int(self.rng.integers(1 << 20)),
            window=window,
            truth=self.preset.truth,
            least=(0, self.preset.least_visible),
            sensor=sensor,
            shaded=1 if self.preset.unlike else 2,
        )
        if taken is None:
            return None
        picture, sightings = taken
        shifted = box - np.array([window.x0, window.y0] * 2)
        inner = (float(shifted[0]), float(shifted[1]), float(shifted[2]), float(shifted[3]))
        electronics = self.recorder.electronics
        who = picture.people[::SUPERSAMPLE, ::SUPERSAMPLE]
        pixels = process(picture.pixels, who, electronics, drift=drift)
        image = Image.fromarray(pixels).resize(CROP, electronics.resampling, box=inner)
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
        split = "bbox_test" if preset.is_test(number) else "bbox_train"
        stem = f"{number:04d}C{self.camera}T0001"
        for folder in (split, *(["truth"] if preset.truth else [])):
            (self.out / folder / f"{number:04d}").mkdir(parents=True, exist_ok=True)
        for index, (image, truth, _) in enumerate(frames, 1):
            name = f"{number:04d}/{stem}F{index:03d}"
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=self.recorder.jpeg_quality)
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
                "attributes": record(identity.attributes),
            }
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

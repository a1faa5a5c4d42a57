"""Tracklet data sets in the layout of MARS, made scene by scene.

<out>/bbox_train/0001/0001C1T0001F001.jpg   identity, camera, tracklet and frame; 128 x 256 pixels
<out>/bbox_test/...                         identities of the test split
<out>/tracklets.jsonl                       one line a tracklet: boxes, visible shares, caption, attributes
<out>/truth/0001/0001C1T0001F001.png        on request: body part, u, v as channels; 0 = not the person

Zheng et al., "MARS: A Video Benchmark for Large-Scale Person Re-Identification", ECCV 2016, for the layout.
A scene is a few cameras at places of their own that the same hundred people pass; a scene is also the unit
that is skipped when an interrupted run goes on.
"""

import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simulation.camera import Window
from simulation.captions import caption
from simulation.errors import BadRequest
from simulation.identity import Identity, disguised, draw_identity
from simulation.outfitter import Wardrobe
from simulation.processes import in_processes
from simulation.recordings import claim, write_whole
from simulation.renderer import Renderer
from simulation.scene import SUPERSAMPLE, Picture
from simulation.studio import Actor, Sighting, Studio
from simulation.walking import HALF_STRIP, Moment, Pass, Standing, cycle_length, moment
from simulation.world import draw_station

CROP = (128, 256)
LEAST_VISIBLE = 0.35
LEAST_HEIGHT = 48.0  # pixels of a person on the frame
MOST_IDENTITIES = 9999  # the layout names them with four digits
GRID = 16  # windows come in multiples of this, so that framebuffers are used again
SCALES = (0.5, 0.75, 1.0)  # cameras are of different resolutions, in terms of the preset's
COMPANY = (0.45, 0.3, 0.15, 0.1)  # shares of tracklets with 0, 1, 2, 3 people walking near the subject
TRIES = 5
SHARES = {"look-alike": 0.08, "other print": 0.06, "uniform": 0.03}
DISGUISED = 0.15


Cast = Sequence[tuple[int, Actor, Standing]]  # number in the picture, who, and how it stands
Frame = tuple[Image.Image, Image.Image | None, Sighting]  # crop, truth on request, the subject


@dataclass(frozen=True)
class TrackletPreset:
    """What to make. `identities` are numbered from 1; the last `test_identities` form the test split."""

    seed: int
    identities: int
    test_identities: int
    cameras: int = 4  # a scene; every identity passes all of them
    people: int = 100  # a scene
    frames: tuple[int, int] = (8, 12)
    fps: float = 8.0
    width: int = 1280
    height: int = 720
    truth: bool = False


PRESETS = {
    "train-3000": TrackletPreset(seed=101, identities=3200, test_identities=200),
    "small": TrackletPreset(seed=102, identities=600, test_identities=100),
    "tiny": TrackletPreset(
        seed=103,
        identities=6,
        test_identities=2,
        cameras=2,
        people=3,
        frames=(4, 6),
        width=320,
        height=240,
        truth=True,
    ),
}


def simulate_tracklets(
    out: Path,
    preset: TrackletPreset,
    *,
    wardrobe: Path | None = None,
    processes: int | None = None,
    advance: Callable[[int], None] | None = None,
) -> Path:
    """Make a data set in `out`; scenes that are finished already stay. Returns the path of tracklets.jsonl.

    Raises:
        BadRequest: a preset that cannot be simulated, or `out` holds another data set.
        BadWardrobe: a garment file cannot be read.
    """
    if not 0 <= preset.test_identities <= preset.identities or preset.people < 1 or preset.cameras < 1:
        raise BadRequest(
            f"{preset.identities} identities, {preset.test_identities} to test, in scenes of {preset.people}"
        )
    if preset.identities > MOST_IDENTITIES:
        raise BadRequest(f"{preset.identities} identities; names have room for {MOST_IDENTITIES}")
    out.mkdir(parents=True, exist_ok=True)
    claim(out, preset, wardrobe)
    scenes = out / "scenes"
    scenes.mkdir(exist_ok=True)
    count = -(-preset.identities // preset.people)
    todo = [number for number in range(count) if not (scenes / f"{number:05d}.jsonl").exists()]
    if advance is not None:
        advance((count - len(todo)) * preset.people)
    for made in in_processes(partial(make_scene, out, preset, wardrobe), todo, processes):
        if advance is not None:
            advance(made)
    listing = out / "tracklets.jsonl"
    write_whole(listing, "".join((scenes / f"{number:05d}.jsonl").read_text() for number in range(count)))
    return listing


def draw_cast(preset: TrackletPreset, scene: int, wardrobe: Wardrobe) -> list[Identity]:
    """The people of a scene; some are look-alikes of the one before them."""
    rng = np.random.default_rng([preset.seed, 7, scene])
    first = scene * preset.people
    cast: list[Identity] = []
    for offset in range(min(preset.people, preset.identities - first)):
        seed = preset.seed * 1_000_000 + first + offset
        kind = str(rng.choice(["own", *SHARES], p=[1 - sum(SHARES.values()), *SHARES.values()]))
        if kind == "own" or not cast:
            cast.append(draw_identity(seed, wardrobe))
            continue
        other = cast[-1] if kind != "uniform" else cast[0]
        prints = None if kind == "other print" else other.seed
        cast.append(
            draw_identity(seed, wardrobe, outfit=other.seed, prints=prints, female=other.shape.female)
        )
    return cast


def make_scene(out: Path, preset: TrackletPreset, wardrobe: Path | None, scene: int) -> int:
    """Make all tracklets of a scene; returns how many identities it has. Runs in a process of its own."""
    cast = draw_cast(preset, scene, read_wardrobe(wardrobe))
    renderer = shared_renderer()
    actors = [Actor(renderer, identity) for identity in cast]
    lines: list[str | None] = []
    for number in range(preset.cameras):
        rng = np.random.default_rng([preset.seed, 8, scene, number])
        scale = rng.choice(SCALES)
        width, height = round(preset.width * scale), round(preset.height * scale)
        station = draw_station(preset.seed * 10_000 + scene, number, width=width, height=height)
        studio = Studio(renderer, station)
        maker = TrackletMaker(out, preset, studio, scene * preset.cameras + number + 1, rng)
        for offset, actor in enumerate(actors):
            beside = rng.integers(len(actors), size=int(rng.choice(4, p=COMPANY)))
            others = [actors[k] for k in beside if k != offset]
            changed = rng.random() < DISGUISED
            seen = Actor(renderer, disguised(actor.identity)) if changed else actor
            lines.append(maker.make(scene * preset.people + offset + 1, seen, others))
            if changed:
                seen.release()
        studio.release()
    for actor in actors:
        actor.release()
    write_whole(out / "scenes" / f"{scene:05d}.jsonl", "".join(f"{line}\n" for line in lines if line))
    return len(cast)


_renderer: Renderer | None = None


def shared_renderer() -> Renderer:
    """One renderer a process: compiling the shaders takes longer than a tracklet."""
    global _renderer  # noqa: PLW0603  (a worker process has no other place to keep it)
    if _renderer is None:
        _renderer = Renderer()
    return _renderer


@cache
def read_wardrobe(directory: Path | None) -> Wardrobe:
    """A wardrobe, read once a process."""
    return Wardrobe(directory)


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

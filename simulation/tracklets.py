"""Tracklet data sets in the layout of MARS, made part by part.

<out>/bbox_train/0001/0001C1T0001F001.jpg   identity, camera, tracklet and frame; 128 x 256 pixels
<out>/bbox_test/...                         identities of the test split
<out>/tracklets.jsonl                       one line a tracklet: boxes, visible shares, caption, attributes
<out>/truth/0001/0001C1T0001F001.png        on request: body part, u, v as channels; 0 = not the person

Zheng et al., "MARS: A Video Benchmark for Large-Scale Person Re-Identification", ECCV 2016, for the layout.
A world is a few cameras at places of their own that the same people pass, a hundred or so. What is made at a
time, and skipped when an interrupted run goes on, is a part: up to so many people before all their cameras.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np

from simulation.avatars import People
from simulation.cast import draw_cast
from simulation.closet import Wardrobe
from simulation.crops import TrackletMaker
from simulation.errors import BadRequest
from simulation.identity import disguised
from simulation.presets import TrackletPreset
from simulation.processes import in_processes
from simulation.recorder import draw_recorder, plain_recorder
from simulation.recordings import claim, write_whole
from simulation.renderer import Renderer
from simulation.studio import Actor, Studio
from simulation.world import MOST_CAMERAS, draw_station, draw_unlike_station

MOST_IDENTITIES = 9999  # the layout names them with four digits
MOST_FRAMES = 999  # and frames with three
SCALES = (0.5, 0.75, 1.0)  # cameras are of different resolutions, in terms of the preset's
COMPANY = (0.45, 0.3, 0.15, 0.1)  # shares of tracklets with 0, 1, 2, 3 people walking near the subject
DISGUISED = 0.15


def simulate_tracklets(
    out: Path,
    preset: TrackletPreset,
    *,
    wardrobe: Path | None = None,
    people: Path | None = None,
    processes: int | None = None,
    advance: Callable[[int], None] | None = None,
) -> Path:
    """Make a data set in `out`; scenes that are finished already stay. Returns the path of tracklets.jsonl.

    Raises:
        BadRequest: a preset that cannot be simulated, or `out` holds another data set.
        BadWardrobe: a garment file cannot be read.
        BadPeople: a figure's files cannot be read.
    """
    check_preset(preset)
    out.mkdir(parents=True, exist_ok=True)
    claim(out, preset, wardrobe, people)
    for folder in ("bbox_train", "bbox_test"):
        (out / folder).mkdir(exist_ok=True)
    scenes = out / "scenes"
    scenes.mkdir(exist_ok=True)
    count = preset.parts
    todo = [number for number in range(count) if not (scenes / f"{number:05d}.jsonl").exists()]
    if advance is not None:
        advance((count - len(todo)) * preset.people)
    for made in in_processes(partial(make_part, out, preset, wardrobe, people), todo, processes):
        if advance is not None:
            advance(made)
    listing = out / "tracklets.jsonl"
    write_whole(listing, "".join((scenes / f"{number:05d}.jsonl").read_text() for number in range(count)))
    return listing


def check_preset(preset: TrackletPreset) -> None:
    """Refuse a preset that cannot be simulated. Raises BadRequest."""
    p = preset
    people = 0 <= p.test_identities <= p.identities <= MOST_IDENTITIES and p.people >= 1 and p.seed >= 0
    if not people:
        raise BadRequest(
            f"{p.identities} identities (names have room for {MOST_IDENTITIES}), {p.test_identities} of them "
            f"to test, in parts of {p.people}, seed {p.seed}"
        )
    fewest = p.cameras if p.fewest_cameras is None else p.fewest_cameras
    if not 1 <= fewest <= p.cameras <= MOST_CAMERAS:
        raise BadRequest(f"{fewest} to {p.cameras} cameras a world; up to {MOST_CAMERAS} can be drawn")
    sides = all(64 <= side <= 4096 for side in (p.width, p.height))
    if not 1 <= p.frames[0] <= p.frames[1] <= MOST_FRAMES or not 0 < p.fps <= 60 or not sides:
        raise BadRequest(f"{p.frames} frames at {p.fps} a second, {p.width}x{p.height}")
    if not all(0 <= share <= 1 for share in (p.crossed, p.least_visible, p.alike, p.photographed)):
        raise BadRequest(
            f"shares {p.crossed}, {p.least_visible}, {p.alike}, {p.photographed} are not between 0 and 1"
        )


def make_part(
    out: Path, preset: TrackletPreset, wardrobe: Path | None, people: Path | None, part: int
) -> int:
    """Make all tracklets of a part; returns how many identities it has. Runs in a process of its own."""
    cast = draw_cast(preset, part, read_wardrobe(wardrobe), People(people))
    renderer = shared_renderer()
    actors = [Actor(renderer, identity) for identity in cast]
    lines: list[str] = []
    for number in range(cameras_of(preset, preset.world(part))):
        lines += film_part(out, preset, actors, part, number)
    for actor in actors:
        actor.release()
    write_whole(out / "scenes" / f"{part:05d}.jsonl", "".join(f"{line}\n" for line in lines))
    return len(cast)


def cameras_of(preset: TrackletPreset, world: int) -> int:
    """Return how many cameras a world has."""
    if preset.fewest_cameras is None:
        return preset.cameras
    rng = np.random.default_rng([preset.seed, 10, world])
    return int(rng.integers(preset.fewest_cameras, preset.cameras + 1))


def film_part(
    out: Path, preset: TrackletPreset, actors: Sequence[Actor], part: int, number: int
) -> Iterator[str]:
    """The lines of one camera's tracklets of all people of a part."""
    world = preset.world(part)
    rng = np.random.default_rng([preset.seed, 8, part, number])
    # The camera's own stream: all parts of a world have to draw the same camera.
    own = rng if world == part else np.random.default_rng([preset.seed, 8, world, number])
    draw, scale = (draw_unlike_station, 1.0) if preset.unlike else (draw_station, own.choice(SCALES))
    width, height = round(preset.width * scale), round(preset.height * scale)
    studio = Studio(shared_renderer(), draw(preset.seed * 10_000 + world, number, width=width, height=height))
    fresh = np.random.default_rng([preset.seed, 11, world, number])
    recorder = draw_recorder(fresh) if preset.unlike else plain_recorder(own)
    camera = world * preset.cameras + number + 1
    maker = TrackletMaker(out, preset, rng, studio=studio, camera=camera, recorder=recorder)
    for offset in range(len(actors)):
        line = film_person(maker, actors, offset, part * preset.people + offset + 1)
        if line is not None:
            yield line
    studio.release()


def film_person(maker: TrackletMaker, actors: Sequence[Actor], offset: int, identity: int) -> str | None:
    """The line of one person's tracklet before one camera."""
    rng, actor = maker.rng, actors[offset]
    beside = rng.integers(len(actors), size=int(rng.choice(4, p=COMPANY)))
    others = [actors[k] for k in beside if k != offset]
    changed = rng.random() < DISGUISED
    crossed = len(actors) > 1 and maker.preset.is_crossed(identity, rng)
    if crossed and not others:
        others = [actors[offset - 1]]
    seen = Actor(shared_renderer(), disguised(actor.identity)) if changed else actor
    line = maker.make(identity, seen, others, crossed=crossed)
    if changed:
        seen.release()
    return line


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

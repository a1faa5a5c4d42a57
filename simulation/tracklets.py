"""Tracklet data sets in the layout of MARS, made scene by scene.

<out>/bbox_train/0001/0001C1T0001F001.jpg   identity, camera, tracklet and frame; 128 x 256 pixels
<out>/bbox_test/...                         identities of the test split
<out>/tracklets.jsonl                       one line a tracklet: boxes, visible shares, caption, attributes
<out>/truth/0001/0001C1T0001F001.png        on request: body part, u, v as channels; 0 = not the person

Zheng et al., "MARS: A Video Benchmark for Large-Scale Person Re-Identification", ECCV 2016, for the layout.
A scene is a few cameras at places of their own that the same hundred people pass; a scene is also the unit
that is skipped when an interrupted run goes on.
"""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np

from simulation.cast import draw_cast
from simulation.crops import TrackletMaker
from simulation.errors import BadRequest
from simulation.identity import disguised
from simulation.outfitter import Wardrobe
from simulation.presets import TrackletPreset
from simulation.processes import in_processes
from simulation.recordings import claim, write_whole
from simulation.renderer import Renderer
from simulation.studio import Actor, Studio
from simulation.world import draw_station

MOST_IDENTITIES = 9999  # the layout names them with four digits
SCALES = (0.5, 0.75, 1.0)  # cameras are of different resolutions, in terms of the preset's
COMPANY = (0.45, 0.3, 0.15, 0.1)  # shares of tracklets with 0, 1, 2, 3 people walking near the subject
DISGUISED = 0.15


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

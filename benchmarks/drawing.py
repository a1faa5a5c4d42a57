"""How many crops and frames a second are drawn, against rasterising the same triangles and nothing else?

    python benchmarks/drawing.py [--processes 1 2] [--people 8] [--rounds 5] [--seconds 2] [--wardrobe DIR]
    python benchmarks/drawing.py --part train-9000 [--people 75] [--wardrobe DIR] [--figures DIR]

Crop: a window around a person of a 1280 x 720 camera with up to three others near, drawn, developed, checked
for visibility and cut out; identities are ready and people are posed for each. Frame: the whole picture with
all people, with boxes and visible shares. Bare: the triangles of the same people into a depth buffer of the
same size, in one pose, without shading, reading back or shadows. All take turns in every process, and all
processes start a round together; figures are sums over the processes, medians over the rounds, by the clock.

With --part one part of a preset's people is made from the beginning to the files, in this process, and the
table says how much CPU time a crop takes and where it goes. The renderer is made to finish after each step,
which adds a little.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from simulation import crops, tracklets
from simulation import renderer as renderer_module
from simulation.camera import Camera, Window, clip_matrix
from simulation.closet import Wardrobe
from simulation.company import Cast
from simulation.crops import TrackletMaker, window_around
from simulation.detector import Aim
from simulation.identity import draw_identity
from simulation.presets import PRESETS
from simulation.processes import draw_alone
from simulation.programs import set_uniforms
from simulation.recorder import plain_recorder
from simulation.renderer import Renderer
from simulation.scene import SUPERSAMPLE
from simulation.studio import Actor, Studio
from simulation.walking import Moment, Standing
from simulation.world import draw_station

COMPANY = 3  # others near the subject of a crop
WARM_UP = 3  # of each kind
STEPS: tuple[tuple[ModuleType | type, str, str], ...] = (
    (tracklets, "draw_cast", "making people"),
    (tracklets, "Actor", "bringing them to the renderer"),
    (tracklets, "Studio", "backdrops"),
    (TrackletMaker, "poses", "posing"),
    (renderer_module, "draw_geometry", "geometry and shadows"),
    (renderer_module, "shade", "shading people"),
    (renderer_module, "combine", "laying them over the backdrop"),
    (renderer_module, "develop", "sensor"),
    (crops, "process", "electronics"),
    (TrackletMaker, "save", "writing"),
)


def bare(renderer: Renderer, camera: Camera, window: Window) -> Callable[[Cast], None]:
    """Rasterising people into a depth buffer of a window's supersampled size."""
    size = (window.width * SUPERSAMPLE, window.height * SUPERSAMPLE)
    target = renderer.context.framebuffer(depth_attachment=renderer.context.depth_texture(size))
    clip = clip_matrix(camera, window)

    def draw(cast: Cast) -> None:
        target.use()
        target.clear()
        renderer.context.enable(renderer.context.DEPTH_TEST)
        for _, actor, at in cast:
            turn = at.stance.heading + np.pi / 2
            set_uniforms(
                renderer.programs.person_shadow,
                view_projection=clip,
                place=(at.stance.x, at.stance.y, float(np.cos(turn)), float(np.sin(turn))),
                lift=at.stance.lift,
                camera=camera.position,
                layering=1.0,
            )
            actor.figure.shadow.render()
        renderer.context.disable(renderer.context.DEPTH_TEST)
        renderer.context.finish()

    return draw


def works(people: int, wardrobe: Path | None, folder: Path) -> list[Callable[[], object]]:
    """What is timed: a crop, its bare raster, a frame, its bare raster."""
    preset = PRESETS["small"]
    renderer = Renderer()
    studio = Studio(renderer, draw_station(3, 0, width=preset.width, height=preset.height))
    clothes = Wardrobe(wardrobe)
    actors = [Actor(renderer, draw_identity(seed, clothes)) for seed in range(people)]
    rng = np.random.default_rng(1)
    camera, body = studio.station.camera, studio.body
    moments = [
        Moment(float(x), float(y), 0.0, 0.1, 1.0) for x, y in rng.uniform((-4, -1.5), (4, 1.5), (people, 2))
    ]

    def standing(chosen: Sequence[int]) -> Cast:
        return [
            (n, actors[k], actors[k].puppet.stand(body, [moments[k]], camera)[0])
            for n, k in enumerate(chosen)
        ]

    recorder = plain_recorder(rng)
    maker = TrackletMaker(folder, preset, rng, studio=studio, camera=1, recorder=recorder)
    exact = Aim(np.zeros(4))
    near = list(range(min(1 + COMPANY, people)))
    whole, everybody = Window.whole(camera), list(range(people))
    window = around(standing(near)[0][2], camera)
    crop_bare, frame_bare = (bare(renderer, camera, part) for part in (window, whole))
    posed_crop, posed_frame = standing(near), standing(everybody)
    if maker.crop(posed_crop, exact) is None:
        raise SystemExit("the subject does not show: too many people")
    return [
        lambda: maker.crop(standing(near), exact),
        lambda: crop_bare(posed_crop),
        lambda: studio.shoot([(k, actors[k], moments[k]) for k in everybody], shot=1),
        lambda: frame_bare(posed_frame),
    ]


def around(at: Standing, camera: Camera) -> Window:
    """The window that a crop of somebody is drawn in."""
    low, high = at.points[:, :2].min(0), at.points[:, :2].max(0)
    box = np.clip([*low, *high], 0, (camera.width, camera.height) * 2)
    return window_around(box, camera.width, camera.height)


def process(
    options: argparse.Namespace, folder: str, barrier: Barrier, rates: "Queue[list[list[float]]]", alone: bool
) -> None:
    """One process: rates by round and work."""
    if not alone:
        draw_alone()
    timed = works(options.people, options.wardrobe, Path(folder))
    for work in timed:
        for _ in range(WARM_UP):
            work()
    rounds = []
    for _ in range(options.rounds):
        row = []
        for work in timed:
            barrier.wait()
            start, count = time.perf_counter(), 0
            while (passed := time.perf_counter() - start) < options.seconds:
                work()
                count += 1
            row.append(count / passed)
        rounds.append(row)
    rates.put(rounds)


def measure(options: argparse.Namespace, count: int, folder: str) -> np.ndarray:
    """Rates of the four works, summed over `count` processes."""
    context = get_context("spawn")
    barrier, rates = context.Barrier(count), context.Queue()
    workers = [
        context.Process(target=process, args=(options, folder, barrier, rates, count == 1))
        for _ in range(count)
    ]
    for worker in workers:
        worker.start()
    total = np.sum([rates.get() for _ in workers], 0)
    for worker in workers:
        worker.join()
    return np.asarray(np.median(total, 0))


def part(preset: str, people: int, wardrobe: Path | None, figures: Path | None, folder: Path) -> None:
    """Make a part of a preset and print where the time goes."""
    spent: dict[str, float] = {}
    renderer = tracklets.shared_renderer()

    def timed(module: ModuleType | type, name: str, label: str) -> None:
        work = getattr(module, name)

        def measured(*arguments: Any, **options: Any) -> Any:
            renderer.context.finish()
            start = time.process_time()
            result = work(*arguments, **options)
            renderer.context.finish()
            spent[label] = spent.get(label, 0.0) + time.process_time() - start
            return result

        setattr(module, name, measured)

    for module, name, label in STEPS:
        timed(module, name, label)
    asked = replace(PRESETS[preset], identities=people, test_identities=0, people=people)
    start = time.process_time()
    tracklets.simulate_tracklets(folder, asked, wardrobe=wardrobe, people=figures, processes=0)
    whole = time.process_time() - start
    count = sum(1 for _ in folder.rglob("*.jpg"))
    print(f"{count} crops of {people} people, {1000 * whole / count:.1f} ms CPU each: of it")
    for label, seconds in spent.items():
        print(f"| {label} | {1000 * seconds / count:.1f} |")
    print(f"| the rest | {1000 * (whole - sum(spent.values())) / count:.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--people", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--wardrobe", type=Path)
    parser.add_argument("--part", choices=PRESETS)
    parser.add_argument("--figures", type=Path, help="photographed figures, as --people of the command")
    options = parser.parse_args()
    if options.part is not None:
        draw_alone()
        with tempfile.TemporaryDirectory() as folder:
            part(options.part, options.people, options.wardrobe, options.figures, Path(folder))
        return
    print("| processes | crops/s | bare crops/s | ratio | frames/s | bare frames/s | ratio |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for count in options.processes:
            crop, crop_bare, frame, frame_bare = measure(options, count, folder)
            print(
                f"| {count} | {crop:.1f} | {crop_bare:.1f} | {crop / crop_bare:.2f} "
                f"| {frame:.2f} | {frame_bare:.2f} | {frame / frame_bare:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()

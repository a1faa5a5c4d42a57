"""Recordings of a world: an H.264 file a camera, MOTChallenge ground truth, world.json, probe photos.

<out>/camera-1.mp4 .. camera-N.mp4
<out>/camera-1.gt.txt       frame, identity (both from 1), left, top, width, height, 1, 1, visible share
<out>/world.json            cameras with start time, people with attributes and caption, passes
<out>/probes/person-1.jpg     photos of people, those who pass several cameras first
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np

from simulation.avatars import fingerprint as fingerprint_people
from simulation.captions import caption, record
from simulation.closet import Wardrobe
from simulation.errors import BadRequest
from simulation.probes import take_probes
from simulation.processes import in_processes
from simulation.renderer import Renderer
from simulation.studio import Actor, Sighting, Studio
from simulation.walking import moment
from simulation.wardrobe import fingerprint
from simulation.world import World, check_world, draw_world

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

LEAST_VISIBLE = 0.05  # of a person, to be in the ground truth
START = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)


@dataclass(frozen=True)
class RecordingPreset:
    """A set of recordings to film."""

    seed: int
    cameras: int = 4
    people: int = 16
    seconds: float = 60.0
    fps: int = 10
    width: int = 960
    height: int = 540
    quality: int = 27  # x264's crf
    probes: int = 3


PRESETS = {
    "sample": RecordingPreset(seed=12),
    "tiny": RecordingPreset(
        seed=13, cameras=2, people=4, seconds=14.0, fps=3, width=320, height=180, probes=1
    ),
}


def simulate_recordings(
    out: Path,
    preset: RecordingPreset,
    *,
    wardrobe: Path | None = None,
    processes: int | None = None,
    advance: Callable[[int], None] | None = None,
) -> Path:
    """Film a world into `out`; cameras that are finished stay as they are. Returns world.json's path.

    `advance` is told how many cameras more are finished, those of earlier runs first.

    Raises:
        BadRequest: a preset that cannot be simulated, or `out` holds another world.
        BadWardrobe: a garment file cannot be read.
        NoRenderer: this machine cannot draw.
    """
    check(preset)
    claim(out, preset, wardrobe)
    tell = advance or (lambda _: None)
    path = out / "world.json"
    todo = [number for number in range(preset.cameras) if not (out / f"camera-{number + 1}.gt.txt").exists()]
    tell(preset.cameras - len(todo))
    if path.exists() and not todo:
        return path
    for _ in in_processes(partial(film, out, preset, wardrobe), todo, processes):
        tell(1)
    world = draw_world_of(preset, wardrobe)
    probes = take_probes(out, world, preset.probes)
    write_whole(path, json.dumps({**describe(world, preset), "probes": probes}, indent=1) + "\n")
    return path


def check(preset: RecordingPreset) -> None:
    """Refuse what `draw_world` does not look at. Raises BadRequest."""
    if not 1 <= preset.fps <= 60 or not 0 <= preset.quality <= 51 or preset.probes < 0:
        raise BadRequest(f"{preset.fps} frames a second, quality {preset.quality}, {preset.probes} probes")
    if preset.width % 2 or preset.height % 2:
        raise BadRequest(f"{preset.width}x{preset.height}: H.264 needs even sides")
    check_world(
        preset.seed,
        cameras=preset.cameras,
        people=preset.people,
        seconds=preset.seconds,
        width=preset.width,
        height=preset.height,
    )


def claim(out: Path, preset: "DataclassInstance", wardrobe: Path | None, people: Path | None = None) -> None:
    """Write down what `out` is made from, or refuse to mix two worlds in one folder. Raises BadRequest."""
    worn = None if wardrobe is None else fingerprint(wardrobe)
    known = {} if people is None else {"people": fingerprint_people(people)}
    recipe = json.dumps({**asdict(preset), "wardrobe": worn, **known}, sort_keys=True)
    out.mkdir(parents=True, exist_ok=True)
    note = out / ".recipe.json"
    if not note.exists():
        write_whole(note, recipe)
    elif note.read_text() != recipe:
        raise BadRequest(f"{out} was begun with other people, preset or seed; choose another folder")


def draw_world_of(preset: RecordingPreset, wardrobe: Path | None) -> World:
    """The world of a preset."""
    return draw_world(
        preset.seed,
        cameras=preset.cameras,
        people=preset.people,
        seconds=preset.seconds,
        width=preset.width,
        height=preset.height,
        wardrobe=Wardrobe(wardrobe),
    )


def film(out: Path, preset: RecordingPreset, wardrobe: Path | None, number: int) -> int:
    """Film one camera: video and ground truth. Runs in a process of its own."""
    world = draw_world_of(preset, wardrobe)
    renderer = Renderer()
    studio = Studio(renderer, world.stations[number])
    actors: dict[int, Actor] = {}
    rows: list[str] = []
    video = out / f"camera-{number + 1}.mp4"
    with VideoFile(video.with_suffix(".part.mp4"), preset) as file:
        for shot, cast in enumerate(scenes(world, preset, number)):
            for person, _ in cast:
                if person not in actors:
                    actors[person] = Actor(renderer, world.people[person])
            picture, sightings = studio.shoot(
                [(person, actors[person], at) for person, at in cast], shot=shot
            )
            file.write(picture.pixels)
            rows += truth_rows(shot, sightings, preset)
    renderer.context.release()
    os.replace(video.with_suffix(".part.mp4"), video)
    write_whole(out / f"camera-{number + 1}.gt.txt", "".join(f"{row}\n" for row in rows))
    return number


def scenes(world: World, preset: RecordingPreset, camera: int) -> Iterator[list[tuple[int, Any]]]:
    """Yield who is where, frame by frame."""
    passes = [walk for walk in world.passes if walk.camera == camera]
    for shot in range(round(preset.seconds * preset.fps)):
        time = shot / preset.fps
        cast = []
        for walk in passes:
            at = moment(walk, world.people[walk.person], time)
            if at is not None:
                cast.append((walk.person, at))
        yield cast


def truth_rows(shot: int, sightings: list[Sighting], preset: RecordingPreset) -> list[str]:
    """MOTChallenge lines of one frame."""
    return [
        f"{shot + 1},{s.person + 1},{','.join(f'{side:.2f}' for side in s.box)},1,1,{s.visible:.3f}"
        for s in sightings
        if s.visible >= LEAST_VISIBLE and s.box[2] < 2 * preset.width
    ]


class VideoFile:
    """An H.264 MP4 being written; a context manager."""

    def __init__(self, path: Path, preset: RecordingPreset) -> None:
        self._container = av.open(str(path), "w")
        stream = self._container.add_stream("libx264", rate=preset.fps)
        stream.width, stream.height, stream.pix_fmt = preset.width, preset.height, "yuv420p"
        stream.time_base = Fraction(1, preset.fps)
        stream.options = {"crf": str(preset.quality), "preset": "medium", "g": str(preset.fps * 4)}
        stream.codec_context.thread_count = 1
        self._stream = stream
        self._count = 0

    def write(self, pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
        """Append a picture (H, W, 3)."""
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        frame.pts = self._count
        self._count += 1
        self._container.mux(self._stream.encode(frame))

    def __enter__(self) -> "VideoFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._container.mux(self._stream.encode())
        self._container.close()


def describe(world: World, preset: RecordingPreset) -> dict[str, Any]:
    """world.json: who passed which camera when."""
    return {
        "format": 1,
        "seed": preset.seed,
        "cameras": [
            {
                "name": s.name,
                "file": f"{s.name}.mp4",
                "truth": f"{s.name}.gt.txt",
                "start": START.isoformat(),
                "fps": preset.fps,
                "width": preset.width,
                "height": preset.height,
                "night": s.place.night,
                "indoor": s.place.ground.indoor,
            }
            for s in world.stations
        ],
        "people": [
            {
                "identity": number + 1,
                "attributes": record(person.attributes),
                "caption": caption(person.attributes),
            }
            for number, person in enumerate(world.people)
        ],
        "passes": [
            {
                "identity": p.person + 1,
                "camera": world.stations[p.camera].name,
                "enters": round(p.start, 3),
                "leaves": round(p.end(world.people[p.person]), 3),
            }
            for p in world.passes
        ],
    }


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_text(text)
    os.replace(part, path)

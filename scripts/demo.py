"""The whole of Sightline once, on sample recordings: `make demo`.

Makes the schema and an API key, indexes the recordings, serves them, and searches them over REST: for the
person on a photo that comes with them, or else for one cut out of them. Where there is ground truth the hits
are held against it. Then the server goes on until Ctrl-C; with --check it stops and the exit status tells.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from gallery import Gallery, GallerySettings
from indexer.folders import find_recordings
from models.detector import create_detector
from scripts.demo_world import ZONE, SampleWorld
from sightline.client import Client
from sightline.console import PlainConsole, local_time, print_note, print_table
from sightline.failures import CommandError
from sightline.serve import require_free

SIGHTLINE = str(Path(sys.executable).with_name("sightline"))
START = "2026-01-05T09:00:00+00:00"  # nobody knows when the samples were recorded; any moment serves
READY_SECONDS = 120
console = PlainConsole(soft_wrap=True)


class DemoError(Exception):
    """The demonstration cannot go on; the message says why and what to do."""


def recordings_at(paths: Sequence[Path]) -> list[Path]:
    """Every recording among the files and in the folders given. Raises DemoError when there is none."""
    try:
        found = find_recordings(paths).recordings
    except OSError as error:
        raise DemoError(f"{error.strerror}: {error.filename}") from error
    if not found:
        where = ", ".join(map(str, paths))
        raise DemoError(
            f"no recordings at {where}: show your own with `make demo RECORDINGS='/path/a.mp4 /path/folder'` "
            "(people walking, seen by a fixed camera; one camera a file)"
        )
    return found


def refuse_busy_port(port: int) -> None:
    """Fail before the long work when the server could not start after it."""
    try:
        require_free("127.0.0.1", port)
    except CommandError as error:
        raise DemoError(f"{error}: choose another with `make demo PORT=8001`") from error


def sightline(*arguments: str) -> None:
    """Run a command of the program, shown as a person would type it."""
    console.print(f"\n$ sightline {' '.join(arguments)}", style="bold")
    if subprocess.run([SIGHTLINE, *arguments], check=False).returncode != 0:
        raise DemoError(f"`sightline {arguments[0]}` failed")


def demo_key(data_dir: Path) -> str:
    """The demonstration's API key: made once, so that a bookmark of the page stays good."""
    file = data_dir / "demo.key"
    with Gallery.open(GallerySettings(data_dir=data_dir)) as gallery:
        if file.exists() and gallery.keys.verify(file.read_text(encoding="utf-8")) is not None:
            return file.read_text(encoding="utf-8")
        _, secret = gallery.keys.create("demo")
    file.touch(mode=0o600)
    file.write_text(secret, encoding="utf-8")
    return secret


def add_cameras(data_dir: Path, world: SampleWorld, names: Sequence[str]) -> None:
    """Add the cameras of a world with their places; those that are there already stay as they are."""
    with Gallery.open(GallerySettings(data_dir=data_dir)) as gallery:
        known = {camera.name for camera in gallery.catalogue.cameras()}
        for name in names:
            if name not in known:
                site, latitude, longitude = world.where(name)
                gallery.catalogue.add_camera(
                    name, site=site, time_zone=ZONE, latitude=latitude, longitude=longitude
                )


def middle_frame(recording: Path) -> Image.Image:
    """A frame from about the middle of a recording."""
    with av.open(str(recording)) as container:
        if container.duration is not None:
            container.seek(container.duration // 2)
        return Image.fromarray(next(container.decode(video=0)).to_ndarray(format="rgb24"))


def cut_probe(recordings: Sequence[Path], target: Path) -> None:
    """Save the tallest person that the detector finds on the middle frames, with some of the surroundings.

    Not one taller than half the picture: the detector follows those poorly on the recording itself.
    """
    detector = create_detector()
    tallest = 0.0
    for recording in recordings:
        frame = middle_frame(recording)
        for x1, y1, x2, y2 in detector.detect([np.asarray(frame)])[0].boxes.tolist():
            whole = x1 > 1 and y1 > 1 and x2 < frame.width - 1 and y2 < frame.height - 1
            if whole and tallest < y2 - y1 < frame.height / 2:
                tallest = y2 - y1
                margin = 0.25 * tallest  # a person at the edge of a photo counts as cut off
                box = (
                    x1 - margin,
                    y1 - margin,
                    min(frame.width, x2 + margin),
                    min(frame.height, y2 + margin),
                )
                probe = frame.crop(tuple(max(0, round(side)) for side in box))
    if not tallest:
        raise DemoError("the detector finds nobody on the middle frames of these recordings: try others")
    probe.save(target, quality=95)


@contextmanager
def running(*arguments: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A command of the program in the background, ended at the end; its output goes to `log`."""
    with log.open("wb") as output:
        process = subprocess.Popen([SIGHTLINE, *arguments], stdout=output, stderr=subprocess.STDOUT)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_until_ready(client: Client, server: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server has loaded its networks; DemoError when it died or takes too long."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        if client.ready():
            return
        time.sleep(0.3)
    last_lines = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-10:])
    raise DemoError(f"the server does not get ready; the end of {log}:\n{last_lines}")


def print_hits(answer: dict[str, Any], people: Sequence[int | None]) -> None:
    """The answer as a table, with who the ground truth says it is; DemoError when nothing was found."""
    if not answer["hits"]:
        raise DemoError("the search found nothing")
    rows = [
        {
            "rank": hit["rank"],
            "score": hit["score"],
            "probability": hit["probability"],
            "camera": hit["camera"]["name"],
            "local_time": local_time(datetime.fromisoformat(hit["start"]), hit["camera"]["time_zone"]),
            **({"ground_truth": "nobody" if who is None else f"person {who}"} if people else {}),
            "tracklet": hit["tracklet_id"],
        }
        for hit, who in zip_longest(answer["hits"], people)
    ]
    print_table(rows)
    compared = answer["coverage"]["tracklets_compared"]
    console.print(f"{compared} tracklets were compared; the page calls them sightings.")
    for warning in answer["warnings"]:
        print_note(warning)


def people_of(answer: dict[str, Any], world: SampleWorld, client: Client) -> list[int | None]:
    """Who each hit is by the ground truth."""
    tracklets = [client.get(hit["tracklet_url"]) for hit in answer["hits"]]
    return [world.identity(tracklet["camera"]["name"], tracklet["boxes"]) for tracklet in tracklets]


def judge(answer: dict[str, Any], people: Sequence[int | None], world: SampleWorld) -> None:
    """Say where the person on the photo was found; DemoError unless the best hit elsewhere is that person."""
    elsewhere = [
        (hit, who)
        for hit, who in zip(answer["hits"], people, strict=True)
        if hit["camera"]["name"] != world.place
    ]
    if not elsewhere or elsewhere[0][1] != world.wanted:
        raise DemoError(f"person {world.wanted} was not found first on another camera than {world.place}")
    best = elsewhere[0][0]
    console.print(
        f"The photo shows person {world.wanted} near {world.place}; the best hit on another camera, rank "
        f"{best['rank']}, is the same person on {best['camera']['name']}."
    )


def show_search(client: Client, photo: Path, world: SampleWorld | None) -> None:
    """Search for the person on a photo, print the hits, and judge them where the truth is known."""
    console.print(f"Searching for the person on {photo} by POST /v1/searches/by-photo")
    answer = client.search(photo.read_bytes(), {"limit": 10})
    people = people_of(answer, world, client) if world is not None else []
    print_hits(answer, people)
    if world is not None:
        judge(answer, people, world)


def demonstrate(paths: Sequence[Path], data_dir: Path, port: int, *, check: bool) -> None:
    """Do it all; DemoError when anything fails."""
    recordings, world = recordings_at(paths), SampleWorld.at(paths[0])
    refuse_busy_port(port)
    data_dir.mkdir(parents=True, exist_ok=True)
    sightline("migrate")
    key = demo_key(data_dir)
    if world is not None:
        add_cameras(data_dir, world, [recording.stem for recording in recordings])
    for recording in recordings:
        start = (world and world.start(recording)) or START
        sightline("index", str(recording), "--camera", recording.stem, "--start", start)
    if world is not None:
        photo = world.photo
    else:
        photo = data_dir / "demo-probe.jpg"
        cut_probe(recordings, photo)
    url, log = f"http://127.0.0.1:{port}", data_dir / "demo-server.log"
    console.print(f"\n$ sightline serve --port {port}", style="bold")
    with running("serve", "--port", str(port), log=log) as server:
        client = Client(url, key)
        wait_until_ready(client, server, log)
        show_search(client, photo, world)
        if check:
            return
        console.print(f"\nReady. This link signs you in: {url}/#key={key}", style="bold")
        console.print("Its key may do everything. Ctrl-C ends the server.")
        console.print(f"Drop {photo} on the page, or a photo of your own.")
        with running("worker", log=data_dir / "demo-worker.log"):
            server.wait()
    raise DemoError(f"the server ended by itself; see {log}")


def main() -> int:
    """Read the command line; 0 when all went well, 1 when something failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings", nargs="+", type=Path)
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--check", action="store_true", help="stop after the search")
    options = parser.parse_args()
    os.environ["SIGHTLINE_DATA_DIR"] = str(options.data_dir)  # for every command started here
    try:
        demonstrate(options.recordings, options.data_dir, options.port, check=options.check)
    except (DemoError, CommandError) as error:
        console.print(f"error: {error}", style="red")
        return 1
    except KeyboardInterrupt:
        console.print("\nStopped; `make demo` starts it again.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

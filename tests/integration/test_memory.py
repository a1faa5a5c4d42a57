"""Memory does not grow with the length of a recording."""

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import pytest

from gallery import GallerySettings
from tests.indexer.videos import BLUE, GREEN, RED, Walker, make_video

MIB = 1024
MINUTE = [
    Walker(colour, 200 * turn + 20 * order, 200 * turn + 150 + 20 * order, (0, 20 + 70 * order), (1.8, 0))
    for turn in range(3)
    for order, colour in enumerate((RED, GREEN, BLUE))
]


def repeated(source: Path, path: Path, times: int) -> Path:
    """The same minute again and again, without encoding it anew."""
    with av.open(str(path), "w") as output, av.open(str(source)) as first:
        stream = output.add_stream_from_template(first.streams.video[0])
        for turn in range(times):
            with av.open(str(source)) as container:
                for packet in container.demux(video=0):
                    if packet.dts is None or packet.pts is None:
                        continue
                    shift = int(60 * turn / Fraction(packet.time_base))
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = stream
                    output.mux(packet)
    return path


def peak_of_indexing(video: Path, settings: GallerySettings) -> int:
    """Largest resident size in KiB of a process that indexes the video."""
    settings.data_dir.mkdir(exist_ok=True)
    script = (
        "import resource, sys; from pathlib import Path;"
        "from gallery.gallery import Gallery; from gallery.settings import GallerySettings;"
        "from tests.integration.forking import index;"
        "settings = GallerySettings(data_dir=Path(sys.argv[1]), database_url=sys.argv[2]);"
        "Gallery.open(settings, create=True).close();"
        "index(*sys.argv[1:]);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(settings.data_dir), settings.resolved_database_url, str(video)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return int(done.stdout.split()[-1])


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux")
def test_an_hour_takes_no_more_memory_than_two_minutes(tmp_path: Path) -> None:
    minute = make_video(tmp_path / "minute.mp4", MINUTE, frames=600)
    short, long = (repeated(minute, tmp_path / f"{n}.mp4", n) for n in (2, 60))
    peaks = [
        peak_of_indexing(video, GallerySettings(data_dir=tmp_path / video.stem, database_url=None))
        for video in (short, long)
    ]
    assert peaks[1] < peaks[0] + 64 * MIB, peaks

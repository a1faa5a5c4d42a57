"""`sightline repair`."""

from pathlib import Path

import pytest

from gallery import Gallery
from tests.sightline.conftest import Run


def test_damage_is_found_and_mended(run: Run, networks: None, recordings: Path, tmp_path: Path) -> None:
    start = "2026-01-05T09:00:00+00:00"
    run("index", recordings / "a.mp4", "--camera", "gate", "--start", start)
    run("index", recordings / "b.mp4", "--camera", "yard", "--start", start)
    assert run("repair").stdout == "Nothing to repair in 2 videos.\n"
    gallery = tmp_path / "gallery"
    (gallery / "segments" / ("e" * 32)).mkdir()
    for file in (next(gallery.glob("segments/*/tracklets.faiss")), next(gallery.glob("thumbnails/*/0.jpg"))):
        content = file.read_bytes()
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))

    planned = run("repair", "--dry-run")
    assert planned.exit_code == 1
    assert "is not what was written: is made anew from the recording" in planned.stdout
    assert "no row names it: is removed" in planned.stdout

    result = run("repair")

    assert result.exit_code == 0
    assert "is not what was written" in result.stdout
    assert "1 leftovers are removed" in result.stdout
    assert "replaced" in result.stdout
    assert run("repair").stdout == "Nothing to repair in 2 videos.\n"


@pytest.mark.long
def test_repair_reads_a_recording_as_its_camera_is_set(
    run: Run, networks: None, recordings: Path, sqlite_gallery: Gallery
) -> None:
    run("cameras", "add", "narrow", "--pixel-aspect", "2")
    run("index", recordings / "a.mp4", "--camera", "narrow", "--start", "2026-01-05T09:00:00+00:00")
    (before,) = sqlite_gallery.catalogue.videos()
    next(sqlite_gallery.data_dir.glob("thumbnails/*/0.jpg")).write_bytes(b"")

    assert run("repair").exit_code == 0
    (after,) = sqlite_gallery.catalogue.videos()
    assert (after.width, after.height) == (before.width, before.height)


def test_without_its_recording_it_stays_damaged(
    run: Run, networks: None, recordings: Path, tmp_path: Path
) -> None:
    file = tmp_path / "a.mp4"
    file.write_bytes((recordings / "a.mp4").read_bytes())
    run("index", file, "--camera", "gate", "--start", "2026-01-05T09:00:00+00:00")
    file.unlink()
    strip, segment = (
        next((tmp_path / "gallery").glob(f)) for f in ("thumbnails/*/0.jpg", "segments/*/clips.f16")
    )
    right = strip.read_bytes()
    strip.write_bytes(b"")
    marked = run("repair")
    assert marked.exit_code == 0
    assert "1 thumbnails marked as lost (a.mp4: the recording is gone" in " ".join(marked.stdout.split())
    assert "1 thumbnails are marked as lost" in run("repair", "--dry-run").stdout
    vectors = segment.read_bytes()
    segment.write_bytes(vectors[:-1] + bytes([vectors[-1] ^ 1]))
    assert run("repair").exit_code == 1
    segment.write_bytes(vectors)
    strip.unlink()
    file.write_bytes((recordings / "a.mp4").read_bytes())
    assert "1 thumbnails drawn as they were" in " ".join(run("repair").stdout.split())
    assert strip.read_bytes() == right
    assert run("repair").stdout == "Nothing to repair in 1 videos.\n"

"""`sightline repair`."""

from pathlib import Path

from gallery import Gallery
from tests.sightline.conftest import Run


def test_damage_is_found_and_mended(run: Run, networks: None, recordings: Path, tmp_path: Path) -> None:
    start = "2026-01-05T09:00:00+00:00"
    run("index", recordings / "a.mp4", "--camera", "gate", "--start", start)
    run("index", recordings / "b.mp4", "--camera", "yard", "--start", start)
    assert run("repair").stdout == "Nothing to repair in 2 videos.\n"
    gallery = tmp_path / "gallery"
    for file in (next(gallery.glob("segments/*/tracklets.faiss")), next(gallery.glob("thumbnails/*/0.jpg"))):
        content = file.read_bytes()
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))

    result = run("repair")

    assert result.exit_code == 0
    assert "is not what was written" in result.stdout
    assert "replaced" in result.stdout
    assert run("repair").stdout == "Nothing to repair in 2 videos.\n"


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
    next((tmp_path / "gallery").glob("thumbnails/*/0.jpg")).write_bytes(b"")
    assert run("repair").exit_code == 1

"""`sightline backup` and `restore`."""

import json
from pathlib import Path

import pytest

from gallery import Gallery, GallerySettings
from tests.gallery.making import make_tracklets, store
from tests.sightline.conftest import Run


def test_a_gallery_moves_to_another_folder(
    run: Run, networks: None, recordings: Path, photo: Path, tmp_path: Path
) -> None:
    start = "2026-01-05T09:00:00+00:00"
    assert run("index", recordings / "a.mp4", "--camera", "gate", "--start", start).exit_code == 0
    made = json.loads(run("backup", tmp_path / "backup", "--json").stdout)
    assert made["videos"] == 1
    assert run("restore", tmp_path / "backup").exit_code == 2

    restored = run("restore", tmp_path / "backup", "--data-dir", tmp_path / "other")

    assert restored.exit_code == 0
    assert "1 videos are restored" in restored.stdout
    listed = [run("videos", "--json", *at).stdout for at in ((), ("--data-dir", tmp_path / "other"))]
    assert listed[0] == listed[1]


def test_what_was_erased_since_does_not_come_back(
    run: Run, sqlite_settings: GallerySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, other = tmp_path / "certificates", tmp_path / "other"
    monkeypatch.setenv("SIGHTLINE_ERASURE_DIR", str(kept))
    with Gallery.open(sqlite_settings) as gallery:
        one, two = (store(gallery, name, make_tracklets(name, 2)).id for name in (1, 2))
    assert run("backup", tmp_path / "backup").exit_code == 0
    assert run("erase", one, "--yes").exit_code == 0
    (file,) = kept.iterdir()
    assert run("erasures", "export", tmp_path / "copies").stdout.startswith("1 certificates")
    assert (tmp_path / "copies" / file.name).read_bytes() == file.read_bytes()
    wrong = tmp_path / "wrong.json"
    wrong.write_text("{}")
    restore = ("restore", tmp_path / "backup", "--data-dir", other)
    assert run(*restore, "--repeat-erasures", wrong).exit_code == 2
    assert not other.exists(), "nothing is restored by halves"

    said = run(*restore, "--repeat-erasures", kept)

    assert (said.exit_code, "1 erasures are repeated" in said.stdout) == (0, True), said.output
    videos = json.loads(run("videos", "--json", "--data-dir", other).stdout)
    assert [video["id"] for video in videos] == [two]
    # The one that was repeated is kept there, too.
    again = run("erasures", "repeat", kept, "--data-dir", other, "--json")
    assert json.loads(again.stdout) == {"erased": [], "known": 2, "absent": 0, "held": []}

"""`sightline backup` and `restore`."""

import json
from pathlib import Path

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

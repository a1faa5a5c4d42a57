"""`sightline index`, and what `videos`, `cameras` and `erase` make of its work."""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gallery import GallerySettings
from models.errors import DetectorError
from sightline import checks
from tests.indexer.videos import CROWD, RED, Walker, make_video
from tests.objects import ROOT, Store
from tests.sightline.conftest import MORE, Run

pytestmark = pytest.mark.usefixtures("networks")
START = "2026-01-05T09:00:00+00:00"


def listed(run: Run, *command: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(*command, "--json").stdout)
    return found


def test_a_recording_becomes_a_video_of_its_camera(run: Run, recordings: Path) -> None:
    result = run("index", recordings / "a.mp4", "--camera", "gate", "--start", START, "--site", "north")

    assert result.exit_code == 0
    assert "indexed" in result.output
    (video,), (camera,) = listed(run, "videos"), listed(run, "cameras")
    assert (video["file_name"], video["camera"], video["tracklet_count"]) == ("a.mp4", "gate", 3)
    assert video["start_time"] == START
    assert (camera["name"], camera["site"], camera["time_zone"]) == ("gate", "north", "UTC")


def test_objects_are_indexed_and_named_like_files(
    run: Run, recordings: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_OBJECT_ROOTS", ROOT)
    monkeypatch.setenv("SIGHTLINE_OBJECT_ENDPOINT", store.endpoint)
    url = store.put("site/b.mp4", (recordings / "b.mp4").read_bytes())
    where = ("--camera", "gate", "--start", START)
    mixed = run("index", url, recordings / "a.mp4", *where)
    assert (mixed.exit_code, "not taken together" in mixed.stderr) == (2, True)
    result = run("index", url, f"{ROOT}none.mp4", *where, "--consecutive")
    assert (result.exit_code, "there is no such object" in " ".join(result.output.split())) == (1, True)
    (video,) = listed(run, "videos")
    assert (video["path"], video["file_name"]) == (url, "b.mp4")
    (failed,) = listed(run, "jobs", "failed")
    assert failed["path"] == f"{ROOT}none.mp4"
    assert run("videos", "edit", video["id"], "--path", recordings / "b.mp4").exit_code == 0
    assert run("videos", "edit", video["id"], "--path", f"{ROOT}none.mp4").exit_code == 2
    assert run("videos", "edit", video["id"], "--path", url).exit_code == 0
    assert listed(run, "videos")[0]["path"] == url


def test_a_time_without_offset_is_the_clock_of_the_camera(run: Run, recordings: Path) -> None:
    run(
        "index",
        recordings / "a.mp4",
        "--camera",
        "gate",
        "--start",
        "2026-07-01T09:00",
        "--time-zone",
        "Asia/Tokyo",
    )

    assert listed(run, "videos")[0]["start_time"] == "2026-07-01T00:00:00+00:00"
    assert "2026-07-01 09:00:00" in run("videos").output


def test_indexing_again_does_nothing(run: Run, recordings: Path) -> None:
    run("index", recordings / "a.mp4", "--camera", "gate", "--start", START)
    before = listed(run, "videos")

    again = run("index", recordings / "a.mp4", "--camera", "gate", "--start", START)
    elsewhere = run("index", recordings / "a.mp4", "--camera", "yard", "--start", START)

    assert (again.exit_code, elsewhere.exit_code) == (0, 0)
    assert "in the gallery already" in again.output
    assert "of camera gate from 2026-01-05 09:00:00 (UTC)" in elsewhere.output
    assert listed(run, "videos") == before


def test_the_other_start_is_told_on_the_clock_of_its_camera(run: Run, recordings: Path) -> None:
    tokyo = ("--camera", "tokyo", "--start", "2026-07-01T09:00", "--time-zone", "Asia/Tokyo")
    run("index", recordings / "a.mp4", *tokyo)

    result = run("index", recordings / "a.mp4", "--camera", "gate", "--start", START)

    assert "of camera tokyo from 2026-07-01 09:00:00 (Asia/Tokyo)" in result.output


def test_several_recordings_need_to_be_consecutive(run: Run, recordings: Path) -> None:
    refused = run("index", recordings, "--camera", "gate", "--start", START)
    accepted = run("index", recordings, "--camera", "gate", "--start", START, "--consecutive")

    assert (refused.exit_code, accepted.exit_code) == (2, 0)
    assert "--consecutive" in refused.stderr
    first, second = sorted(listed(run, "videos"), key=lambda video: video["file_name"])
    assert second["start_time"] == first["end_time"]


def test_what_cannot_be_read_is_reported_and_the_rest_indexed(
    run: Run, recordings: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_text("a text file in disguise")

    result = run(
        "index",
        recordings / "a.mp4",
        broken,
        recordings / "b.mp4",
        "--camera",
        "gate",
        "--start",
        START,
        "--consecutive",
    )

    assert result.exit_code == 1
    lines = {line.split()[0]: line for line in result.output.splitlines() if ".mp4 " in line}
    assert "indexed" in lines["a.mp4"]
    assert "broken.mp4" in lines["broken.mp4"]
    assert "start is unknown" in lines["b.mp4"]
    assert [video["file_name"] for video in listed(run, "videos")] == ["a.mp4"]


def test_boxes_that_others_made_replace_the_detector(run: Run, recordings: Path, tmp_path: Path) -> None:
    walker = CROWD[0]
    boxes = [(frame, walker.box(frame)) for frame in range(walker.enters, walker.leaves)]
    lines = [f"{frame + 1},7,{x1},{y1},{x2 - x1},{y2 - y1},1,1,1" for frame, (x1, y1, x2, y2) in boxes]
    file = tmp_path / "gt.txt"
    file.write_text("\n".join(lines))

    result = run("index", recordings / "a.mp4", "--camera", "gate", "--start", START, "--boxes", file)

    assert result.exit_code == 0, result.output
    assert listed(run, "videos")[0]["tracklet_count"] == 1


def test_folders_of_crops_become_cameras(run: Run, tmp_path: Path) -> None:
    for camera, colour in ((1, "red"), (2, "blue")):
        for frame in range(1, 9):
            Image.new("RGB", (32, 64), colour).save(tmp_path / f"0001C{camera}T0001F{frame:03}.png")

    result = run("import-crops", tmp_path, "--start", START, "--camera-prefix", "mars-")

    assert result.exit_code == 0, result.output
    assert "2 tracklets, done" in " ".join(result.output.split())
    assert [video["camera"] for video in listed(run, "videos")] == ["mars-1", "mars-2"]


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        (["nowhere.mp4", "--start", START], "nowhere.mp4"),
        (["{a}", "--start", "yesterday"], "yesterday"),
        (["{a}", "--start", START, "--time-zone", "Mars/Olympus"], "Mars/Olympus"),
        (["{empty}", "--start", START], "no recordings"),
        (["{folder}", "--start", START, "--boxes", "gt.txt"], "boxes"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    run: Run, recordings: Path, tmp_path: Path, options: list[str], cause: str
) -> None:
    (tmp_path / "empty").mkdir()
    names = {"a": recordings / "a.mp4", "folder": recordings, "empty": tmp_path / "empty"}

    result = run("index", *(option.format(**names) for option in options), "--camera", "gate")

    assert result.exit_code == 2
    assert cause in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert listed(run, "videos") == []


def test_a_known_camera_keeps_its_site_and_zone(run: Run, recordings: Path) -> None:
    run("index", recordings / "a.mp4", "--camera", "gate", "--start", START, "--site", "north")

    result = run("index", recordings / "b.mp4", "--camera", "gate", "--start", START, "--site", "south")

    assert result.exit_code == 2
    assert "north" in result.stderr


def test_an_erased_recording_is_gone(run: Run, recordings: Path, sqlite_settings: GallerySettings) -> None:
    run("index", recordings / "a.mp4", "--camera", "gate", "--start", START)
    video_id = listed(run, "videos")[0]["id"]

    erased, again = run("erase", video_id, "--yes"), run("erase", video_id, "--yes")

    assert (erased.exit_code, again.exit_code) == (0, 2)
    assert listed(run, "videos") == []
    assert [finding.state for finding in checks.record(sqlite_settings)] == ["ok"]


def test_erasing_asks_first(run: Run, recordings: Path) -> None:
    run("index", recordings / "a.mp4", "--camera", "gate", "--start", START)

    result = run("erase", listed(run, "videos")[0]["id"])

    assert result.exit_code != 0
    assert len(listed(run, "videos")) == 1


def test_compaction_merges_what_is_there(run: Run, recordings: Path) -> None:
    run("index", recordings, "--camera", "gate", "--start", START, "--consecutive")

    result = run("compact", "--json")

    assert result.exit_code == 0
    assert json.loads(result.stdout)["segments_after"] == 1


def test_the_order_is_natural_and_shown_before_work_begins(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(9, 11):
        make_video(tmp_path / f"part{number}.mp4", MORE, frames=15, seed=number)

    result = run("index", tmp_path, "--camera", "gate", "--start", START, "--consecutive")
    assert result.exit_code == 0, result.output
    first, second = sorted(listed(run, "videos"), key=lambda video: str(video["start_time"]))
    assert (first["file_name"], second["file_name"]) == ("part9.mp4", "part10.mp4")

    def stopped(*_: object) -> None:
        raise DetectorError("no networks today")

    monkeypatch.setattr("indexer.networks.make_embedder", stopped)
    before = run("index", tmp_path, "--camera", "gate", "--start", START, "--consecutive")
    assert before.output.index("part9.mp4") < before.output.index("part10.mp4")
    assert "no networks today" in before.output


def test_a_name_that_is_not_utf_8_is_refused_unread_and_the_others_are_indexed(
    run: Run, recordings: Path, tmp_path: Path
) -> None:
    bad = tmp_path / os.fsdecode(b"b\xfc.mp4")
    for source, copy in (("a.mp4", tmp_path / "a.mp4"), ("b.mp4", bad)):
        copy.write_bytes((recordings / source).read_bytes())
    make_video(tmp_path / "c.mp4", MORE, frames=30, seed=3)

    result = run("index", tmp_path, "--camera", "gate", "--start", START, "--consecutive")

    assert result.exit_code == 1
    assert r"b\xfc.mp4" in result.output
    assert "not UTF-8" in result.output
    videos = {video["file_name"]: video for video in listed(run, "videos")}
    assert set(videos) == {"a.mp4", "c.mp4"}
    # The one left out lasts five seconds, and the next begins where it ends.
    gap = datetime.fromisoformat(videos["c.mp4"]["start_time"]) - datetime.fromisoformat(
        videos["a.mp4"]["end_time"]
    )
    assert gap == timedelta(seconds=5)


def test_what_was_passed_over_is_listed(run: Run, recordings: Path) -> None:
    result = run("index", recordings, "--camera", "gate", "--start", START, "--consecutive")
    assert "passed over 1 (not called like a recording): notes.txt" in result.output


def test_unknown_networks_are_refused_before_any_is_loaded(
    run: Run, recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.networks.make_embedder", lambda *_: pytest.fail("loaded"))
    for name, value in (("MODEL", "no-such-model"), ("DETECTOR", "onnx:nowhere.onnx")):
        with monkeypatch.context() as patched:
            patched.setenv(f"SIGHTLINE_INDEX_{name}", value)
            result = run("index", recordings / "a.mp4", "--camera", "gate", "--start", START)
        assert result.exit_code == 2
        assert value.removeprefix("onnx:") in result.stderr


def test_a_camera_made_for_nothing_is_removed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_text("a text file in disguise")
    result = run("index", tmp_path / "broken.mp4", "--camera", "gate", "--start", START)
    assert result.exit_code == 1
    assert listed(run, "cameras") == []


@pytest.mark.parametrize(
    ("start", "said", "choices"),
    [
        ("2026-10-25T02:30", "comes twice", "2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00"),
        ("2026-03-29T02:30", "does not exist", "2026-03-29T01:30:00+01:00 or 2026-03-29T03:30:00+02:00"),
    ],
)
def test_a_time_that_the_clock_shows_twice_or_never_is_not_guessed(
    run: Run, recordings: Path, start: str, said: str, choices: str
) -> None:
    zone = ("--time-zone", "Europe/Berlin")
    result = run("index", recordings / "a.mp4", "--camera", "gate", "--start", start, *zone)
    assert result.exit_code == 2
    assert said in result.stderr
    assert choices in " ".join(result.stderr.split())
    assert listed(run, "videos") == []
    exact = run("index", recordings / "a.mp4", "--camera", "gate", "--start", f"{start}+02:00", *zone)
    assert exact.exit_code == 0


def test_what_was_left_out_is_said(run: Run, tmp_path: Path) -> None:
    make_video(tmp_path / "short.mp4", [Walker(RED, 5, 10, (30, 60)), CROWD[2]], frames=30)
    make_video(tmp_path / "empty.mp4", [], frames=15)
    some = run("index", tmp_path / "short.mp4", "--camera", "gate", "--start", START)
    none = run("index", tmp_path / "empty.mp4", "--camera", "gate", "--start", START)
    assert "left out 1 track (1 seen too shortly)" in " ".join(some.output.split())
    assert "nobody was found" in " ".join(none.output.split())
    assert (some.exit_code, none.exit_code) == (0, 0)

"""`sightline search`."""

import csv
import io
import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gallery import Gallery, GallerySettings, NewRecording
from sightline.completion import camera_names, site_names
from tests.indexer.videos import CROWD, make_video
from tests.sightline.conftest import Run, runner, see_colours

pytestmark = pytest.mark.usefixtures("indexed")


@pytest.fixture(scope="module")
def filled(sqlite_template: Path, recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three people at the gate in Tokyo, one of them in the yard an hour later: a data folder to copy."""
    data_dir = tmp_path_factory.mktemp("filled")
    shutil.copyfile(sqlite_template, data_dir / "gallery.sqlite3")
    with pytest.MonkeyPatch.context() as patched:
        see_colours(patched)
        run = runner(patched, data_dir)
        when = ("--time-zone", "Asia/Tokyo", "--start")
        run("index", recordings / "a.mp4", "--camera", "gate", *when, "2026-01-05T09:00")
        run("index", recordings / "b.mp4", "--camera", "yard", "--site", "back", *when, "2026-01-05T10:00")
    return data_dir


@pytest.fixture
def indexed(filled: Path, networks: None, run: Run, sqlite_settings: GallerySettings) -> None:
    """That gallery, this test's own."""
    shutil.copytree(filled, sqlite_settings.data_dir, dirs_exist_ok=True)


def answer(run: Run, *arguments: str | Path) -> dict[str, Any]:
    result = run("search", *arguments, "--json")
    assert result.exit_code in {0, 1}, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def cameras(found: dict[str, Any]) -> list[str]:
    return [hit["camera"]["name"] for hit in found["hits"]]


def test_the_person_on_the_photo_ranks_first_on_both_cameras(run: Run, photo: Path) -> None:
    found = answer(run, photo, "--person", "0", "--limit", "2")

    assert sorted(cameras(found)) == ["gate", "yard"]
    assert found["coverage"]["tracklets_compared"] == 4


def test_the_table_shows_the_clock_of_the_camera(run: Run, photo: Path) -> None:
    result = run("search", photo)

    assert result.exit_code == 0
    assert "2026-01-05 10:00:00" in result.output
    assert "4 tracklets were compared." in result.output
    assert "1 tracklet was compared." in run("search", photo, "--camera", "yard").output


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (["--camera", "yard"], {"yard"}),
        (["--camera", "yard", "--camera", "gate"], {"yard", "gate"}),
        (["--site", "back"], {"yard"}),
        (["--from", "2026-01-05T09:30"], {"yard"}),
        (["--to", "2026-01-05T00:30:00+00:00"], {"gate"}),
        (["--from", "2026-01-05T11:00"], set()),
    ],
)
def test_filters_restrict_the_answer(run: Run, photo: Path, filters: list[str], expected: set[str]) -> None:
    assert set(cameras(answer(run, photo, *filters))) == expected


def test_every_search_is_recorded(run: Run, photo: Path, sqlite_settings: GallerySettings) -> None:
    found = answer(run, photo)

    with Gallery.open(sqlite_settings) as gallery:
        assert gallery.searches.get(found["id"]).id == found["id"]


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (["--camera", "roof"], "roof"),
        (["--person", "9"], "no person 9"),
        (["--from", "2026-01-05T11:00", "--to", "2026-01-05T10:00"], "before"),
        (["--from", "noon"], "noon"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(run: Run, photo: Path, arguments: list[str], cause: str) -> None:
    result = run("search", photo, *arguments)

    assert result.exit_code == 2
    assert cause in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_file_that_is_no_photo_is_refused(run: Run, recordings: Path) -> None:
    refused, missing = run("search", recordings / "notes.txt"), run("search", "nowhere.jpg")

    assert (refused.exit_code, missing.exit_code) == (2, 2)
    assert "nowhere.jpg" in missing.stderr


def test_times_without_offset_need_cameras_of_one_zone(
    run: Run, photo: Path, recordings: Path, tmp_path: Path
) -> None:
    other = make_video(tmp_path / "other.mp4", CROWD, seed=1)
    run("index", other, "--camera", "hall", "--start", "2026-01-05T09:00", "--time-zone", "Europe/Berlin")

    refused = run("search", photo, "--from", "2026-01-05T09:30")

    assert refused.exit_code == 2
    assert "several time zones" in refused.stderr
    assert cameras(answer(run, photo, "--from", "2026-01-05T09:30", "--camera", "yard")) == ["yard"]


def test_a_box_on_the_photo_says_who_is_meant(run: Run, photo: Path) -> None:
    first = answer(run, photo, "--person", "0")["probe"]["box"]

    found = answer(run, photo, "--box", ",".join(map(str, first)))

    assert (found["probe"]["box"], found["probe"]["person"]) == (first, None)
    assert cameras(found) == cameras(answer(run, photo, "--person", "0"))


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        (["--box", "1,2,3"], "four numbers"),
        (["--box", "here"], "no box"),
        (["--box", "1,2,3,0"], "box"),
        (["--box", "0,0,9,9", "--person", "0"], "either person or box"),
        (["--csv", "--json"], "exclude"),
    ],
)
def test_a_choice_that_cannot_be_is_refused(run: Run, photo: Path, options: list[str], cause: str) -> None:
    result = run("search", photo, *options)

    assert result.exit_code == 2
    assert cause in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (["{photo}", "--camera", "roof"], "roof"),
        (["{photo}", "--site", "moon"], "moon"),
        (["{text}"], "image"),
    ],
)
def test_what_is_wrong_is_found_before_the_networks_load(
    run: Run, photo: Path, recordings: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], cause: str
) -> None:
    def load(settings: object) -> None:
        raise AssertionError("the networks were loaded")

    monkeypatch.setattr("service.networks.load", load)

    result = run("search", *(a.format(photo=photo, text=recordings / "notes.txt") for a in arguments))

    assert result.exit_code == 2
    assert cause in result.stderr


def test_each_notice_is_a_line_and_hits_of_other_days_are_marked(run: Run, photo: Path) -> None:
    found = answer(run, photo, "--taken-at", "2026-01-09T09:00")
    result = run("search", photo, "--taken-at", "2026-01-09T09:00")

    notices = [*found["probe"]["notices"], *found["notices"]]
    assert {hit["beyond_horizon"] for hit in found["hits"]} == {True}
    assert found["probe"]["taken_at"] == "2026-01-09T00:00:00Z"
    assert "several_people" in {one["code"] for one in notices}
    for notice in notices:
        assert [line for line in result.output.splitlines() if notice["text"] in line] != []
        assert result.output.count(notice["text"]) == 1
    assert "other" in result.output
    assert "beyond_horizon" in run("search", photo, "--csv").output
    refused = run("search", "--tracklet", found["hits"][0]["tracklet_id"], "--taken-at", "2026-01-09")
    assert (refused.exit_code, "needs a photo" in refused.output) == (2, True)


def test_csv_is_on_the_clock_of_the_camera(run: Run, photo: Path) -> None:
    result = run("search", photo, "--camera", "yard", "--csv")

    (row,) = csv.DictReader(io.StringIO(result.stdout))
    assert (row["rank"], row["camera"], row["site"], row["recording"]) == ("1", "yard", "back", "b.mp4")
    assert row["start"].startswith("2026-01-05T10:00:00")
    assert row["start"].endswith("+09:00")
    assert "Not searched: gate (left out by the filter)" in result.stderr
    assert re.search(r"Searched: \d s of yard \(2026-01-05 10:00:00 to 10:00:0\d\)", result.stderr)


def test_all_stretches_go_to_a_spreadsheet(run: Run, photo: Path, tmp_path: Path, recordings: Path) -> None:
    """Those of a recording that failed too, though no job was filed for it."""
    failed = run("index", recordings / "notes.txt", "--camera", "gate", "--start", "2026-01-05T08:00")
    result = run("search", photo, "--camera", "gate", "--coverage", tmp_path / "c.csv")

    assert (failed.exit_code, result.exit_code) == (1, 1)
    (gate,) = answer(run, photo, "--camera", "gate")["coverage"]["cameras"]
    assert f"Searched: {gate['seconds']:.0f} s of gate (2026-01-05 09:00:00 to 09:00:0" in result.output
    assert "Not searched: notes.txt of gate (within 2026-01-05 08:00:00 to 09:00:00) (indexing failed" in (
        result.output
    )
    rows = list(csv.DictReader(io.StringIO((tmp_path / "c.csv").read_text("utf-8"))))
    assert [(row["what"], row["start"][11:19], row["seconds"], row["recording"]) for row in rows] == [
        ("failed", "08:00:00", "3600.0", ""),
        ("failed", "08:00:00", "3600.0", "notes.txt"),
        ("searched", "09:00:00", str(gate["seconds"]), ""),
    ]
    assert [row["at_most"] for row in rows] == ["True", "True", ""]


def test_recordings_that_were_not_searched_are_named_and_change_the_exit_status(
    run: Run, photo: Path, sqlite_settings: GallerySettings
) -> None:
    complete = run("search", photo)
    with Gallery.open(sqlite_settings) as gallery:
        gate = gallery.catalogue.camera_named("gate")
        late = datetime(2026, 1, 5, 3, tzinfo=UTC)
        gallery.jobs.file([NewRecording(gate.id, "/media/c.mp4", "c [1].mp4", False, late)])

    partial, elsewhere = run("search", photo), run("search", photo, "--camera", "yard")

    assert (complete.exit_code, partial.exit_code, elsewhere.exit_code) == (0, 1, 0)
    assert (
        "Not searched: c [1].mp4 of gate (from 2026-01-05 12:00:00) (waiting to be indexed)" in partial.output
    )
    assert "Not searched: gate (left out by the filter)" in elsewhere.output


def test_a_search_of_nothing_does_not_pass_for_nobody_found(run: Run, photo: Path) -> None:
    result = run("search", photo, "--from", "2026-01-06T09:00")

    assert result.exit_code == 1
    assert "Not searched: gate (nothing is indexed for this time)" in result.output


def test_the_shell_completes_cameras_and_sites(sqlite_settings: GallerySettings) -> None:
    assert (camera_names("g"), camera_names(""), site_names("b")) == (["gate"], ["gate", "yard"], ["back"])


def test_completion_is_silent_where_there_is_no_gallery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_DATA_DIR", str(tmp_path / "nowhere"))

    assert camera_names("") == []
    assert not (tmp_path / "nowhere").exists()


def test_several_photos_are_fused_and_marks_refine(
    run: Run, photo: Path, sqlite_settings: GallerySettings
) -> None:
    alone = answer(run, photo, "--person", "0")
    seen = alone["hits"][0]["tracklet_id"]
    both = answer(run, photo, "--person", "0", "--tracklet", seen)
    assert [one["tracklet_id"] for one in both["probes"]] == [None, seen]
    assert seen not in [hit["tracklet_id"] for hit in both["hits"]]
    assert run("refine", alone["id"]).exit_code == 2, "nothing is marked"
    judged = json.loads(run("marks", "judge", alone["id"], "--json").stdout)["items"]
    assert {hit["camera"]["name"] for hit in judged[:2]} == {"gate", "yard"}
    assert run("marks", "set", alone["id"], "1", "match").exit_code == 0
    assert run("marks", "set", alone["id"], "4", "not").exit_code == 0
    refined = json.loads(run("refine", alone["id"], "--photo", photo, "--json").stdout)
    assert refined["refined"]["parent"] == alone["id"]
    assert refined["hits"][0]["mark"]["verdict"] == "match"
    with Gallery.open(sqlite_settings) as gallery:
        with gallery._database.write() as session:  # as if a key had asked
            for table in ("search", "probe"):
                session.execute(text(f"UPDATE {table} SET key_id = 'somebody'"))
        last = gallery.audit.events(limit=1)[0].id
    shown = run("refine", refined["id"], "--photo", photo).output
    assert "match" in shown
    assert run("marks", "judge", refined["id"]).exit_code == 0
    with Gallery.open(sqlite_settings) as gallery:
        done = [event for event in gallery.audit.events() if event.id > last]
        assert {event.action for event in done} == {"search", "probe.add", "search.judge"}
        assert {event.key_id for event in done} == {None}, "the command line did it, for the key"
        assert gallery.searches.recent(1)[0].key_id == "somebody"
    assert run("search").exit_code == run("search", *[photo] * 21).exit_code == 2
    assert run("search", photo, photo, "--person", "0").exit_code == 2

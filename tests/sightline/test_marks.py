"""`sightline marks`."""

import json

import pytest

from gallery import Gallery, GallerySettings
from tests.gallery.investigation.test_marks import search_for
from tests.gallery.making import make_tracklets, store
from tests.sightline.conftest import Run


@pytest.fixture
def asked(sqlite_settings: GallerySettings) -> str:
    """The id of a search with three hits."""
    with Gallery.open(sqlite_settings) as gallery:
        return search_for(gallery, store(gallery, 1, make_tracklets(1, 3))).id


def test_marks_are_set_by_rank_or_id_listed_undone_and_erased(
    run: Run, asked: str, sqlite_settings: GallerySettings
) -> None:
    assert "No hit is marked." in run("marks", "list", asked).output
    made = json.loads(run("marks", "set", asked, "2", "match", "--json").stdout)
    assert (made["verdict"], made["key_id"], made["tracklet_id"][-2:]) == ("match", None, "-1")
    assert run("marks", "set", asked, made["tracklet_id"], "not").exit_code == 0
    assert run("marks", "set", asked, "1", "match").exit_code == 0
    assert run("marks", "remove", asked, "1").exit_code == 0
    assert "taken away" in run("marks", "undo", asked).output
    listed = json.loads(run("marks", "list", asked, "--json").stdout)
    assert [(m["tracklet_id"][-1], m["verdict"]) for m in listed["items"]] == [("1", "not"), ("0", "match")]
    history = json.loads(run("marks", "history", asked, "--json").stdout)
    assert [bool(change["undone_at"]) for change in history] == [True, False, False, False]
    assert "not" in run("marks", "list", asked).output
    with Gallery.open(sqlite_settings) as gallery:
        (video,) = gallery.catalogue.videos()
    assert "with it 2 marks" in run("erase", video.id, "--yes").output
    assert "were on: 2." in run("marks", "list", asked).output


@pytest.mark.parametrize("hit", ["0", "4", "99999999999999999999", "x", ""])
def test_a_hit_that_does_not_exist_is_refused(run: Run, asked: str, hit: str) -> None:
    result = run("marks", "set", asked, hit, "match")
    assert result.exit_code == 2
    assert "hit" in result.output


def test_other_mistakes_end_in_a_line(run: Run, asked: str) -> None:
    assert run("marks", "set", asked, "1", "perhaps").exit_code == 2
    assert "no search" in run("marks", "set", "f" * 32, "x", "match").output
    assert "undo" in run("marks", "undo", asked).output

"""What `sightline doctor` and `sightline compact` say of approximate search."""

from pathlib import Path

import pytest

from gallery import Gallery, GallerySettings
from gallery.writing.cluster import Clustered
from sightline.checks import clusters


@pytest.mark.parametrize(
    ("found", "state", "said"),
    [
        (Clustered(), "ok", "none: every search is exact"),
        (Clustered(unsuited=2), "ok", "those of 2 segments find too little"),
        (Clustered(3, 900_000, 0.9912, 1), "ok", "3 segments with 900000 tracklets, measured recall 0.9912"),
        (Clustered(3, 900_000, 0.9912, damaged=1), "warning", "1 segments have damaged ones"),
    ],
)
def test_doctor_says_how_much_is_searched_by_clusters(
    sqlite_settings: GallerySettings,
    monkeypatch: pytest.MonkeyPatch,
    found: Clustered,
    state: str,
    said: str,
) -> None:
    monkeypatch.setattr(Gallery, "clustered", lambda _self: found)
    finding = clusters(sqlite_settings)
    assert finding.state == state
    assert said in finding.detail


def test_doctor_needs_no_gallery(tmp_path: Path) -> None:
    assert clusters(GallerySettings(data_dir=tmp_path)).detail == "no gallery yet"

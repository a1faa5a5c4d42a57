"""`sightline migrate-vectors`: into Milvus and back."""

import json
from pathlib import Path

import pytest

from gallery import Gallery, GallerySettings
from tests.gallery.making import MODEL, make_tracklets, store, unit
from tests.sightline.conftest import Run


@pytest.mark.long
def test_vectors_go_into_milvus_and_back(
    run: Run,
    sqlite_settings: GallerySettings,
    milvus_uri: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    query = unit(make_tracklets(9, 1)[0].feature.astype(float))
    with Gallery.open(sqlite_settings) as gallery:
        for name in range(2):
            store(gallery, name, make_tracklets(name, 3))
        hits = [hit.tracklet_id for hit in gallery.snapshot(MODEL.id).search(query, limit=9).hits]
    nowhere = run("migrate-vectors", "milvus")
    assert (nowhere.exit_code, len(nowhere.stderr.strip().splitlines())) == (2, 1)
    assert "SIGHTLINE_MILVUS_URI" in nowhere.stderr

    monkeypatch.setenv("SIGHTLINE_MILVUS_URI", milvus_uri)
    said = run("migrate-vectors", "milvus")

    assert said.exit_code == 0, said.output
    assert "2 segments moved" in said.stdout
    assert "set SIGHTLINE_VECTORS=milvus" in said.stdout
    assert run("backup", tmp_path / "backup").exit_code == 0
    monkeypatch.delenv("SIGHTLINE_MILVUS_URI")
    assert run("restore", tmp_path / "backup", "--data-dir", tmp_path / "restored").exit_code == 0
    with Gallery.open(GallerySettings(data_dir=tmp_path / "restored", database_url=None)) as restored:
        assert [hit.tracklet_id for hit in restored.snapshot(MODEL.id).search(query, limit=9).hits] == hits
    monkeypatch.setenv("SIGHTLINE_MILVUS_URI", milvus_uri)
    again = json.loads(run("migrate-vectors", "milvus", "--json").stdout)
    assert again == {"segments": 0, "vectors": 0, "there": 2, "damaged": []}
    with Gallery.open(sqlite_settings.model_copy(update={"milvus_uri": milvus_uri})) as gallery:
        found = gallery.snapshot(MODEL.id).search(query, limit=9).hits
        assert [hit.tracklet_id for hit in found] == hits
    assert "2 segments moved" in run("migrate-vectors", "faiss").stdout
    with Gallery.open(sqlite_settings) as gallery:
        found = gallery.snapshot(MODEL.id).search(query, limit=9).hits
        assert [hit.tracklet_id for hit in found] == hits


def test_a_milvus_that_does_not_answer_is_one_line_with_its_remedy(
    run: Run, sqlite_settings: GallerySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gallery.vectors.milvus._SECONDS", 0.5)
    monkeypatch.setenv("SIGHTLINE_MILVUS_URI", "http://127.0.0.1:1")
    monkeypatch.setenv("SIGHTLINE_MILVUS_TOKEN", "root:secret")
    monkeypatch.setenv("SIGHTLINE_VECTORS", "milvus")
    for command in (("migrate-vectors", "milvus"), ("migrate",)):
        said = run(*command)
        assert said.exit_code == 2
        assert len(said.stderr.strip().splitlines()) == 1, said.stderr
        assert "SIGHTLINE_MILVUS_URI" in said.stderr
        assert "secret" not in said.stderr

"""The registry of models: what is kept, what is in use, and what happens to both when processes die."""

import threading
from pathlib import Path

import pytest

from gallery.errors import Conflict, InvalidInput, NotFound
from gallery.gallery import Gallery
from gallery.records.videos import ModelInfo
from gallery.settings import GallerySettings
from tests.gallery.making import MODEL, make_tracklets, store

OTHER = ModelInfo(id="b" * 64, name="other", dimension=16, card={"name": "other", "origin": "unknown"})


def folder(tmp_path: Path, name: str) -> Path:
    made = tmp_path / "sources" / name
    made.mkdir(parents=True)
    (made / "weights.safetensors").write_bytes(name.encode() * 100)
    (made / "card.json").write_text("{}")
    return made


def searchable(gallery: Gallery, model: ModelInfo) -> int:
    query = make_tracklets(99, 1)[0].feature
    return gallery.snapshot(model.id).search(query, limit=9).compared


@pytest.fixture
def both(gallery: Gallery, tmp_path: Path) -> Gallery:
    """A gallery that keeps two models."""
    gallery.models.add(MODEL, folder(tmp_path, MODEL.name))
    gallery.models.add(OTHER, folder(tmp_path, OTHER.name))
    return gallery


def test_a_gallery_without_promotion_has_no_model_in_use(gallery: Gallery) -> None:
    assert gallery.models.all() == []
    assert gallery.models.promoted() is None
    assert gallery.models.locate(None) is None
    assert gallery.models.locate("tkp") == "tkp"
    with pytest.raises(Conflict, match="nothing to roll back"):
        gallery.models.rollback()


def test_a_model_is_copied_with_its_files(both: Gallery, tmp_path: Path) -> None:
    found = both.models.find("other")
    assert found.folder is not None
    assert found.folder.is_relative_to(both.data_dir)
    assert {file.name: file.read_bytes() for file in found.folder.iterdir()} == {
        file.name: file.read_bytes() for file in (tmp_path / "sources" / "other").iterdir()
    }
    assert (found.dimension, found.card, found.promoted, found.videos) == (16, OTHER.card, False, 0)
    assert both.models.find("b" * 12) == found
    assert [model.name for model in both.models.all()] == ["test", "other"]
    assert both.models.locate("other") == str(found.folder)
    with pytest.raises(NotFound):
        both.models.find("third")


def test_adding_a_model_again_changes_nothing(both: Gallery, tmp_path: Path) -> None:
    assert both.models.add(OTHER, tmp_path / "sources" / "other") == both.models.find("other")
    renamed = ModelInfo(OTHER.id, "renamed", OTHER.dimension, OTHER.card)
    with pytest.raises(Conflict, match="here already, as other"):
        both.models.add(renamed, tmp_path / "sources" / "other")
    impostor = ModelInfo("c" * 64, "other", 8, {})
    with pytest.raises(Conflict, match="another model is called other"):
        both.models.add(impostor, tmp_path / "sources" / "other")


@pytest.mark.parametrize(
    "model",
    [
        ModelInfo("short", "name", 8, {}),
        ModelInfo("c" * 64, "../name", 8, {}),
        ModelInfo("c" * 64, "", 8, {}),
        ModelInfo("c" * 64, "name", 8, {"mean": float("nan")}),
    ],
)
def test_what_is_no_model_is_refused(gallery: Gallery, tmp_path: Path, model: ModelInfo) -> None:
    with pytest.raises(InvalidInput):
        gallery.models.add(model, folder(tmp_path, "source"))
    assert gallery.models.all() == []


def test_links_and_empty_folders_are_refused(gallery: Gallery, tmp_path: Path) -> None:
    source = folder(tmp_path, "linked")
    (source / "more").symlink_to("/etc/hostname")
    with pytest.raises(InvalidInput, match="is not a file"):
        gallery.models.add(OTHER, source)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InvalidInput, match="is empty"):
        gallery.models.add(OTHER, empty)
    assert not any((gallery.data_dir / "staging").iterdir())


def test_promotions_are_a_stack(both: Gallery) -> None:
    before = both.models.change()
    both.models.promote("test", key_id="k")
    assert both.models.change() > before, "servers see that something changed"
    both.models.promote("other")
    now = both.models.promoted()
    assert now is not None
    assert (now.name, now.promoted, both.models.locate(None)) == ("other", True, str(now.folder))
    with pytest.raises(Conflict, match="promoted already"):
        both.models.promote("other")
    back = both.models.rollback(key_id="k")
    assert back is not None
    assert back.name == "test"
    assert both.models.rollback() is None
    assert both.models.promoted() is None
    undone = [(one.model_name, one.undone_at is not None) for one in both.models.promotions()]
    assert undone == [("other", True), ("test", True)]
    actions = [event.action for event in reversed(both.audit.events())]
    assert actions == ["model.add"] * 2 + ["model.promote"] * 2 + ["model.rollback"] * 2


def test_no_video_gets_lost_by_a_promotion_unless_that_is_wanted(both: Gallery) -> None:
    store(both, 1, make_tracklets(1, 3))
    assert (both.models.missing(OTHER.id), both.models.missing(MODEL.id)) == (1, 0)
    with pytest.raises(Conflict, match="1 recordings are not indexed with other"):
        both.models.promote("other")
    assert both.models.promoted() is None
    both.models.promote("test")
    both.models.promote("other", allow_missing=True)


def test_a_model_known_by_its_embeddings_only_is_not_promoted(gallery: Gallery, tmp_path: Path) -> None:
    store(gallery, 1, make_tracklets(1, 3))
    known = gallery.models.find("test")
    assert (known.folder, known.videos, known.tracklets) == (None, 1, 3)
    assert gallery.models.locate("test") == "test", "the gallery cannot say where it lies"
    with pytest.raises(Conflict, match="import it"):
        gallery.models.promote("test")
    gallery.models.add(MODEL, folder(tmp_path, "test"))
    assert gallery.models.promote("test").videos == 1


def test_removing_takes_files_and_vectors(both: Gallery) -> None:
    store(both, 1, make_tracklets(1, 3))
    store(both, 1, make_tracklets(1, 3), model=OTHER)
    both.models.promote("test")
    with pytest.raises(Conflict, match="is promoted"):
        both.models.remove("test")
    exported = [both.models.exported / model.id / "versions" for model in (MODEL, OTHER)]
    for made in exported:
        made.mkdir(parents=True)
    removed = both.models.remove("other")
    assert [made.exists() for made in exported] == [True, False], "what was made of it goes too"
    assert removed.folder is not None
    assert not removed.folder.exists()
    assert searchable(both, OTHER) == 0
    assert searchable(both, MODEL) == 3
    assert len(list((both.data_dir / "segments").iterdir())) == 1
    assert both.verify().problems == ()
    with pytest.raises(NotFound):
        both.models.find("other")


def test_a_model_that_alone_knows_a_video_is_not_removed(both: Gallery) -> None:
    store(both, 1, make_tracklets(1, 3))
    with pytest.raises(Conflict, match="1 recordings are indexed with this model only"):
        both.models.remove("test")
    assert searchable(both, MODEL) == 3


def test_rolling_back_passes_over_removed_models(both: Gallery) -> None:
    both.models.promote("test")
    both.models.promote("other")
    both.models.remove("test")
    assert both.models.rollback() is None


def test_the_sweep_removes_files_without_a_row(both: Gallery, tmp_path: Path) -> None:
    orphan = both.data_dir / "models" / ("d" * 64)
    orphan.mkdir()
    (orphan / "card.json").write_text("{}")
    assert both.sweep().models == 1
    assert not orphan.exists()
    assert both.models.find("other").folder is not None
    assert len(list((both.data_dir / "models").iterdir())) == 2


def test_a_changed_file_is_found(both: Gallery) -> None:
    found = both.models.find("other").folder
    assert found is not None
    (found / "card.json").write_text("[]")
    assert both.verify().problems == ("card.json of model other is not what was added",)


def test_a_backup_holds_models(both: Gallery, tmp_path: Path) -> None:
    both.models.promote("other")
    both.back_up(tmp_path / "backup")
    settings = GallerySettings(data_dir=tmp_path / "restored", database_url=None)
    Gallery.restore(settings, tmp_path / "backup")
    with Gallery.open(settings) as restored:
        now = restored.models.promoted()
        assert now is not None
        assert now.name == "other"
        assert now.folder is not None
        assert (now.folder / "card.json").exists()
        assert restored.verify().problems == ()


def test_of_two_who_promote_at_once_one_comes_second(both: Gallery) -> None:
    failed: list[Exception] = []

    def promote() -> None:
        try:
            both.models.promote("other")
        except Conflict as error:
            failed.append(error)

    threads = [threading.Thread(target=promote) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(failed) == 3
    assert len(both.models.promotions()) == 1


def test_a_gallery_stays_with_the_shipped_model_that_it_was_made_with(gallery: Gallery) -> None:
    new_default = {"new": "f" * 64, MODEL.name: MODEL.id, OTHER.name: OTHER.id}
    assert gallery.models.settled(new_default) is None, "an empty gallery takes the default"
    store(gallery, "1", make_tracklets(1, 1))
    assert gallery.models.settled(new_default) == MODEL.name
    assert gallery.models.settled({"new": "f" * 64}) is None, "it is none that the program could load"
    assert gallery.models.settled({MODEL.name: MODEL.id, "new": "f" * 64}) is None, "it is the default itself"
    store(gallery, "2", make_tracklets(2, 1), model=OTHER)
    store(gallery, "3", make_tracklets(3, 1), model=OTHER)
    assert gallery.models.settled(new_default) == OTHER.name, "most videos are embedded with it"
    store(gallery, "4", make_tracklets(4, 1), model=ModelInfo(id="f" * 64, name="new", dimension=16, card={}))
    assert gallery.models.settled(new_default) is None, "it holds embeddings of the default"

"""Folders of adaptations: one process at a time, and gone when a recording that they show is erased."""

import subprocess
import sys
from pathlib import Path

import pytest

from gallery.errors import Conflict, InvalidInput
from gallery.gallery import Gallery
from gallery.records.videos import ModelInfo
from tests.gallery.making import make_tracklets, store

HOLD = """
import sys
from pathlib import Path
from gallery import Gallery, GallerySettings
with Gallery.open(GallerySettings(data_dir=Path(sys.argv[1]), database_url=sys.argv[2])) as gallery:
    with gallery.adaptations.work("ours") as folder:
        (folder / "crops.bin").write_bytes(b"people")
        gallery.adaptations.shows(folder, sys.argv[3:])
        print("held", flush=True)
        sys.stdin.readline()
"""


@pytest.mark.long
def test_one_process_at_a_time_and_no_longer_than_its_recordings(gallery: Gallery) -> None:
    video, other = (store(gallery, name, make_tracklets(n, 1)) for n, name in enumerate("ab"))
    url = gallery._database.engine.url.render_as_string(hide_password=False)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(gallery.data_dir), url, video.id],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    folder = gallery.adaptations.folder("ours")
    with pytest.raises(Conflict, match="adapts ours already"), gallery.adaptations.work("ours"):
        pass
    gallery.erase_video(video.id)
    assert folder.exists()  # in use
    holder.communicate("\n")
    assert holder.returncode == 0
    assert not folder.exists()
    with gallery.adaptations.work("theirs") as theirs:
        gallery.adaptations.shows(theirs, [other.id])
        (theirs / "videos.json.part").write_bytes(b"")
    gallery.sweep()
    assert theirs.exists()
    (theirs / "videos.json").write_bytes(b"{")  # whose pictures these are, nobody knows
    gallery.sweep()
    assert not theirs.exists()


@pytest.mark.parametrize("name", ["", "..", "../up", "a/b", "a\0", "A", "a" * 65, ".hidden", "-x"])
def test_what_no_name_can_be(sqlite_gallery: Gallery, name: str) -> None:
    with pytest.raises(InvalidInput):
        sqlite_gallery.adaptations.folder(name)


def test_a_model_remembers_which_recordings_were_erased(gallery: Gallery, tmp_path: Path) -> None:
    kept, erased, earlier = (store(gallery, name, make_tracklets(n, 1)) for n, name in enumerate("abc"))
    gallery.erase_video(earlier.id)
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "weights").write_bytes(b"w")
    ours = ModelInfo("c" * 64, "ours", 16, {"name": "ours"})
    learnt = [kept.id, erased.id, earlier.id]
    added = gallery.models.add(ours, tmp_path / "m", learnt_from=learnt)
    assert (added.learnt_from, added.erased) == (3, 1)
    again = gallery.models.add(ours, tmp_path / "m", learnt_from=learnt)
    assert again == added
    gallery.erase_video(erased.id)
    found = gallery.models.find("ours")
    assert (found.learnt_from, found.erased) == (3, 2)
    store(gallery, "b", make_tracklets(1, 1))  # the same recording again: the model was not made anew
    assert gallery.models.find("ours").erased == 2
    gallery.models.remove("ours")
    assert [model.name for model in gallery.models.all()] == ["test"]

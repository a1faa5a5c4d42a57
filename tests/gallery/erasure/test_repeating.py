"""What was erased after a backup does not come back with it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gallery import GallerySettings, read_certificates
from gallery.errors import InvalidInput
from gallery.gallery import Gallery
from gallery.records.erasure import ErasureKind, ErasureTarget, HoldKind
from tests.gallery.erasure.test_erasure import recordings, searched, stretch, tracklets, visible
from tests.gallery.making import make_tracklets, store


@pytest.fixture
def kept(sqlite_gallery: Gallery, tmp_path: Path) -> Path:
    """A folder into which the gallery writes its certificates."""
    sqlite_gallery.erasures.folder = tmp_path / "certificates"
    return tmp_path / "certificates"


@contextmanager
def restored(tmp_path: Path, name: str = "restored") -> Iterator[Gallery]:
    """The gallery of the backup, in another folder."""
    settings = GallerySettings(data_dir=tmp_path / name, database_url=None)
    Gallery.restore(settings, tmp_path / "backup")
    with Gallery.open(settings) as gallery:
        yield gallery


@pytest.mark.long
def test_a_restore_repeats_what_was_erased_after_the_backup(
    sqlite_gallery: Gallery, kept: Path, tmp_path: Path
) -> None:
    gallery = sqlite_gallery
    whole, part, cut, left = (store(gallery, name, make_tracklets(name, 4)) for name in range(4))
    search = searched(gallery, [f"{part.id}-0"])
    case = gallery.cases.add("theft")
    gallery.erasures.erase(tracklets(f"{left.id}-3"))  # before the backup
    gallery.back_up(tmp_path / "backup")
    later = store(gallery, "later", make_tracklets(9, 2))
    person = ErasureTarget(kind=ErasureKind.PERSON, ids=[f"{part.id}-1"], search_id=search.id)
    gallery.erasures.erase(recordings(whole))
    gallery.erasures.erase(person)
    gallery.erasures.erase(tracklets(f"{part.id}-2"))  # from what the one before has left
    gallery.correct_video(cut.id, start_time=cut.start_time.replace(hour=3))  # its offsets stay
    gallery.erasures.erase(stretch(-9 * 3600, -9 * 3600 + 15))
    gallery.erasures.erase(ErasureTarget(kind=ErasureKind.CASES, ids=[case.id]))
    gallery.erasures.erase(recordings(later))
    gone = visible(gallery)

    with restored(tmp_path) as again:
        assert visible(again) != gone, "the backup has it all"
        done = again.erasures.repeat(read_certificates([kept]))
        assert (len(done.erased), done.known, done.absent, list(done.held)) == (5, 1, 1, [])
        assert visible(again) == gone
        assert again.cases.list() == []
        again.compact()
        assert again.verify().problems == ()
        for erasure in done.erased:
            info = again.erasures.certificates.get(erasure)
            assert info.proof is not None
            assert info.proof.holds
        assert len(again.erasures.repeat(read_certificates([kept])).erased) == 0, "nothing twice"
        again.erasures.folder = kept
        again.erasures.keep_certificates()
    with restored(tmp_path, "once more") as again:  # its folder has the first certificates and the repeated
        assert len(again.erasures.repeat(read_certificates([kept])).erased) == 5
        assert visible(again) == gone


def test_what_cannot_be_told_apart_goes_whole(sqlite_gallery: Gallery, kept: Path, tmp_path: Path) -> None:
    """The recording was indexed anew in between: its numbers are other people's."""
    gallery = sqlite_gallery
    video = store(gallery, 1, make_tracklets(1, 4))
    gallery.back_up(tmp_path / "backup")
    gallery.erase_video(video.id)
    for file in kept.iterdir():
        file.unlink()
    store(gallery, 1, make_tracklets(2, 4))
    gallery.erasures.erase(tracklets(f"{video.id}-0"))

    with restored(tmp_path) as again:
        assert len(again.erasures.repeat(read_certificates([kept])).erased) == 1
        assert visible(again) == set()


def test_of_legal_holds_those_win_that_were_put_on_since(
    sqlite_gallery: Gallery, kept: Path, tmp_path: Path
) -> None:
    gallery = sqlite_gallery
    first, second = (store(gallery, name, make_tracklets(name, 2)) for name in (1, 2))
    hold = gallery.holds.put(kind=HoldKind.RECORDING, video_id=first.id, reason="a trial")
    gallery.back_up(tmp_path / "backup")
    gallery.holds.lift(hold.id, reason="it is over")
    gallery.erasures.erase(recordings(first))
    gallery.erasures.erase(recordings(second))

    with restored(tmp_path) as again:
        again.holds.put(kind=HoldKind.RECORDING, video_id=second.id, reason="another trial")
        done = again.erasures.repeat(read_certificates([kept]))
        assert len(done.erased) == 1
        assert list(done.held) == [gallery.erasures.certificates.ids()[1]]
        assert visible(again) == {f"{second.id}-0", f"{second.id}-1"}


@pytest.mark.parametrize(
    "change",
    [
        lambda one: {},
        lambda one: [one],
        lambda one: one | {"certificate_sha256": "0" * 64},
        lambda one: one | {"certificate": one["certificate"] | {"at": "2999-01-01T00:00:00+00:00"}},
        lambda one: one | {"certificate": one["certificate"] | {"erased": {"recordings": [1]}}},
        lambda one: one | {"certificate": one["certificate"] | {"target": []}},
        lambda one: one | {"certificate": None},
    ],
)
def test_a_certificate_that_was_changed_is_refused(
    sqlite_gallery: Gallery, kept: Path, tmp_path: Path, change: Any
) -> None:
    sqlite_gallery.erasures.erase(recordings(store(sqlite_gallery, 1, make_tracklets(1, 1))))
    (file,) = kept.iterdir()
    assert len(read_certificates([file])) == 1
    file.write_text(json.dumps(change(json.loads(file.read_text()))))
    for place in (file, kept, tmp_path / "nothing"):
        with pytest.raises(InvalidInput):
            read_certificates([place])
